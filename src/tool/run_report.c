/* SPDX-License-Identifier: Apache-2.0 */
/* What `warpnic run` says at its start and at its end. */
#include "tool/run.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "tool/json.h"

enum { PROGRAM_COUNTERS_MAX = 256 };

static uint64_t nanoseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}

void wn_run_take_sample(const struct wn_runtime *runtime, struct wn_run_sample *sample)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	sample->at_ns = wn_clock_ns();
	sample->user_ns = nanoseconds(&usage.ru_utime);
	sample->system_ns = nanoseconds(&usage.ru_stime);
	wn_runtime_snapshot(runtime, &sample->counters);
}

const char *wn_run_grouped(uint64_t number, char *text, size_t bytes)
{
	char digits[24];
	const int length = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	size_t used = 0;

	for (int i = 0; i < length && used + 2 < bytes; i++) {
		if (i && (length - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = digits[i];
	}
	text[used] = '\0';
	return text;
}

const char *wn_run_scaled(double number, char *text, size_t bytes)
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	int unit = 0;

	while (number >= 999.5 && unit < 4) {
		number /= 1000;
		unit++;
	}
	snprintf(text, bytes, number >= 99.95 || unit == 0 ? "%.0f %s" : number >= 9.995 ? "%.1f %s"
											  : "%.2f %s",
		 number, units[unit]);
	return text;
}

void wn_run_print_start(const struct wn_runtime *runtime, FILE *file)
{
	const size_t data = wn_runtime_data_bytes(runtime);

	fprintf(file, "warpnic: %s on %s (%s mode), %.1f MiB of rings",
		wn_runtime_program_name(runtime), wn_runtime_device_name(runtime),
		wn_mode_name(wn_runtime_mode(runtime)),
		(double)(wn_runtime_memory_bytes(runtime) - data) / (1 << 20));
	if (data)
		fprintf(file, ", %.1f MiB of tables", (double)data / (1 << 20));
	fprintf(file, "\n");
	if (wn_runtime_data_note(runtime)[0])
		fprintf(file, "warpnic: %s\n", wn_runtime_data_note(runtime));
	for (uint32_t i = 0; wn_runtime_link_where(runtime, i); i++) {
		const uint32_t queues = wn_runtime_queue_count(runtime, i);

		fprintf(file, "warpnic: link %u is %s", i, wn_runtime_link_where(runtime, i));
		if (wn_runtime_slot_count(runtime, i))
			fprintf(file, wn_runtime_is_driven(runtime, i)
					      ? ": %u queue%s, driven by the device; %u slots of %u bytes for the host"
					      : ": %u queue%s of %u slots of %u bytes", queues,
				queues > 1 ? "s" : "", wn_runtime_slot_count(runtime, i),
				wn_runtime_slot_bytes(runtime, i));
		fprintf(file, "\n");
	}
}

static uint32_t census_sum(const struct wn_census *census)
{
	return census->fill + census->rx + census->device + census->tx + census->completion + census->kernel;
}

static void print_line(FILE *file, const char *sign, const char *name, uint64_t count)
{
	char number[32];

	fprintf(file, "  %1s %-18s %18s\n", sign, name, wn_run_grouped(count, number, sizeof(number)));
}

/* Where all frames are that a device drove: none may be missing, none in two places. */
static void print_census(const struct wn_runtime *runtime, FILE *file)
{
	struct wn_census census;

	for (uint32_t i = 0; wn_runtime_link_where(runtime, i); i++) {
		if (wn_runtime_census(runtime, i, &census))
			continue;
		fprintf(file,
			"    frames of link %u: fill %u + rx %u + device %u + tx %u + completion %u + kernel %u = "
			"%u of %u%s\n",
			i, census.fill, census.rx, census.device, census.tx, census.completion, census.kernel,
			census_sum(&census), census.frames,
			census_sum(&census) == census.frames && !census.twice ? "" : ": PLEASE REPORT THIS");
		if (census.bad_entries)
			print_line(file, "", "bad ring entries", census.bad_entries);
	}
}

/* The connections of a link: none may be missing at the end. */
static void print_connections(const struct wn_runtime *runtime, FILE *file)
{
	struct wn_connections connections;

	for (uint32_t i = 0; wn_runtime_link_where(runtime, i); i++) {
		uint64_t sum;

		if (wn_runtime_connections(runtime, i, &connections))
			continue;
		sum = connections.open;
		fprintf(file, "    connections of link %u: accepted %" PRIu64 " = open %" PRIu64, i, connections.accepted,
			connections.open);
		for (int end = 0; end < WN_CONNECTION_ENDS; end++) {
			sum += connections.ended[end];
			if (connections.ended[end])
				fprintf(file, " + %s %" PRIu64, wn_end_name((enum wn_connection_end)end),
					connections.ended[end]);
		}
		fprintf(file, "%s\n", sum == connections.accepted ? "" : ": PLEASE REPORT THIS");
		if (connections.unread_bytes)
			print_line(file, "", "bytes unread", connections.unread_bytes);
		if (connections.accept_errors)
			print_line(file, "", "accept errors", connections.accept_errors);
	}
}

static void print_program_counters(const struct wn_runtime *runtime, FILE *file)
{
	uint64_t values[PROGRAM_COUNTERS_MAX];
	const uint32_t count = wn_runtime_program_counters(runtime, values, PROGRAM_COUNTERS_MAX);

	for (uint32_t i = 0; i < count; i++)
		if (values[i])
			print_line(file, "", wn_runtime_program_counter_name(runtime, i), values[i]);
}

/* One list of stages: where a packet's time goes. */
typedef int stage_teller(const struct wn_runtime *runtime, uint32_t number, struct wn_stage_times *times);

static void print_stages(const struct wn_runtime *runtime, stage_teller *tell, const char *what, FILE *file)
{
	struct wn_stage_times times;

	for (uint32_t i = 0; tell(runtime, i, &times); i++) {
		if (!times.count)
			return;
		if (!i && times.error_ns > 0)
			fprintf(file, "    %s, us a packet (clocks agree to %.1f us):\n", what, times.error_ns / 1e3);
		else if (!i)
			fprintf(file, "    %s, us a packet:\n", what);
		fprintf(file, "      %-8s mean %8.2f", times.name, times.mean_ns / 1e3);
		if (times.p50_ns > 0)
			fprintf(file, "   p50 about %8.2f   p99 about %8.2f", times.p50_ns / 1e3, times.p99_ns / 1e3);
		fputc('\n', file);
	}
}

static void write_stages(struct wn_json *json, const struct wn_runtime *runtime, stage_teller *tell, const char *key)
{
	struct wn_stage_times times;

	if (!tell(runtime, 0, &times) || !times.count)
		return;
	wn_json_object(json, key);
	for (uint32_t i = 0; tell(runtime, i, &times); i++) {
		wn_json_object(json, times.name);
		wn_json_real(json, "mean_us", times.mean_ns / 1e3);
		wn_json_real(json, "p50_us", times.p50_ns / 1e3);
		wn_json_real(json, "p99_us", times.p99_ns / 1e3);
		wn_json_number(json, "packets", times.count);
		wn_json_end(json);
	}
	wn_json_end(json);
}

static void print_program_histograms(const struct wn_runtime *runtime, FILE *file)
{
	uint64_t buckets[WN_HISTOGRAM_BUCKETS_LOG2];
	const char *name;

	for (uint32_t h = 0; (name = wn_runtime_program_histogram(runtime, h, buckets)); h++) {
		for (uint32_t bits = 0; bits < WN_HISTOGRAM_BUCKETS_LOG2; bits++) {
			char line[64];

			if (!buckets[bits])
				continue;
			snprintf(line, sizeof(line), "%s < %.0f", name, bits ? ldexp(1, (int)bits) : 1);
			print_line(file, "", line, buckets[bits]);
		}
	}
}

/* With its groups waiting, or working: just now, or just before the end. */
static void print_power(const struct wn_runtime *runtime, FILE *file)
{
	const uint32_t mw = wn_runtime_device_power_mw(runtime);

	if (mw)
		fprintf(file, "    the device drew %.1f W\n", (double)mw / 1e3);
}

static void print_cost(const struct wn_run_sample *first, const struct wn_run_sample *last, FILE *file)
{
	const double seconds = (double)(last->at_ns - first->at_ns) * 1e-9;
	const uint64_t user = last->user_ns - first->user_ns;
	const uint64_t system = last->system_ns - first->system_ns;
	const uint64_t packets = last->counters.received - first->counters.received;

	fprintf(file, "    cpu: user %.3f s, system %.3f s, %.1f %% of a core",
		(double)user * 1e-9, (double)system * 1e-9,
		seconds > 0 ? (double)(user + system) * 1e-7 / seconds : 0);
	if (packets)
		fprintf(file, ", %.0f ns a packet", (double)(user + system) / (double)packets);
	fprintf(file, "\n");
}

void wn_run_print_summary(const struct wn_runtime *runtime, const struct wn_run_sample *first,
			  const struct wn_run_sample *last, int is_end, FILE *file)
{
	const struct wn_counters *counters = &last->counters;
	const double seconds = (double)(last->at_ns - first->at_ns) * 1e-9;
	const int64_t difference = wn_counters_difference(counters);
	char rate[32], bits[32];

	fprintf(file, "\n%s: %.3f s, %spackets/s, %sbit/s\n", wn_runtime_program_name(runtime), seconds,
		wn_run_scaled(seconds > 0 ? (double)counters->received / seconds : 0, rate, sizeof(rate)),
		wn_run_scaled(seconds > 0 ? (double)counters->bytes * 8 / seconds : 0, bits,
			      sizeof(bits)));
	print_line(file, "", "received", counters->received);
	print_line(file, "=", "answered", counters->answered);
	print_line(file, "+", "forwarded", counters->forwarded);
	print_line(file, "+", "delivered", counters->delivered);
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++) {
		char name[64];

		snprintf(name, sizeof(name), "dropped_%s", wn_cause_name((enum wn_cause)cause));
		if (counters->dropped[cause] || cause == WN_CAUSE_RING_FULL)
			print_line(file, "+", name, counters->dropped[cause]);
	}
	print_line(file, "+", "in_flight", counters->in_flight);
	if (difference)
		fprintf(file, "    THE SUM DOES NOT ADD UP: %" PRId64 " packets differ; please report this\n",
			difference);
	else
		fprintf(file, "    the sum adds up\n");
	print_line(file, "", "bytes", counters->bytes);
	print_line(file, "", "dropped by kernel", counters->kernel_dropped);
	if (counters->receive_errors)
		print_line(file, "", "receive errors", counters->receive_errors);
	print_program_counters(runtime, file);
	print_program_histograms(runtime, file);
	print_stages(runtime, wn_runtime_way, "the whole way", file);
	print_stages(runtime, wn_runtime_stage, "on the device", file);
	for (uint32_t i = 0; wn_runtime_link_where(runtime, i); i++)
		wn_run_print_file(runtime, i, file);
	if (is_end)
		print_census(runtime, file);
	if (is_end)
		print_connections(runtime, file);
	print_power(runtime, file);
	print_cost(first, last, file);
}

static void write_counters(struct wn_json *json, const struct wn_counters *counters)
{
	wn_json_number(json, "received", counters->received);
	wn_json_number(json, "bytes", counters->bytes);
	wn_json_number(json, "answered", counters->answered);
	wn_json_number(json, "answered_bytes", counters->answered_bytes);
	wn_json_number(json, "forwarded", counters->forwarded);
	wn_json_number(json, "delivered", counters->delivered);
	wn_json_object(json, "dropped");
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++)
		wn_json_number(json, wn_cause_name((enum wn_cause)cause), counters->dropped[cause]);
	wn_json_end(json);
	wn_json_number(json, "in_flight", counters->in_flight);
	wn_json_signed(json, "difference", wn_counters_difference(counters));
	wn_json_number(json, "kernel_dropped", counters->kernel_dropped);
	wn_json_number(json, "receive_errors", counters->receive_errors);
}

static void write_census(struct wn_json *json, const struct wn_runtime *runtime, uint32_t link)
{
	struct wn_census census;

	if (wn_runtime_census(runtime, link, &census))
		return;
	wn_json_object(json, "frames");
	wn_json_number(json, "all", census.frames);
	wn_json_number(json, "fill", census.fill);
	wn_json_number(json, "rx", census.rx);
	wn_json_number(json, "device", census.device);
	wn_json_number(json, "tx", census.tx);
	wn_json_number(json, "completion", census.completion);
	wn_json_number(json, "kernel", census.kernel);
	wn_json_number(json, "twice", census.twice);
	wn_json_number(json, "bad_entries", census.bad_entries);
	wn_json_end(json);
}

static void write_connections(struct wn_json *json, const struct wn_runtime *runtime, uint32_t link)
{
	struct wn_connections connections;

	if (wn_runtime_connections(runtime, link, &connections))
		return;
	wn_json_object(json, "connections");
	wn_json_number(json, "accepted", connections.accepted);
	wn_json_number(json, "open", connections.open);
	for (int end = 0; end < WN_CONNECTION_ENDS; end++)
		wn_json_number(json, wn_end_name((enum wn_connection_end)end), connections.ended[end]);
	wn_json_number(json, "accept_errors", connections.accept_errors);
	wn_json_number(json, "unread_bytes", connections.unread_bytes);
	wn_json_end(json);
}

static void write_links(struct wn_json *json, const struct wn_runtime *runtime, int is_end)
{
	wn_json_array(json, "links");
	for (uint32_t i = 0; wn_runtime_link_where(runtime, i); i++) {
		struct wn_counters counters;

		wn_runtime_link_snapshot(runtime, i, &counters);
		wn_json_object(json, NULL);
		wn_json_text(json, "where", wn_runtime_link_where(runtime, i));
		wn_json_number(json, "queues", wn_runtime_queue_count(runtime, i));
		wn_json_number(json, "slots", wn_runtime_slot_count(runtime, i));
		wn_json_number(json, "slot_bytes", wn_runtime_slot_bytes(runtime, i));
		wn_json_bool(json, "driven", wn_runtime_is_driven(runtime, i));
		if (is_end)
			write_census(json, runtime, i);
		wn_run_write_file(json, runtime, i);
		write_connections(json, runtime, i);
		write_counters(json, &counters);
		wn_json_end(json);
	}
	wn_json_end(json);
}

static void write_program_counters(struct wn_json *json, const struct wn_runtime *runtime)
{
	uint64_t values[PROGRAM_COUNTERS_MAX];
	const uint32_t count = wn_runtime_program_counters(runtime, values, PROGRAM_COUNTERS_MAX);

	wn_json_object(json, "counters");
	for (uint32_t i = 0; i < count; i++)
		wn_json_number(json, wn_runtime_program_counter_name(runtime, i), values[i]);
	wn_json_end(json);
}

/* Buckets that are not empty, each with the largest value it holds. */
static void write_histograms(struct wn_json *json, const struct wn_runtime *runtime)
{
	uint64_t buckets[WN_HISTOGRAM_BUCKETS_LOG2];
	const char *name;

	wn_json_object(json, "histograms");
	for (uint32_t h = 0; (name = wn_runtime_program_histogram(runtime, h, buckets)); h++) {
		wn_json_array(json, name);
		for (uint32_t bits = 0; bits < WN_HISTOGRAM_BUCKETS_LOG2; bits++) {
			if (!buckets[bits])
				continue;
			wn_json_object(json, NULL);
			wn_json_number(json, "up_to", bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1);
			wn_json_number(json, "count", buckets[bits]);
			wn_json_end(json);
		}
		wn_json_end(json);
	}
	wn_json_end(json);
}

void wn_run_write_document(struct wn_json *json, const char *key, const struct wn_runtime *runtime,
			   const struct wn_run_sample *first, const struct wn_run_sample *last, int is_end)
{
	wn_json_object(json, key);
	wn_json_text(json, "program", wn_runtime_program_name(runtime));
	wn_json_text(json, "device", wn_runtime_device_name(runtime));
	wn_json_text(json, "mode", wn_mode_name(wn_runtime_mode(runtime)));
	wn_json_number(json, "reloads", wn_runtime_reload_count(runtime));
	wn_json_real(json, "seconds", (double)(last->at_ns - first->at_ns) * 1e-9);
	write_counters(json, &last->counters);
	write_program_counters(json, runtime);
	write_histograms(json, runtime);
	write_stages(json, runtime, wn_runtime_way, "way");
	write_stages(json, runtime, wn_runtime_stage, "stages");
	wn_json_object(json, "cpu");
	wn_json_number(json, "user_ns", last->user_ns - first->user_ns);
	wn_json_number(json, "system_ns", last->system_ns - first->system_ns);
	wn_json_end(json);
	if (wn_runtime_device_power_mw(runtime))
		wn_json_number(json, "device_milliwatts", wn_runtime_device_power_mw(runtime));
	wn_json_number(json, "memory_bytes", wn_runtime_memory_bytes(runtime));
	write_links(json, runtime, is_end);
	wn_json_end(json);
}

int wn_run_print_json(const struct wn_runtime *runtime, const struct wn_run_sample *first,
		      const struct wn_run_sample *last, int is_end, FILE *file)
{
	struct wn_json json;

	wn_json_init(&json, file, 1);
	wn_run_write_document(&json, NULL, runtime, first, last, is_end);
	return wn_json_finish(&json);
}
