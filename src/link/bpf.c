/* SPDX-License-Identifier: Apache-2.0 */
#include "link/bpf.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	VERIFIER_LOG_BYTES = 256 << 10,
	NETLINK_BYTES = 32 << 10,
};

static int bpf(int command, union bpf_attr *attributes)
{
	const long rc = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return rc < 0 ? -errno : (int)rc;
}

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* -- writing -- */

void wn_bpf_finish(struct wn_bpf_code *code)
{
	free(code->instructions);
	free(code->jumps);
	free(code->labels);
	memset(code, 0, sizeof(*code));
}

/* Room for one more. Returns the array, grown or not; NULL and an error where there is none. */
static void *grow(struct wn_bpf_code *code, void *array, uint32_t count, uint32_t *room, size_t size)
{
	void *more;

	if (code->error)
		return NULL;
	if (count < *room)
		return array;
	more = reallocarray(array, *room ? *room * 2 : 64, size);
	if (!more) {
		code->error = -ENOMEM;
		return NULL;
	}
	*room = *room ? *room * 2 : 64;
	return more;
}

void wn_bpf_emit(struct wn_bpf_code *code, int opcode, int to, int from, int offset,
		 int32_t immediate)
{
	struct bpf_insn *all = grow(code, code->instructions, code->count, &code->room,
				    sizeof(*code->instructions));

	if (!all)
		return;
	code->instructions = all;
	all[code->count++] = (struct bpf_insn){
		.code = (uint8_t)opcode, .dst_reg = (uint8_t)(to & 15), .src_reg = (uint8_t)(from & 15),
		.off = (int16_t)offset, .imm = immediate,
	};
}

uint32_t wn_bpf_label(struct wn_bpf_code *code)
{
	uint32_t *all = grow(code, code->labels, code->label_count, &code->label_room,
			     sizeof(*code->labels));

	if (!all)
		return 0;
	code->labels = all;
	all[code->label_count] = UINT32_MAX;
	return code->label_count++;
}

void wn_bpf_set(struct wn_bpf_code *code, uint32_t label)
{
	if (!code->error)
		code->labels[label] = code->count;
}

void wn_bpf_jump(struct wn_bpf_code *code, int opcode, int to, int from, int32_t immediate,
		 uint32_t label)
{
	struct wn_bpf_jump *all = grow(code, code->jumps, code->jump_count, &code->jump_room,
				       sizeof(*code->jumps));

	if (!all)
		return;
	code->jumps = all;
	all[code->jump_count++] = (struct wn_bpf_jump){ code->count, label };
	wn_bpf_emit(code, opcode, to, from, 0, immediate);
}

void wn_bpf_load_map(struct wn_bpf_code *code, int to, int map_fd)
{
	/* Two instructions long: the second holds the upper half, which is 0. */
	wn_bpf_emit(code, BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, map_fd);
	wn_bpf_emit(code, 0, 0, 0, 0, 0);
}

static void resolve_jumps(struct wn_bpf_code *code)
{
	for (uint32_t i = 0; i < code->jump_count && !code->error; i++) {
		const struct wn_bpf_jump *jump = &code->jumps[i];
		const int64_t distance = (int64_t)code->labels[jump->label] - jump->at - 1;

		if (distance > INT16_MAX)
			code->error = -E2BIG;
		else
			code->instructions[jump->at].off = (int16_t)distance;
	}
	code->jump_count = 0;
}

/* -- the calls -- */

/* The verifier's last words: it ends with counts that help nobody. */
static void keep_last_lines(const char *log, char text[WN_BPF_LOG_BYTES])
{
	const char *end = strstr(log, "\nprocessed ");
	const size_t length = end ? (size_t)(end - log) : strlen(log);
	const size_t kept = length < WN_BPF_LOG_BYTES - 1 ? length : WN_BPF_LOG_BYTES - 1;

	memcpy(text, log + length - kept, kept);
	text[kept] = '\0';
	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = ' ';
}

static int explain_refusal(union bpf_attr *attributes, char text[WN_BPF_LOG_BYTES])
{
	char *log = calloc(1, VERIFIER_LOG_BYTES);
	int rc;

	if (!log)
		return -ENOMEM;
	attributes->log_buf = address_of(log);
	attributes->log_size = VERIFIER_LOG_BYTES;
	attributes->log_level = 1;
	rc = bpf(BPF_PROG_LOAD, attributes);
	keep_last_lines(log, text);
	free(log);
	return rc;
}

int wn_bpf_load(struct wn_bpf_code *code, const char *name, char log[WN_BPF_LOG_BYTES])
{
	union bpf_attr attributes;
	int rc;

	log[0] = '\0';
	resolve_jumps(code);
	if (code->error)
		return code->error;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_XDP;
	attributes.expected_attach_type = BPF_XDP;
	attributes.insns = address_of(code->instructions);
	attributes.insn_cnt = code->count;
	attributes.license = address_of("Apache-2.0");
	snprintf(attributes.prog_name, sizeof(attributes.prog_name), "%s", name);
	rc = bpf(BPF_PROG_LOAD, &attributes);
	if (rc == -EINVAL || rc == -EACCES)
		rc = explain_refusal(&attributes, log);
	return rc;
}

int wn_bpf_socket_map(uint32_t queues)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = BPF_MAP_TYPE_XSKMAP;
	attributes.key_size = sizeof(uint32_t);
	attributes.value_size = sizeof(uint32_t);
	attributes.max_entries = queues;
	snprintf(attributes.map_name, sizeof(attributes.map_name), "warpnic");
	return bpf(BPF_MAP_CREATE, &attributes);
}

int wn_bpf_socket_map_set(int map_fd, uint32_t queue, int socket_fd)
{
	const uint32_t value = (uint32_t)socket_fd;
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)map_fd;
	attributes.key = address_of(&queue);
	attributes.value = address_of(&value);
	return bpf(BPF_MAP_UPDATE_ELEM, &attributes);
}

int wn_bpf_socket_map_clear(int map_fd, uint32_t queue)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)map_fd;
	attributes.key = address_of(&queue);
	return bpf(BPF_MAP_DELETE_ELEM, &attributes);
}

int wn_bpf_attach_xdp(int program_fd, int interface_index, uint32_t flags)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.link_create.prog_fd = (uint32_t)program_fd;
	attributes.link_create.target_ifindex = (uint32_t)interface_index;
	attributes.link_create.attach_type = BPF_XDP;
	attributes.link_create.flags = flags;
	return bpf(BPF_LINK_CREATE, &attributes);
}

/* -- whose program an interface has -- */

/* The program's number in IFLA_XDP of one RTM_NEWLINK message, or 0. */
static uint32_t program_in(struct nlmsghdr *message)
{
	struct rtattr *attribute = IFLA_RTA(NLMSG_DATA(message));
	int left = (int)IFLA_PAYLOAD(message);

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		struct rtattr *inner = RTA_DATA(attribute);
		int inner_left = (int)RTA_PAYLOAD(attribute);

		if ((attribute->rta_type & NLA_TYPE_MASK) != IFLA_XDP)
			continue;
		for (; RTA_OK(inner, inner_left); inner = RTA_NEXT(inner, inner_left))
			if (inner->rta_type == IFLA_XDP_PROG_ID ||
			    inner->rta_type == IFLA_XDP_DRV_PROG_ID ||
			    inner->rta_type == IFLA_XDP_SKB_PROG_ID ||
			    inner->rta_type == IFLA_XDP_HW_PROG_ID)
				return *(const uint32_t *)RTA_DATA(inner);
	}
	return 0;
}

static uint32_t find_program(int interface_index)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg body;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK,
			    .nlmsg_flags = NLM_F_REQUEST },
		.body = { .ifi_family = AF_UNSPEC, .ifi_index = interface_index },
	};
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct nlmsghdr *answer = malloc(NETLINK_BYTES);
	uint32_t program = 0;
	ssize_t n = -1;

	if (answer && fd >= 0 && send(fd, &request, sizeof(request), 0) == sizeof(request))
		n = recv(fd, answer, NETLINK_BYTES, 0);
	if (n > 0 && NLMSG_OK(answer, (size_t)n) && answer->nlmsg_type == RTM_NEWLINK)
		program = program_in(answer);
	free(answer);
	if (fd >= 0)
		close(fd);
	return program;
}

int wn_bpf_occupant(int interface_index, char *text, size_t bytes)
{
	const uint32_t id = find_program(interface_index);
	struct bpf_prog_info info = { .type = 0 };
	union bpf_attr attributes;
	int fd;

	if (!id)
		return 0;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_id = id;
	fd = bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
	if (fd >= 0) {
		memset(&attributes, 0, sizeof(attributes));
		attributes.info.bpf_fd = (uint32_t)fd;
		attributes.info.info_len = sizeof(info);
		attributes.info.info = address_of(&info);
		bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes);
		close(fd);
	}
	snprintf(text, bytes, "program %u '%s'", id, info.name[0] ? info.name : "without a name");
	return 1;
}
