/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPU that is one thread a queue. Lanes run one after the other; where a kernel has threadgroup memory, whose lanes
 * wait for each other, they are fibers that take turns at barriers, all lanes of all groups. A kernel that touches what
 * is not its own fails its command buffer, as a page fault does on a GPU.
 */
#include "mock.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10 };

struct mock_block {
	void *isa;
	int flags, reserved;
	void (*invoke)(struct mock_block *block, void *buffer);
};

struct mock_queue {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct mock_command_buffer *first, **last;
	int is_ending, is_hanging;
	long count;                      /* command buffers so far */
};

void *objc_autoreleasePoolPush(void);
void objc_autoreleasePoolPop(void *pool);

/* -- lanes that wait for each other -- */

struct fiber {
	ucontext_t context;
	const struct mock_dispatch *work;
	void *const *buffers;
	void *memory;                    /* its group's */
	struct mock_at at;
	void *stack;
	int is_over;
	uint32_t barriers;               /* it has come to */
};

static __thread struct fiber *fibers, *running;
static __thread ucontext_t scheduler;
static __thread sigjmp_buf *on_fault;

static void at_barrier(void)
{
	if (!running)
		MOCK_DIE("a barrier in a kernel without threadgroup memory");
	running->barriers++;
	swapcontext(&running->context, &scheduler);
}

/* A GPU's look at the host's memory takes about a microsecond; a core has others to run meanwhile. */
static void at_fence(void)
{
	sched_yield();
}

static void fiber_main(void)
{
	struct fiber *self = running;

	self->work->pipeline->run(self->buffers, &self->memory, &self->at);
	self->is_over = 1;
}

static struct mock_at at_of(const struct mock_dispatch *work, uint32_t lane)
{
	return (struct mock_at){lane, work->groups * work->lanes, lane % work->lanes, work->lanes, lane / work->lanes,
				work->groups};
}

/* Lanes of a group that has lanes at a barrier and others past their end would wait for ever. */
static void check_group(const struct fiber *first, uint32_t lanes)
{
	for (uint32_t i = 1; i < lanes; i++)
		if (first[i].is_over != first->is_over || first[i].barriers != first->barriers)
			MOCK_DIE("a barrier that not all lanes of a group come to");
}

static void make_fiber(struct fiber *fiber, const struct mock_dispatch *work, void *const *buffers, uint32_t lane,
		       uint8_t *memory)
{
	fiber->work = work;
	fiber->buffers = buffers;
	fiber->at = at_of(work, lane);
	fiber->memory = memory + (size_t)fiber->at.group * work->group_memory;
	fiber->stack = malloc(STACK_BYTES);
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK_BYTES;
	fiber->context.uc_link = &scheduler;
	makecontext(&fiber->context, fiber_main, 0);
}

/* Each lane to its next barrier. How many are not over. */
static uint32_t turn(uint32_t count)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < count; i++) {
		running = &fibers[i];
		if (!running->is_over)
			swapcontext(&scheduler, &running->context);
		left += !running->is_over;
	}
	running = NULL;
	return left;
}

static void run_fibers(const struct mock_dispatch *work, void *const *buffers, uint32_t count)
{
	uint8_t *memory = calloc(work->groups, work->group_memory);

	fibers = calloc(count + 1, sizeof(*fibers));
	for (uint32_t i = 0; i < count; i++)
		make_fiber(&fibers[i], work, buffers, i, memory);
	while (turn(count))
		for (uint32_t i = 0; i < count; i += work->lanes)
			check_group(&fibers[i], work->lanes);
	for (uint32_t i = 0; i < count; i++)
		free(fibers[i].stack);
	free(fibers);
	free(memory);
}

/* -- one dispatch -- */

static void on_signal(int number)
{
	if (!on_fault) {
		signal(number, SIG_DFL);
		raise(number);
		return;
	}
	siglongjmp(*on_fault, 1);
}

/* Lanes below `count`. 0, or -1: a fault. */
static int run_lanes(const struct mock_dispatch *work, void *const *buffers, uint32_t count)
{
	sigjmp_buf jump;

	*work->pipeline->barrier = at_barrier;
	*work->pipeline->fence = at_fence;
	if (sigsetjmp(jump, 1)) {
		on_fault = NULL;
		running = NULL;
		return -1; /* what fibers had is lost with them: it is a test */
	}
	on_fault = &jump;
	if (work->group_memory)
		run_fibers(work, buffers, count / work->lanes * work->lanes);
	for (uint32_t lane = 0; !work->group_memory && lane < count; lane++) {
		const struct mock_at at = at_of(work, lane);

		work->pipeline->run(buffers, NULL, &at);
	}
	on_fault = NULL;
	return 0;
}

/* As if the device had read the buffer once, and writes back what it has changed. */
static int run_deaf(const struct mock_dispatch *work, void **buffers, uint32_t count)
{
	struct mock_buffer *shared = work->buffers[0];
	uint8_t *before = malloc(shared->length), *after = malloc(shared->length);
	int rc;

	memcpy(before, shared->bytes, shared->length);
	memcpy(after, before, shared->length);
	buffers[0] = after;
	rc = run_lanes(work, buffers, count);
	for (size_t i = 0; i < shared->length; i++)
		if (after[i] != before[i])
			shared->bytes[i] = after[i];
	free(before);
	free(after);
	return rc;
}

static int run(struct mock_dispatch *work, uint32_t count)
{
	void *buffers[MOCK_BUFFERS] = {0};
	int rc;

	for (int i = 0; i < MOCK_BUFFERS; i++)
		buffers[i] = work->buffers[i] ? work->buffers[i]->bytes : work->byte_count[i] ? work->bytes[i] : NULL;
	rc = mock_script.deaf ? run_deaf(work, buffers, count) : run_lanes(work, buffers, count);
	if (mock_script.wrong && !strcmp(work->pipeline->name, "wn_selftest"))
		work->buffers[0]->bytes[work->buffers[0]->length - 1] ^= 1;
	return rc;
}

/* -- a queue -- */

static void *fail(long code, const char *text)
{
	return mock_retain(mock_error(code, text));
}

/* Whether it is one that the script lets fail, having done half of its work. The tests of the device come first. */
static int must_fail(const struct mock_dispatch *work)
{
	const uint32_t lanes = work->groups * work->lanes;

	if (!strcmp(work->pipeline->name, "wn_selftest") || !strcmp(work->pipeline->name, "wn_handshake"))
		return 0;
	switch (mock_script.fail) {
	case MOCK_FAIL_ALL:
		return 1;
	case MOCK_FAIL_ONCE:
		return !mock_script.failed++;
	case MOCK_FAIL_OVER:
		return lanes > (uint32_t)mock_script.over;
	default:
		return 0;
	}
}

static void execute(struct mock_queue *queue, struct mock_command_buffer *buffer)
{
	const uint32_t lanes = buffer->work.groups * buffer->work.lanes;
	int status = 4;

	queue->count++;
	if (mock_script.slow_us)
		usleep((useconds_t)mock_script.slow_us);
	if (mock_script.lost && queue->count > mock_script.lost) {
		buffer->error = fail(11, "Caused GPU Device Removed Error");
	} else if (must_fail(&buffer->work)) {
		run(&buffer->work, lanes / 2);
		buffer->error = fail(2, "Caused GPU Timeout Error");
	} else if (run(&buffer->work, lanes)) {
		buffer->error = fail(3, "Caused GPU Address Fault Error");
	}
	status = buffer->error ? 5 : 4;
	__atomic_store_n(&buffer->status, status, __ATOMIC_RELEASE);
	if (buffer->block)
		buffer->block->invoke(buffer->block, buffer);
}

static struct mock_command_buffer *take(struct mock_queue *queue)
{
	struct mock_command_buffer *buffer;

	pthread_mutex_lock(&queue->lock);
	while (!queue->first && !queue->is_ending)
		pthread_cond_wait(&queue->came, &queue->lock);
	buffer = queue->first;
	if (buffer) {
		queue->first = buffer->next;
		if (!queue->first)
			queue->last = &queue->first;
	}
	pthread_mutex_unlock(&queue->lock);
	return buffer;
}

static void *serve(void *argument)
{
	struct mock_queue *queue = argument;
	struct mock_command_buffer *buffer;

	while ((buffer = take(queue))) {
		void *pool;

		if (mock_script.hang && queue->count + 1 >= mock_script.hang) {
			__atomic_store_n(&queue->is_hanging, 1, __ATOMIC_RELEASE);
			for (;;)
				pause();
		}
		pool = objc_autoreleasePoolPush();
		execute(queue, buffer);
		mock_release(buffer);
		objc_autoreleasePoolPop(pool);
	}
	return NULL;
}

struct mock_queue *mock_queue_start(void)
{
	struct mock_queue *queue = calloc(1, sizeof(*queue));
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->came, NULL);
	queue->last = &queue->first;
	if (pthread_create(&queue->thread, NULL, serve, queue))
		MOCK_DIE("no thread");
	return queue;
}

void mock_queue_commit(struct mock_queue *queue, struct mock_command_buffer *buffer)
{
	pthread_mutex_lock(&queue->lock);
	buffer->next = NULL;
	*queue->last = buffer;
	queue->last = &buffer->next;
	pthread_cond_signal(&queue->came);
	pthread_mutex_unlock(&queue->lock);
}

/* A queue's last command buffers complete first; one that hangs is left to itself. */
void mock_queue_end(struct mock_queue *queue)
{
	if (__atomic_load_n(&queue->is_hanging, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&queue->lock);
	queue->is_ending = 1;
	pthread_cond_signal(&queue->came);
	pthread_mutex_unlock(&queue->lock);
	pthread_join(queue->thread, NULL);
	free(queue);
}
