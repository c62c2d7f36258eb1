#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The route program between two network namespaces, with the kernel's routes: ping, traceroute, nc, and
# what is said where nothing goes on. tshark looks at both sides.
set -eu
. "$(dirname "$0")/../tool/common.sh"
. "$(dirname "$0")/../net/namespaces.sh"

needs ip ping nc tcpdump
a=wn-a-$$ r=wn-r-$$ b=wn-b-$$
make_namespaces $a $r $b
make_veth $a:wn-ar $r:wn-ra
make_veth $b:wn-br $r:wn-rb
# host NAMESPACE INTERFACE NET: an end, whose router is .1; checksums as on a wire
host() {
	ip -n "$1" addr add "10.$3.0.2/24" dev "$2"
	ip -n "$1" addr add "fd0$3::2/64" dev "$2" nodad
	ip -n "$1" link set "$2" up
	ip -n "$1" link set lo up
	ip -n "$1" route add default via "10.$3.0.1"
	ip -n "$1" -6 route add default via "fd0$3::1"
	checksums "$1:$2" || true
}
ip netns exec $r sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
for side in a:1 b:2; do
	ip -n $r addr add "10.${side#*:}.0.1/24" dev "wn-r${side%:*}"
	ip -n $r addr add "fd0${side#*:}::1/64" dev "wn-r${side%:*}" nodad
	ip -n $r link set "wn-r${side%:*}" up
done
host $a wn-ar 1
host $b wn-br 2
ip -n $r route add blackhole 10.99.0.0/16
ip -n $r route add prohibit 10.98.0.0/16
await_up $a:wn-ar $r:wn-ra $b:wn-br $r:wn-rb
# Whoever has been spoken to is a neighbour.
for far in 10.1.0.2 10.2.0.2 fd01::2 fd02::2; do
	ip netns exec $r ping -c 1 -W 20 $far >/dev/null 2>&1 || true
done

inside() { ip netns exec $a "$@"; }
# says WORDS NAME COMMAND...: the output holds the words
says() {
	words=$1 name=$2
	shift 2
	inside "$@" >"$folder/said" 2>&1 || true
	got=$(status grep -Eq "$words" "$folder/said")
	[ "$got" = 0 ] || sed 's/^/# /' "$folder/said"
	result "$got" "$name"
}

if ip netns exec $r "$WARPNIC" run route --routes kernel:wn-ra --link memory:count=1,kind=frame 2>&1 </dev/null |
	grep -q 'no libmnl'; then
	skip_all 'no libmnl'
fi
for side in a b; do
	space=$a
	[ $side = a ] || space=$b
	ip netns exec $space tcpdump -U -i wn-${side}r -w "$folder/$side.pcap" >/dev/null 2>"$folder/$side.err" &
	children="$children $!"
	dumps="${dumps:-} $!"
	wait_for 'listening on' "$folder/$side.err"
done
ip netns exec $r "$WARPNIC" run route --routes kernel:wn-ra,wn-rb --link packet:wn-ra --link packet:wn-rb --json \
	>"$folder/run.out" 2>"$folder/run.err" &
pid=$!
children="$children $pid"
wait_for '^warpnic: link 1' "$folder/run.err"

says '5 received' 'ping through it: five of five' ping -c 5 -i 0.1 -W 20 10.2.0.2
says 'ttl=63' 'one hop is counted' ping -c 1 -W 20 10.2.0.2
says '5 received' 'ping with 1400 bytes' ping -c 5 -i 0.1 -W 20 -s 1400 10.2.0.2
says '5 received' 'ping -6 through it' ping -6 -c 5 -i 0.1 -W 20 fd02::2
says 'ttl=63' 'one hop is counted, IPv6' ping -6 -c 1 -W 20 fd02::2
says '10.1.0.1.*(Time to live|ttl) exceeded' 'ttl 1: time exceeded from its own address' ping -t 1 -c 1 -W 20 10.2.0.2
says 'fd01::1.*(Time exceeded|Hop limit)' 'hop limit 1: the same, IPv6' ping -6 -t 1 -c 1 -W 20 fd02::2
says '10.1.0.1.*Net Unreachable' 'no route: net unreachable' ping -c 1 -W 20 192.0.2.1
says 'fd01::1.*No route' 'no route: the same, IPv6' ping -6 -c 1 -W 20 fd09::1
says '10.1.0.1.*Host Unreachable' 'no neighbour: host unreachable' ping -c 1 -W 20 10.2.0.77
says '10.1.0.1.*(Packet filtered|prohibited)' 'prohibit: administratively prohibited' ping -c 1 -W 20 10.98.0.1
says ' 0 received, 100% packet loss' 'blackhole: silence' ping -c 1 -W 1 10.99.0.1
says '1 received' 'its own address: the kernel answers' ping -c 1 -W 20 10.1.0.1
ip -n $a link set wn-ar mtu 9000
ip -n $r link set wn-ra mtu 9000
says 'mtu = 1500|mtu=1500' 'too big for the next link: its MTU is told' ping -M "do" -s 1800 -c 1 -W 20 10.2.0.2
ip -n $a link set wn-ar mtu 1500
if command -v traceroute >/dev/null; then
	says '^ 1 .*10.1.0.1' 'traceroute: the first hop' traceroute -n -w 20 -q 1 -N 1 -m 4 10.2.0.2
	result "$(status grep -Eq '^ 2 .*10.2.0.2' "$folder/said")" 'traceroute: the second is the end'
	says '^ 1 .*fd01::1' 'traceroute -6: the first hop' traceroute -6 -n -w 20 -q 1 -N 1 -m 4 fd02::2
	result "$(status grep -Eq '^ 2 .*fd02::2' "$folder/said")" 'traceroute -6: the second is the end'
else
	skip 'traceroute' 'no traceroute'
fi
ip netns exec $b nc -l 9000 >"$folder/heard" 2>/dev/null &
children="$children $!"
listens() { ip netns exec $b cat /proc/net/tcp | grep -q ':2328 00000000:0000 0A'; }
until_so listens || true
head -c 100000 /dev/zero | tr '\0' x | inside timeout 60 nc -N 10.2.0.2 9000 || true
heard_all() { [ "$(wc -c <"$folder/heard")" = 100000 ]; }
if command -v ethtool >/dev/null; then
	until_so heard_all || true
	result "$(status heard_all)" 'a TCP stream of 100,000 bytes'
else
	skip 'a TCP stream of 100,000 bytes' 'no ethtool'
fi

kill -TERM $pid
wait $pid && got=0 || got=$?
result "$got" 'drains on SIGTERM'
result "$(status [ "$(value "$folder/run.out" difference)" = 0 ])" 'the sum adds up'
for counter in forwarded_ipv4 forwarded_ipv6 time_exceeded unreachable too_big blackhole local; do
	count=$(value "$folder/run.out" $counter)
	result "$(status [ "${count:-0}" -gt 0 ])" "counted: $counter"
done
for dump in $dumps; do
	kill "$dump"
	wait "$dump" || true
done
if command -v tshark >/dev/null && command -v ethtool >/dev/null; then
	for side in a b; do
		tshark -r "$folder/$side.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE \
			-Y '(_ws.malformed || ip.checksum.status==0 || udp.checksum.status==0 || tcp.checksum.status==0 || icmp.checksum.status==0 || icmpv6.checksum.status==0)' \
			>"$folder/bad" 2>/dev/null
		[ ! -s "$folder/bad" ] || sed 's/^/# /' "$folder/bad" | head -n 20
		result "$(status [ ! -s "$folder/bad" ])" "tshark, side $side: no malformed packet, no bad checksum"
	done
else
	skip 'tshark: no malformed packet, no bad checksum' 'no tshark or ethtool'
fi
done_testing
