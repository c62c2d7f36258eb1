#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The control socket and SIGHUP: who may ask, what is answered, and that a program is replaced while
# packets flow, or stays where the new one cannot be had.
set -eu
. "$(dirname "$0")/common.sh"


command -v "${CC:-cc}" >/dev/null || { echo '1..0 # SKIP no C compiler'; exit 0; }

# write VALUE [NAME]: a program that answers with VALUE in the last byte
write() {
	cat >"$folder/next.c" <<C
#define WN_COUNTERS(X) X(answers)
#define WN_PARAMETERS(X) X(number, add, "0", "added to the answer")
#define WN_TABLES(X) X(array, t, "index and value")
#include <warpnic/program.h>
WN_PROGRAM(${2:-p}, WN_DATAGRAM, WN_LOOK_ALL)
{
	uint64_t value = 0;

	wn_array_get(packet, table_t, 0, &value);
	wn_count(packet, counter_answers, 1);
	wn_put_u8(packet, wn_length(packet) - 1, (uint32_t)($1 + wn_parameter(packet, parameter_add) + value));
	return WN_REPLY;
}
C
	mv "$folder/next.c" "$folder/p.c"
}

# answer: the last byte of the reply to a datagram, or nothing
answer() {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(30)
s.sendto(b"xyz", ("127.0.0.1", int(sys.argv[1])))
print(chr(s.recv(10)[-1]))' "$port" 2>/dev/null || true
}
answers() { got=$(answer); if [ "$got" = "$1" ]; then echo 0; else echo 1; fi; }

can_ask=1
command -v python3 >/dev/null || can_ask=0

export XDG_RUNTIME_DIR="$folder"
write "'A'"
echo '0 0' >"$folder/t"
start "$folder/p.c" --link udp:127.0.0.1:0 --table "t=$folder/t" --json
socket=$folder/warpnic-$pid.sock
# shellcheck disable=SC2016 # the name of the variable, not its value
result "$(status [ -S "$socket" ])" 'the preset socket is warpnic-PID.sock in $XDG_RUNTIME_DIR'
result "$(status [ "$(stat -c %a "$socket")" = 600 ])" 'its mode is 0600'
result "$(status grep -qF "control socket $socket" "$folder/run.err")" 'and the start says where it is'
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$folder"
	got=0
	setpriv --reuid=65534 --regid=65534 --clear-groups "$WARPNIC" stats "$socket" >"$folder/out" 2>"$folder/err" || got=$?
	result "$(status [ $got = 69 ])" 'another user may not ask'
else
	skip 'another user may not ask' 'needs root, to become another user'
fi

# -- reload: by the path, by the number, by being the only one --
if [ $can_ask = 1 ]; then result "$(answers A)" 'version A answers'; fi
write "'B'"
"$WARPNIC" reload "$socket" >"$folder/out" 2>"$folder/err" && got=0 || got=$?
result "$got" 'warpnic reload PATH'
result "$(status grep -q 'reloaded in' "$folder/out")" 'says how long it took'
if [ $can_ask = 1 ]; then result "$(answers B)" 'version B answers'; fi
echo '0 1' >"$folder/t"
"$WARPNIC" reload $pid >/dev/null 2>&1 && got=0 || got=$?
result "$got" 'warpnic reload PID'
if [ $can_ask = 1 ]; then result "$(answers C)" 'a table was read anew'; fi
"$WARPNIC" reload --param add=2 >/dev/null 2>&1 && got=0 || got=$?
result "$got" 'warpnic reload, where there is only one; with a parameter'
if [ $can_ask = 1 ]; then result "$(answers E)" 'the parameter counts'; fi
kill -HUP $pid
has_reloaded() { [ "$(grep -c '^warpnic: reloaded' "$folder/run.err")" -ge "$1" ]; }
until_so has_reloaded 4 || true
result "$(status [ "$(grep -c '^warpnic: reloaded' "$folder/run.err")" = 4 ])" 'SIGHUP reloads, and says so'
if [ $can_ask = 1 ]; then result "$(answers E)" 'and the parameter of the last reload stays'; fi

# -- what cannot take the old one's place: the reason, on both sides, status 1, and the old one goes on --
# stays WORDS NAME
stays() {
	got=0
	"$WARPNIC" reload "$socket" >"$folder/out" 2>"$folder/err" || got=$?
	result "$(status [ $got = 1 ])" "$2: exit status 1"
	result "$(status grep -qF -- "$1" "$folder/err")" "$2: the reason in the reply"
	result "$(status grep -qF -- "$1" "$folder/run.err")" "$2: the reason on stderr of the run"
	result "$(status grep -q 'the version before goes on' "$folder/run.err")" "$2: and that the old one goes on"
	if [ $can_ask = 1 ]; then result "$(answers E)" "$2: it does"; fi
}
write no_such_name
stays no_such_name 'a program that does not compile'
write "'B'" other
stays "called 'other' now and was 'p'" 'a program of another name'
write "'B'"
echo 'not an entry' >"$folder/t"
stays "$folder/t:1: " 'a table that cannot be read'
mv "$folder/t" "$folder/gone"
stays 'No such file' 'a table that is not there'
mv "$folder/p.c" "$folder/gone.c"
stays 'No such file' 'a program that is not there'
mv "$folder/gone.c" "$folder/p.c"
echo '0 1' >"$folder/t"
got=0
"$WARPNIC" reload --param ad=2 >"$folder/out" 2>"$folder/err" || got=$?
result "$(status [ $got = 1 ])" 'a parameter that is not there: exit status 1'
result "$(status grep -q "program 'p' has: add" "$folder/err")" 'and those that are there'

# -- the protocol --
if command -v python3 >/dev/null; then
	python3 - "$socket" >"$folder/check" 2>&1 <<'PY' && got=0 || got=1
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile('rw')
def ask(text):
    f.write(text + '\n')
    f.flush()
    return json.loads(f.readline())
stats = ask('{"command": "stats"}')
assert stats['ok'] and stats['stats']['program'] == 'p' and stats['stats']['difference'] == 0, stats
assert stats['stats']['reloads'] == 4, stats
assert stats['stats']['counters']['answers'] == stats['stats']['answered'], stats
reply = ask(' { "command" : "rel\\u006fad" , "parameters" : [ "add=\\u0032" ] } ')
assert reply['ok'] and reply['reloads'] == 5 and reply['milliseconds'] > 0, reply
for text, words in (('', 'braces'), ('[]', 'braces'), ('{"command": "fly"}', 'reload, stats, stop'), ('{}', 'reload, stats, stop'),
                    ('{"command": "stop", "when": 1}', "no member 'when'"), ('{"command": "stats"', 'end of the object'),
                    ('{"command": "reload", "parameters": "x"}', 'list of texts'), ('{"command": "a\\u0000"}', 'digits'),
                    ('{"command": "stats"} x', 'behind the object'), ('{"a": [' * 40, 'nesting'), ('{"a": "\\ud800"}', 'digits')):
    reply = ask(text)
    assert not reply['ok'] and reply['status'] == 2 and words in reply['error'], (text, reply)
# several in one packet, one in several
f.write('{"command": "stats"}\n{"command": "stats"}\n{"comm'); f.flush()
assert json.loads(f.readline())['ok'] and json.loads(f.readline())['ok']
f.write('and": "stats"}\n'); f.flush()
assert json.loads(f.readline())['ok']
# a line without an end: hung up on, and the others are served on
long = socket.socket(socket.AF_UNIX)
long.connect(sys.argv[1])
try:
    long.sendall(b'x' * 200000)
    assert long.recv(10) == b''
except (BrokenPipeError, ConnectionResetError):
    pass
assert ask('{"command": "stats"}')['ok']
# more clients than there is room for, then room again
many = [socket.socket(socket.AF_UNIX) for _ in range(20)]
for c in many:
    c.connect(sys.argv[1])
for c in many:
    c.close()
assert ask('{"command": "stats"}')['ok']
PY
	sed 's/^/# /' "$folder/check"
	result "$got" 'the protocol, and what it refuses'
else
	skip 'the protocol, and what it refuses' 'no python3'
fi
"$WARPNIC" stats --json >"$folder/out" && got=0 || got=$?
result "$(status grep -q '^{"ok": true, "stats": {"program": "p"' "$folder/out")" 'warpnic stats --json: the reply as it came'
"$WARPNIC" stats >"$folder/out" && got=0 || got=$?
result "$(status grep -q '^{"program": "p"' "$folder/out")" 'warpnic stats: the document alone'

# -- two of them, a path that is taken, and the end --
first=$pid
cp "$folder/run.out" "$folder/first.out"
start echo --link udp:127.0.0.1:0
refuses 2 'are running: say which' reload
refuses 69 'another process has it' run echo --link memory: --control "$socket"
echo keep >"$folder/file"
refuses 69 'there is a file of that name' run echo --link memory: --control "$folder/file"
result "$(status grep -q keep "$folder/file")" 'and the file is left alone'
kill -9 $pid
wait $pid 2>/dev/null || true
result "$(status [ -S "$folder/warpnic-$pid.sock" ])" 'one that was killed leaves its socket behind'
left=$folder/warpnic-$pid.sock
refuses 69 'nobody listens' reload "$left"
"$WARPNIC" run drop --link memory:count=10 --control "$left" -q >/dev/null 2>&1 && got=0 || got=$?
result "$got" 'which the next one may take over'
result "$(status [ ! -e "$left" ])" 'and removes at its end'
"$WARPNIC" stop >"$folder/out" 2>&1 && got=0 || got=$?
result "$got" 'warpnic stop'
got=0
wait $first || got=$?
result "$got" 'the run ends with 0'
result "$(status [ ! -e "$socket" ])" 'its socket is gone'
refuses 69 'none is running' reload
"$WARPNIC" run drop --link memory:count=10 --control off >/dev/null 2>"$folder/err" && got=0 || got=$?
result "$(status [ "$(grep -c 'control socket' "$folder/err")" = 0 ])" '--control off: none'

# -- under load: hundreds of datagrams a reload, all answered --
write "'A'"
echo '0 0' >"$folder/t"
start "$folder/p.c" --link udp:127.0.0.1:0 --table "t=$folder/t" --json
"$WARPNIC" send "127.0.0.1:$port" --duration 4 --window 8 --timeout 30 --no-verify --json >"$folder/send" 2>"$folder/send.err" &
load=$!
children="$children $load"
until_so has_received 1000 || true
for version in B C D E F; do
	write "'$version'"
	"$WARPNIC" reload "$pid" >/dev/null 2>&1 || echo "# reload to $version failed"
done
wait $load && got=0 || got=1
sed "s/^/# /" "$folder/send.err"
result "$got" 'five reloads under load: none lost'
"$WARPNIC" stop "$pid" >/dev/null 2>&1
wait "$pid" && got=0 || got=$?
result "$got" 'and the run ends with 0'
out=$folder/run.out
result "$(status [ "$(value "$out" reloads)" = 5 ])" 'five reloads'
result "$(status [ "$(value "$out" received)" -gt 1000 ])" 'there was a load'
result "$(status [ "$(value "$out" received)" = "$(value "$out" answers)" ])" 'one counter counted them all, through all versions'
result "$(status [ "$(value "$out" difference)$(value "$out" in_flight)" = 00 ])" 'the sum adds up'
done_testing
