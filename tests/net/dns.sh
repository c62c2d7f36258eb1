#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# dns on frames: kdig asks from another network namespace over a veth pair, by IPv4 and IPv6; the lane's
# stack brings the questions and takes the answers. The clients are not on loopback, so a load meets the
# rate limit. tshark then looks for a malformed packet or a bad checksum in what was answered.
set -eu
# shellcheck source=tests/tool/common.sh
. "$(dirname "$0")/../tool/common.sh"

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || skip_all 'needs root'
for tool in ip kdig; do command -v $tool >/dev/null || skip_all "needs $tool"; done
"$WARPNIC" run dns --zone /dev/null --link memory: 2>&1 | grep -q 'lacks' && skip_all 'built without ldns'
client=wn-client-$$ server=wn-server-$$
clean_up() {
	finish
	ip netns del $client 2>/dev/null || true
	ip netns del $server 2>/dev/null || true
}
trap clean_up EXIT
if ! ip netns add $client 2>/dev/null || ! ip netns add $server 2>/dev/null; then
	skip_all 'no network namespaces here'
fi
ip netns exec $client true 2>/dev/null || skip_all 'ip netns exec does not work here'
ip link add wn-c netns $client type veth peer name wn-s netns $server || skip_all 'no veth here'
ip -n $client addr add 10.9.0.1/24 dev wn-c
ip -n $client addr add fd09::1/64 dev wn-c nodad
ip -n $client link set wn-c up
ip -n $server link set wn-s up
if command -v ethtool >/dev/null; then
	ip netns exec $client ethtool -K wn-c tx off >/dev/null 2>&1 || true
fi
# Nothing passes until the kernel has noticed that both ends are up.
is_up() { ip -n "$1" link show "$2" | grep -q 'state UP'; }
for pair in $client:wn-c $server:wn-s; do
	until_so is_up "${pair%:*}" "${pair#*:}" || skip_all 'the veth pair does not come up'
done

status() { if "$@"; then echo 0; else echo 1; fi; }
inside() { ip netns exec $client "$@"; }

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
