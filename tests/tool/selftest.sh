#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# warpnic selftest: one page of a device, and an exit status that says the same.
set -eu
. "$(dirname "$0")/common.sh"
trap finish EXIT


# page DEVICE: what every page must be
page() {
	"$WARPNIC" selftest --device "$1" >"$folder/page" 2>"$folder/err" && got=0 || got=$?
	[ "$got" = 0 ] || sed 's/^/# /' "$folder/page" "$folder/err"
	result "$got" "$1: exit status 0"
	result "$(status [ "$(wc -l <"$folder/page")" -le 60 ])" "$1: 60 lines at most"
	result "$(status [ -z "$(awk 'length > 80' "$folder/page")" ])" "$1: 80 columns at most"
	for mode in resident lease batch; do
		result "$(status grep -qE "^$mode  *(holds|refused): " "$folder/page")" "$1: the mode $mode"
	done
	result "$(status grep -qE '^verdict  *PASSED: ([0-9]+) of \1 runs' "$folder/page")" "$1: passed"
	result "$(status [ "$(grep -cE ' packets  (same|left out)$' "$folder/page")" -gt 15 ])" "$1: a line a program"
	result "$(status grep -qE '^there and back  [0-9.]+ us' "$folder/page")" "$1: packets that go alone"
}

page cpu
result "$(status grep -qE '^compiler  ' "$folder/page")" 'cpu: its facts'
if "$WARPNIC" devices | grep -qE '^opencl:0 +yes'; then
	page opencl
	result "$(status grep -qE '^self-test  *[0-9]+ messages, 0 stale words' "$folder/page")" 'opencl: its handshake'
else
	skip 'opencl' 'no such device'
fi

"$WARPNIC" selftest --json >"$folder/json"
if command -v python3 >/dev/null; then
	python3 - "$folder/json" <<-'END' && got=0 || got=$?
	import json, sys
	page = json.load(open(sys.argv[1]))
	assert set(page["modes"]) == {"resident", "lease", "batch"}, page["modes"]
	assert all(mode["result"] == "same" for mode in page["modes"].values())
	assert len(page["runs"]) > 15 and page["round_trips"] > 100 and page["available"] is True
	assert all(run["result"] in ("same", "left out") and (run["packets"] > 100 or run["result"] == "left out")
	           for run in page["runs"]), page["runs"]
	END
	result "$got" 'the JSON document says the same'
else
	skip 'the JSON document says the same' 'no python3'
fi

if "$WARPNIC" devices | grep -qE '^cuda.* yes'; then
	skip 'a device that is not there' 'cuda is here'
else
	"$WARPNIC" selftest --device cuda >"$folder/page" 2>&1 && got=0 || got=$?
	result "$(status [ "$got" = 69 ])" 'a device that is not there: 69'
	result "$(status grep -q '^verdict  *NOT AVAILABLE: ' "$folder/page")" 'and the page says why'
fi
refuses 2 'unknown; this build has' selftest --device nothing
refuses 2 'takes no operand' selftest cpu
done_testing
