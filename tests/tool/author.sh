#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an author of programs meets: new, check and trace.
set -eu
. "$(dirname "$0")/common.sh"
: "${WARPNIC_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}"

says() { status grep -qF -- "$1" "$folder/out"; }

# What a program's tests print depends on the devices that are usable: here on the cpu alone, wherever it runs.
export WARPNIC_OPENCL=/nowhere/libOpenCL.so.1 WARPNIC_CUDA_DRIVER=/nowhere/libcuda.so.1

command -v cc >/dev/null || { echo '1..0 # SKIP no C compiler'; exit 0; }

# check ARGUMENT...: sets $got; both outputs in $folder/out
check() { "$WARPNIC" check "$@" >"$folder/out" 2>&1 && got=0 || got=$?; }

# -- new: a program that works --
cd "$folder"
"$WARPNIC" new shout >out 2>&1 && got=0 || got=$?
result "$got" 'new: writes a program and its test'
result "$(says 'warpnic check shout/shout.c')" 'and says the next command'
result "$(says 'warpnic run shout/shout.c --link udp:127.0.0.1:9000')" 'and the one after it'
check shout/shout.c
result "$got" 'check: what new wrote is well, on every device'
sed 's/^/# /' out
result "$(says '3 tests, 0 failed')" 'and its tests hold'
result "$(status grep -qE '^ok +cpu +cc +C11 +stack [0-9]+ bytes' out)" 'and its stack use is said'
if command -v clang >/dev/null; then
	result "$(status [ "$(grep -cE '^ok +(cpu|opencl|metal) +clang' out)" = 3 ])" 'clang took it as C11, C++14 and OpenCL C'
	result "$(status grep -qE '^ok +cuda ' out)" 'and a compiler took it as CUDA C++'
else
	result "$(status [ "$(grep -cE '^skipped .*not here' out)" -ge 3 ])" 'a compiler that is not here is skipped'
	skip 'and a compiler took it as CUDA C++' 'no clang'
fi
if command -v nvcc >/dev/null || [ -x /usr/local/cuda/bin/nvcc ]; then
	result "$(status grep -qE '^ok +cuda +nvcc .* [0-9]+ registers, stack [0-9]+ bytes' out)" 'registers and stack on a GPU are said'
else
	skip 'registers and stack on a GPU are said' 'no nvcc'
fi
refuses 1 'File exists' new shout
refuses 2 'that is no word of' new kernel
refuses 2 'that is no word of' new 2fast
refuses 2 'name the program' new
result "$(status grep -q WN_PROGRAM shout/shout.c)" 'and nothing was written over'

# -- check: a test that fails, with a difference that can be read --
sed -i 's/HELLO, 2 W/HELLo, 2 w/; s/letters 11/letters 12/' shout/shout.test
check shout/shout.c --device cpu
result "$(status [ $got = 1 ])" 'a test that fails: exit status 1'
result "$(says 'failed  cpu     shout/shout.test:3: letters become upper case')" 'which one, and where'
result "$(says '48 45 4c 4c 6f')" 'what was expected'
result "$(says '48 45 4c 4c 4f')" 'what came'
result "$(says '                           ^^             ^^')" 'and where they differ'
result "$(says 'count letters: expected 12, got 11')" 'a counter that differs'
result "$(says '3 tests, 1 failed')" 'the sum'

# -- check: what the compiler says stands in the author's lines --
cat >bad.c <<'C'
#include <warpnic/program.h>

WN_PROGRAM(bad, WN_ANY, WN_LOOK_NOTHING)
{
	(void)packet;
	return no_such_name;
}
C
check bad.c
result "$(status [ $got = 1 ])" 'a program that does not compile: exit status 1'
result "$(says 'bad.c:6:')" 'in the author'\''s own line'
result "$(says 'tests were not run')" 'and no test is run'
result "$(status [ "$(grep -c 'entry\.\|In file included from' out)" = 0 ])" 'and nothing of ours is shown'
cat >bad.c <<'C'
#include <warpnic/program.h>

WN_PROGRAM(bad, WN_ANY, WN_LOOK_NOTHING)
{
	uint32_t unused = 1;

	(void)packet;
	return WN_DROP;
}
C
check bad.c --device cpu
result "$(status [ $got = 1 ])" 'a warning is a mistake'
result "$(status grep -q 'bad.c:5:.*unused' out)" 'in the line of the variable'

# -- check: what the dialect forbids, line by line --
cat >forbidden.c <<'C'
#include <string.h>
#include <warpnic/program.h>
static uint32_t held;
WN_FN uint32_t again(uint32_t n);
WN_FN uint32_t again(uint32_t n)
{
	return n ? again(n - 1) : held;
}
WN_PROGRAM(forbidden, WN_ANY, WN_LOOK_ALL)
{
	uint32_t sum = again(3);
	for (uint32_t i = 0; i < 4; i++)
		sum += i;
	while (sum > 100)
		sum /= 2;
	memset(packet->bytes, 0, 4);
	if (sum)
		goto end;
	sum = packet->length;
end:
	WN_LOOP(i, sum, wn_length(packet))
		sum++;
	return sum & 1;
}
C
check forbidden.c --device cpu
result "$(status [ $got = 1 ])" 'what the dialect forbids: exit status 1'
for expected in '1:1: warning: no header but' '3:1: warning: no static variables' '5:16: warning: no recursion' \
	'12:2: warning: no loop but WN_LOOP' '14:2: warning: no loop but WN_LOOP' '16:2: warning: no memset()' \
	'16:9: warning: the packet'\''s members' '18:3: warning: no goto' '19:8: warning: the packet'\''s members' \
	'21:18: warning: the bound of WN_LOOP'; do
	result "$(says "forbidden.c:$expected")" "forbidden.c:$expected"
done
cat >comment.c <<'C'
/* for while goto static memcpy( */
#define WN_SUMMARY "for (;;) goto static"
#include <warpnic/program.h>
// do while (0) for
WN_PROGRAM(comment, WN_ANY, WN_LOOK_NOTHING)
{
	(void)packet; /* packet->length */
	return WN_DROP;
}
C
check comment.c --device cpu
result "$got" 'words in comments and texts are no words'

cat >tables.c <<'C'
#define WN_TABLES(X) \
	X(hash(32), flows, "32 bytes by key") X(lpm, routes, "numbers") \
	X(cells(8), seats, "words") \
	X(tree, trees, "no such kind") \
	X(array(4097), long_ones, "too long") \
	X(array(0), empty_ones, "too short")
#include <warpnic/program.h>
WN_PROGRAM(tables, WN_ANY, WN_LOOK_NOTHING)
{
	return WN_DROP;
}
C
check tables.c --device cpu
grep -q 'tables.c:3:4: warning: cells are words of 32 bits' out && grep -q "tables.c:4:4: warning: 'tree' is no kind" out &&
	grep -q 'tables.c:5:10: warning: a value of a table has from 1 to 4096' out &&
	grep -q 'tables.c:6:10: warning: a value' out && ! grep -q 'tables.c:2:[0-9]*: warning: ' out && seen=0 || seen=1
sed 's/^/# /' out
result "$seen" 'kinds and sizes of tables, in the line where they stand'
cat >wide.c <<'C'
#define WN_TABLES(X) X(hash(4), flows, "4 bytes by key") X(hash, plain, "x")
#include <warpnic/program.h>
WN_PROGRAM(wide, WN_DATAGRAM, 8)
{
	uint64_t flow;

	if (!wn_hash_find(packet, table_flows, wn_u64(packet, 0), &flow))
		return WN_DROP;
	wn_put_u32(packet, 0, wn_value_u32(packet, flow, 0));
	return WN_REPLY;
}
C
printf '7 192.0.2.1\n' >flows.txt
printf 'table flows=flows.txt\nin 0000000000000007\nout reply c000020100000007\nin 0000000000000008\nout drop\n' >wide.test
check wide.c --device cpu
sed 's/^/# /' out
result "$got" 'values with a size, in a test'

# -- check: the language of tests --
cat >mix.c <<'C'
#define WN_COUNTERS(X) X(seen)
#define WN_PARAMETERS(X) X(number, limit, "9", "x")
#define WN_TABLES(X) X(array, t, "x")
#define WN_RECORD(X) X(u32, a) X(u64, b) X(f32, c)
#include <warpnic/program.h>
WN_PROGRAM(mix, WN_DATAGRAM, WN_LOOK_ALL)
{
	const uint32_t what = wn_u8(packet, 0);
	uint64_t value = 0;

	wn_count(packet, counter_seen, 1);
	if (what == 1)
		return wn_u8(packet, 100);
	if (what == 2)
		return WN_DELIVER;
	if (what == 3) {
		wn_record_u32(packet, 0, (uint32_t)wn_parameter(packet, parameter_limit));
		wn_array_get(packet, table_t, 2, &value);
		wn_record_u64(packet, 4, value);
		wn_record_u32(packet, 12, wn_u32(packet, 1));
		return WN_DELIVER;
	}
	if (what == 4)
		return WN_FORWARD;
	if (what == 5)
		return 99;
	return WN_DROP;
}
C
mkdir sub
mv mix.c sub
echo '2 18446744073709551615' >sub/t.txt
cat >sub/mix.test <<'T'
param limit=7
table t=t.txt
test all ends # and a name with a sign
in 00
out drop
in 01
out fault
in 02 "#" # a sign in a text
out deliver 02 23
in 03 f32:0.1
out record a=7 b=18446744073709551615 c=0.1
in 03 f32:0.1
out record 00000000 \
	00000000
in 04
out forward 04
in 05
out dropped bad_verdict
count seen 7
T
sed -i 's/^out record 0.*/out record 07000000 ffffffffffffffff cdcccc3d/; /^	00000000/d' sub/mix.test
check sub/mix.c --device cpu
sed 's/^/# /' out
result "$got" 'every end of a packet, settings, and a table beside the test'
# wrong TEST WORDS: check a test that is no test, with what must be said of it
wrongs=0
wrong() {
	wrongs=$((wrongs + 1))
	printf '%b\n' "$1" >"wrong$wrongs.test"
	echo "$2" >"wrong$wrongs.words"
	tests="${tests-} --test wrong$wrongs.test"
}
wrong 'in 00' 'test:1: what becomes of the last packet is not said'
wrong 'in 00\nin 00' 'test:2: in: what becomes of the packet before'
wrong 'out drop' 'test: no packet goes in'
wrong 'in zz\nout drop' 'test:1: neither bytes'
wrong 'in 00\nout fly' 'test:2: out: must be drop'
wrong 'in 00\nout dropped fly' 'test:2: no such cause'
wrong 'in 00\nout drop\ncount fly 1' 'test:3: count: the program has no counter'
wrong 'in 00\nout drop\nparam limit=3' 'test:3: settings come before'
wrong 'in 00\nout drop\nin udp 10.0.0.1:1 > 10.0.0.2:2\nout drop' 'test:3: frames and datagrams'
wrong 'fly\nin 00\nout drop' 'test:1: must begin with'
wrong 'param fly=3\nin 00\nout drop' "parameter 'fly=3'"
wrong 'table t=gone.txt\nin 00\nout drop' 'gone.txt: No such file'
wrong 'in 00\nout reply 00' 'got drop (program)'
wrong 'in 03 f32:0\nout record a=8' 'a: expected 8, got 9'
# shellcheck disable=SC2086
check sub/mix.c --device cpu $tests
result "$(status [ $got = 1 ])" 'tests that are none, or do not hold: exit status 1'
for i in $(seq $wrongs); do
	if grep -qF -- "$(cat "wrong$i.words")" out; then result 0 "wrong test: $(cat "wrong$i.words")"; else
		sed 's/^/# /' out
		result 1 "wrong test: $(cat "wrong$i.words")"
	fi
done
refuses 66 'No such file' check none.c
refuses 2 'there are cpu, cuda, opencl, metal' check sub/mix.c --device gpu
refuses 2 'name one program' check
if command -v python3 >/dev/null; then
	check sub/mix.c --json --device cpu
	python3 - "$folder/out" >py 2>&1 <<'PY' && got=0 || got=1
import json, sys
d = json.load(open(sys.argv[1]))
assert d['ok'] and d['program'] == 'sub/mix.c' and d['warnings'] == [] and d['errors'] == [], d
assert d['devices'][0]['device'] == 'cpu' and d['devices'][0]['result'] == 'ok', d
assert d['tests'][0] == {'device': 'cpu', 'path': 'sub/mix.test', 'line': 3, 'test': 'all ends # and a name with a sign',
                         'ok': True, 'difference': None}, d
PY
	sed 's/^/# /' py
	result "$got" 'check --json'
else
	skip 'check --json' 'no python3'
fi

# -- trace --
"$WARPNIC" trace shout/shout.c -x '"hello"' -x '' >out 2>&1 && got=0 || got=$?
result "$got" 'trace: packets from the command line'
result "$(says 'sees 5 bytes; reads 0-4; writes 0-4')" 'the bytes read and written'
result "$(says '0-4: 68 65 6c 6c 6f -> 48 45 4c 4c 4f')" 'what changed'
result "$(says 'drop (program)')" 'the verdict'
"$WARPNIC" trace sub/mix.c -x 01 -x '03 f32:0.5' -x 02 >out 2>&1 && got=0 || got=$?
result "$(says 'fault: 1 byte at 100, where there are 1')" 'what was asked for outside the packet'
result "$(says 'drop (program_fault)')" 'and what came of it'
result "$(says 'c 0.5')" 'a record, by its names'
result "$(says 'as it came')" 'a packet that nobody changed'
"$WARPNIC" trace echo -x 'vlan 9 udp [fd00::1]:5 > [fd00::2]:7 "hi"' >out 2>&1 && got=0 || got=$?
result "$got" 'trace: a ready-made program, and a frame'
result "$(says 'vlan      id 9, priority 0, type 0x86dd')" 'layer by layer'
result "$(says 'ipv6      from fd00::1, to fd00::2, protocol 17, hop_limit 64, length 10')" 'IPv6'
result "$(says 'udp       from 7, to 5, length 10, checksum right')" 'and of what came out'
"$WARPNIC" trace l2fwd -x 'udp 10.0.0.1:5 > 10.0.0.2:7 "hi"' >out 2>&1 || true
result "$(says 'sees 44 bytes; reads 0-13; writes 0-11')" 'a frame program sees the frame'
refuses 2 'name one capture file, or packets' trace echo
refuses 2 'frames and datagrams' trace echo -x 00 -x 'udp 10.0.0.1:5 > 10.0.0.2:7'
refuses 2 'neither bytes' trace echo -x zz
refuses 2 'ready-made are' trace ecko -x 00

# -- capture files: trace, and tests made of them --
if "$WARPNIC" run count --link "pcap:$folder/none" 2>&1 </dev/null | grep -q 'no libpcap'; then
	skip 'capture files' 'no libpcap'
else
	refuses 66 'No such file' trace echo none.pcap
	"$WARPNIC" run capture --link memory:kind=frame,count=5,bytes=60 -w sub/swap.in.pcap >/dev/null 2>&1
	cp "$WARPNIC_SOURCE/programs/l2fwd/l2fwd.c" sub/swap.c
	"$WARPNIC" run sub/swap.c -r sub/swap.in.pcap -w sub/swap.out.pcap >/dev/null 2>&1
	check sub/swap.c --device cpu
	result "$got" 'NAME.in.pcap and NAME.out.pcap'
	result "$(says '6 tests, 0 failed')" 'a test a packet, and one that nothing is missing'
	"$WARPNIC" run capture -r sub/swap.in.pcap -w sub/swap.out.pcap >/dev/null 2>&1
	check sub/swap.c --device cpu
	result "$(status [ $got = 1 ])" 'other packets than expected: exit status 1'
	result "$(says '06 07 08 09 0a 0b 00 01 02 03 04 05')" 'and what came'
	rm sub/swap.out.pcap
	check sub/swap.c --device cpu
	result "$(says 'there must be .out.pcap or .out.json')" 'one without the other'
	"$WARPNIC" trace sub/swap.c sub/swap.in.pcap --json >sub/swap.out.json 2>out && got=0 || got=$?
	result "$got" 'trace of a capture file, as JSON'
	if command -v python3 >/dev/null; then
		python3 - sub/swap.out.json >py 2>&1 <<'PY' && got=0 || got=1
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == 5
for number, d in enumerate(lines, 1):
    assert d['packet'] == number and d['length'] == 60 and d['sees'] == 60 and d['verdict'] == 'reply', d
    assert d['reads'] == [[0, 13]] and d['writes'] == [[0, 11]], d
    assert d['layers'][0]['layer'] == 'ethernet' and d['out']['changed'] == [[0, 11]], d
    assert d['out']['bytes'].startswith('060708090a0b0001020304050c0d'), d
PY
		sed 's/^/# /' py
		result "$got" 'its lines'
	else
		skip 'its lines' 'no python3'
	fi
	check sub/swap.c --device cpu
	result "$got" 'NAME.in.pcap and NAME.out.json'
	sed -i '2s/reply/drop/' sub/swap.out.json
	sed -i 5d sub/swap.out.json
	check sub/swap.c --device cpu
	result "$(status [ $got = 1 ])" 'other lines than expected: exit status 1'
	result "$(says 'they differ in column')" 'and where'
	result "$(says 'there is no line for it')" 'and what is missing'
fi

# -- every ready-made program passes its own tests and the dialect's rules --
for file in "$WARPNIC_SOURCE"/programs/*/*.c; do
	name=$(basename "$file" .c)
	[ "$(basename "$(dirname "$file")")" = "$name" ] || continue
	check "$file" --device cpu -q
	[ $got = 0 ] || sed 's/^/# /' out
	result "$got" "check $name"
done
done_testing
