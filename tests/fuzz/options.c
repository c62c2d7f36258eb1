/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the text of a link, and an address. */
#include <stdlib.h>
#include <string.h>

#include "link/address.h"
#include "link/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wn_option table[] = {
	{"number", WN_OPTION_NUMBER, 1, 1000000, NULL, "5", "a number", 0},
	{"size", WN_OPTION_SIZE, 0, UINT64_MAX, NULL, NULL, "a size", 0},
	{"choice", WN_OPTION_CHOICE, 0, 0, "one|two|three", "two", "a choice", 0},
	{"text", WN_OPTION_TEXT, 0, 0, NULL, NULL, "a text", 1},
	{0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wn_error error = {0};
	struct wn_options options;
	union wn_address address;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (wn_options_init(&options, table, "fuzz link", text, &error) == 0) {
		const uint64_t number = wn_options_number(&options, "number");

		if (number < 1 || number > 1000000 || wn_options_number(&options, "choice") > 2)
			abort();
	} else if (!error.text[0] || error.status == WN_OK) {
		abort(); /* refused without a word */
	}
	/* Only numeric hosts: a name would go to the resolver. */
	if (strspn(text, "0123456789abcdef.:[]*") == size && size < 64)
		wn_address_parse(&address, text, &error);
	wn_options_finish(&options);
	free(text);
	return 0;
}
