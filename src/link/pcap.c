/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pcap link: frames out of a capture file, and frames into one.
 *
 * It is paced by the clock, or not at all; then it waits for the ring and nothing is lost.
 */
#include "link/identity.h"
#include "link/link.h"

#ifndef WN_HAVE_LIBPCAP
#define WN_HAVE_LIBPCAP 0
#endif

static const struct wn_option options[] = {
	{ .name = "write", .type = WN_OPTION_TEXT,
	  .help = "capture file for what is answered, forwarded or delivered; - is stdout" },
	{ .name = "speed", .type = WN_OPTION_TEXT, .preset = "max",
	  .help = "max, file (as the timestamps say), or a factor of that, for example 2 or 0.5" },
	{ .name = "rate", .type = WN_OPTION_NUMBER, .minimum = 1, .maximum = 1000000000,
	  .help = "packets a second, in place of speed" },
	{ .name = "times", .type = WN_OPTION_CHOICE, .choices = "replay|file", .preset = "replay",
	  .help = "when a packet arrived: now, as it is replayed, or as the file says; -r with -w means file" },
	{ .name = "loop", .type = WN_OPTION_NUMBER, .maximum = UINT64_MAX, .preset = "1",
	  .help = "times the file is replayed; 0: for ever" },
	{ .name = "limit", .type = WN_OPTION_NUMBER, .maximum = UINT64_MAX, .preset = "0",
	  .help = "ends after this many packets; 0: no limit" },
	WN_IDENTITY_OPTIONS,
	{ .name = NULL },
};

#if WN_HAVE_LIBPCAP

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "link/pcap_read.h"
#include "link/pcap_write.h"
#include "os/os.h"

enum {
	BURST = 64,
	FRAME_BYTES_MAX = 65535,
	SLOT_BYTES = 2048,
};

struct pcap_link {
	struct wn_pcap_reader reader;
	struct wn_pcap_writer writer;
	double speed;           /* times the file's own; 0: as fast as it goes */
	uint64_t rate;          /* packets a second; 0: see speed */
	uint64_t passes_left;   /* after this one; UINT64_MAX: no end */
	uint64_t limit;
	uint64_t received;      /* packets in all */
	uint64_t pass_received; /* in this pass */
	int64_t start_ns;       /* CLOCK_MONOTONIC at the first packet (of this pass, by speed) */
	int64_t first_ns;       /* the file's time of that packet */
	int64_t due_ns;         /* of the last packet: time in a file may go back, ours does not */
	int64_t offset_ns;      /* CLOCK_REALTIME - CLOCK_MONOTONIC when it was opened */
	int keeps_times;        /* arrival is the file's time: what is written keeps it */
	int fault;              /* -EIO that has still to be returned */
	int is_over;
};

/* -- opening -- */

static int parse_speed(struct wn_link *link, struct wn_error *error)
{
	struct pcap_link *own = link->state;
	const char *text = wn_options_text(&link->options, "speed");
	char *end;

	own->rate = wn_options_number(&link->options, "rate");
	if (own->rate && wn_options_given(&link->options, "speed"))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "pcap link: speed=%s and rate=%s: only one of them may be given",
			       text, wn_options_text(&link->options, "rate"));
	if (!strcmp(text, "max"))
		return 0;
	own->speed = 1;
	if (!strcmp(text, "file"))
		return 0;
	own->speed = strtod(text, &end);
	if (end == text || *end || !isfinite(own->speed) || own->speed < 1e-6 || own->speed > 1e6)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "pcap link: speed=%s: must be max, file, or a factor from 0.000001 "
			       "to 1000000", text);
	return 0;
}

static int open_files(struct wn_link *link, const char *input, const char *output,
		      struct wn_error *error)
{
	struct pcap_link *own = link->state;
	const int repeats = wn_options_number(&link->options, "loop") != 1;
	int rc = 0;

	/* The input first: where that fails, no output is made or emptied. */
	if (input[0])
		rc = wn_pcap_reader_open(&own->reader, input, link->filter, repeats, error);
	if (rc || !output[0])
		return rc;
	rc = wn_pcap_writer_open(&own->writer, output, input[0] ? &own->reader.status : NULL,
				 error);
	if (rc)
		wn_pcap_reader_close(&own->reader);
	return rc;
}

static void describe(struct wn_link *link, const char *input, const char *output)
{
	const struct pcap_link *own = link->state;
	char pace[64] = "as fast as it goes";

	if (own->rate)
		snprintf(pace, sizeof(pace), "%llu packets/s", (unsigned long long)own->rate);
	else if (own->speed > 0)
		snprintf(pace, sizeof(pace), "%g times its speed", own->speed);
	if (input[0] && output[0])
		snprintf(link->where, sizeof(link->where), "pcap %s, %s, written to %s", input,
			 pace, output);
	else if (input[0])
		snprintf(link->where, sizeof(link->where), "pcap %s, %s", input, pace);
	else
		snprintf(link->where, sizeof(link->where), "pcap written to %s", output);
}

static int open_pcap(struct wn_link *link, struct wn_error *error)
{
	struct pcap_link *own = link->state;
	const char *input = link->options.address;
	const char *output = wn_options_text(&link->options, "write");
	int rc;

	own->writer.fd = -1;
	own->keeps_times = wn_options_number(&link->options, "times") != 0;
	own->offset_ns = wn_clock_of(CLOCK_REALTIME) - wn_clock_ns();
	own->passes_left = wn_options_number(&link->options, "loop") - 1;
	own->limit = wn_options_number(&link->options, "limit");
	if (!input[0] && !output[0])
		return wn_fail(error, EINVAL, WN_USAGE,
			       "pcap link: neither a file to read nor write=FILE; for example "
			       "pcap:in.pcap or pcap:,write=out.pcap");
	rc = parse_speed(link, error);
	if (!rc)
		rc = wn_identity_parse(link, NULL, error);
	if (!rc)
		rc = open_files(link, input, output, error);
	if (rc)
		return rc;
	link->limits = (struct wn_link_limits){
		.kind = WN_FRAME,
		.queue_count = 1,
		.slot_bytes_min = SLOT_BYTES,
		.segments_max = 1,
		.burst_max = BURST,
		.can_receive = input[0] != '\0',
		.takes_filter = 1,
		.can_send = output[0] != '\0',
		.keeps_deliveries = output[0] != '\0',
	};
	describe(link, input, output);
	return 0;
}

static void close_pcap(struct wn_link *link)
{
	struct pcap_link *own = link->state;

	wn_pcap_writer_close(&own->writer);
	wn_pcap_reader_close(&own->reader);
}

/* -- receiving -- */

/* At the end of a pass: 0 where there is another one. */
static int end_pass(struct pcap_link *own)
{
	/* A file without a single packet could be replayed for ever without end or effect. */
	if (!own->passes_left || !own->pass_received)
		return -ENODATA;
	if (own->passes_left != UINT64_MAX)
		own->passes_left--;
	own->pass_received = 0;
	return wn_pcap_reader_rewind(&own->reader);
}

/* The next packet, of this pass or another. 1, 0 none just now, -errno for good. */
static int next_packet(struct pcap_link *own, struct wn_pcap_packet *packet)
{
	int rc = own->is_over ? -ENODATA : wn_pcap_reader_peek(&own->reader, packet);

	if (rc == -ENODATA && !own->is_over) {
		rc = end_pass(own);
		if (!rc)
			rc = wn_pcap_reader_peek(&own->reader, packet);
	}
	if (rc < 0 && !own->is_over) {
		own->is_over = 1;
		own->fault = rc == -ENODATA ? 0 : rc;
	}
	return rc;
}

/* When the packet is to go, by rate or by the file's time. */
static int64_t due_ns(struct pcap_link *own, const struct wn_pcap_packet *packet, int64_t now_ns)
{
	const double never_ns = 4e18; /* a century away; the sum still fits */
	double later_ns;

	if (!own->received) {
		own->start_ns = now_ns;
		own->due_ns = now_ns;
	}
	if (own->rate)
		return own->start_ns + (int64_t)((double)own->received * 1e9 / (double)own->rate);
	if (!own->pass_received) {
		own->start_ns = own->due_ns;
		own->first_ns = packet->time_ns;
	}
	later_ns = (double)(packet->time_ns - own->first_ns) / own->speed;
	if (later_ns > never_ns)
		later_ns = never_ns;
	if (later_ns > 0 && own->start_ns + (int64_t)later_ns > own->due_ns)
		own->due_ns = own->start_ns + (int64_t)later_ns;
	return own->due_ns;
}

static void fill_slot(const struct pcap_link *own, struct wn_receive_batch *batch, uint32_t i,
		      const struct wn_pcap_packet *packet, int64_t now_ns)
{
	const int64_t arrival_ns = own->keeps_times ? packet->time_ns - own->offset_ns : now_ns;
	uint32_t length = packet->length;

	if (length > batch->view->slot_bytes)
		length = batch->view->slot_bytes;
	if (length > FRAME_BYTES_MAX)
		length = FRAME_BYTES_MAX;
	memcpy(wn_batch_frame(batch, i), packet->bytes, length);
	wn_batch_describe(batch, i, length, packet->wire_length, WN_SLOT_FRAME, (uint64_t)arrival_ns);
}

/* Fills slots with what is due now. How many; *later_ns is when there will be more, or 0. */
static uint32_t take_due(struct pcap_link *own, struct wn_receive_batch *batch, int64_t now_ns,
			 int64_t *later_ns)
{
	const int is_paced = own->rate || own->speed > 0;
	struct wn_pcap_packet packet;
	uint32_t count = 0;

	*later_ns = 0;
	while (count < batch->capacity && count < BURST && next_packet(own, &packet) == 1) {
		if (is_paced) {
			const int64_t due = due_ns(own, &packet, now_ns);

			if (due > now_ns) {
				*later_ns = due;
				break;
			}
		}
		fill_slot(own, batch, count++, &packet, now_ns);
		wn_pcap_reader_take(&own->reader);
		own->received++;
		own->pass_received++;
		if (own->received == own->limit)
			own->is_over = 1;
	}
	return count;
}

/* What a call that filled nothing returns: the fault once, the end after that. */
static int nothing(struct pcap_link *own)
{
	const int fault = own->fault;

	if (!own->is_over)
		return 0;
	own->fault = 0;
	return fault ? fault : -ENODATA;
}

static int receive_pcap(struct wn_link *link, uint32_t queue, struct wn_receive_batch *batch)
{
	struct pcap_link *own = link->state;
	const int64_t now_ns = wn_clock_ns(), deadline_ns = now_ns + batch->wait_ns;
	int64_t later_ns;
	uint32_t count;

	(void)queue;
	if (!link->limits.can_receive)
		return -ENODATA;
	count = take_due(own, batch, now_ns, &later_ns);
	if (count || own->is_over || batch->wait_ns <= 0)
		return count ? (int)count : nothing(own);
	if (later_ns)
		wn_os_sleep_until(later_ns < deadline_ns ? later_ns : deadline_ns);
	else
		wn_pcap_reader_wait(&own->reader, batch->wait_ns);
	count = take_due(own, batch, wn_clock_ns(), &later_ns);
	return count ? (int)count : nothing(own);
}

/* -- sending -- */

static void describe_record(struct wn_pcap_record *record, const struct wn_send_item *item,
			    int64_t now_ns, int64_t offset_ns)
{
	record->bytes = item->bytes;
	record->length = item->length;
	record->wire_length = item->wire_length > item->length ? item->wire_length : item->length;
	record->time_ns = item->arrival_ns ? (int64_t)item->arrival_ns + offset_ns : now_ns;
}

static int send_pcap(struct wn_link *link, uint32_t queue, struct wn_send_item *items,
		     uint32_t count)
{
	struct pcap_link *own = link->state;
	const int64_t now_ns = wn_clock_of(CLOCK_REALTIME);
	const int64_t offset_ns = own->keeps_times ? own->offset_ns : now_ns - wn_clock_ns();
	struct wn_pcap_record records[BURST];
	uint32_t done = 0;

	(void)queue;
	if (count > BURST)
		count = BURST;
	for (uint32_t i = 0; i < count; i++) {
		describe_record(&records[i], &items[i], now_ns, offset_ns);
		items[i].error = 0;
	}
	while (done < count) {
		const int rc = wn_pcap_writer_append(&own->writer, records + done, count - done);

		if (!rc)
			break;
		if (rc < 0)
			items[done].error = -rc;
		done += rc < 0 ? 1 : (uint32_t)rc;
		if (rc > 0 && wn_pcap_writer_is_behind(&own->writer)) {
			items[done - 1].error = EINPROGRESS;
			break;
		}
	}
	return (int)done;
}

static int flush_pcap(struct wn_link *link, uint32_t queue)
{
	struct pcap_link *own = link->state;

	(void)queue;
	return wn_pcap_writer_flush(&own->writer);
}

#endif

const struct wn_link_ops wn_link_pcap = {
	.kind = "pcap",
	.summary = "Ethernet frames of a capture file (pcap, pcapng), and into one",
	.address = "FILE",
	.options = options,
#if WN_HAVE_LIBPCAP
	.state_bytes = sizeof(struct pcap_link),
	.open = open_pcap,
	.receive = receive_pcap,
	.send = send_pcap,
	.flush = flush_pcap,
	.close = close_pcap,
#else
	.missing = "this build has no libpcap; install libpcap-dev and build again with "
		   "-Dlibpcap=enabled",
#endif
};
