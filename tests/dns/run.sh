#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# warpnic run dns as a user runs it: over a socket, with a load on it, with zones that change and zones
# that are wrong (TAP). Questions are asked with kdig, the load is dnsperf's; both are skipped where they
# are not installed.
set -u
# shellcheck source=tests/tool/common.sh
. "$(dirname "$0")/../tool/common.sh"

if "$WARPNIC" run dns --zone /dev/null --link memory: 2>&1 | grep -q 'lacks'; then
	echo '1..0 # SKIP built without ldns'
	exit 0
fi

zone=$folder/example.test.zone
# shellcheck disable=SC2016
write_zone() {
	{
		printf '$ORIGIN example.test.\n$TTL 60\n@ SOA ns host %s 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n' "$1"
		for i in $(seq 200); do printf 'h%d A 192.0.2.%d\n' "$i" "$i"; done
	} >"$zone"
}

# answers NAME TYPE TEXT: what kdig prints short
answers() {
	got=$(kdig +short +timeout=20 -p "$port" "@$host" "$1" "$2" | tr '\n' ' ')
	if [ "$got" = "$3 " ]; then result 0 "$1 $2 at $host"; else
		echo "# '$got', expected '$3 '"
		result 1 "$1 $2 at $host"
	fi
}

# serial N: the server's SOA comes to have it, within a minute
serial() {
	for _ in $(seq 600); do
		kdig +short +timeout=20 -p "$port" "@$host" example.test SOA | grep -q "^ns.example.test. host.example.test. $1 " &&
			return 0
		sleep 0.1
	done
	return 1
}

write_zone 1
refuses 2 'no zone named' run dns --link memory:
refuses 66 'No such file' run dns --zone "$folder/none" --link memory:
refuses 66 'Is a directory' run dns --zone "$folder" --link memory:
refuses 2 'made by its loader' run dns --zone "$zone" --data "$zone" --link memory:
refuses 2 'it has: none' run echo --zone "$zone" --link memory:
refuses 2 'rate_limit=a number' run dns --zone "$zone" --rate-limit many --link memory:
echo 'broken A' >"$folder/broken.zone"
refuses 1 'broken.zone:1: ' run dns --zone "$folder/broken.zone" --link memory:

start dns --zone "$zone" --link udp:127.0.0.1:0
grep -q '^warpnic: 1 zone, 202 names, 203 records: .* bytes a name' "$folder/run.err"
result $? 'the start says what was loaded, and its memory'
host=127.0.0.1
if command -v kdig >/dev/null; then
	answers h7.example.test A 192.0.2.7
	answers H7.Example.Test A 192.0.2.7
	write_zone 2
	kill -HUP "$pid"
	serial 2
	result $? 'a changed zone is served after SIGHUP'
	echo 'bad A line' >>"$zone"
	kill -HUP "$pid"
	wait_for 'example.test.zone:206: ' "$folder/run.err"
	grep -q 'example.test.zone:206: ' "$folder/run.err"
	result $? 'a zone that became wrong is named with file and line'
	serial 2
	result $? 'and the old one is served on'
else
	skip 'questions, and a reload' 'kdig is not installed'
fi
write_zone 3
if command -v dnsperf >/dev/null; then
	for i in $(seq 200); do echo "h$i.example.test A"; done >"$folder/queries"
	dnsperf -s 127.0.0.1 -p "$port" -d "$folder/queries" -l 3 -t 30 >"$folder/perf" 2>&1 &
	perf=$!
	children="$children $perf"
	sleep 1
	kill -HUP "$pid" # under load, too, nothing is lost
	wait "$perf"
	grep -qE '^ *Queries lost: *0 ' "$folder/perf"
	result $? 'dnsperf: none lost, with a reload in between'
	grep -qE '^ *Response codes: *NOERROR [0-9]+ \(100.00%\)' "$folder/perf"
	result $? 'dnsperf: no other code'
	sed -n '/Queries sent/,$p' "$folder/perf" | sed 's/^/# /'
else
	skip 'dnsperf' 'dnsperf is not installed'
fi
kill -TERM "$pid"
wait "$pid"
result $? 'ends with 0'
grep -q 'the sum adds up' "$folder/run.out"
result $? 'the sum adds up'
if command -v kdig >/dev/null && [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
	start dns --zone "$zone" --link 'udp:[::1]:0'
	host=::1
	answers h9.example.test A 192.0.2.9
	kill -TERM "$pid"
	wait "$pid"
else
	skip 'IPv6' 'no kdig, or no IPv6 on loopback'
fi
done_testing
