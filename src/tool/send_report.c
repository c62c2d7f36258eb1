/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "tool/json.h"
#include "tool/send.h"

static double percent_of(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static double run_seconds(const struct wn_send *send)
{
	return (double)(send->end_ns - send->start_ns) / 1e9;
}

/* Packets a second of what this run is about: replies, or without them packets sent. */
static double run_rate(const struct wn_send *send)
{
	const double seconds = run_seconds(send);
	const uint64_t packets = send->config.awaits_replies ? send->counters.completed
							     : send->counters.sent;

	return seconds > 0 ? (double)packets / seconds : 0.0;
}

/* User and system time of the run, in ns. */
static uint64_t used_ns(const struct timeval *start, const struct timeval *end)
{
	return (uint64_t)((end->tv_sec - start->tv_sec) * WN_SECOND_NS +
			  (end->tv_usec - start->tv_usec) * INT64_C(1000));
}

void wn_send_progress(struct wn_send *send, int64_t now_ns)
{
	const struct wn_send_counters *now = &send->counters, *then = &send->progress.counters;
	const double seconds = (double)(now_ns - send->progress.ns) / 1e9;

	fprintf(stderr, "%8.1f s  %10.0f packets/s sent", (double)(now_ns - send->start_ns) / 1e9,
		(double)(now->sent - then->sent) / seconds);
	if (send->config.awaits_replies)
		fprintf(stderr, "  %10.0f packets/s completed  %llu lost",
			(double)(now->completed - then->completed) / seconds,
			(unsigned long long)now->lost);
	if (now->refused)
		fprintf(stderr, "  %llu refused", (unsigned long long)now->refused);
	fputc('\n', stderr);
	send->progress.ns = now_ns;
	send->progress.counters = *now;
}

/* -- text -- */

static void print_count(const char *name, uint64_t count, uint64_t whole)
{
	char label[32];

	snprintf(label, sizeof(label), "%s:", name);
	printf("  %-22s%llu", label, (unsigned long long)count);
	if (whole)
		printf(" (%.2f%%)", percent_of(count, whole));
	putchar('\n');
}

/* Rare things get a line only where they happened. */
static void print_if_any(const char *name, uint64_t count)
{
	if (count)
		print_count(name, count, 0);
}

static void print_errors(const struct wn_send_counters *counters)
{
	print_if_any("Refused", counters->refused);
	if (counters->send_errors)
		printf("  %-22s%llu (last: %s)\n", "Socket errors:",
		       (unsigned long long)counters->send_errors, strerror(counters->last_error));
}

static void print_replies(const struct wn_send_counters *counters)
{
	print_count("Packets completed", counters->completed, counters->sent);
	print_count("Packets lost", counters->lost, counters->sent);
	print_if_any("Packets corrupted", counters->corrupted);
	print_if_any("Duplicates", counters->duplicates);
	print_if_any("Reordered", counters->reordered);
	print_if_any("Late", counters->late);
	print_if_any("Unexpected", counters->unexpected);
}

static double percentile_us(const struct wn_send *send, double percent)
{
	return (double)wn_histogram_percentile(&send->round_trip, percent) / 1e3;
}

static void print_round_trip(const struct wn_send *send)
{
	const struct wn_histogram *trip = &send->round_trip;

	if (!trip->count)
		return;
	printf("\n  Average Latency (s):  %.6f (min %.6f, max %.6f)\n",
	       wn_histogram_mean(trip) / 1e9, (double)trip->minimum / 1e9,
	       (double)trip->maximum / 1e9);
	printf("  Latency StdDev (s):   %.6f\n", wn_histogram_deviation(trip) / 1e9);
	printf("  Round trip (us):      p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n",
	       percentile_us(send, 50), percentile_us(send, 90), percentile_us(send, 99),
	       percentile_us(send, 99.9), (double)trip->maximum / 1e3);
	if (send->config.payload_bytes < WN_SEND_HEADER_BYTES)
		printf("  (payloads below %d bytes carry no number: replies were matched in order)\n",
		       WN_SEND_HEADER_BYTES);
}

static void print_text(const struct wn_send *send)
{
	const struct wn_send_counters *counters = &send->counters;

	printf("Statistics:\n\n");
	print_count("Packets sent", counters->sent, 0);
	if (send->config.awaits_replies)
		print_replies(counters);
	print_errors(counters);
	printf("\n  Packet size:          %u bytes\n", send->config.payload_bytes);
	printf("  Run time (s):         %.6f\n", run_seconds(send));
	printf("  Packets per second:   %.6f\n", run_rate(send));
	print_round_trip(send);
}

/* -- JSON -- */

static void put_round_trip(struct wn_json *json, const struct wn_histogram *trip)
{
	wn_json_object(json, "round_trip_ns");
	wn_json_number(json, "count", trip->count);
	wn_json_number(json, "min", trip->minimum);
	wn_json_real(json, "mean", wn_histogram_mean(trip));
	wn_json_real(json, "stddev", wn_histogram_deviation(trip));
	wn_json_number(json, "p50", wn_histogram_percentile(trip, 50));
	wn_json_number(json, "p90", wn_histogram_percentile(trip, 90));
	wn_json_number(json, "p99", wn_histogram_percentile(trip, 99));
	wn_json_number(json, "p99_9", wn_histogram_percentile(trip, 99.9));
	wn_json_number(json, "max", trip->maximum);
	wn_json_end(json);
}

static void put_setting(struct wn_json *json, const struct wn_send_config *config)
{
	wn_json_text(json, "target", config->target);
	wn_json_number(json, "payload_bytes", config->payload_bytes);
	wn_json_number(json, "window", config->awaits_replies ? config->window : 0);
	wn_json_number(json, "rate", config->rate);
	wn_json_number(json, "gso", config->gso);
	wn_json_bool(json, "gro", config->is_gro);
	wn_json_number(json, "sources", config->sources);
	wn_json_bool(json, "verified", config->awaits_replies && config->is_verified);
	wn_json_text(json, "matched_by",
		     !config->awaits_replies                              ? "nothing"
		     : config->payload_bytes < WN_SEND_HEADER_BYTES ? "order"
								    : "number");
}

static void put_counters(struct wn_json *json, const struct wn_send_counters *counters)
{
	wn_json_number(json, "sent", counters->sent);
	wn_json_number(json, "completed", counters->completed);
	wn_json_number(json, "lost", counters->lost);
	wn_json_number(json, "corrupted", counters->corrupted);
	wn_json_number(json, "duplicates", counters->duplicates);
	wn_json_number(json, "reordered", counters->reordered);
	wn_json_number(json, "late", counters->late);
	wn_json_number(json, "unexpected", counters->unexpected);
	wn_json_number(json, "refused", counters->refused);
	wn_json_number(json, "socket_errors", counters->send_errors);
	wn_json_number(json, "sent_bytes", counters->sent_bytes);
	wn_json_number(json, "completed_bytes", counters->reply_bytes);
	wn_json_real(json, "lost_percent", percent_of(counters->lost, counters->sent));
}

static void put_cpu(struct wn_json *json, const struct wn_send *send)
{
	wn_json_object(json, "cpu");
	wn_json_number(json, "user_ns",
		       used_ns(&send->usage_start.ru_utime, &send->usage_end.ru_utime));
	wn_json_number(json, "system_ns",
		       used_ns(&send->usage_start.ru_stime, &send->usage_end.ru_stime));
	wn_json_end(json);
}

static void print_json(const struct wn_send *send)
{
	struct wn_json json;

	wn_json_init(&json, stdout, 1);
	wn_json_object(&json, NULL);
	put_setting(&json, &send->config);
	put_counters(&json, &send->counters);
	wn_json_real(&json, "seconds", run_seconds(send));
	wn_json_real(&json, "packets_per_second", run_rate(send));
	if (send->config.awaits_replies)
		put_round_trip(&json, &send->round_trip);
	put_cpu(&json, send);
	wn_json_bool(&json, "interrupted", send->was_interrupted);
	wn_json_end(&json);
	wn_json_finish(&json);
}

void wn_send_report(const struct wn_send *send)
{
	if (send->config.is_json)
		print_json(send);
	else
		print_text(send);
}

/* -- the verdict -- */

static int say(const char *text)
{
	fprintf(stderr, "warpnic send: %s\n", text);
	return WN_FAILED;
}

static int judge_silence(const struct wn_send *send)
{
	if (send->counters.refused)
		return say("nothing came back, and the target refused: is anything listening on that "
			   "port? ('ss -lun' on the target shows)");
	if (send->counters.unexpected)
		return say("replies came back, but none that carries what was sent: does the target "
			   "echo? (--size below 16 matches replies by order alone)");
	return say("nothing came back: check address and port, that the target answers what it "
		   "receives (else use --no-reply), and firewalls on the way");
}

int wn_send_judge(const struct wn_send *send)
{
	const struct wn_send_counters *counters = &send->counters;
	char text[160];

	if (!counters->sent && !send->was_interrupted)
		return say(counters->refused ? "nothing could be sent: the target refused"
					     : "nothing could be sent");
	if (!send->config.awaits_replies || !counters->sent)
		return WN_OK;
	if (!counters->completed && !counters->corrupted)
		return judge_silence(send);
	if (counters->corrupted) {
		snprintf(text, sizeof(text), "%llu replies differ from what was sent (--no-verify "
			 "accepts any that carries its packet's number)",
			 (unsigned long long)counters->corrupted);
		return say(text);
	}
	if (percent_of(counters->lost, counters->sent) > send->config.expect_loss_percent) {
		snprintf(text, sizeof(text), "%.4g%% of the packets were lost (--expect-loss %.4g)",
			 percent_of(counters->lost, counters->sent),
			 send->config.expect_loss_percent);
		return say(text);
	}
	return WN_OK;
}
