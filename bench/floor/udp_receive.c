/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of `warpnic run count --link udp:...`: a recvmmsg loop that counts packets and bytes.
 *
 *     udp_receive PORT SECONDS [--gro]
 *
 * With --gro it receives trains and touches every packet's length: each is added to a total by its
 * length class, which is the least a counter can do. Prints one JSON line.
 */
#include "floor.h"

enum { BURST = 64, PACKET_BYTES = 2048, TRAIN_BYTES = 65536 };

struct receiver {
	struct mmsghdr messages[BURST];
	struct iovec parts[BURST];
	struct sockaddr_in6 peers[BURST];
	_Alignas(struct cmsghdr) uint8_t controls[BURST][CMSG_SPACE(sizeof(int))];
	uint64_t packets, bytes, calls;
	uint64_t by_length[32];
	int is_gro;
};

static void tie(struct receiver *receiver)
{
	const size_t size = receiver->is_gro ? TRAIN_BYTES : PACKET_BYTES;
	uint8_t *memory = aligned_alloc(4096, size * BURST);

	if (!memory)
		floor_die("memory");
	memset(memory, 0, size * BURST);
	for (int i = 0; i < BURST; i++) {
		receiver->parts[i] = (struct iovec){memory + (size_t)i * size, size};
		receiver->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &receiver->peers[i],
			.msg_namelen = sizeof(receiver->peers[i]),
			.msg_iov = &receiver->parts[i],
			.msg_iovlen = 1,
			.msg_control = receiver->is_gro ? receiver->controls[i] : NULL,
			.msg_controllen = receiver->is_gro ? sizeof(receiver->controls[i]) : 0,
		};
	}
}

static uint32_t class_of(uint32_t length)
{
	return length ? 32u - (uint32_t)__builtin_clz(length) : 0;
}

static void count_train(struct receiver *receiver, struct mmsghdr *message)
{
	uint32_t left = message->msg_len;
	const uint32_t segment = floor_segment(&message->msg_hdr, left);

	do {
		const uint32_t length = left < segment ? left : segment;

		receiver->by_length[class_of(length)]++;
		receiver->bytes += length;
		receiver->packets++;
		left -= length;
	} while (left);
	message->msg_hdr.msg_controllen = sizeof(receiver->controls[0]);
}

static void count_burst(struct receiver *receiver, int count)
{
	receiver->calls++;
	for (int i = 0; i < count; i++) {
		struct mmsghdr *message = &receiver->messages[i];

		message->msg_hdr.msg_namelen = sizeof(receiver->peers[i]);
		if (receiver->is_gro) {
			count_train(receiver, message);
			continue;
		}
		receiver->packets++;
		receiver->bytes += message->msg_len;
	}
}

static void run(struct receiver *receiver, int fd, double wanted_seconds)
{
	struct floor_cpu before = {0, 0}, after;
	double start = 0, now = 0;

	while (!start || now - start < wanted_seconds) {
		const int count = recvmmsg(fd, receiver->messages, BURST, MSG_WAITFORONE, NULL);

		now = floor_seconds();
		if (count <= 0)
			continue;
		if (!start) { /* the first burst only starts the clock */
			start = now;
			before = floor_cpu();
			continue;
		}
		count_burst(receiver, count);
	}
	after = floor_cpu();
	after.user_ns -= before.user_ns;
	after.system_ns -= before.system_ns;
	floor_print(receiver->is_gro ? "udp_receive_gro" : "udp_receive", receiver->packets,
		    receiver->bytes, receiver->calls, now - start, after);
}

int main(int argc, char **argv)
{
	static struct receiver receiver;

	if (argc < 3 || (argc > 3 && strcmp(argv[3], "--gro"))) {
		fprintf(stderr, "usage: udp_receive PORT SECONDS [--gro]\n");
		return 2;
	}
	receiver.is_gro = argc > 3;
	tie(&receiver);
	run(&receiver, floor_socket((uint16_t)atoi(argv[1]), receiver.is_gro), atof(argv[2]));
	return 0;
}
