/* SPDX-License-Identifier: Apache-2.0 */
/* Replies straight out of slots, trains as trains (UDP_SEGMENT). */
#include "link/udp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* Every kernel with UDP_SEGMENT takes this many datagrams in one train. */
enum { PIECE_SEGMENTS = 64 };

static void add_control(struct msghdr *header, int level, int type, const void *data,
				   size_t bytes)
{
	/* The room behind what is there already. */
	struct cmsghdr *message =
		(struct cmsghdr *)(void *)((char *)header->msg_control + header->msg_controllen);

	message->cmsg_level = level;
	message->cmsg_type = type;
	message->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(message), data, bytes);
	header->msg_controllen += CMSG_SPACE(bytes);
}

/* The reply leaves from the address that was asked. */
static void add_local(struct msghdr *header, const struct wn_udp_peer *peer)
{
	if (peer->address.any.sa_family == AF_INET) {
		const struct in_pktinfo info = {.ipi_spec_dst = peer->local.v4};

		add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		const struct in6_pktinfo info = {.ipi6_addr = peer->local.v6};

		add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

static int is_train(const struct wn_send_item *item)
{
	return item->segment_bytes && item->segment_bytes < item->length;
}

/*
 * Fills one message. 0, or the errno with which the item cannot be sent at all; ENOPROTOOPT: only as single
 * datagrams, for which it is filled.
 */
static int prepare(const struct wn_udp *udp, struct wn_udp_queue *own, uint32_t i,
		   const struct wn_send_item *item)
{
	struct msghdr *header = &own->send[i].msg_hdr;
	const int is_reply = item->reply_index != WN_NOT_A_REPLY;
	struct wn_udp_peer *peer = is_reply ? &own->peers[item->reply_index] : NULL;
	union wn_address *to = peer ? &peer->address : (union wn_address *)(uintptr_t)&udp->peer;

	int error = 0;

	if (!is_reply && !udp->has_peer)
		return EDESTADDRREQ;
	own->send_vectors[i].iov_base = (void *)(uintptr_t)item->bytes;
	own->send_vectors[i].iov_len = item->length;
	header->msg_name = to;
	header->msg_namelen = wn_address_length(to);
	header->msg_control = own->send_control[i];
	header->msg_controllen = 0;
	header->msg_iov = &own->send_vectors[i];
	header->msg_iovlen = 1;
	if (peer && peer->has_local)
		add_local(header, peer);
	if (is_train(item))
		error = -wn_os_add_train(header, item->segment_bytes);
	if (!header->msg_controllen)
		header->msg_control = NULL;
	return error;
}

/* Sends one piece; where the socket is full, waits for it once, a millisecond at most. */
static int send_piece(int fd, const struct msghdr *header)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	if (sendmsg(fd, header, MSG_DONTWAIT) >= 0)
		return 0;
	if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
		return errno;
	poll(&room, 1, 1);
	return sendmsg(fd, header, MSG_DONTWAIT) >= 0 ? 0 : errno;
}

/*
 * A train that the kernel did not take whole goes in pieces: first of as many datagrams as any
 * kernel takes, then, where the route cannot segment at all, one by one. Returns 0 or the errno
 * that ended it; item->sent says how many datagrams went out.
 */
static int send_in_pieces(struct wn_udp_queue *own, uint32_t i, struct wn_send_item *item,
			  uint32_t segments)
{
	struct msghdr header = own->send[i].msg_hdr;
	struct iovec vector;
	int error;

	header.msg_iov = &vector;
	if (segments == 1) {
		/* The segment size was added last. */
		header.msg_controllen -= WN_OS_TRAIN_SPACE;
		if (!header.msg_controllen)
			header.msg_control = NULL;
	}
	for (uint32_t at = 0; at < item->length; at += vector.iov_len) {
		const uint32_t left = item->length - at;
		const uint32_t piece = segments * item->segment_bytes;

		vector.iov_base = (void *)(uintptr_t)(item->bytes + at);
		vector.iov_len = left < piece ? left : piece;
		error = send_piece(own->fd, &header);
		if (error && at == 0 && segments > 1)
			return send_in_pieces(own, i, item, 1);
		if (error)
			return error;
		item->sent += ((uint32_t)vector.iov_len + item->segment_bytes - 1) / item->segment_bytes;
	}
	return 0;
}

static int is_for_later(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == EINTR;
}

/* The first message was refused: what becomes of its item. 0 is sent after all. */
static int settle_refused(struct wn_udp_queue *own, uint32_t i, struct wn_send_item *item,
			  int error)
{
	if (is_train(item) && (error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP))
		return send_in_pieces(own, i, item, PIECE_SEGMENTS);
	return error;
}

int wn_udp_send(struct wn_link *link, uint32_t queue, struct wn_send_item *items, uint32_t count)
{
	const struct wn_udp *udp = link->state;
	struct wn_udp_queue *own = &udp->queues[queue];
	uint32_t ready = 0, sent = 0;

	if (count > WN_UDP_BURST)
		count = WN_UDP_BURST;
	for (; ready < count; ready++) {
		items[ready].error = prepare(udp, own, ready, &items[ready]);
		if (items[ready].error) {
			/* Those before it go first; it is done with when it comes to its turn. */
			if (ready)
				break;
			if (items[0].error == ENOPROTOOPT)
				items[0].error = send_in_pieces(own, 0, &items[0], 1);
			return 1;
		}
	}
	while (sent < ready) {
		const int done = wn_os_send(own->fd, own->send + sent, ready - sent, 0);

		if (done > 0) {
			sent += (uint32_t)done;
			continue;
		}
		if (is_for_later(-done)) {
			items[sent].error = -done;
			break;
		}
		items[sent].error = settle_refused(own, sent, &items[sent], -done);
		sent++;
	}
	return (int)sent;
}
