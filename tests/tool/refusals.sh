#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad input to the command: each names what was asked, what is wrong, what would be right, and ends
# with the status that the manual gives.
set -eu
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")

# usage: 2
refuses 2 "'fly': no such subcommand; there are run, reload" fly
refuses 2 'no program named' run --link memory:
refuses 2 'ready-made are: capture, count, ' run ecko --link memory:
refuses 2 'no link named' run echo
refuses 2 'unknown kind; a link is KIND:ADDRESS' run echo --link carrier:pigeon
refuses 2 'unknown kind' run echo --link udp
refuses 2 "unknown option 'speed=9'; it has: queues, gro" run echo --link udp:127.0.0.1:0,speed=9
refuses 2 'gro=perhaps: must be one of off|on' run echo --link udp:127.0.0.1:0,gro=perhaps
refuses 2 'queues=0: must be a number from 1 to 64' run echo --link udp:127.0.0.1:0,queues=0
refuses 2 'given twice' run echo --link udp:127.0.0.1:0,queues=2,queues=3
refuses 2 'needs a value' run echo --link udp:127.0.0.1:0,queues
refuses 2 'no port' run echo --link udp:localhost
refuses 2 'brackets' run echo --link udp:::1:9000
refuses 2 'not a number from 0 to 65535' run echo --link udp:127.0.0.1:65536
refuses 2 'not a number from 0 to 65535' run echo --link udp:127.0.0.1:http
for slots in 0 1 3 1000 2147483648 2097152; do
	refuses 2 'must be a power of two' run echo --link memory: --slots $slots
done
refuses 2 'slots' run echo --link memory: --slots -1
refuses 2 'must be a power of two' run echo --link memory: --slot-bytes 1500
refuses 2 'must be a power of two' run echo --link memory: --slot-bytes 32
refuses 2 'a train needs slots of 65536 bytes' run echo --link udp:127.0.0.1:0,gro=on --slot-bytes 2048
refuses 2 "device 'gpu': unknown; this build has: cpu" run echo --link memory: --device gpu
refuses 2 'there is one cpu device' run echo --link memory: --device cpu:1
refuses 2 'workers=99: must be a number' run echo --link memory: --device cpu,workers=99
refuses 2 'the pump runs the program' run echo --link memory: --device cpu,workers=2 --mode batch
refuses 2 'mode' run echo --link memory: --mode sometimes
refuses 2 'pumps' run echo --link memory: --pumps 3
refuses 2 'takes datagrams' run echo --link memory:kind=frame
refuses 2 'fast needs a value' run echo --link memory: --fast
refuses 2 "unknown option '--fast'; options of program 'echo': none" run echo --link memory: --fast 3
refuses 2 "unknown option '--swop'; options of program 'l2fwd': --forward, --swap" run l2fwd --swop=on --link memory:kind=frame
refuses 2 'swap=on or off' run l2fwd --swap maybe --link memory:kind=frame
refuses 2 "parameter 'swop=on': program 'l2fwd' has: forward, swap" run l2fwd --param swop=on --link memory:kind=frame
refuses 2 "no program named, and '--quite' is no option of run ('echo' was taken" run --quite echo
refuses 2 "unknown or ambiguous option '--fast'" programs --fast
refuses 2 "unknown or ambiguous option '--d'" run echo --link memory: --d 1
refuses 2 'all want stdout' run transform --link memory: --records - --json
refuses 2 'all want stdout' run transform --link memory: --records - --link pcap:,write=-
refuses 2 'takes none' run echo --link memory: udp port 53
if "$WARPNIC" run count --link "pcap:$folder/none" 2>&1 </dev/null | grep -q 'no libpcap'; then
	skip 'refused: -w without frames' 'no libpcap'
else
	refuses 2 'it cannot keep what is delivered' run capture --link memory: -w "$folder/u.pcap"
fi
refuses 2 'duration' run echo --link memory: --duration 1e12

# input missing: 66
refuses 66 'No such file' run "$folder/none.c" --link memory:
refuses 66 'not a file' run "$folder/" --link memory:

# does not compile: 1, with the compiler's own words, and nothing started
refuses 1 'no_such_name' run "$here/../programs/broken.c" --link memory:
refuses 1 'does not compile' run "$here/../programs/broken.c" --link memory:
CC=/nonexistent/cc
export CC
refuses 69 'no C compiler' run "$here/../programs/mixed.c" --link memory:
unset CC

# not to be had: 69
refuses 69 'that address is not on this machine' run echo --link udp:192.0.2.77:0
start echo --link udp:127.0.0.1:0 --duration 300
refuses 69 'another process has it' run echo --link "udp:127.0.0.1:$port"
refuses 69 'another process has it' run echo --link "udp:127.0.0.1:$port,queues=2"
kill "$pid"
wait "$pid" || true
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	got=0
	setpriv --inh-caps=-net_bind_service --bounding-set=-net_bind_service \
		"$WARPNIC" run echo --link udp:127.0.0.1:53 --duration 1 >"$folder/out" 2>"$folder/err" || got=$?
	if [ "$got" = 126 ] || [ "$got" = 127 ]; then
		skip 'port 53 without permission' 'setpriv may not give up capabilities here'
	elif [ "$got" = 0 ]; then
		skip 'port 53 without permission' 'this system lets everyone use low ports'
	else
		[ "$got" = 69 ] && grep -q CAP_NET_BIND_SERVICE "$folder/err"
		result $? 'port 53 without permission names the capability'
	fi
else
	skip 'port 53 without permission' 'needs root, to give it up'
fi

done_testing
