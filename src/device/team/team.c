/* SPDX-License-Identifier: Apache-2.0 */
#include "device/team/team.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "device/cuda/near.h"
#include "os/os.h"

#define PREPARE_NS (60 * WN_SECOND_NS)
#define TEST_NS (5 * WN_SECOND_NS)
#define END_NS (10 * WN_SECOND_NS)

static uint64_t round_up(uint64_t bytes, uint64_t to)
{
	return (bytes + to - 1) / to * to;
}

/* -- memory objects -- */

int wn_team_memory_object(const char *name, const void *bytes, size_t count)
{
	const int fd = wn_os_memory_create(name, count);
	void *memory;

	if (fd < 0 || !count)
		return fd;
	memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		const int code = errno;

		close(fd);
		return -code;
	}
	memcpy(memory, bytes, count);
	munmap(memory, count);
	return fd;
}

void wn_team_code_free(struct wn_team_code *code)
{
	if (code->fd >= 0)
		close(code->fd);
	code->fd = -1;
}

/* -- the data object -- */

static struct wn_team_data layout_of(const struct wn_program_data *data)
{
	struct wn_team_data layout = {
		.parameter_bytes = data->parameter_count * sizeof(*data->parameters),
		.table_bytes = data->table_count * sizeof(*data->tables),
		.store_bytes = data->store_bytes,
		.file_bytes = data->file_bytes,
		.file_address = data->file_address,
		.file_version = data->file_version,
		.cell_bytes = data->cell_count * sizeof(*data->cells),
	};

	layout.tables = round_up(layout.parameter_bytes, 64);
	layout.store = round_up(layout.tables + layout.table_bytes, 64);
	layout.file = round_up(layout.store + layout.store_bytes, 64);
	layout.cells = round_up(layout.file + layout.file_bytes, 64);
	layout.total_bytes = round_up(layout.cells + layout.cell_bytes, 4096);
	return layout;
}

static void copy_part(uint8_t *to, const void *from, uint64_t bytes)
{
	if (bytes)
		memcpy(to, from, bytes);
}

static int make_data(struct wn_team *team, const struct wn_program_data *data,
		     struct wn_error *error)
{
	const struct wn_team_data layout = layout_of(data);
	uint8_t *memory;

	team->control->data = layout;
	team->data_fd = wn_os_memory_create("warpnic-data", layout.total_bytes);
	if (team->data_fd < 0)
		return wn_fail(error, -team->data_fd, WN_FAILED,
			       "%s device: cannot share %llu bytes of tables: %s", team->params.kind,
			       (unsigned long long)layout.total_bytes, strerror(-team->data_fd));
	if (!layout.total_bytes)
		return 0;
	memory = mmap(NULL, layout.total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, team->data_fd,
		      0);
	if (memory == MAP_FAILED)
		return wn_fail(error, errno, WN_FAILED,
			       "%s device: cannot map %llu bytes of tables: %s", team->params.kind,
			       (unsigned long long)layout.total_bytes, strerror(errno));
	copy_part(memory, data->parameters, layout.parameter_bytes);
	copy_part(memory + layout.tables, data->tables, layout.table_bytes);
	copy_part(memory + layout.store, data->store, layout.store_bytes);
	copy_part(memory + layout.file, data->file, layout.file_bytes);
	copy_part(memory + layout.cells, data->cells, layout.cell_bytes);
	munmap(memory, layout.total_bytes);
	return 0;
}

/* -- the control object -- */

static int map_control(struct wn_team *team, size_t bytes, struct wn_error *error)
{
	void *memory = MAP_FAILED;

	team->control_fd = wn_os_memory_create("warpnic-team", bytes);
	if (team->control_fd < 0)
		errno = -team->control_fd;
	else
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | WN_OS_MAP_PRESENT, team->control_fd, 0);
	if (memory == MAP_FAILED)
		return wn_fail(error, errno, WN_FAILED, "%s device: cannot share %zu bytes: %s",
			       team->params.kind, bytes, strerror(errno));
	team->control = memory;
	return 0;
}

static void describe_drive(struct wn_team_drive *to, const struct wn_drive *from)
{
	to->view = from->view;
	to->region_count = from->region_count;
	for (uint32_t i = 0; i < from->region_count; i++) {
		to->regions[i].memory = (uint64_t)(uintptr_t)from->regions[i].memory;
		to->regions[i].offset = from->regions[i].offset;
		to->regions[i].bytes = from->regions[i].bytes;
	}
}

static int make_control(struct wn_team *team, struct wn_error *error)
{
	const struct wn_team_params *params = &team->params;
	const uint64_t groups = (uint64_t)params->queue_count * params->group_count;
	struct wn_team_control control = {
		.abi = WN_TEAM_ABI,
		.ordinal = params->ordinal,
		.mode = params->mode,
		.queue_count = params->queue_count,
		.group_count = params->group_count,
		.stage_bytes = params->stage_bytes,
		.lane_words = params->lane_words,
		.row_words = (uint32_t)round_up(params->lane_words + WN_STAGE_WORDS, 16),
		.lease_ms = params->lease_ms,
		.doze_ns = params->doze_ns,
		.times_off = params->times_off,
		.lanes = params->lanes,
		.parts = params->parts,
		.ahead = params->ahead,
		.batch_slots = params->batch_slots,
		.transfer = params->transfer,
		.is_selftest = params->is_selftest,
		.is_driven = params->drives != NULL,
		.image_bytes = params->code->bytes,
	};
	int rc;

	control.positions_offset = round_up(sizeof(control), WN_LINE_BYTES);
	control.alive_offset = round_up(control.positions_offset + groups * 4, WN_LINE_BYTES);
	control.rows_offset = round_up(control.alive_offset + groups * 4, WN_LINE_BYTES);
	control.total_bytes = round_up(control.rows_offset + groups * control.row_words * 8, 4096);
	snprintf(control.program, sizeof(control.program), "%s", params->program);
	for (uint32_t i = 0; i < params->queue_count; i++)
		if (params->views[i].identity)
			control.identities[i] = *params->views[i].identity;
	for (uint32_t i = 0; params->drives && i < params->queue_count; i++)
		describe_drive(&control.drives[i], params->drives[i]);
	if (params->near)
		wn_cuda_near_describe(params->near, &control);
	rc = map_control(team, control.total_bytes, error);
	if (!rc)
		*team->control = control;
	return rc;
}

int wn_team_create(struct wn_team *team, const struct wn_team_params *params,
			struct wn_error *error)
{
	int rc;

	memset(team, 0, sizeof(*team));
	team->params = *params;
	team->cells = params->data->cells;
	team->control_fd = team->data_fd = team->socket = -1;
	rc = make_control(team, error);
	return rc ? rc : make_data(team, params->data, error);
}

void wn_team_set_start(struct wn_team *team, uint32_t queue, uint32_t published)
{
	const uint32_t groups = team->params.group_count;
	uint32_t *positions = wn_team_positions(team->control) + queue * groups;

	team->control->starts[queue] = published;
	for (uint32_t g = 0; g < groups; g++)
		positions[g] = wn_group_first_position(published, g);
}

/* The frontier: groups took whole blocks in turn, so it is the position that lies furthest behind. */
static uint32_t frontier_of(const uint32_t *positions, uint32_t count)
{
	uint32_t least = positions[0];

	for (uint32_t i = 1; i < count; i++)
		if ((int32_t)(positions[i] - least) < 0)
			least = positions[i];
	return least;
}

/* By mapping both: not every system reads and writes memory objects otherwise. */
static void carry_cells(struct wn_team *team, const struct wn_team *old)
{
	const struct wn_team_data *to = &team->control->data, *from = &old->control->data;
	const uint64_t bytes = to->cell_bytes < from->cell_bytes ? to->cell_bytes : from->cell_bytes;
	uint8_t *source, *target;

	if (!bytes)
		return;
	source = mmap(NULL, from->total_bytes, PROT_READ, MAP_SHARED, old->data_fd, 0);
	target = mmap(NULL, to->total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, team->data_fd, 0);
	if (source != MAP_FAILED && target != MAP_FAILED)
		memcpy(target + to->cells, source + from->cells, bytes);
	if (source != MAP_FAILED)
		munmap(source, from->total_bytes);
	if (target != MAP_FAILED)
		munmap(target, to->total_bytes);
}

void wn_team_continue(struct wn_team *team, const struct wn_team *old)
{
	const uint32_t groups = team->params.group_count, queues = team->params.queue_count;
	const uint32_t *from = wn_team_positions(old->control);

	memmove(wn_team_positions(team->control), from, queues * groups * sizeof(*from));
	for (uint32_t i = 0; i < queues; i++)
		team->control->starts[i] = team->params.mode == WN_MODE_BATCH
						   ? old->control->starts[i]
						   : frontier_of(from + i * groups, groups);
	if (team != old && team->cells == old->cells)
		carry_cells(team, old);
}

/* -- the process -- */

static int start_process(struct wn_team *team, int socket, struct wn_error *error)
{
	char *path = team->params.worker;
	char *arguments[] = {path, NULL};
	posix_spawn_file_actions_t actions;
	int rc;

	rc = posix_spawn_file_actions_init(&actions);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, socket, WN_TEAM_SOCKET);
	if (!rc)
		rc = posix_spawn(&team->pid, path, &actions, NULL, arguments, wn_os_environment());
	posix_spawn_file_actions_destroy(&actions);
	return rc ? wn_fail(error, rc, WN_UNAVAILABLE,
			    "%s device: cannot start its worker '%s': %s", team->params.kind, path, strerror(rc))
		  : 0;
}

/* All descriptors that the worker needs, in the order of control.h. Returns how many, or 0: too many. */
static uint32_t gather_descriptors(const struct wn_team *team, int fds[WN_TEAM_FDS_MAX])
{
	const struct wn_team_params *params = &team->params;
	uint32_t count = WN_TEAM_FD_RINGS;

	fds[WN_TEAM_FD_CONTROL] = team->control_fd;
	fds[WN_TEAM_FD_CODE] = params->code->fd;
	fds[WN_TEAM_FD_DATA] = team->data_fd;
	for (uint32_t i = 0; i < params->queue_count; i++)
		fds[count++] = params->ring_fds[i];
	if (params->near)
		fds[count++] = params->near->memory.fd;
	for (uint32_t i = 0; params->drives && i < params->queue_count; i++) {
		const struct wn_drive *drive = params->drives[i];

		if (count + drive->region_count > WN_TEAM_FDS_MAX)
			return 0;
		for (uint32_t r = 0; r < drive->region_count; r++)
			fds[count++] = drive->regions[r].fd;
	}
	return count;
}

static int send_descriptors(const struct wn_team *team)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(WN_TEAM_FDS_MAX * sizeof(int))];
	} control = {0};
	char byte = 0;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
	struct cmsghdr *header;
	int fds[WN_TEAM_FDS_MAX];
	const uint32_t count = gather_descriptors(team, fds);

	if (!count)
		return -E2BIG;
	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	return sendmsg(team->socket, &message, WN_OS_NO_SIGNAL) == 1 ? 0 : -errno;
}

/* Takes note of the process's end, if it has come. */
static int reap(struct wn_team *team, int options)
{
	int status;

	if (team->pid <= 0)
		return 1;
	if (waitpid(team->pid, &status, options) != team->pid)
		return 0;
	team->exit_status = status;
	team->pid = 0;
	close(team->socket);
	team->socket = -1;
	return 1;
}

int wn_team_has_ended(struct wn_team *team, int ms)
{
	const int64_t until = wn_clock_ns() + ms * WN_MILLISECOND_NS;
	char bytes[16];

	for (;;) {
		struct pollfd poll_fd = {.fd = team->socket, .events = POLLIN};
		const int64_t left = until - wn_clock_ns();

		if (reap(team, WNOHANG))
			return 1;
		if (left <= 0)
			return 0;
		if (poll(&poll_fd, 1, (int)((left + WN_MILLISECOND_NS - 1) / WN_MILLISECOND_NS)) >
			    0 &&
		    recv(team->socket, bytes, sizeof(bytes), MSG_DONTWAIT) == 0)
			nanosleep(&(struct timespec){0, 1000000}, NULL); /* it has closed it: it is about to end */
	}
}

int wn_team_ended_well(const struct wn_team *team)
{
	return team->pid <= 0 && WIFEXITED(team->exit_status) &&
	       WEXITSTATUS(team->exit_status) == 0 &&
	       wn_load_acquire(&team->control->state) == WN_TEAM_ENDED;
}

/* What is known of why it is not there. */
static int fail_gone(struct wn_team *team, const char *what, struct wn_error *error)
{
	if (team->control->text[0])
		return wn_fail(error, EIO, WN_UNAVAILABLE, "%s device: %s", team->params.kind, team->control->text);
	if (WIFSIGNALED(team->exit_status))
		return wn_fail(error, EIO, WN_UNAVAILABLE,
			       "%s device: its worker %s: killed by signal %d", team->params.kind, what,
			       WTERMSIG(team->exit_status));
	return wn_fail(error, EIO, WN_UNAVAILABLE, "%s device: its worker %s: exit status %d",
		       team->params.kind, what, WEXITSTATUS(team->exit_status));
}

static int wait_state(struct wn_team *team, enum wn_team_state state, const char *what,
		      struct wn_error *error)
{
	const int64_t until = wn_clock_ns() + PREPARE_NS;
	int64_t tested_ns = 0;

	while (wn_load_acquire(&team->control->state) < state) {
		if (wn_team_has_ended(team, 5))
			break;
		if (wn_load_acquire(&team->control->state) != WN_TEAM_TRYING)
			tested_ns = 0;
		else if (!tested_ns)
			tested_ns = wn_clock_ns();
		if (wn_clock_ns() > until || (tested_ns && wn_clock_ns() - tested_ns > TEST_NS) || wn_load_relaxed(team->params.hurry)) {
			wn_team_kill(team);
			return wn_fail(error, ETIMEDOUT, WN_UNAVAILABLE,
				       "%s device: its worker %s in time", team->params.kind, what);
		}
	}
	if (wn_load_acquire(&team->control->state) == WN_TEAM_FAILED ||
	    (state < WN_TEAM_ENDED && reap(team, WNOHANG) &&
	     wn_load_acquire(&team->control->state) != WN_TEAM_ENDED)) {
		wn_team_kill(team);
		return fail_gone(team, what, error);
	}
	return 0;
}

int wn_team_spawn(struct wn_team *team, struct wn_error *error)
{
	int pair[2], rc;

	team->control->text[0] = '\0';
	team->control->is_unfit = 0;
	team->control->abandon = 0;
	if (team->params.near)
		team->control->generation = ++team->params.near->generation;
	memset(wn_team_alive(team->control), 0,
	       (size_t)team->params.queue_count * team->params.group_count * 4);
	wn_store_release(&team->control->state, WN_TEAM_STARTING);
	rc = wn_os_socket_pair(pair);
	if (rc)
		return wn_fail(error, -rc, WN_FAILED, "%s device: socketpair: %s", team->params.kind, strerror(-rc));
	rc = start_process(team, pair[1], error);
	close(pair[1]);
	if (rc) {
		team->pid = 0;
		close(pair[0]);
		return rc;
	}
	team->socket = pair[0];
	rc = send_descriptors(team);
	if (rc) {
		wn_team_kill(team);
		return wn_fail(error, -rc, WN_FAILED, "%s device: cannot hand over the rings: %s", team->params.kind,
			       strerror(-rc));
	}
	if (team->params.near) {
		rc = wait_state(team, WN_TEAM_TESTING, "did not prepare", error);
		if (rc)
			return rc;
		wn_cuda_near_test(team->params.near, team->control);
	}
	return wait_state(team, WN_TEAM_PREPARED, "did not prepare", error);
}

int wn_team_go(struct wn_team *team, struct wn_error *error)
{
	const char byte = 1;

	if (send(team->socket, &byte, 1, WN_OS_NO_SIGNAL) != 1) {
		wn_team_kill(team);
		return fail_gone(team, "did not start", error);
	}
	return wait_state(team, WN_TEAM_READY, "did not start", error);
}

void wn_team_leave(struct wn_team *team)
{
	wn_store_release(&team->control->abandon, 1);
	if (team->params.near)
		wn_cuda_near_leave(team->params.near, team->control->generation);
}

int wn_team_kill(struct wn_team *team)
{
	const int64_t until = wn_clock_ns() + END_NS;

	if (team->pid <= 0)
		return 0;
	kill(team->pid, SIGKILL);
	while (!reap(team, WNOHANG)) {
		if (wn_clock_ns() > until)
			return -ETIMEDOUT;
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	return 0;
}

void wn_team_add_rows(const struct wn_team *team, uint64_t *sums, uint64_t *stages)
{
	const struct wn_team_control *control = team->control;
	const uint64_t *rows;

	if (!control)
		return;
	rows = wn_team_rows(team->control);
	for (uint32_t g = 0; g < control->queue_count * control->group_count; g++) {
		const uint64_t *row = rows + (size_t)g * team->control->row_words;

		for (uint32_t i = 0; sums && i < team->params.lane_words; i++)
			sums[i] += wn_load_relaxed64(&row[i]);
		for (uint32_t i = 0; stages && i < WN_STAGE_WORDS; i++)
			stages[i] += wn_load_relaxed64(&row[team->params.lane_words + i]);
	}
}

void wn_team_clear_rows(struct wn_team *team)
{
	memset(wn_team_rows(team->control), 0,
	       team->control->total_bytes - team->control->rows_offset);
}

void wn_team_destroy(struct wn_team *team)
{
	if (!team->control && team->control_fd <= 0)
		return;
	if (team->pid > 0)
		wn_team_kill(team);
	if (team->control)
		munmap(team->control, team->control->total_bytes);
	if (team->control_fd >= 0)
		close(team->control_fd);
	if (team->data_fd >= 0)
		close(team->data_fd);
	memset(team, 0, sizeof(*team));
}
