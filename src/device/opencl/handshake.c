/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test before a mode is chosen (device/opencl/selftest.h). Through SVM: a kernel answers message after message; one
 * that waits too long for the next ends, and is launched again. Both a device that never sees the host's
 * words while a kernel runs and one that runs kernels inside the call that queues them come to their end
 * without an answer. Whatever does not even do that is ended from outside (WN_TEAM_TRYING, device/team/team.h).
 */
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "device/opencl/worker.h"
#include "device/opencl/selftest.h"

enum {
	ROUNDS = 2000,
	ROUNDS_MIN = 200,               /* what a machine with other things to do must bring in time */
	SEEN_MIN = 4,                   /* and how many of them one launch must have seen */
	BUFFER_ROUNDS = 32,
	/*
	 * Looks of a kernel for one message: some tenths of a second. One takes nanoseconds on a processor, whose
	 * scheduler may have others to run meanwhile; and up to a microsecond across a bus.
	 */
	POLLS_CPU = 1 << 26,
	POLLS = 1 << 19
};

/* For all messages. A kernel that sees nothing comes to its end later than that only where it looks slowly. */
#define HANDSHAKE_NS (3 * WN_SECOND_NS)
/* Once there are enough. */
#define ENOUGH_NS (WN_SECOND_NS / 2)

static void fill_line(struct wn_cl_selftest *test, uint32_t round)
{
	for (uint32_t i = 0; i < WN_CL_SELFTEST_WORDS; i++)
		test->down[round % WN_CL_SELFTEST_LINES][i] = wn_cl_selftest_word(round, i);
	wn_store_release(&test->to_device, round);
}

static uint32_t check_line(const struct wn_cl_selftest *test, uint32_t round)
{
	uint32_t stale = 0;

	for (uint32_t i = 0; i < WN_CL_SELFTEST_WORDS; i++)
		stale += test->up[round % WN_CL_SELFTEST_LINES][i] != ~wn_cl_selftest_word(round, i);
	return stale;
}

static int launch(struct wn_cl_worker *worker, const struct wn_cl_argument memory, uint32_t first, uint32_t count,
		  uint32_t polls, cl_event *event)
{
	const struct wn_cl_argument arguments[] = {
		memory, {sizeof(first), &first}, {sizeof(count), &count}, {sizeof(polls), &polls}};

	if (wn_cl_arguments(worker, worker->handshake, arguments, 4) ||
	    wn_cl_enqueue(worker, worker->handshake, 1, event, "the handshake's kernel"))
		return -1;
	return 0;
}

/* Waits for the answer to `round`. 1, 0: the kernel has ended without it, -1: the driver failed, -2: time is over. */
static int wait_answer(struct wn_cl_worker *worker, const struct wn_cl_selftest *test, uint32_t round, cl_event event,
		       int64_t until_ns)
{
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, 2);
	while (wn_load_acquire((uint32_t *)(uintptr_t)&test->to_host) != round) {
		if (backoff.turns % 64 == 63) {
			const int rc = wn_cl_look_at(worker, event, "the handshake");

			if (rc < 0)
				return -1;
			if (rc && wn_load_acquire((uint32_t *)(uintptr_t)&test->to_host) != round)
				return 0;
			if (wn_clock_ns() > until_ns)
				return -2;
		}
		wn_backoff_wait(&backoff);
	}
	return 1;
}

/* Message after message; the kernel is launched again where it has ended. Returns as wn_cl_handshake_svm(). */
static int exchange(struct wn_cl_worker *worker, struct wn_cl_selftest *test, cl_event *event)
{
	struct wn_team_control *control = worker->team.control;
	const int64_t begin_ns = wn_clock_ns(), until_ns = begin_ns + HANDSHAKE_NS;
	const uint32_t polls = worker->device.is_cpu ? POLLS_CPU : POLLS;
	const struct wn_cl_argument memory = {0, test};
	uint32_t in_one = 0, longest = 0, round = 1;

	while (round <= ROUNDS &&
	       (round <= ROUNDS_MIN || longest < SEEN_MIN || wn_clock_ns() - begin_ns < ENOUGH_NS)) {
		int rc = 0;

		if (!*event) {
			in_one = 0;
			rc = launch(worker, memory, round, ROUNDS + 1 - round, polls, event);
			if (rc)
				return rc;
		}
		if (wn_load_relaxed(&test->to_device) != round)
			fill_line(test, round);
		rc = wait_answer(worker, test, round, *event, until_ns);
		if (rc == -1)
			return -1;
		if (rc == -2)
			break;
		if (rc == 0) {
			worker->cl->clReleaseEvent(*event);
			*event = NULL;
			if (wn_clock_ns() > until_ns)
				break;
			continue;
		}
		control->stale += check_line(test, round);
		control->rounds = round++;
		in_one++;
		longest = in_one > longest ? in_one : longest;
	}
	/* One message for each launch is what launches alone bring. */
	return control->rounds >= ROUNDS_MIN && !control->stale && longest >= SEEN_MIN;
}

int wn_cl_handshake_svm(struct wn_cl_worker *worker)
{
	const struct wn_cl *cl = worker->cl;
	struct wn_cl_selftest *test = cl->clSVMAlloc(
		worker->context, CL_MEM_READ_WRITE | CL_MEM_SVM_FINE_GRAIN_BUFFER | CL_MEM_SVM_ATOMICS, sizeof(*test), 0);
	cl_event event = NULL;
	int rc;

	if (!test)
		return 0;
	memset(test, 0, sizeof(*test));
	rc = exchange(worker, test, &event);
	/* A kernel that still waits is told, or comes to its end by itself. */
	wn_store_release(&test->to_device, WN_CL_SELFTEST_END);
	if (rc >= 0 && wn_cl_check(worker, cl->clFinish(worker->commands), "the end of the handshake"))
		rc = -1;
	if (event)
		cl->clReleaseEvent(event);
	if (rc > 0 && wn_load_acquire(&test->stale)) {
		worker->team.control->stale++;
		rc = 0;
	}
	cl->clSVMFree(worker->context, test);
	return rc;
}

/* A message a launch, through a buffer that the host writes before and reads behind it. */
int wn_cl_handshake_buffers(struct wn_cl_worker *worker)
{
	const struct wn_cl *cl = worker->cl;
	struct wn_team_control *control = worker->team.control;
	struct wn_cl_selftest test = {0};
	cl_int result;
	cl_mem memory = cl->clCreateBuffer(worker->context, CL_MEM_READ_WRITE, sizeof(test), NULL, &result);
	const struct wn_cl_argument argument = {sizeof(memory), &memory};

	control->rounds = control->stale = 0;
	if (wn_cl_check(worker, result, "clCreateBuffer"))
		return -1;
	for (uint32_t round = 1; round <= BUFFER_ROUNDS; round++) {
		fill_line(&test, round);
		if (wn_cl_check(worker, cl->clEnqueueWriteBuffer(worker->commands, memory, CL_TRUE, 0, sizeof(test), &test,
								 0, NULL, NULL), "clEnqueueWriteBuffer") ||
		    launch(worker, argument, round, 1, 1, NULL) ||
		    wn_cl_check(worker, cl->clEnqueueReadBuffer(worker->commands, memory, CL_TRUE, 0, sizeof(test), &test,
								0, NULL, NULL), "clEnqueueReadBuffer"))
			return -1;
		control->stale += check_line(&test, round) + test.stale + (test.to_host != round);
		control->rounds = round;
	}
	cl->clReleaseMemObject(memory);
	if (!control->stale)
		return 0;
	return wn_team_fail(&worker->team,
			    "the self-test failed: %u words of %u launches were wrong: this driver does not compute as "
			    "OpenCL says", control->stale, BUFFER_ROUNDS);
}
