/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cuda/worker.h"

#include <unistd.h>

int wn_cuda_worker_check(struct wn_cuda_worker *worker, CUresult result, const char *what)
{
	if (result == CUDA_SUCCESS)
		return 0;
	return wn_team_fail(&worker->team, "%s: %s: %s", what,
				   wn_cuda_error_name(worker->driver, result),
				   wn_cuda_error_text(worker->driver, result));
}

int main(int count, char **arguments)
{
	static struct wn_cuda_worker worker;

	(void)arguments;
	if (wn_team_begin(&worker.team, count, "warpnic-cuda-worker"))
		return WN_USAGE;
	if (wn_team_open_rings(&worker.team) || wn_cuda_worker_setup(&worker) || wn_team_wait_go(&worker.team) ||
	    wn_cuda_worker_take_over(&worker) || wn_cuda_worker_run(&worker) ||
	    wn_cuda_worker_hand_over(&worker)) {
		wn_team_say(&worker.team, WN_TEAM_FAILED);
		_exit(WN_FAILED);
	}
	wn_team_say(&worker.team, WN_TEAM_ENDED);
	/* Not exit: the driver's own end of the process is quicker and leaves nothing behind. */
	_exit(WN_OK);
}
