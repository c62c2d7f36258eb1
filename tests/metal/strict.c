/* SPDX-License-Identifier: Apache-2.0 */
/* What the mock must not let through: each misuse in a process of its own, which it has to abort. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/metal/objc.h"
#include "tests/check.h"

static wn_id device, queue;

static wn_id command_buffer(void)
{
	return wn_mtl_command_buffer(queue);
}

static void nothing(void)
{
}

static void message_to_nil(void)
{
	wn_mtl_commit(NULL);
}

static void unknown_selector(void)
{
	wn_mtl_commit(device);
}

static void released_once_too_often(void)
{
	wn_id buffer = wn_mtl_new_buffer(device, 64);

	wn_mtl_release(buffer);
	wn_mtl_release(buffer);
}

static void used_after_its_release(void)
{
	wn_id buffer = wn_mtl_new_buffer(device, 64);

	wn_mtl_release(buffer);
	wn_mtl_contents(buffer);
}

static void borrowed_beyond_its_pool(void)
{
	void *pool = wn_mtl_pool_push();
	wn_id buffer = command_buffer();

	wn_mtl_pool_pop(pool);
	wn_mtl_commit(buffer);
}

static void pools_out_of_turn(void)
{
	void *outer = wn_mtl_pool_push();

	wn_mtl_pool_push();
	wn_mtl_pool_pop(outer);
}

static void commit_before_end(void)
{
	wn_id buffer = command_buffer();

	wn_mtl_encoder(buffer);
	wn_mtl_commit(buffer);
}

static void end_without_dispatch(void)
{
	wn_mtl_end_encoding(wn_mtl_encoder(command_buffer()));
}

static void a_buffer_in_place_of_a_pipeline(void)
{
	wn_mtl_set_pipeline(wn_mtl_encoder(command_buffer()), wn_mtl_new_buffer(device, 64));
}

static void newer_language_than_there_is(void)
{
	wn_mtl_set_language(wn_mtl_new_compile_options(), WN_MTL_LANGUAGE(9, 0));
}

/* The signal that ends it, or 0. */
static int run(void (*misuse)(void))
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		wn_mtl_pool_push();
		device = wn_mtl_retain(wn_mtl_at(wn_mtl_copy_devices(), 0));
		queue = wn_mtl_new_queue(device, 4);
		misuse();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_misuse(void)
{
	CHECK_INT(run(nothing), 0);
	CHECK_INT(run(message_to_nil), SIGABRT);
	CHECK_INT(run(unknown_selector), SIGABRT);
	CHECK_INT(run(released_once_too_often), SIGABRT);
	CHECK_INT(run(used_after_its_release), SIGABRT);
	CHECK_INT(run(borrowed_beyond_its_pool), SIGABRT);
	CHECK_INT(run(pools_out_of_turn), SIGABRT);
	CHECK_INT(run(commit_before_end), SIGABRT);
	CHECK_INT(run(end_without_dispatch), SIGABRT);
	CHECK_INT(run(a_buffer_in_place_of_a_pipeline), SIGABRT);
	CHECK_INT(run(newer_language_than_there_is), SIGABRT);
}

int main(void)
{
	const char *why;

	if (wn_mtl_open(&why))
		return check_skip_all("WARPNIC_METAL does not name the mock");
	RUN(test_misuse);
	return check_finish();
}
