#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# dns on frames: kdig asks from another network namespace over a veth pair, by IPv4 and IPv6; the lane's
# stack brings the questions and takes the answers. The clients are not on loopback, so a load meets the
# rate limit. tshark then looks for a malformed packet or a bad checksum in what was answered.
set -eu
# shellcheck source=tests/tool/common.sh
. "$(dirname "$0")/../tool/common.sh"
. "$(dirname "$0")/namespaces.sh"

needs ip kdig
"$WARPNIC" run dns --zone /dev/null --link memory: 2>&1 | grep -q 'lacks' && skip_all 'built without ldns'
make_client_and_server


# shellcheck disable=SC2016
{
	printf '$ORIGIN example.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n*.w A 192.0.2.7\n'
	for i in $(seq 60); do printf 'many TXT "%s %s"\n' "$i" 0123456789; done
} >"$folder/zone"
dump=
if command -v tcpdump >/dev/null; then
	# Not through inside(): a function runs in a shell of its own, whose number is not tcpdump's.
	ip netns exec $client tcpdump -U -i wn-c -w "$folder/all.pcap" >/dev/null 2>"$folder/dump.err" &
	dump=$!
	children="$children $dump"
	wait_for 'listening on' "$folder/dump.err"
fi
ip netns exec $server "$WARPNIC" run dns --zone "$folder/zone" --link packet:wn-s,ip=10.9.0.2/24,ip=fd09::2/64 \
	--json --control off >"$folder/run.out" 2>"$folder/run.err" &
pid=$!
children="$children $pid"
wait_for '^warpnic: link' "$folder/run.err"

for host in 10.9.0.2 fd09::2; do
	got=$(inside kdig +short +timeout=20 "@$host" ns.example.test A || true)
	result "$(status [ "$got" = 192.0.2.1 ])" "an address, asked at $host"
	got=$(inside kdig +short +timeout=20 "@$host" a.b.w.example.test A || true)
	result "$(status [ "$got" = 192.0.2.7 ])" "a wildcard, at $host"
	inside kdig +ignore +timeout=20 +bufsize=1232 "@$host" many.example.test TXT >"$folder/kdig" || true
	result "$(status grep -q '^;; Flags:.* tc' "$folder/kdig")" "what is longer than 1232 bytes is truncated, at $host"
done
if command -v dnsperf >/dev/null; then
	echo 'ns.example.test A' >"$folder/queries"
	since=$(date +%s)
	inside dnsperf -s 10.9.0.2 -d "$folder/queries" -l 2 -t 1 -q 50 -Q 2000 >"$folder/perf" 2>&1 || true
fi
windows=$(($(date +%s) - ${since:-0} + 2))
[ -z "$dump" ] || kill "$dump"
kill -TERM "$pid"
ended=0
wait "$pid" || ended=$?
result "$ended" 'ends with 0'
result "$(status [ "$(value "$folder/run.out" difference)" = 0 ])" 'the sum adds up'
if command -v dnsperf >/dev/null; then
	# As many windows of a second as it took, of 200 each, and the six questions before.
	answered=$(value "$folder/run.out" noerror)
	result "$(status [ "$answered" -ge 200 -a "$answered" -le $((windows * 200 + 7)) ])" "rate limit: $answered answers in $windows windows"
	result "$(status [ "$(value "$folder/run.out" limited_slipped)" -gt 0 ])" 'rate limit: some truncated'
	result "$(status [ "$(value "$folder/run.out" limited_dropped)" -gt 0 ])" 'rate limit: some dropped'
else
	skip 'rate limit' 'dnsperf is not installed'
fi
if command -v tshark >/dev/null && [ -n "$dump" ]; then
	bad=$(tshark -r "$folder/all.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-Y 'udp.srcport == 53 && (_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0)' 2>/dev/null |
		wc -l)
	all=$(tshark -r "$folder/all.pcap" -Y 'udp.srcport == 53 && dns' 2>/dev/null | wc -l)
	result "$(status [ "$bad" = 0 -a "$all" -gt 5 ])" "tshark: nothing bad in $all answers"
else
	skip 'tshark' 'tshark or tcpdump is not installed'
fi
done_testing
