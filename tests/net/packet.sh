#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Frames sent by a real tool over a veth pair between two network namespaces are counted, filtered
# and sent back by `warpnic run` on packet links. Needs root, ip, tcpreplay; else skipped (77).
set -u

warpnic=${WARPNIC:?path of the warpnic command}
near=wn-near-$$
far=wn-far-$$
folder=
pids=

skip() {
	echo "skipped: $1"
	exit 77
}

fail() {
	echo "FAILED: $1"
	[ -z "${2-}" ] || cat "$2"
	exit 1
}

clean_up() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	ip netns del "$near" 2>/dev/null
	ip netns del "$far" 2>/dev/null
	[ -z "$folder" ] || rm -r "$folder"
}

PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || skip "needs root"
for tool in ip tcpreplay; do
	command -v $tool >/dev/null || skip "needs $tool"
done
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
if ! ip netns add "$near" 2>/dev/null || ! ip netns add "$far" 2>/dev/null; then
	skip "no network namespaces here"
fi
ip netns exec "$near" true 2>/dev/null || skip "ip netns exec does not work here"
folder=$(mktemp -d) || exit 1
for space in "$near" "$far"; do
	ip netns exec "$space" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
done
ip link add wn-a netns "$near" type veth peer name wn-b netns "$far" || skip "no veth here"
ip -n "$near" link set wn-a up
ip -n "$far" link set wn-b up

# A capture of 500 frames of 100 bytes: ethertype 0x88b5 and 0x88b6 in turn.
frame() {
	printf '\0\0\0\0\0\0\0\0\144\0\0\0\144\0\0\0'
	printf '\377\377\377\377\377\377\002\002\002\002\002\002\210%b' "$1"
	printf '%086d' 0
}
{
	frame '\0265'
	frame '\0266'
} >"$folder/two"
{
	printf '\324\303\262\241\002\0\004\0\0\0\0\0\0\0\0\0\377\377\0\0\001\0\0\0'
	i=0
	while [ $i -lt 250 ]; do
		cat "$folder/two"
		i=$((i + 1))
	done
} >"$folder/500.pcap"

# run NAME SPACE ARGUMENT...: starts warpnic and waits until its link is open.
run() {
	name=$1
	space=$2
	shift 2
	ip netns exec "$space" "$warpnic" run "$@" --control "$folder/$name.sock" --json >"$folder/$name.json" 2>"$folder/$name.err" &
	last=$!
	pids="$pids $last"
	i=0
	until grep -qs 'packet wn-' "$folder/$name.err"; do
		i=$((i + 1))
		[ $i -lt 600 ] || fail "$name: the link does not open" "$folder/$name.err"
		sleep 0.1
	done
}

# stop_at COUNT: once so many were received, and a moment later, it ends
stop_at() {
	i=0
	until [ "$("$warpnic" stats "$folder/$name.sock" 2>/dev/null | sed -n 's/^[^[]*"received": \([0-9]*\),.*/\1/p')" = "$1" ] ||
		[ $i -gt 600 ]; do
		i=$((i + 1))
		sleep 0.1
	done
	sleep 0.5
	kill -TERM "$last"
}

replay() {
	ip netns exec "$far" tcpreplay -q --pps=20000 -i wn-b "$folder/500.pcap" >"$folder/replay" 2>&1 ||
		fail "tcpreplay" "$folder/replay"
}

# expect NAME WORD: the document says so.
expect() {
	tr -d ' \n' <"$folder/$1.json" | grep -q "$2" || fail "$1: no $2" "$folder/$1.json"
}

# The interfaces pass nothing until the kernel has noticed that both ends are up.
i=0
until [ "$(ip netns exec "$near" cat /proc/net/dev | grep -c wn-a)" = 1 ] &&
	ip -n "$near" link show wn-a | grep -q LOWER_UP && ip -n "$near" link show wn-a | grep -q 'state UP'; do
	i=$((i + 1))
	[ $i -lt 600 ] || fail "the veth pair does not come up"
	sleep 0.1
done

run count "$near" count --link packet:wn-a --count 500 --duration 120
replay
wait "$last" || fail "count ended with $?" "$folder/count.err"
expect count '"received":500[,}]'
expect count '"bytes":50000[,}]'

run queues "$near" count --link packet:wn-a,queues=2,version=3
replay
stop_at 500
wait "$last" || fail "queues ended with $?" "$folder/queues.err"
expect queues '"received":500[,}]'

if "$warpnic" links 2>&1 | grep -q 'no libpcap'; then
	echo "no libpcap: filters are not tested"
else
	run filter "$near" count --link packet:wn-a ether proto 0x88b6
	replay
	stop_at 250
	wait "$last" || fail "filter ended with $?" "$folder/filter.err"
	expect filter '"received":250[,}]'
fi

# There and back: what wn-a receives it sends out again, and the far side counts it.
run back "$near" forward --link packet:wn-a --count 500 --duration 120
back=$last
run home "$far" count --link packet:wn-b --count 500 --duration 120
home=$last
replay
wait "$back" || fail "back ended with $?" "$folder/back.err"
wait "$home" || fail "home ended with $?" "$folder/home.err"
expect back '"forwarded":500[,}]'
expect home '"received":500[,}]'

echo "ok: counted, shared among queues, filtered, sent back"
