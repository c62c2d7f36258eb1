/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of `warpnic run echo --link udp:...`: one thread, recvmmsg, then sendmmsg of the same
 * buffers to the same peers; it sleeps in recvmmsg while nothing comes.
 *
 *     udp_echo PORT SECONDS [--gro]
 *
 * With --gro trains are received whole and sent back whole, with UDP_SEGMENT. Prints one JSON line.
 * The time is measured from the first packet on.
 */
#include "floor.h"

enum { BURST = 64, PACKET_BYTES = 2048, TRAIN_BYTES = 65536 };

/* Room for the UDP_GRO of a received message, or for the UDP_SEGMENT of a sent one. */
struct control {
	_Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

struct echo {
	struct mmsghdr in[BURST], out[BURST];
	struct iovec in_parts[BURST], out_parts[BURST];
	struct sockaddr_in6 peers[BURST];
	struct control in_controls[BURST], out_controls[BURST];
	uint64_t packets, bytes, calls;
	int is_gro;
};

static void tie(struct echo *echo)
{
	const size_t size = echo->is_gro ? TRAIN_BYTES : PACKET_BYTES;
	uint8_t *memory = aligned_alloc(4096, size * BURST);

	if (!memory)
		floor_die("memory");
	memset(memory, 0, size * BURST);
	for (int i = 0; i < BURST; i++) {
		echo->in_parts[i] = (struct iovec){memory + (size_t)i * size, size};
		echo->out_parts[i].iov_base = memory + (size_t)i * size;
		echo->in[i].msg_hdr = (struct msghdr){
			.msg_name = &echo->peers[i],
			.msg_namelen = sizeof(echo->peers[i]),
			.msg_iov = &echo->in_parts[i],
			.msg_iovlen = 1,
			.msg_control = echo->is_gro ? &echo->in_controls[i] : NULL,
			.msg_controllen = echo->is_gro ? sizeof(echo->in_controls[i]) : 0,
		};
		echo->out[i].msg_hdr = (struct msghdr){
			.msg_name = &echo->peers[i],
			.msg_iov = &echo->out_parts[i],
			.msg_iovlen = 1,
		};
	}
}

/* Makes message i a train of `segment` bytes a datagram, or a single one. */
static void set_segment(struct echo *echo, int i, uint32_t segment, uint32_t length)
{
	struct msghdr *message = &echo->out[i].msg_hdr;
	struct cmsghdr *control = (struct cmsghdr *)echo->out_controls[i].bytes;
	const uint16_t bytes = (uint16_t)segment;

	message->msg_control = NULL;
	message->msg_controllen = 0;
	if (segment >= length)
		return;
	message->msg_control = &echo->out_controls[i];
	message->msg_controllen = CMSG_SPACE(sizeof(bytes));
	control->cmsg_level = IPPROTO_UDP;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(bytes));
	memcpy(CMSG_DATA(control), &bytes, sizeof(bytes));
}

static void turn(struct echo *echo, int i)
{
	const uint32_t length = echo->in[i].msg_len;

	echo->out_parts[i].iov_len = length;
	echo->out[i].msg_hdr.msg_namelen = echo->in[i].msg_hdr.msg_namelen;
	echo->in[i].msg_hdr.msg_namelen = sizeof(echo->peers[i]);
	echo->packets++;
	echo->bytes += length;
	if (echo->is_gro) {
		const uint32_t segment = floor_segment(&echo->in[i].msg_hdr, length);

		set_segment(echo, i, segment, length);
		echo->packets += segment && length ? (length - 1) / segment : 0;
		echo->in[i].msg_hdr.msg_controllen = sizeof(echo->in_controls[i]);
	}
}

/* Blocks where the socket is full; what is refused is left out, as an echo server must. */
static void send_all(struct echo *echo, int fd, int count)
{
	int done = 0;

	while (done < count) {
		const int sent = sendmmsg(fd, echo->out + done, (unsigned int)(count - done), 0);

		done += sent > 0 ? sent : 1;
	}
}

static void run(struct echo *echo, int fd, double wanted_seconds)
{
	struct floor_cpu before = {0, 0}, after;
	double start = 0, now = 0;

	while (!start || now - start < wanted_seconds) {
		const int count = recvmmsg(fd, echo->in, BURST, MSG_WAITFORONE, NULL);

		if (count > 0) {
			for (int i = 0; i < count; i++)
				turn(echo, i);
			send_all(echo, fd, count);
			echo->calls++;
		}
		now = floor_seconds();
		if (!start && count > 0) {
			start = now;
			before = floor_cpu();
		}
	}
	after = floor_cpu();
	after.user_ns -= before.user_ns;
	after.system_ns -= before.system_ns;
	floor_print(echo->is_gro ? "udp_echo_gro" : "udp_echo", echo->packets, echo->bytes,
		    echo->calls, now - start, after);
}

int main(int argc, char **argv)
{
	static struct echo echo;

	if (argc < 3 || (argc > 3 && strcmp(argv[3], "--gro"))) {
		fprintf(stderr, "usage: udp_echo PORT SECONDS [--gro]\n");
		return 2;
	}
	echo.is_gro = argc > 3;
	tie(&echo);
	run(&echo, floor_socket((uint16_t)atoi(argv[1]), echo.is_gro), atof(argv[2]));
	return 0;
}
