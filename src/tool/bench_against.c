/* SPDX-License-Identifier: Apache-2.0 */
/* This run against an earlier one. */
#include <string.h>

#include "tool/bench.h"

static void compare_cell(const struct wn_bench_result *old, const struct wn_bench_table *table,
			 const struct wn_bench_row *row, uint32_t c, uint32_t *compared, FILE *file)
{
	const struct wn_bench_figure *now = &row->cells[c].figure;
	const struct wn_bench_figure *then = wn_bench_find(old, table->name, row->name, table->columns[c].name);
	char texts[2][128];
	int is_apart;

	if (!now->count || !then || then->median == 0)
		return;
	is_apart = now->low > then->high || now->high < then->low;
	fprintf(file, "| %s | %s | %s%s%s | %s | %s | %.2f%s |\n", table->name, row->name, table->columns[c].name,
		table->columns[c].unit[0] ? ", " : "", table->columns[c].unit, wn_bench_show(then, texts[0], sizeof(texts[0])),
		wn_bench_show(now, texts[1], sizeof(texts[1])), now->median / then->median,
		is_apart && now->count > 1 && then->count > 1 ? " *" : "");
	(*compared)++;
}

void wn_bench_compare(const struct wn_bench_result *result, const struct wn_bench_result *old, FILE *file)
{
	uint32_t compared = 0;

	fprintf(file, "\n### Against the earlier run\n\n");
	for (uint32_t i = 0; i < old->fact_count; i++)
		if (!strcmp(old->facts[i].name, "machine") || !strcmp(old->facts[i].name, "versions") ||
		    !strcmp(old->facts[i].name, "began"))
			fprintf(file, "- then, %s: %s\n", old->facts[i].name, old->facts[i].value);
	fprintf(file, "\n| table | row | column | then | now | ratio |\n| --- | --- | --- | --- | --- | --- |\n");
	for (uint32_t t = 0; t < result->table_count; t++) {
		const struct wn_bench_table *table = &result->tables[t];

		for (uint32_t r = 0; strcmp(table->name, "claims") && r < table->row_count; r++)
			for (uint32_t c = 0; c < table->column_count; c++)
				compare_cell(old, table, &table->rows[r], c, &compared, file);
	}
	fprintf(file, "\n%u figures in both. * the spreads do not touch.\n", compared);
}
