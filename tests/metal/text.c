/* SPDX-License-Identifier: Apache-2.0 */
/* text PROGRAM ENTRY: prints the text that a device's compiler is given. PROGRAM "-": there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/text.h"

int main(int count, char **arguments)
{
	struct wn_error error = {0};
	char *text = NULL;

	if (count < 3)
		return 2;
	if (wn_device_text_make(strcmp(arguments[1], "-") ? arguments[1] : NULL, arguments[2], &text, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	fputs(text, stdout);
	free(text);
	return 0;
}
