#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The programs and tests that the documents show are taken out of them and checked.
set -eu
. "$(dirname "$0")/common.sh"
: "${WARPNIC_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}"

command -v cc >/dev/null || { echo '1..0 # SKIP no C compiler'; exit 0; }

# block FILE NAME: what stands between the fences behind <!-- NAME -->
block() {
	awk -v mark="<!-- $2 -->" '$0 == mark { found = 1; next } found && /^```/ { if (inside) exit; inside = 1; next }
		inside { print }' "$1"
}

for pair in README.md:shout docs/write-a-program.md:length; do
	file=${pair%:*} name=${pair#*:}
	block "$WARPNIC_SOURCE/$file" "$name.c" >"$folder/$name.c"
	block "$WARPNIC_SOURCE/$file" "$name.test" >"$folder/$name.test"
	lines=$(wc -l <"$folder/$name.c")
	[ "$lines" -gt 5 ] && [ "$lines" -lt 20 ] && got=0 || got=1
	result "$got" "$file shows a program of $lines lines, fewer than 20"
	"$WARPNIC" check "$folder/$name.c" >"$folder/out" 2>&1 && got=0 || got=$?
	sed 's/^/# /' "$folder/out"
	result "$got" "and it is well"
	grep -qE '^[1-9][0-9]* tests?, 0 failed' "$folder/out" && got=0 || got=1
	result "$got" 'and its tests ran, and hold'
done
"$WARPNIC" trace "$folder/length.c" -x '"abc"' >"$folder/trace"
sed -n 's/^    //; /^\$ warpnic trace length/,/^ *5 bytes instead/p' "$WARPNIC_SOURCE/docs/write-a-program.md" |
	tail -n +2 >"$folder/shown"
diff "$folder/trace" "$folder/shown" >"$folder/out" 2>&1 && got=0 || got=$?
sed 's/^/# /' "$folder/out"
result "$got" 'the trace that docs/write-a-program.md shows is what comes'
done_testing
