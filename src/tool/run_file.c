/* SPDX-License-Identifier: Apache-2.0 */
/* What became of what was delivered into the file that a device writes itself. */
#include "tool/run.h"

#include <inttypes.h>
#include <string.h>

#include "tool/json.h"

static int adds_up(const struct wn_file_counts *counts)
{
	return counts->records == counts->written + counts->failed + counts->pending &&
	       counts->bytes == counts->written_bytes + counts->failed_bytes + counts->pending_bytes;
}

static uint64_t failed_writes(const struct wn_file_counts *counts)
{
	return counts->no_space + counts->too_large + counts->io_errors + counts->other_errors;
}

void wn_run_print_file(const struct wn_runtime *runtime, uint32_t link, FILE *file)
{
	struct wn_file_counts counts;
	char bits[32];

	if (wn_runtime_file(runtime, link, &counts))
		return;
	fprintf(file,
		"    file of link %u: written %" PRIu64 " + failed %" PRIu64 " + pending %" PRIu64 " = %" PRIu64
		" delivered, %sB%s\n",
		link, counts.written, counts.failed, counts.pending, counts.records,
		wn_run_scaled((double)counts.written_bytes, bits, sizeof(bits)),
		adds_up(&counts) ? "" : ": PLEASE REPORT THIS");
	fprintf(file, "      in %" PRIu64 " writes, %" PRIu64 " short, %" PRIu64 " tried again", counts.writes,
		counts.short_writes, counts.repeated);
	if (failed_writes(&counts))
		fprintf(file, "; failed: no space %" PRIu64 ", too large %" PRIu64 ", I/O %" PRIu64 ", other %" PRIu64,
			counts.no_space, counts.too_large, counts.io_errors, counts.other_errors);
	fputc('\n', file);
}

void wn_run_write_file(struct wn_json *json, const struct wn_runtime *runtime, uint32_t link)
{
	struct wn_file_counts counts;

	if (wn_runtime_file(runtime, link, &counts))
		return;
	wn_json_object(json, "file");
	wn_json_number(json, "records", counts.records);
	wn_json_number(json, "bytes", counts.bytes);
	wn_json_number(json, "written", counts.written);
	wn_json_number(json, "written_bytes", counts.written_bytes);
	wn_json_number(json, "failed", counts.failed);
	wn_json_number(json, "failed_bytes", counts.failed_bytes);
	wn_json_number(json, "pending", counts.pending);
	wn_json_number(json, "pending_bytes", counts.pending_bytes);
	wn_json_number(json, "writes", counts.writes);
	wn_json_number(json, "short_writes", counts.short_writes);
	wn_json_number(json, "repeated", counts.repeated);
	wn_json_object(json, "failed_writes");
	wn_json_number(json, "no_space", counts.no_space);
	wn_json_number(json, "too_large", counts.too_large);
	wn_json_number(json, "io", counts.io_errors);
	wn_json_number(json, "other", counts.other_errors);
	wn_json_end(json);
	wn_json_end(json);
}

int wn_run_file_is_whole(const struct wn_runtime *runtime)
{
	struct wn_file_counts counts;
	int is_whole = 1;

	for (uint32_t i = 0; wn_runtime_link_where(runtime, i); i++) {
		if (wn_runtime_file(runtime, i, &counts) || counts.written == counts.records)
			continue;
		fprintf(stderr, "warpnic run: deliver: %" PRIu64 " of %" PRIu64 " records are not in the file%s%s\n",
			counts.records - counts.written, counts.records, counts.last_error ? ": " : "",
			counts.last_error ? strerror(counts.last_error) : "");
		is_whole = 0;
	}
	return is_whole;
}
