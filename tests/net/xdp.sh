#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An xdp link among real clients, over a veth pair between two network namespaces: its own addresses
# are answered by the lane's stack, the kernel's address on the same interface by the kernel, tshark
# finds nothing malformed, another program is named, and kill -9 leaves nothing attached.
set -eu
. "$(dirname "$0")/../tool/common.sh"
. "$(dirname "$0")/namespaces.sh"

# A veth hands over frames without checksums otherwise, and XDP has no way to say so.
needs ip ping nc ethtool
make_client_and_server
ip -n $server addr add 10.9.0.3/24 dev wn-s
ip -n $server addr add fd09::3/64 dev wn-s nodad
for end in $client:wn-c $server:wn-s; do checksums "$end" || skip_all 'ethtool -K does not work here'; done

inside="ip netns exec $client" # for ask
attached() { ip -n $server -d link show wn-s | grep -q 'prog/xdp'; }

# serve NAME ARGUMENT...: starts warpnic and waits until its link is open.
serve() {
	name=$1
	shift
	ip netns exec $server "$WARPNIC" run "$@" --json >"$folder/$name.out" 2>"$folder/$name.err" &
	pid=$!
	children="$children $pid"
	i=0
	while ! grep -qs 'is xdp' "$folder/$name.err"; do
		i=$((i + 1))
		if ! kill -0 "$pid" 2>/dev/null || [ $i -gt 600 ]; then
			grep -q 'no AF_XDP sockets\|no permission\|cannot be attached' "$folder/$name.err" &&
				skip_all "$(tail -n 1 "$folder/$name.err")"
			sed 's/^/# /' "$folder/$name.err"
			exit 1
		fi
		sleep 0.1
	done
}

# stop NAME: ends it; the sum must add up and the program be gone.
stop() {
	kill -TERM $pid
	wait $pid && got=0 || got=$?
	result "$got" "$1: drains on SIGTERM"
	result "$(status [ "$(value "$folder/$1.out" difference)" = 0 ])" "$1: the sum adds up"
	result "$(if attached; then echo 1; else echo 0; fi)" "$1: nothing stays attached"
}

# counts_frames NAME: every frame is in one place, none in two.
counts_frames() {
	python3 - "$folder/$1.out" <<-'END' && got=0 || got=$?
	import json, sys
	frames = json.load(open(sys.argv[1]))["links"][0]["frames"]
	places = sum(frames[p] for p in ("fill", "rx", "device", "tx", "completion", "kernel"))
	print("#", frames)
	sys.exit(not (places == frames["all"] > 0 and not frames["twice"] and not frames["bad_entries"]
		      and not frames["device"] and not frames["rx"]))
	END
	result "$got" "$1: fill + tx + completion + kernel = all frames"
}

# echoes ADDRESS [-6]: nc gets its line back.
echoes() {
	ask 'over frames' ${2:+"$2"} "$1" 7777
	[ "$reply" = 'over frames' ]
}

pings() { inside ping ${2:+"$2"} -c 3 -i 0.1 -W 20 "$1" 2>&1 | grep -q '3 received'; }
is_silent() { inside ping -c 3 -i 0.1 -W 1 "$1" 2>&1 | grep -q ' 0 received'; }

dump=
if command -v tcpdump >/dev/null; then
	# Not through inside(): a function runs in a shell of its own, whose number is not tcpdump's.
	ip netns exec $client tcpdump -U -i wn-c -w "$folder/all.pcap" >/dev/null 2>"$folder/dump.err" &
	dump=$!
	children="$children $dump"
	wait_for 'listening on' "$folder/dump.err"
fi

for way in 'auto device' 'auto host' 'skb device'; do
	mode="${way% *}" drive="${way#* }" name="${way% *}-${way#* }"
	serve "$name" echo --drive "$drive" --link "xdp:wn-s,mode=$mode,ip=10.9.0.2/24,ip=fd09::2/64"
	result "$(status attached)" "$name: attached"
	result "$(status pings 10.9.0.2)" "$name: ping"
	result "$(status pings fd09::2 -6)" "$name: ping -6"
	result "$(status echoes 10.9.0.2)" "$name: nc -u"
	result "$(status echoes fd09::2 -6)" "$name: nc -6 -u"
	result "$(status pings 10.9.0.3)" "$name: the kernel's own address is still the kernel's"
	result "$(status pings fd09::3 -6)" "$name: and over IPv6"
	result "$(status is_silent 10.9.0.77)" "$name: nobody's address stays silent"
	inside "$WARPNIC" send 10.9.0.2:9000 --count 5000 --timeout 30 --json >"$folder/send" 2>/dev/null || true
	result "$(status [ "$(value "$folder/send" lost)" = 0 ])" "$name: warpnic send: 5,000 echoed, none lost"
	got=0
	ip netns exec $server timeout 60 "$WARPNIC" run count --link xdp:wn-s,steer=all --duration 1 \
		>/dev/null 2>"$folder/second" || got=$?
	result "$(status [ $got = 69 ])" "$name: a second program is refused"
	result "$(status grep -q "program [0-9]* 'warpnic'" "$folder/second")" "$name: and told whose the first is"
	stop "$name"
	[ "$drive" = host ] || counts_frames "$name"
done

# What the device cannot carry out itself goes to the host: records, and packets for a file.
file=handed.pcap
if "$WARPNIC" run count --link "pcap:$folder/none" 2>&1 </dev/null | grep -q 'no libpcap'; then
	file=
	echo '# no libpcap: they are only counted'
fi
serve handed capture --link xdp:wn-s,ip=10.9.0.2 ${file:+-w "$folder/$file"}
inside "$WARPNIC" send 10.9.0.2:9000 --count 3000 --no-reply --rate 20k >/dev/null 2>&1 || true
sleep 0.3
stop handed
counts_frames handed
delivered=$(value "$folder/handed.out" delivered)
result "$(status [ "$delivered" -gt 0 ])" 'device: packets are delivered'
result "$(status [ "$delivered" = "$(value "$folder/handed.out" received)" ])" 'device: every one of them'

# Forwarding out of the one link there is: the device does that, too.
serve turned forward --link xdp:wn-s,steer=all
sleep 0.3
inside ping -c 3 -i 0.1 -W 1 10.9.0.3 >/dev/null 2>&1 || true
stop turned
counts_frames turned
result "$(status [ "$(value "$folder/turned.out" forwarded)" -gt 0 ])" 'device: frames go out of the link they came from'

# Two links: what one brings goes out of the other by pumps, unless it is asked for otherwise.
got=0
ip netns exec $server timeout 60 "$WARPNIC" run forward --drive device --link xdp:wn-s,steer=all -c 3 \
	>/dev/null 2>"$folder/limit" || got=$?
result "$(status [ $got = 2 ])" 'drive=device with -c is refused'
result "$(status grep -q 'drive=device: a number of packets' "$folder/limit")" 'and says why'
got=0
timeout 60 "$WARPNIC" run echo --drive device --link udp:127.0.0.1:0 --duration 1 >/dev/null 2>"$folder/udp" || got=$?
result "$(status [ $got = 2 ])" 'drive=device on a udp link is refused'

# The interface goes down under way and comes back.
serve down echo --drive device --link xdp:wn-s,ip=10.9.0.2/24
result "$(status echoes 10.9.0.2)" 'before it goes down: answered'
ip -n $server link set wn-s down
sleep 0.3
ip -n $server link set wn-s up
i=0
until echoes 10.9.0.2 || [ $i -gt 5 ]; do i=$((i + 1)); done
result "$(status [ $i -le 5 ])" 'after it came back: answered'
stop down
counts_frames down

# The kernel's own address and one port of it; all else there is the kernel's.
serve ports echo --link xdp:wn-s,ports=7777,ip=10.9.0.3,ip=fd09::3
result "$(status echoes 10.9.0.3)" 'ports=7777: answered'
result "$(status echoes fd09::3 -6)" 'ports=7777: answered over IPv6'
result "$(status pings 10.9.0.3)" 'ports=7777: ping'
ip netns exec $server timeout 120 nc -l 10.9.0.3 2222 </dev/null >"$folder/tcp" 2>/dev/null &
children="$children $!"
listens() { ip netns exec $server cat /proc/net/tcp | grep -q ':08AE 00000000:0000 0A'; }
until_so listens || true
echo 'a login' | inside timeout 60 nc -N 10.9.0.3 2222 >/dev/null 2>&1 || true
wait_for 'a login' "$folder/tcp"
result "$(status grep -q 'a login' "$folder/tcp")" 'ports=7777: a TCP connection goes on'
kill -KILL "$pid"
wait $pid 2>/dev/null || true
is_free() { ! attached; }
until_so is_free || true
result "$(if attached; then echo 1; else echo 0; fi)" 'kill -9: nothing stays attached'

if "$WARPNIC" run count --link "pcap:$folder/none" 2>&1 </dev/null | grep -q 'no libpcap'; then
	skip 'filter words' 'no libpcap'
else
	serve words echo --link xdp:wn-s,ip=10.9.0.3 udp dst port 7777
	echoes 10.9.0.3 && got=0 || got=1
	was_asked=$asked
	result $got 'filter words: answered'
	result "$(status pings 10.9.0.3)" "filter words: ping is the kernel's"
	result "$(status [ "$(inside nc -u -w 1 10.9.0.3 7778 </dev/null | wc -c)" = 0 ])" 'filter words: another port is not'
	stop words
	result "$(status [ "$(value "$folder/words.out" received)" = "$was_asked" ])" 'filter words: one packet came in'
fi

# The interface is removed under way: the run ends by itself, and still adds up.
removed() {
	serve removed echo --drive device --link xdp:wn-s,ip=10.9.0.2/24
	echoes 10.9.0.2 || true
	ip -n $server link del wn-s
	has_ended() { ! kill -0 "$pid" 2>/dev/null; }
	until_so has_ended || true
	wait "$pid" && got=0 || got=$?
	result "$(status [ $got = 1 ])" 'the interface is removed: the run ends, exit status 1'
	result "$(status [ "$(value "$folder/removed.out" difference)" = 0 ])" 'removed: the sum adds up'
	counts_frames removed
}

if [ -n "$dump" ]; then
	kill $dump
	wait $dump || true
fi
if [ -n "$dump" ] && command -v tshark >/dev/null; then
	tshark -r "$folder/all.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-Y '_ws.malformed || ip.checksum.status==0 || udp.checksum.status==0 || icmp.checksum.status==0 || icmpv6.checksum.status==0' \
		>"$folder/bad" 2>/dev/null
	[ ! -s "$folder/bad" ] || sed 's/^/# /' "$folder/bad" | head -n 20
	result "$(status [ ! -s "$folder/bad" ])" 'tshark: no malformed packet, no bad checksum'
else
	skip 'tshark: no malformed packet, no bad checksum' 'no tshark or tcpdump'
fi
removed
done_testing
