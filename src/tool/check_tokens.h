/* SPDX-License-Identifier: Apache-2.0 */
/* The words and signs of a C source, without comments. Nothing is preprocessed. */
#ifndef WN_TOOL_CHECK_TOKENS_H
#define WN_TOOL_CHECK_TOKENS_H

#include <stdint.h>

enum wn_token_kind {
	WN_TOKEN_NAME,
	WN_TOKEN_NUMBER,
	WN_TOKEN_STRING,    /* with its quotes; or a character */
	WN_TOKEN_SIGN       /* one character, or -> */
};

struct wn_token {
	enum wn_token_kind kind;
	uint8_t in_directive;   /* belongs to a line that begins with # */
	const char *text;       /* not ended by a zero: `length` bytes */
	uint32_t length;
	uint32_t line, column;  /* from 1 */
};

struct wn_tokens {
	struct wn_token *list;
	uint32_t count, room;
};

/* Splits the source, which must live as long. 0 or -ENOMEM. Free it in both cases. */
int wn_tokens_make(struct wn_tokens *tokens, const char *source);
void wn_tokens_free(struct wn_tokens *tokens);

/* Whether token i is there and is this text. */
int wn_token_is(const struct wn_tokens *tokens, uint32_t i, const char *text);

/* Token i is an opening bracket: the token behind its closing one, or the count where there is none. */
uint32_t wn_tokens_behind(const struct wn_tokens *tokens, uint32_t i);

#endif
