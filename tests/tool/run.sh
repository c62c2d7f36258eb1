#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `warpnic run` as a user meets it: real clients, signals, JSON, records, a program of one's own.
set -eu
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")

# status COMMAND...: runs it and turns it into a result's argument

# -- clients that nobody here wrote --
start echo --link udp:127.0.0.1:0 --json
if command -v nc >/dev/null; then
	ask 'hello, ring' 127.0.0.1 "$port"
	result "$(status [ "$reply" = 'hello, ring' ])" 'nc -u gets its line back'
else
	skip 'nc -u gets its line back' 'no nc'
fi
if command -v nping >/dev/null; then
	# It waits a second for the last answer, which says nothing of ours where the machine is busy: so three times.
	for _ in 1 2 3; do
		timeout 60 nping --udp --unprivileged -p "$port" --count 5 --rate 20 --data-length 32 127.0.0.1 >"$folder/nping" 2>&1 || true
		! grep -q 'Rcvd: 5 ' "$folder/nping" || break
	done
	result "$(status grep -q 'Rcvd: 5 ' "$folder/nping")" 'nping --udp gets five answers of five'
else
	skip 'nping --udp gets five answers of five' 'no nping'
fi
"$WARPNIC" send "127.0.0.1:$port" --count 20000 --timeout 30 --json >"$folder/send" 2>"$folder/send.err" && sent=0 || sent=1
result "$sent" 'warpnic send: 20,000 sent, none lost'
kill -USR1 "$pid"
wait_for 'the sum adds up' "$folder/run.err"
result "$(status grep -q 'the sum adds up' "$folder/run.err")" 'SIGUSR1 prints the counters and goes on'
kill -TERM "$pid"
got=0
wait "$pid" || got=$?
result "$got" 'SIGTERM: drains, exit status 0'
out=$folder/run.out
result "$(status [ "$(value "$out" received)" = "$(value "$out" answered)" ])" 'all received were answered'
result "$(status [ "$(value "$out" difference)" = 0 ])" 'the document says that the sum adds up'
result "$(status [ "$(value "$out" in_flight)" = 0 ])" 'nothing is in flight at the end'
if command -v python3 >/dev/null; then
	result "$(status python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$out")" 'it is JSON'
else
	skip 'it is JSON' 'no python3'
fi

# -- the end under full load --
gro=,gro=on gso=16
"$WARPNIC" doctor | grep -q 'in trains (gro=on)' || gro='' gso=1
for mode in batch resident lease; do
	start echo --link "udp:127.0.0.1:0$gro" --mode $mode --json
	"$WARPNIC" send "127.0.0.1:$port" --duration 120 --gso $gso --no-reply >/dev/null 2>&1 &
	load=$!
	children="$children $load"
	until_so has_received 1001 || true
	sleep 0.5
	kill -TERM "$pid"
	got=0
	wait "$pid" || got=$?
	kill "$load" 2>/dev/null || true
	wait "$load" 2>/dev/null || true
	result "$got" "SIGTERM under full load, $mode mode: exit status 0"
	result "$(status [ "$(value "$out" received)" -gt 1000 ])" "$mode: there was a load"
	result "$(status [ "$(value "$out" difference)$(value "$out" in_flight)" = 00 ])" "$mode: the sum adds up, nothing in flight"
done

# -- ends by itself --
timeout 120 "$WARPNIC" run drop --link memory:count=100000 --json >"$out" 2>/dev/null
result "$(status [ "$(value "$out" program)" = 100000 ])" 'a memory link comes to its end'
timeout 120 "$WARPNIC" run drop --link memory:count=0 -c 12345 --json >"$out" 2>/dev/null
result "$(status [ "$(value "$out" received)" = 12345 ])" '-c N ends after N packets exactly'
timeout 120 "$WARPNIC" run drop --link memory:count=0,rate=1000 --duration 1 --json >"$out" 2>/dev/null
# By the seconds that it says it ran: whoever was stopped in between ran longer.
took=$(sed -n 's/^ *"seconds": \([0-9]*\)\.\([0-9][0-9][0-9]\).*/\1\2/p' "$out" | sed 's/^0*//')
received=$(value "$out" received)
result "$(status [ "${took:-0}" -ge 1000 -a "$took" -lt 10000 ])" "--duration holds ($took ms for 1 s)"
result "$(status [ "$received" -gt $((took / 2)) -a "$received" -lt $((took * 3 / 2)) ])" "rate= holds ($received in $took ms)"

# -- the table --
timeout 120 "$WARPNIC" run drop --link memory:count=0,rate=1000 --duration 1 --interval 0.1 >"$out" 2>"$folder/table"
result "$(status [ "$(grep -c 'received .*/s' "$folder/table")" -ge 3 ])" '--interval 0.1: lines in between'
timeout 120 "$WARPNIC" run drop --link memory:count=0,rate=1000 --duration 0.5 --interval 0 >"$out" 2>"$folder/table"
result "$(status [ "$(grep -c 'received .*/s' "$folder/table")" = 0 ])" '--interval 0: none'

# -- records --
start transform --link udp:127.0.0.1:0 --records "$folder/records" -c 4 --duration 120
if command -v python3 >/dev/null; then
	python3 - "$port" <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for payload in (struct.pack('!4f', 1.5, -2, 3e10, 0.25), struct.pack('!2f', 7, 8) + b'\x01\x02\x03', b'abc',
                struct.pack('!5f', 1, 2, 3, 4, 5)):
    s.sendto(payload, ('127.0.0.1', int(sys.argv[1])))
PY
	wait "$pid" || true
	python3 - "$folder/records" >"$folder/check" 2>&1 <<'PY' && got=0 || got=1
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
values = [[r[k] for k in ('index', 'code', 'f0', 'f1', 'f2', 'f3')] for r in records]
f = 3e10
expected = [[0, 0, 1.5, -2, values[0][4], 0.25], [1, 0, 7, 8, 0, 0], [2, 1, 0, 0, 0, 0], [3, 0, 1, 2, 3, 4]]
assert values == expected, values
assert abs(values[0][4] - f) < 1e4
PY
	result "$got" 'transform: four floats of each packet, code 1 for the short one'
else
	kill "$pid"
	skip 'transform: four floats of each packet, code 1 for the short one' 'no python3'
fi

# -- a reader that stops: the end is bounded all the same --
mkfifo "$folder/fifo"
# shellcheck disable=SC2217 # it shall not read: the pipe stays full
sleep 300 <"$folder/fifo" &
reader=$!
children="$children $reader"
start transform --link memory:count=0 --records "$folder/fifo" --stop-timeout 0.5
sleep 0.5
kill -TERM "$pid"
has_ended() { ! kill -0 "$pid" 2>/dev/null; }
until_so has_ended && ended=0 || ended=1
result "$ended" 'SIGTERM ends it although nobody reads its records'
kill -9 "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
kill "$reader" 2>/dev/null || true

# -- a program that does not come back, in the pump --
start "$here/../programs/stuck.c" --link memory:count=100 --stop-timeout 0.5
until_so has_received 1 || true
sleep 0.3
kill -TERM "$pid"
got=0
wait "$pid" || got=$?
result "$(status [ $got = 1 ])" 'a stuck program: exit status 1'
result "$(status grep -q 'the sum adds up' "$folder/run.err")" 'and the sum adds up, with what is in flight'

# -- nothing half started --
echo keep >"$folder/keep.pcap"
"$WARPNIC" run "$here/../programs/broken.c" --link memory:kind=frame -w "$folder/keep.pcap" >/dev/null 2>&1 || true
result "$(status grep -q keep "$folder/keep.pcap")" 'a program that does not compile leaves the file of -w alone'

# -- capture files: names with commas, pipes that stop in the middle of a record, a cut file --
if "$WARPNIC" run count --link "pcap:$folder/none" 2>&1 </dev/null | grep -q 'no libpcap'; then
	skip 'capture files' 'no libpcap'
else
	"$WARPNIC" run capture --link memory:kind=frame,count=100,bytes=100 -w "$folder/a,b\\c.pcap" >/dev/null 2>&1 || true
	"$WARPNIC" run count -r "$folder/a,b\\c.pcap" --json >"$out" 2>/dev/null || true
	result "$(status [ "$(value "$out" received)" = 100 ])" '-w and -r take a name with a comma and a backslash'
	# 24 bytes of header, 116 a record: ten whole ones and a half.
	mv "$folder/a,b\\c.pcap" "$folder/whole.pcap"
	head -c 1240 "$folder/whole.pcap" >"$folder/cut.pcap"
	"$WARPNIC" run count -r "$folder/cut.pcap" --json >"$out" 2>"$folder/err" && got=0 || got=$?
	result "$(status [ $got = 1 ])" 'a file cut in a record: exit status 1'
	result "$(status [ "$(value "$out" received)" = 10 ])" 'and the ten before it are counted'
	result "$(status grep -q 'cut.pcap.*11' "$folder/err")" 'and the file and the record are named'
	mkfifo "$folder/pipe"
	(cat "$folder/cut.pcap" && exec sleep 300) >"$folder/pipe" &
	writer=$!
	children="$children $writer"
	"$WARPNIC" run count -r "$folder/pipe" --json >"$out" 2>"$folder/err" &
	pid=$!
	children="$children $pid"
	until_so has_received 10 || true
	before=$(date +%s)
	kill -TERM $pid
	wait $pid && got=0 || got=$?
	result "$got" 'a pipe that stops in the middle of a record: SIGTERM ends it with 0'
	result "$(status [ $(($(date +%s) - before)) -le 20 ])" 'and soon'
	result "$(status [ "$(value "$out" received)" = 10 ])" 'and what was whole was counted'
	kill $writer 2>/dev/null || true
fi

# -- a program of one's own --
cat >"$folder/mine.c" <<'C'
#define WN_COUNTERS(X) X(shouted)
#include <warpnic/program.h>

WN_PROGRAM(shout, WN_DATAGRAM, WN_LOOK_ALL)
{
	WN_LOOP(i, wn_length(packet), 1500)
	{
		const uint32_t c = wn_u8(packet, i);

		if (c >= 'a' && c <= 'z')
			wn_put_u8(packet, i, c - 32);
	}
	wn_count(packet, counter_shouted, 1);
	return WN_REPLY;
}
C
if command -v nc >/dev/null && command -v "${CC:-cc}" >/dev/null; then
	start "$folder/mine.c" --link 'udp:[::1]:0' --json --duration 120
	ask 'quiet please' ::1 "$port"
	result "$(status [ "$reply" = 'QUIET PLEASE' ])" 'a program compiled at start answers, over IPv6'
	kill -INT "$pid"
	wait "$pid" || true
	result "$(status [ "$(value "$out" shouted)" = $asked ])" 'and its counter is in the document'
else
	skip 'a program compiled at start answers, over IPv6' 'no nc or no compiler'
fi

# -- two instances on one port: the sum holds over both --
start echo --link udp:127.0.0.1:0,reuseport=on --json
first=$pid
mv "$folder/run.out" "$folder/first.out"
"$WARPNIC" run echo --link "udp:127.0.0.1:$port,reuseport=on" --json >"$folder/second.out" 2>"$folder/second.err" &
second=$!
children="$children $second"
wait_for '^warpnic: link' "$folder/second.err"
"$WARPNIC" send "127.0.0.1:$port" --count 2000 --sources 20 --timeout 30 --json >"$folder/send" 2>/dev/null && got=0 || got=1
result "$got" 'two instances on one port: none of 2,000 lost'
kill "$first" "$second"
wait "$first" "$second" || true
both=$(($(value "$folder/first.out" answered) + $(value "$folder/second.out" answered)))
result "$(status [ $both = 2000 ])" 'together they answered all of them'

# -- an idle one costs little, and wakes up at once --
for mode in batch resident; do
	start echo --link udp:127.0.0.1:0 --mode $mode --json
	since=$(date +%s%3N)
	sleep 3
	kill "$pid"
	wait "$pid" || true
	took=$(($(date +%s%3N) - since))
	cpu=$(($(value "$out" user_ns) + $(value "$out" system_ns)))
	echo "# idle for $took ms in $mode mode: $((cpu / took / 10000)) % of a core"
	result "$(status [ $cpu -lt $((took * 150000)) ])" "$mode: an idle one uses less than 15 % of a core"
done

# -- parameters of the program as options --
cat >"$folder/add.c" <<'C'
#define WN_PARAMETERS(X) X(number, to_add, "1", "added to the letter") X(flag, small, "off", "a small letter")
#include <warpnic/program.h>
WN_PROGRAM(add, WN_DATAGRAM, WN_LOOK_ALL)
{
	wn_put_u8(packet, 0, (wn_parameter(packet, parameter_small) ? 'a' : 'A') +
		  (uint32_t)wn_parameter(packet, parameter_to_add));
	return WN_REPLY;
}
C
"$WARPNIC" run "$folder/add.c" --help >"$folder/out"
grep -q '^Options of program add:' "$folder/out" && grep -q '^ *--to-add N|off  *added to the letter (preset 1)' "$folder/out" &&
	grep -q '^ *--small off|on ' "$folder/out" && grep -q -- '--duration' "$folder/out" && got=0 || got=1
result $got 'help of a program named says its options, too'
"$WARPNIC" help --words run l2fwd >"$folder/out"
result "$(status grep -q "^--swap.-.off|on.off|on$" "$folder/out")" 'and so do the words of the completion'
if command -v nc >/dev/null; then
	for words in '--to-add 4 --small on:e' '--to-add=off:A' '--small=on --param to_add=2:c' ':B'; do
		# shellcheck disable=SC2086
		start "$folder/add.c" ${words%:*} --link udp:127.0.0.1:0 --duration 120
		ask x 127.0.0.1 "$port"
		kill "$pid"
		wait "$pid" || true
		result "$(status [ "$reply" = "${words#*:}" ])" "options ${words%:*}"
	done
else
	skip 'options of the program' 'no nc'
fi
done_testing
