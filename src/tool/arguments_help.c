/* SPDX-License-Identifier: Apache-2.0 */
/* The --help text and the completion's words, from the same tables. */
#include <string.h>

#include "tool/tool.h"

enum { HELP_COLUMN = 28, HELP_WIDTH = 92 };

/* Prints words from HELP_COLUMN on, wrapped and indented to it. */
static void print_wrapped(const char *text, FILE *file)
{
	int column = HELP_COLUMN;

	while (*text) {
		const int word = (int)strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + word > HELP_WIDTH)
			column = fprintf(file, "\n%*s", HELP_COLUMN, "") - 1;
		else if (column > HELP_COLUMN)
			column += fprintf(file, " ");
		column += fprintf(file, "%.*s", word, text);
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', file);
}

void wn_help_option(char letter, const char *name, const char *value, const char *help, FILE *file)
{
	int column = letter ? fprintf(file, "  -%c, ", letter) : fprintf(file, "      ");

	column += fprintf(file, "--%s%s%s", name, value ? " " : "", value ? value : "");
	if (column > HELP_COLUMN - 2) {
		fputc('\n', file);
		column = 0;
	}
	fprintf(file, "%*s", HELP_COLUMN - column, "");
	print_wrapped(help, file);
}

void wn_help_heading(const char *text, FILE *file)
{
	const int bold = wn_tool_has_colour(file);

	fprintf(file, "\n%s%s%s\n", bold ? "\033[1m" : "", text, bold ? "\033[0m" : "");
}

static void print_indented(const char *text, FILE *file)
{
	while (*text) {
		const size_t line = strcspn(text, "\n");

		fprintf(file, "%s%.*s\n", line ? "  " : "", (int)line, text);
		text += line;
		if (*text)
			text++;
	}
}

void wn_command_help(const struct wn_command *command, int argc, char **argv, FILE *file)
{
	fprintf(file, "Usage: warpnic %s%s%s\n%s\n", command->name, command->operands[0] ? " " : "",
		command->operands, command->summary);
	wn_help_heading("Options:", file);
	for (const struct wn_argument *a = command->arguments; a && a->code; a++)
		wn_help_option(a->letter, a->name,
			       a->type == WN_ARGUMENT_CHOICE ? a->choices : a->value, a->help, file);
	wn_help_option('h', "help", NULL, "print this and end", file);
	if (command->more_help)
		command->more_help(argc, argv, file);
	if (command->notes) {
		wn_help_heading("Notes:", file);
		print_indented(command->notes, file);
	}
	wn_help_heading("Examples:", file);
	print_indented(command->examples, file);
}

void wn_command_words(const struct wn_command *command, FILE *file)
{
	for (const struct wn_argument *a = command->arguments; a && a->code; a++) {
		const char letter[] = {'-', a->letter, '\0'};

		fprintf(file, "--%s\t%s\t%s\t%s\n", a->name, letter, a->value ? a->value : "-",
			a->choices ? a->choices : "-");
	}
	fputs("--help\t-h\t-\t-\n", file);
}
