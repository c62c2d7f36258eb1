/* SPDX-License-Identifier: Apache-2.0 */
#include "device/metal/metal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "device/opencl/selftest.h"

enum {
	LAUNCHES = 32,
	ROUNDS = 256,                   /* of the handshake */
	SEEN_MIN = 4,                   /* how many of them one launch must have seen */
	HANDSHAKE_TURNS = 1 << 16       /* looks of a launch, as a lease has */
};

#define PATIENCE_NS (5 * WN_SECOND_NS)
#define HANDSHAKE_NS (3 * WN_SECOND_NS)

static void fill_line(struct wn_cl_selftest *test, uint32_t round)
{
	for (uint32_t i = 0; i < WN_CL_SELFTEST_WORDS; i++)
		test->down[round % WN_CL_SELFTEST_LINES][i] = wn_cl_selftest_word(round, i);
}

static uint32_t check_line(const struct wn_cl_selftest *test, uint32_t round)
{
	uint32_t stale = 0;

	for (uint32_t i = 0; i < WN_CL_SELFTEST_WORDS; i++)
		stale += test->up[round % WN_CL_SELFTEST_LINES][i] != ~wn_cl_selftest_word(round, i);
	return stale;
}

/* A kernel, a buffer and a command, for as long as a test runs. */
struct trial {
	wn_id pipeline, memory;
	struct wn_metal_command *command;
	struct wn_cl_selftest *test;
};

static int begin(struct wn_metal *metal, struct trial *trial, const char *entry, const char *kernel,
		 struct wn_error *error)
{
	int rc = wn_metal_build(metal, NULL, entry, kernel, &trial->pipeline, error);

	if (rc)
		return rc;
	trial->memory = wn_metal_buffer(metal, sizeof(*trial->test), "the self-test", error);
	trial->command = wn_metal_command_make(sizeof(*trial->command));
	if (!trial->memory || !trial->command)
		return -ENOMEM;
	trial->test = wn_mtl_contents(trial->memory);
	return 0;
}

static void end(struct trial *trial)
{
	wn_metal_command_free(trial->command);
	wn_mtl_release(trial->memory);
	wn_mtl_release(trial->pipeline);
}

static int launch(struct wn_metal *metal, const struct trial *trial, const void *bytes, uint32_t byte_count,
		  struct wn_error *error)
{
	const struct wn_metal_launch launch = {.pipeline = trial->pipeline, .buffers = {trial->memory}, .bytes = bytes,
					       .byte_count = byte_count, .groups = 1, .lanes = 1};

	return wn_metal_commit(metal, trial->command, &launch)
		       ? wn_fail(error, EIO, WN_UNAVAILABLE, "metal device: %s: the self-test: %s", metal->name, metal->reason)
		       : 0;
}

/* 0 where the launch under way ended well, in time. */
static int settle(struct wn_metal *metal, const struct trial *trial, const char *what, struct wn_error *error)
{
	const int rc = wn_metal_wait(metal, trial->command, PATIENCE_NS);

	if (rc > 0)
		return 0;
	return wn_fail(error, EIO, WN_UNAVAILABLE, "metal device: %s: %s: %s", metal->name, what,
		       rc ? metal->reason : "a command buffer did not complete within 5 s");
}

static int run_launches(struct wn_metal *metal, const struct trial *trial, struct wn_error *error)
{
	for (uint32_t round = 1; round <= LAUNCHES; round++) {
		int rc;

		fill_line(trial->test, round);
		rc = launch(metal, trial, &round, sizeof(round), error);
		if (!rc)
			rc = settle(metal, trial, "the self-test", error);
		if (rc)
			return rc;
		metal->stale += check_line(trial->test, round) + (trial->test->to_host != round);
		metal->rounds = round;
	}
	metal->stale += trial->test->stale;
	if (metal->stale)
		return wn_fail(error, EIO, WN_UNAVAILABLE,
			       "metal device: %s: the self-test failed: %u words of %u launches were of another one", metal->name,
			       metal->stale, metal->rounds);
	return 0;
}

int wn_metal_selftest(struct wn_metal *metal, struct wn_error *error)
{
	struct trial trial = {0};
	int rc = begin(metal, &trial, "device/metal/selftest.metal", "wn_selftest", error);

	if (!rc)
		rc = run_launches(metal, &trial, error);
	end(&trial);
	return rc;
}

/* Waits until the kernel has answered: 1; or has ended without: 0; or time is over: -1. */
static int wait_answer(struct wn_metal *metal, const struct trial *trial, uint32_t round, int64_t until_ns)
{
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, metal->device->cores);
	while (wn_load_acquire(&trial->test->to_host) != round) {
		if (wn_load_acquire(&trial->command->done))
			return wn_load_acquire(&trial->test->to_host) == round;
		if (wn_clock_ns() > until_ns)
			return -1;
		wn_backoff_wait(&backoff);
	}
	wn_metal_cpu_fence();
	return 1;
}

static void say_to_device(struct wn_cl_selftest *test, uint32_t round)
{
	wn_metal_cpu_fence();
	wn_store_release(&test->to_device, round);
	wn_metal_cpu_fence();
}

/*
 * Message after message. A kernel that has ended is launched again, as leases are; how many messages one launch has
 * seen is what tells that it saw them while it ran. Returns the most, or -errno.
 */
static int exchange(struct wn_metal *metal, const struct trial *trial, struct wn_error *error)
{
	const int64_t until_ns = wn_clock_ns() + HANDSHAKE_NS;
	int in_one = 0, most = 0;

	for (uint32_t round = 1; round <= ROUNDS;) {
		const struct wn_metal_lease lease = {round, HANDSHAKE_TURNS};
		int rc = 0;

		if (!trial->command->buffer) {
			in_one = 0;
			rc = launch(metal, trial, &lease, sizeof(lease), error);
		}
		if (rc)
			return rc;
		fill_line(trial->test, round);
		say_to_device(trial->test, round);
		rc = wait_answer(metal, trial, round, until_ns);
		if (rc < 0)
			break;
		if (rc == 0) {
			rc = settle(metal, trial, "the handshake", error);
			if (rc)
				return rc;
			if (wn_clock_ns() > until_ns)
				break;
			continue;
		}
		metal->stale += check_line(trial->test, round);
		metal->rounds = round++;
		most = ++in_one > most ? in_one : most;
	}
	say_to_device(trial->test, WN_CL_SELFTEST_END);
	return most;
}

/* Whether what was seen is enough to poll. */
static int judge(const struct wn_metal *metal, int most, struct wn_error *error)
{
	if (metal->stale)
		return wn_fail(error, EIO, WN_UNAVAILABLE,
			       "metal device: %s cannot serve in lease mode: %u words of %u messages were stale; say --mode batch, "
			       "or auto", metal->name, metal->stale, metal->rounds);
	if (metal->rounds < ROUNDS || most < SEEN_MIN)
		return wn_fail(error, ETIMEDOUT, WN_UNAVAILABLE,
			       "metal device: %s cannot serve in lease mode: a running kernel does not see what the CPU writes: "
			       "%u of %d messages came, %d at most in one launch; say --mode batch, or auto", metal->name,
			       metal->rounds, ROUNDS, most);
	return 0;
}

int wn_metal_handshake(struct wn_metal *metal, struct wn_error *error)
{
	struct trial trial = {0};
	int rc = begin(metal, &trial, "device/metal/handshake.metal", "wn_handshake", error), most = 0;

	metal->rounds = metal->stale = 0;
	if (!rc) {
		most = exchange(metal, &trial, error);
		rc = most < 0 ? most : 0;
	}
	if (!rc && trial.command->buffer)
		rc = settle(metal, &trial, "the handshake", error);
	if (!rc) {
		metal->stale += trial.test->stale;
		rc = judge(metal, most, error);
	}
	end(&trial);
	return rc;
}
