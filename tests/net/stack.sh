#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A datagram program on frames: ping, ping -6, arping and nc get their answers from the lane's stack,
# over a veth pair between two network namespaces; tshark then looks for a malformed packet or a bad
# checksum in either direction. Totals of a real capture are those of capinfos.
set -eu
. "$(dirname "$0")/../tool/common.sh"
. "$(dirname "$0")/namespaces.sh"

needs ip ping nc
make_client_and_server


dump=
if command -v tcpdump >/dev/null; then
	# Not through inside(): a function runs in a shell of its own, whose number is not tcpdump's.
	ip netns exec $client tcpdump -U -i wn-c -w "$folder/all.pcap" >/dev/null 2>"$folder/dump.err" &
	dump=$!
	children="$children $dump"
	wait_for 'listening on' "$folder/dump.err"
fi
ip netns exec $server "$WARPNIC" run echo --link packet:wn-s,ip=10.9.0.2/24,ip=fd09::2/64 --json \
	>"$folder/run.out" 2>"$folder/run.err" &
pid=$!
children="$children $pid"
wait_for '^warpnic: link' "$folder/run.err"

inside ping -c 5 -i 0.1 -W 20 10.9.0.2 >"$folder/ping" 2>&1 || true
result "$(status grep -q '5 received' "$folder/ping")" 'ping: five of five'
inside ping -c 5 -i 0.1 -W 20 -s 1400 10.9.0.2 >"$folder/ping" 2>&1 || true
result "$(status grep -q '5 received' "$folder/ping")" 'ping with 1400 bytes: five of five'
inside ping -6 -c 5 -i 0.1 -W 20 fd09::2 >"$folder/ping" 2>&1 || true
result "$(status grep -q '5 received' "$folder/ping")" 'ping -6: five of five'
inside ping -c 1 -W 1 10.9.0.77 >"$folder/ping" 2>&1 || true
result "$(status grep -q ' 0 received' "$folder/ping")" 'an address that is not ours stays silent'
if command -v arping >/dev/null; then
	for _ in 1 2 3; do # it waits a second for each, and no longer
		inside arping -c 3 -I wn-c 10.9.0.2 >"$folder/arping" 2>&1 || true
		! grep -Eq '3 packets received|Received 3 response' "$folder/arping" || break
	done
	result "$(status grep -Eq '3 packets received|Received 3 response' "$folder/arping")" 'arping: three of three'
else
	skip 'arping: three of three' 'no arping'
fi
inside="ip netns exec $client"
ask 'over frames' 10.9.0.2 7777
result "$(status [ "$reply" = 'over frames' ])" 'nc -u gets its line back over IPv4'
ask 'six frames' -6 fd09::2 7777
result "$(status [ "$reply" = 'six frames' ])" 'nc -u gets its line back over IPv6'
inside "$WARPNIC" send 10.9.0.2:9000 --count 5000 --timeout 30 --json >"$folder/send" 2>/dev/null || true
result "$(status [ "$(value "$folder/send" lost)" = 0 ])" 'warpnic send: 5,000 echoed, none lost'
sleep 0.3
kill -TERM $pid
wait $pid && got=0 || got=$?
result "$got" 'drains on SIGTERM'
result "$(status [ "$(value "$folder/run.out" difference)" = 0 ])" 'the sum adds up'

if [ -n "$dump" ]; then
	kill $dump
	wait $dump || true
fi
if [ -n "$dump" ] && command -v tshark >/dev/null && command -v ethtool >/dev/null; then
	tshark -r "$folder/all.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-Y '_ws.malformed || ip.checksum.status==0 || udp.checksum.status==0 || icmp.checksum.status==0 || icmpv6.checksum.status==0' \
		>"$folder/bad" 2>/dev/null
	[ ! -s "$folder/bad" ] || sed 's/^/# /' "$folder/bad" | head -n 20
	result "$(status [ ! -s "$folder/bad" ])" 'tshark: no malformed packet, no bad checksum'
else
	skip 'tshark: no malformed packet, no bad checksum' 'no tshark, tcpdump or ethtool'
fi
if "$WARPNIC" run count --link "pcap:$folder/none" 2>&1 </dev/null | grep -q 'no libpcap'; then
	skip 'count: as many packets and bytes as capinfos' 'no libpcap'
elif [ -n "$dump" ] && command -v capinfos >/dev/null; then
	# shellcheck disable=SC2046 # words: the file, then the two numbers
	set -- $(capinfos -T -r -c -d -M "$folder/all.pcap" 2>/dev/null)
	"$WARPNIC" run count -r "$folder/all.pcap" --json >"$folder/count" 2>/dev/null || true
	shift $(($# - 2))
	echo "# capinfos: $1 packets, $2 bytes"
	result "$(status [ "$(value "$folder/count" received)" = "$1" ])" 'count: as many packets as capinfos'
	result "$(status [ "$(value "$folder/count" bytes)" = "$2" ])" 'count: as many bytes as capinfos'
else
	skip 'count: as many packets and bytes as capinfos' 'no capinfos or tcpdump'
fi
done_testing
