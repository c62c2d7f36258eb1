#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `warpnic bench` as a user sees it. No figure is judged here: how fast a machine is, is no test.
. "$(dirname "$0")/common.sh"

fast="--quick --repeat 2 --seconds 0.02"

# shellcheck disable=SC2086 # words on purpose
"$WARPNIC" bench $fast --json "$folder/run.json" --csv "$folder/run.csv" >"$folder/text" 2>"$folder/error"
result $? "every table, as text, JSON and CSV"
ok=0
for name in cpu ring latency lanes bytes work sampling claims; do
	grep -q "^$name,.*,[0-9.e+-]*,[0-9]*,\"" "$folder/run.csv" || { echo "# no figure of $name"; ok=1; }
done
result $ok "each table has figures"
grep -q '^- machine: ' "$folder/text" && grep -q '^- versions: .*commit' "$folder/text" && grep -q '^- spread: ' "$folder/text"
result $? "machine, versions and spread are named"
grep -q '| packets a second  *| 10M+ *| [0-9]' "$folder/text"
result $? "a claim has what was measured beside it"

"$WARPNIC" bench --from "$folder/run.json" --json - >"$folder/again.json" 2>"$folder/error" && cmp -s "$folder/run.json" "$folder/again.json"
result $? "a run out of JSON is the run that was written"
"$WARPNIC" bench --from "$folder/run.json" --against "$folder/run.json" >"$folder/ratios" 2>"$folder/error" &&
	grep -q '^| work | 1000 | by hand, one core, M/s | .* | 1.00 |$' "$folder/ratios"
result $? "against itself all ratios are 1"

"$WARPNIC" bench --from "$folder/run.json" --report "$folder/page.html" >/dev/null 2>"$folder/error" &&
	grep -q '<td>packets a second</td><td>10M+</td><td>[0-9]' "$folder/page.html" && ! grep -Eq '(src|href)="?(http|/|file)' "$folder/page.html"
result $? "the report has the claims, and needs no other file"
if command -v gnuplot >/dev/null; then
	"$WARPNIC" bench --from "$folder/run.json" --charts "$folder/charts" >/dev/null 2>"$folder/error" &&
		grep -q '</svg>' "$folder/charts/work.svg" && [ "$(grep -c 'data:image/svg' "$folder/page.html")" -ge 3 ]
	result $? "charts are drawn, and are in the report"
else
	grep -q 'gnuplot is not here' "$folder/error" && grep -q 'Charts are left out' "$folder/page.html"
	result $? "without gnuplot the report says what is left out"
fi

refuses() { # STATUS TEXT NAME ARGUMENT...
	status=$1 text=$2 name=$3
	shift 3
	got=0
	"$WARPNIC" bench "$@" >"$folder/out" 2>"$folder/error" || got=$?
	[ "$got" = "$status" ] && grep -q -- "$text" "$folder/error"
	result $? "$name"
}
echo '{"warpnic_bench": 1, "facts": [], "tables": [{"name": "cpu", "rows": [{"cells": [' >"$folder/cut.json"
refuses 66 "cut.json': not what" "a file that is cut off is named and refused" --against "$folder/cut.json"
echo '{"received": 12}' >"$folder/other.json"
refuses 66 "other.json': not what" "and one of something else" --against "$folder/other.json"
refuses 66 "none.json'" "and one that is not there" --against "$folder/none.json"
refuses 2 "no such table" "a table that there is not" --only cpu,speed
refuses 69 "cuda" "a device that is not here" --device cuda:63

# Long enough not to come to its end by itself. It takes a signal once it has said so to the kernel.
"$WARPNIC" bench --quick --repeat 16 --seconds 1 --only work,claims --json "$folder/part.json" >"$folder/part" 2>"$folder/error" &
bench=$!
children="$children $bench"
takes_signals() { [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$bench/status" 2>/dev/null || echo 0) & 2)) = 2 ]; }
until_so takes_signals || true
sleep 1
kill -INT "$bench"
got=0
wait "$bench" || got=$?
[ "$got" = 1 ] && grep -q 'was stopped' "$folder/part" && grep -q '"claims"' "$folder/part.json"
result $? "SIGINT: what is done is printed and written"

done_testing
