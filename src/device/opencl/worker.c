/* SPDX-License-Identifier: Apache-2.0 */
#include "device/opencl/worker.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * `warpnic-opencl-worker list`: a line a device, fields with tabs between them: usable, modes, name, note. Nothing
 * and a line on stderr where there is none.
 */
static int list_devices(void)
{
	struct wn_error error = {0};
	const struct wn_cl *cl = wn_cl_open(&error);
	struct wn_cl_device device;
	int count = 1;

	for (int i = 0; cl && i < count; i++) {
		count = wn_cl_device_find(cl, (uint32_t)i, &device, &error);
		if (count <= 0)
			break;
		printf("%d\t%s\t%s, %s, %u compute unit%s\t", !device.missing[0],
		       device.missing[0] ? "-" : device.no_polling[0] ? "batch" : "resident, lease, batch", device.name,
		       device.platform, device.units, device.units == 1 ? "" : "s");
		if (device.missing[0])
			printf("it lacks %s\n", device.missing);
		else if (device.no_polling[0])
			printf("%s: batch mode only\n", device.no_polling);
		else
			printf("-\n");
	}
	if (!cl || count <= 0)
		printf("0\t-\t-\t%s\n", error.text);
	fflush(stdout);
	/* Not exit: drivers have handlers there that need not come back. */
	_exit(WN_OK);
}

int main(int count, char **arguments)
{
	static struct wn_cl_worker worker;

	if (count == 2 && !strcmp(arguments[1], "list"))
		return list_devices();
	if (wn_team_begin(&worker.team, count, "warpnic-opencl-worker"))
		return WN_USAGE;
	if (wn_team_open_rings(&worker.team) || wn_cl_setup(&worker) || wn_team_wait_go(&worker.team) ||
	    wn_cl_take_over(&worker) || wn_cl_run(&worker) || wn_cl_hand_over(&worker)) {
		wn_team_say(&worker.team, WN_TEAM_FAILED);
		_exit(WN_FAILED);
	}
	wn_team_say(&worker.team, WN_TEAM_ENDED);
	/* Not exit: drivers have handlers there that need not come back. */
	_exit(WN_OK);
}
