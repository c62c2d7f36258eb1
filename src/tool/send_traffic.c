/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "tool/send.h"

enum { MAGIC = 0x73446e57, REPLY_BYTES_MIN = 2048, GRO_BYTES = 65535 };

/* -- buffers -- */

/* Any bytes do, if no shift of them looks like another. */
static void fill_pattern(uint8_t *pattern, uint32_t bytes)
{
	uint32_t state = 0x9e3779b9u;

	for (uint32_t i = 0; i < bytes; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		pattern[i] = (uint8_t)state;
	}
}

static void tie_messages(struct wn_send_buffers *buffers)
{
	for (uint32_t i = 0; i < WN_SEND_BURST; i++) {
		buffers->out_parts[i].iov_base = buffers->out + (size_t)i * buffers->out_bytes;
		buffers->out_messages[i].msg_hdr.msg_iov = &buffers->out_parts[i];
		buffers->out_messages[i].msg_hdr.msg_iovlen = 1;
		buffers->in_parts[i].iov_base = buffers->in + (size_t)i * buffers->in_bytes;
		buffers->in_parts[i].iov_len = buffers->in_bytes;
		buffers->in_messages[i].msg_hdr.msg_iov = &buffers->in_parts[i];
		buffers->in_messages[i].msg_hdr.msg_iovlen = 1;
		buffers->in_messages[i].msg_hdr.msg_control = buffers->in_controls[i];
	}
}

int wn_send_buffers_init(struct wn_send_buffers *buffers, const struct wn_send_config *config)
{
	const uint32_t pattern_bytes = config->payload_bytes + WN_SEND_PATTERN_SHIFTS;

	buffers->out_bytes = config->payload_bytes * config->gso;
	buffers->in_bytes = config->is_gro ? (uint32_t)GRO_BYTES : config->payload_bytes + 1;
	if (buffers->in_bytes < REPLY_BYTES_MIN)
		buffers->in_bytes = REPLY_BYTES_MIN;
	buffers->out = malloc((size_t)buffers->out_bytes * WN_SEND_BURST + 1);
	buffers->in = malloc((size_t)buffers->in_bytes * WN_SEND_BURST);
	buffers->pattern = malloc(pattern_bytes);
	if (!buffers->out || !buffers->in || !buffers->pattern)
		return -ENOMEM;
	fill_pattern(buffers->pattern, pattern_bytes);
	/* Payloads that nobody matches (too small for a header, or --no-reply) keep these bytes. */
	for (uint32_t i = 0; i < config->gso * WN_SEND_BURST; i++)
		memcpy(buffers->out + (size_t)i * config->payload_bytes, buffers->pattern,
		       config->payload_bytes);
	tie_messages(buffers);
	return 0;
}

void wn_send_buffers_finish(struct wn_send_buffers *buffers)
{
	free(buffers->out);
	free(buffers->in);
	free(buffers->pattern);
	buffers->out = buffers->in = buffers->pattern = NULL;
}

/* -- payloads -- */

struct header {
	uint32_t magic, number;
	uint64_t sent_ns;
};

_Static_assert(sizeof(struct header) == WN_SEND_HEADER_BYTES, "the header is as documented");

static int has_header(const struct wn_send_config *config)
{
	return config->payload_bytes >= WN_SEND_HEADER_BYTES;
}

/* The pattern's bytes behind the header of packet `number`. */
static const uint8_t *tail_of(const struct wn_send *send, uint32_t number)
{
	return send->buffers.pattern + number % WN_SEND_PATTERN_SHIFTS;
}

static void write_payload(const struct wn_send *send, uint8_t *payload, uint64_t number,
			  uint64_t now_ns)
{
	const struct header header = {MAGIC, (uint32_t)number, now_ns};

	memcpy(payload, &header, sizeof(header));
	if (send->config.awaits_replies && send->config.is_verified)
		memcpy(payload + sizeof(header), tail_of(send, header.number),
		       send->config.payload_bytes - sizeof(header));
}

/* -- out -- */

/* Lays out messages of up to gso packets each; returns how many. */
static uint32_t prepare_burst(struct wn_send *send, uint64_t packets, uint64_t now_ns)
{
	const struct wn_send_config *config = &send->config;
	uint64_t number = send->counters.sent;
	uint32_t messages = 0;

	while (packets && messages < WN_SEND_BURST) {
		const uint32_t train = packets < config->gso ? (uint32_t)packets : config->gso;
		uint8_t *payload = send->buffers.out_parts[messages].iov_base;

		for (uint32_t i = 0; has_header(config) && i < train; i++)
			write_payload(send, payload + (size_t)i * config->payload_bytes, number + i,
				      now_ns);
		send->buffers.out_parts[messages].iov_len = (size_t)train * config->payload_bytes;
		number += train;
		packets -= train;
		messages++;
	}
	return messages;
}

/* Of `packets` laid out in trains, how many the first `messages` messages hold. */
static uint64_t packets_in(const struct wn_send *send, uint64_t packets, uint32_t messages)
{
	const uint64_t full = (uint64_t)messages * send->config.gso;

	return full < packets ? full : packets;
}

static void note_sent(struct wn_send *send, uint64_t packets, int64_t now_ns)
{
	send->counters.sent += packets;
	send->counters.sent_bytes += packets * send->config.payload_bytes;
	send->end_ns = now_ns;
	if (send->config.awaits_replies)
		wn_window_add(&send->window, (uint32_t)packets, (uint64_t)now_ns);
}

/* An error that a socket reported: 0 where a later try may do better, else -errno. */
static int note_error(struct wn_send *send, int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS:
		send->is_blocked = 1;
		return 0;
	case EINTR:
		return 0;
	case ECONNREFUSED:
		send->counters.refused++;
		return 0;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case ECONNRESET:
	case EPROTO:
		send->counters.send_errors++;
		send->counters.last_error = error;
		return 0;
	default:
		return -error;
	}
}

int64_t wn_send_burst(struct wn_send *send, uint64_t wanted)
{
	const struct wn_send_source *source = &send->sources[send->next_source];
	/* Without replies there is nothing else to do, so the kernel may hold us back. */
	const int waits = !send->config.awaits_replies;
	const int64_t now_ns = wn_clock_ns();
	const uint32_t messages = prepare_burst(send, wanted, (uint64_t)now_ns);
	const int done = wn_os_send(source->socket, send->buffers.out_messages, messages, waits);
	uint64_t packets;

	if (++send->next_source == send->config.sources)
		send->next_source = 0;
	if (done < 0)
		return note_error(send, -done);
	packets = packets_in(send, wanted, (uint32_t)done);
	note_sent(send, packets, now_ns);
	return (int64_t)packets;
}

int wn_send_one(struct wn_send *send)
{
	uint8_t *payload = send->buffers.out;
	const int64_t now_ns = wn_clock_ns();

	if (has_header(&send->config))
		write_payload(send, payload, send->counters.sent, (uint64_t)now_ns);
	if (sendto(send->sources[0].socket, payload, send->config.payload_bytes, 0, NULL, 0) < 0)
		return note_error(send, errno);
	note_sent(send, 1, now_ns);
	return 1;
}

/* -- in -- */

static void note_order(struct wn_send *send, struct wn_send_source *source, uint32_t number)
{
	if (source->has_newest && (int32_t)(number - source->newest) < 0) {
		send->counters.reordered++;
		return;
	}
	source->newest = number;
	source->has_newest = 1;
}

static int is_as_sent(const struct wn_send *send, const uint8_t *reply, uint32_t length,
		      const struct header *header, uint64_t sent_ns)
{
	const uint32_t tail = send->config.payload_bytes - WN_SEND_HEADER_BYTES;

	return length == send->config.payload_bytes && header->sent_ns == sent_ns &&
	       !memcmp(reply + WN_SEND_HEADER_BYTES, tail_of(send, header->number), tail);
}

static void note_first(struct wn_send *send, uint32_t length, uint64_t sent_ns, int64_t now_ns)
{
	send->counters.completed++;
	send->counters.reply_bytes += length;
	wn_histogram_record(&send->round_trip, (uint64_t)now_ns - sent_ns);
}

/* A reply that says which packet it answers. */
static void take_numbered(struct wn_send *send, struct wn_send_source *source,
			  const uint8_t *reply, uint32_t length, int64_t now_ns)
{
	struct header header;
	uint64_t sent_ns;

	if (length < sizeof(header)) {
		send->counters.unexpected++;
		return;
	}
	memcpy(&header, reply, sizeof(header));
	if (header.magic != MAGIC) {
		send->counters.unexpected++;
		return;
	}
	switch (wn_window_settle(&send->window, header.number, &sent_ns)) {
	case WN_REPLY_FIRST:
		note_order(send, source, header.number);
		if (send->config.is_verified && !is_as_sent(send, reply, length, &header, sent_ns))
			send->counters.corrupted++;
		else
			note_first(send, length, sent_ns, now_ns);
		break;
	case WN_REPLY_DUPLICATE:
		send->counters.duplicates++;
		break;
	case WN_REPLY_LATE:
		send->counters.late++;
		break;
	case WN_REPLY_UNKNOWN:
		send->counters.unexpected++;
		break;
	}
}

/* A reply too small to say so: it answers the oldest packet in flight. */
static void take_counted(struct wn_send *send, const uint8_t *reply, uint32_t length,
			 int64_t now_ns)
{
	uint64_t sent_ns;

	if (!send->window.in_flight) {
		send->counters.unexpected++;
		return;
	}
	wn_window_settle(&send->window, wn_window_oldest(&send->window, &sent_ns), &sent_ns);
	if (send->config.is_verified && (length != send->config.payload_bytes ||
					 memcmp(reply, send->buffers.pattern, length)))
		send->counters.corrupted++;
	else
		note_first(send, length, sent_ns, now_ns);
}

static void take_reply(struct wn_send *send, struct wn_send_source *source, const uint8_t *reply,
		       uint32_t length, int64_t now_ns)
{
	if (has_header(&send->config))
		take_numbered(send, source, reply, length, now_ns);
	else
		take_counted(send, reply, length, now_ns);
}

/* Bytes a datagram of a train that GRO put together; the whole length where it is none. */
static uint32_t segment_bytes(struct msghdr *message, uint32_t length)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	uint32_t bytes = 0;

	return control && wn_os_is_train(control, &bytes) && bytes ? bytes : length;
}

static void take_message(struct wn_send *send, struct wn_send_source *source,
			 struct wn_os_message *message, int64_t now_ns)
{
	const uint8_t *bytes = message->msg_hdr.msg_iov->iov_base;
	uint32_t left = message->msg_len < send->buffers.in_bytes ? message->msg_len : send->buffers.in_bytes;
	const uint32_t segment = segment_bytes(&message->msg_hdr, left);

	do { /* an empty datagram is one, too */
		const uint32_t length = left < segment ? left : segment;

		take_reply(send, source, bytes, length, now_ns);
		bytes += length;
		left -= length;
	} while (left);
}

static void note_receive_error(struct wn_send *send, int error)
{
	if (error == EAGAIN || note_error(send, error) == 0)
		return;
	send->counters.send_errors++;
	send->counters.last_error = error;
}

int wn_send_receive_one(struct wn_send *send)
{
	uint8_t *reply = send->buffers.in;
	const ssize_t length = recv(send->sources[0].socket, reply, send->buffers.in_bytes, 0);

	if (length < 0) {
		note_receive_error(send, errno);
		return 0;
	}
	send->end_ns = wn_clock_ns();
	take_reply(send, &send->sources[0], reply, (uint32_t)length, send->end_ns);
	return 1;
}

int wn_send_receive(struct wn_send *send, uint32_t source, int waits)
{
	struct wn_os_message *messages = send->buffers.in_messages;
	int count;

	for (uint32_t i = 0; i < WN_SEND_BURST; i++)
		messages[i].msg_hdr.msg_controllen =
			send->config.is_gro ? sizeof(send->buffers.in_controls[i]) : 0;
	count = wn_os_receive(send->sources[source].socket, messages, WN_SEND_BURST, waits ? WN_SECOND_NS / 10 : 0,
			      &send->sources[source].waits);
	if (count < 0)
		note_receive_error(send, -count);
	if (count <= 0)
		return 0;
	send->end_ns = wn_clock_ns();
	for (int i = 0; i < count; i++)
		take_message(send, &send->sources[source], &messages[i], send->end_ns);
	return count;
}

void wn_send_expire(struct wn_send *send, int64_t now_ns)
{
	if (now_ns > send->config.timeout_ns)
		send->counters.lost += wn_window_expire(
			&send->window, (uint64_t)(now_ns - send->config.timeout_ns));
}
