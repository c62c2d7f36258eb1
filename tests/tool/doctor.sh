#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# warpnic doctor: names every link kind and device, as text and as JSON, and says what to do about what it misses.
set -eu
. "$(dirname "$0")/common.sh"
trap finish EXIT


"$WARPNIC" doctor >"$folder/text" 2>"$folder/err" && got=0 || got=$?
result "$got" 'exit status 0'
result "$(status [ ! -s "$folder/err" ])" 'nothing on stderr'
for name in $("$WARPNIC" links --json | sed -n 's/.*"kind": "\([a-z]*\)".*/\1/p'); do
	result "$(status grep -q "^  $name  *\(works\|limited\|missing\)" "$folder/text")" "the link $name is there"
done
result "$(status grep -q '^  cpu  *works' "$folder/text")" 'the cpu device works'
result "$(status grep -q '^  cuda' "$folder/text")" 'the cuda device is named'
result "$(status grep -q '^  opencl' "$folder/text")" 'the opencl device is named'
result "$(status grep -q '^  lo ' "$folder/text")" 'the interface lo is there'
result "$(if grep -q '	' "$folder/text"; then echo 1; else echo 0; fi)" 'no tabs, no escape sequences when it is not a terminal'

"$WARPNIC" doctor --json >"$folder/json"
result "$(status [ "$(grep -c '"health":' "$folder/json")" = "$(grep -c '^  [^ ]' "$folder/text")" ])" 'JSON has as many findings'
if command -v python3 >/dev/null; then
	python3 - "$folder/json" <<-'END' && got=0 || got=$?
	import json, sys
	for finding in json.load(open(sys.argv[1]))["findings"]:
	    assert set(finding) == {"part", "name", "health", "note", "speed", "remedy"}, finding
	    assert finding["health"] in ("works", "limited", "missing")
	    assert finding["health"] == "works" or finding["remedy"], finding
	END
	result "$got" 'JSON: what does not simply work has a remedy'
else
	skip 'JSON: what does not simply work has a remedy' 'no python3'
fi

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$folder"
	setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all "$WARPNIC" doctor \
		>"$folder/nobody" 2>/dev/null && got=0 || got=$?
	if [ "$got" = 126 ] || [ "$got" = 127 ]; then
		skip 'without rights: the packet link is missing' 'nobody may not run it from here'
	else
		result "$(status grep -q '^  packet  *missing' "$folder/nobody")" 'without rights: the packet link is missing'
		result "$(status grep -q 'CAP_NET_RAW: run as root' "$folder/nobody")" 'and it says which right'
	fi
else
	skip 'without rights: the packet link is missing' 'needs root and setpriv'
fi

"$WARPNIC" doctor me >/dev/null 2>"$folder/usage" && got=0 || got=$?
result "$(status [ "$got" = 2 ])" 'an operand is refused'
done_testing
