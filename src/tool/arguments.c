/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/arguments.h"

#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "link/options.h"
#include "tool/tool.h"

/* Codes that getopt_long returns for our options: place in the table above these. */
enum { FIRST_VALUE = 256, HELP_VALUE = 255, FIRST_OTHER = FIRST_VALUE + WN_ARGUMENTS_MAX };

static uint32_t count_arguments(const struct wn_command *command)
{
	uint32_t count = 0;

	while (command->arguments && command->arguments[count].code)
		count++;
	assert(count <= WN_ARGUMENTS_MAX);
	return count;
}

/* Whether getopt_long knows the name, or takes it for the beginning of one. */
static int is_known(const struct wn_command *command, const char *name, size_t length)
{
	for (const struct wn_argument *a = command->arguments; a && a->code; a++)
		if (!strncmp(a->name, name, length))
			return 1;
	return !strncmp("help", name, length);
}

/* Names of long options that are in no table: getopt_long must be told beforehand that they take a value. */
static void find_others(struct wn_arguments *arguments)
{
	for (int i = 1; i < arguments->argc && arguments->other_count < WN_OTHERS_MAX; i++) {
		const char *word = arguments->argv[i];
		const size_t length = strncmp(word, "--", 2) ? 0 : strcspn(word + 2, "=");

		if (!strcmp(word, "--"))
			break;
		if (!length || length >= WN_OTHER_NAME_BYTES || is_known(arguments->command, word + 2, length))
			continue;
		memcpy(arguments->others[arguments->other_count++], word + 2, length);
	}
}

void wn_arguments_init(struct wn_arguments *arguments, const struct wn_command *command, int argc,
		       char **argv)
{
	memset(arguments, 0, sizeof(*arguments));
	arguments->command = command;
	arguments->argc = argc;
	arguments->argv = argv;
	arguments->text = "";
	optind = 0; /* glibc: forget an earlier parse wholly */
	opterr = 0; /* the messages are ours */
	if (command->others)
		find_others(arguments);
}

/* What getopt_long wants, made from the table. */
struct getopt_tables {
	struct option longs[WN_ARGUMENTS_MAX + WN_OTHERS_MAX + 2];
	char shorts[2 * WN_ARGUMENTS_MAX + 4];
};

static void make_getopt_tables(const struct wn_arguments *arguments, struct getopt_tables *tables)
{
	const struct wn_command *command = arguments->command;
	uint32_t count = count_arguments(command);
	char *letter = tables->shorts;

	*letter++ = ':'; /* tell a missing value from an unknown option */
	for (uint32_t i = 0; i < count; i++) {
		const struct wn_argument *argument = &command->arguments[i];
		const int takes = argument->type != WN_ARGUMENT_FLAG;

		tables->longs[i] = (struct option){argument->name, takes, NULL, FIRST_VALUE + (int)i};
		if (!argument->letter)
			continue;
		*letter++ = argument->letter;
		if (takes)
			*letter++ = ':';
	}
	for (uint32_t i = 0; i < arguments->other_count; i++)
		tables->longs[count++] = (struct option){arguments->others[i], required_argument, NULL,
							 FIRST_OTHER + (int)i};
	tables->longs[count] = (struct option){"help", no_argument, NULL, HELP_VALUE};
	tables->longs[count + 1] = (struct option){NULL, 0, NULL, 0};
	*letter++ = 'h';
	*letter = '\0';
}

static const struct wn_argument *find_argument(const struct wn_command *command, int value)
{
	if (value >= FIRST_OTHER)
		return command->others;
	if (value >= FIRST_VALUE)
		return &command->arguments[value - FIRST_VALUE];
	for (uint32_t i = 0; i < count_arguments(command); i++)
		if (command->arguments[i].letter == value)
			return &command->arguments[i];
	return NULL;
}

static const char *name_of(const struct wn_arguments *arguments, const struct wn_argument *argument, int value)
{
	return value >= FIRST_OTHER ? arguments->others[value - FIRST_OTHER] : argument->name;
}

static int stop(struct wn_arguments *arguments, int status)
{
	arguments->status = status;
	return -1;
}

static int is_choice(struct wn_arguments *arguments)
{
	const char *word = arguments->argument->choices;
	const size_t length = strlen(arguments->text);

	for (arguments->number = 0; word; arguments->number++) {
		const char *bar = strchr(word, '|');
		const size_t word_length = bar ? (size_t)(bar - word) : strlen(word);

		if (word_length == length && !strncmp(word, arguments->text, length))
			return 1;
		word = bar ? bar + 1 : NULL;
	}
	return 0;
}

static int is_real(struct wn_arguments *arguments)
{
	const char *text = arguments->text;
	char *end;

	/* strtod also takes " 1", "0x1", "inf" and "nan", which nobody means. */
	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return 0;
	if (strspn(text, "0123456789.eE+-") != strlen(text))
		return 0;
	arguments->real = strtod(text, &end);
	return end != text && !*end;
}

/* "from 1 to 65535", "1 or more", ... */
static void describe_range(const struct wn_argument *argument, char *text, size_t bytes)
{
	if (argument->maximum)
		snprintf(text, bytes, "from %llu to %llu", (unsigned long long)argument->minimum,
			 (unsigned long long)argument->maximum);
	else
		snprintf(text, bytes, "%llu or more", (unsigned long long)argument->minimum);
}

static int check_value(struct wn_arguments *arguments)
{
	const struct wn_argument *argument = arguments->argument;
	const int is_size = argument->type == WN_ARGUMENT_SIZE;
	double value = 0;
	char range[80];

	switch (argument->type) {
	case WN_ARGUMENT_FLAG:
	case WN_ARGUMENT_TEXT:
		return 0;
	case WN_ARGUMENT_CHOICE:
		if (is_choice(arguments))
			return 0;
		return wn_tool_usage(arguments->command, "--%s '%s': unknown; it is one of: %s",
				     argument->name, arguments->text, argument->choices);
	case WN_ARGUMENT_NUMBER:
	case WN_ARGUMENT_SIZE:
		if (wn_parse_number(arguments->text, is_size, &arguments->number))
			return wn_tool_usage(arguments->command,
					     "--%s '%s': not a whole number (suffix k, m or g)",
					     argument->name, arguments->text);
		value = (double)arguments->number;
		break;
	case WN_ARGUMENT_REAL:
		if (!is_real(arguments))
			return wn_tool_usage(arguments->command, "--%s '%s': not a number",
					     argument->name, arguments->text);
		value = arguments->real;
		break;
	}
	describe_range(argument, range, sizeof(range));
	if (value < (double)argument->minimum ||
	    (argument->maximum && value > (double)argument->maximum))
		return wn_tool_usage(arguments->command, "--%s '%s': out of range; it is %s",
				     argument->name, arguments->text, range);
	return 0;
}

/* getopt gives the word it choked on only by place: the one before optind, or a letter. */
static const char *offending_word(const struct wn_arguments *arguments, char *letter)
{
	if (optopt && optopt < FIRST_VALUE && optopt != HELP_VALUE) {
		letter[0] = '-';
		letter[1] = (char)optopt;
		letter[2] = '\0';
		return letter;
	}
	return optind > 0 ? arguments->argv[optind - 1] : "";
}

int wn_arguments_next(struct wn_arguments *arguments)
{
	const struct wn_command *command = arguments->command;
	struct getopt_tables tables;
	char letter[3];
	int value, status;

	make_getopt_tables(arguments, &tables);
	value = getopt_long(arguments->argc, arguments->argv, tables.shorts, tables.longs, NULL);
	if (value == -1) {
		arguments->operand = optind;
		return 0;
	}
	if (value == HELP_VALUE || value == 'h') {
		wn_command_help(command, arguments->argc, arguments->argv, stdout);
		return stop(arguments, wn_tool_finish_output(command, WN_OK));
	}
	if (value == ':') {
		const struct wn_argument *argument = find_argument(command, optopt);

		return stop(arguments, wn_tool_usage(command, "--%s needs a value (%s): %s",
						     name_of(arguments, argument, optopt), argument->value,
						     argument->help));
	}
	if (value == '?' && optopt >= HELP_VALUE)
		return stop(arguments, wn_tool_usage(command, "option '%s' takes no value",
						     arguments->argv[optind - 1]));
	if (value == '?')
		return stop(arguments, wn_tool_usage(command, "unknown or ambiguous option '%s'",
						     offending_word(arguments, letter)));
	arguments->argument = find_argument(command, value);
	arguments->name = name_of(arguments, arguments->argument, value);
	arguments->text = optarg ? optarg : "";
	status = check_value(arguments);
	return status ? stop(arguments, status) : arguments->argument->code;
}
