/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/check_tokens.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct scanner {
	const char *at, *line_start;
	uint32_t line;
	uint8_t in_directive;
};

static void new_line(struct scanner *scanner)
{
	scanner->at++;
	scanner->line++;
	scanner->line_start = scanner->at;
}

/* Passes over blanks, comments and line ends; a line end behind a backslash does not end a directive. */
static void skip_blanks(struct scanner *scanner)
{
	for (;;) {
		const char *at = scanner->at;

		if (at[0] == '\\' && at[1] == '\n') {
			scanner->at++;
			new_line(scanner);
		} else if (*at == '\n') {
			new_line(scanner);
			scanner->in_directive = 0;
		} else if (isspace((unsigned char)*at)) {
			scanner->at++;
		} else if (at[0] == '/' && at[1] == '/') {
			scanner->at += strcspn(at, "\n");
		} else if (at[0] == '/' && at[1] == '*') {
			for (scanner->at += 2; *scanner->at && strncmp(scanner->at, "*/", 2);)
				if (*scanner->at == '\n')
					new_line(scanner);
				else
					scanner->at++;
			scanner->at += *scanner->at ? 2 : 0;
		} else {
			return;
		}
	}
}

static int is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static uint32_t quoted_length(const char *text)
{
	uint32_t length = 1;

	while (text[length] && text[length] != '\n' && text[length] != text[0])
		length += text[length] == '\\' && text[length + 1] ? 2 : 1;
	return length + (text[length] == text[0]);
}

static uint32_t word_length(const char *text)
{
	uint32_t length = 1;

	while (is_word(text[length]))
		length++;
	return length;
}

static uint32_t number_length(const char *text)
{
	uint32_t length = 1;

	while (is_word(text[length]) || text[length] == '.' ||
	       ((text[length] == '+' || text[length] == '-') && strchr("eEpP", text[length - 1]) &&
		text[1] != 'x' && text[1] != 'X'))
		length++;
	return length;
}

static void classify(struct wn_token *token)
{
	const char c = token->text[0];

	if (c == '"' || c == '\'') {
		token->kind = WN_TOKEN_STRING;
		token->length = quoted_length(token->text);
	} else if (isdigit((unsigned char)c)) {
		token->kind = WN_TOKEN_NUMBER;
		token->length = number_length(token->text);
	} else if (is_word(c)) {
		token->kind = WN_TOKEN_NAME;
		token->length = word_length(token->text);
	} else {
		token->kind = WN_TOKEN_SIGN;
		token->length = strncmp(token->text, "->", 2) ? 1 : 2;
	}
}

static int add(struct wn_tokens *tokens, const struct wn_token *token)
{
	if (tokens->count == tokens->room) {
		const uint32_t room = tokens->room ? 2 * tokens->room : 1024;
		struct wn_token *moved = realloc(tokens->list, room * sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		tokens->list = moved;
		tokens->room = room;
	}
	tokens->list[tokens->count++] = *token;
	return 0;
}

int wn_tokens_make(struct wn_tokens *tokens, const char *source)
{
	struct scanner scanner = {source, source, 1, 0};

	memset(tokens, 0, sizeof(*tokens));
	for (;;) {
		struct wn_token token = {0};
		uint32_t last_line = tokens->count ? tokens->list[tokens->count - 1].line : 0;

		skip_blanks(&scanner);
		if (!*scanner.at)
			return 0;
		token.text = scanner.at;
		token.line = scanner.line;
		token.column = (uint32_t)(scanner.at - scanner.line_start) + 1;
		if (*scanner.at == '#' && token.line != last_line)
			scanner.in_directive = 1;
		token.in_directive = scanner.in_directive;
		classify(&token);
		scanner.at += token.length;
		if (add(tokens, &token))
			return -ENOMEM;
	}
}

void wn_tokens_free(struct wn_tokens *tokens)
{
	free(tokens->list);
	memset(tokens, 0, sizeof(*tokens));
}

int wn_token_is(const struct wn_tokens *tokens, uint32_t i, const char *text)
{
	return i < tokens->count && strlen(text) == tokens->list[i].length &&
	       !strncmp(tokens->list[i].text, text, tokens->list[i].length);
}

uint32_t wn_tokens_behind(const struct wn_tokens *tokens, uint32_t i)
{
	uint32_t depth = 0;

	for (; i < tokens->count; i++) {
		const struct wn_token *token = &tokens->list[i];

		if (token->kind != WN_TOKEN_SIGN)
			continue;
		if (strchr("([{", token->text[0]))
			depth++;
		else if (strchr(")]}", token->text[0]) && --depth == 0)
			return i + 1;
		if (!depth)
			return i + 1;
	}
	return tokens->count;
}
