/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warpnic inside another program: counts what arrives on a UDP port for some seconds.
 *
 *     cc embed.c $(pkg-config --cflags --libs warpnic) -o embed && ./embed 9000 10
 */
#include <stdio.h>
#include <stdlib.h>
#include <warpnic/warpnic.h>

/* Called by the runtime's threads for each record that the program delivers. */
static int on_delivery(void *context, const struct wn_delivery *delivery)
{
	(void)context;
	printf("packet %u: %u bytes\n", delivery->index, delivery->length);
	return 0;
}

static void on_log(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv)
{
	const int seconds = argc > 2 ? atoi(argv[2]) : 5;
	struct wn_runtime_params params = {
		.program = "capture",
		.link_count = 1,
		.deliver = on_delivery,
		.log = on_log,
	};
	struct wn_error error = {0};
	struct wn_counters counters;
	struct wn_runtime *runtime;
	char link[64];

	snprintf(link, sizeof(link), "udp:127.0.0.1:%s", argc > 1 ? argv[1] : "9000");
	params.links[0] = link;
	runtime = wn_runtime_create(&params, &error);
	if (!runtime || wn_runtime_start(runtime, &error)) {
		fprintf(stderr, "%s\n", error.text);
		wn_runtime_destroy(runtime);
		return error.status;
	}
	wn_runtime_wait(runtime, (unsigned int)seconds * 1000);
	wn_runtime_stop(runtime);
	wn_runtime_snapshot(runtime, &counters);
	printf("received %llu, delivered %llu, sum %s\n", (unsigned long long)counters.received,
	       (unsigned long long)counters.delivered,
	       wn_counters_difference(&counters) ? "WRONG" : "right");
	wn_runtime_destroy(runtime);
	return 0;
}
