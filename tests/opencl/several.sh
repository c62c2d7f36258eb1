#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Several devices as one (src/device/several.h), here one processor named twice: queues are spread, a reload reaches
# both, and one that is given up hands its queue to the other.
set -eu
. "$(dirname "$0")/../tool/common.sh"
trap finish EXIT
export XDG_CACHE_HOME="$folder/cache" POCL_CACHE_DIR="${WN_TEST_CACHE-$folder}/pocl"
mkdir -p "$XDG_CACHE_HOME" "$POCL_CACHE_DIR"

refuses 2 'there can only be one of it' run count --device cpu,cpu --link memory:queues=2
"$WARPNIC" devices >"$folder/list"
if ! grep -q '^opencl:0 *yes .*Portable Computing Language' "$folder/list"; then
	skip 'two devices' 'no PoCL here as opencl:0 (pocl-opencl-icd, ocl-icd-libopencl1)'
	done_testing
	exit
fi
two=opencl:0,opencl:0,restarts=0
timeout 60 "$WARPNIC" run count --device $two --mode batch --link memory:count=10 >"$folder/out" 2>&1 && got=0 || got=$?
result "$(status [ "$got" = 2 ])" "two devices for one queue: status 2 (got $got)"
result "$(status grep -qF '2 devices for 1 queue' "$folder/out")" 'and how many queues it takes'

# workers_of PROCESS: the worker processes it has started. A worker has no arguments; one that has (`list`) only says
# what devices there are, and one that has none yet (an empty command line: execve(2) is on its way) may be either.
workers_of() {
	tasks=$(cat /proc/"$1"/task/*/children 2>/dev/null)
	for child in $tasks; do
		case $(tr '\0' '|' 2>/dev/null <"/proc/$child/cmdline") in
		*'|'*'|') ;;
		*/warpnic-opencl-worker'|') echo "$child" ;;
		esac
	done
}

# Both workers must be there before one of them is ended.
await_both() {
	for _ in $(seq 600); do
		workers=$(workers_of $run | wc -l)
		[ "$workers" -lt 2 ] || break
		sleep 0.1
	done
}

"$WARPNIC" run count --device $two --mode batch --link memory:count=60000,queues=2,rate=10k \
	--control "$folder/control" >"$folder/out" 2>"$folder/err" &
run=$!
children=$run
await_both
result "$(status [ "$workers" -ge 2 ])" "a worker process for each ($workers)"
sleep 1
timeout 60 "$WARPNIC" reload "$folder/control" >"$folder/reload" 2>&1 && got=0 || got=$?
result "$(status [ "$got" = 0 ])" "a reload reaches both (status $got: $(tail -n 1 "$folder/reload"))"
kill -9 "$(workers_of $run | head -n 1)"
wait $run && got=0 || got=$?
children=
result "$(status [ "$got" = 0 ])" "one worker is killed: the run goes on to its end (status $got)"
result "$(status grep -q 'its 1 queues go on on opencl:0' "$folder/err")" 'its queue goes on on the other'
result "$(status grep -q 'received *120,000$' "$folder/out")" 'every packet came'
result "$(status grep -q 'the sum adds up' "$folder/out")" 'and is accounted for'
lost=$(sed -n 's/^ *+ dropped_device_stopped *//p' "$folder/out" | tr -d ,)
result "$(status [ "${lost:-0}" -le 20000 ])" "what it had in hand is counted (${lost:-0})"
[ "$failures" = 0 ] || sed 's/^/# /' "$folder/err" "$folder/out"

# A hand-over that does not come to its end, for the new worker stands still: a stop does not wait for it.
"$WARPNIC" run count --device $two --mode batch --link memory:count=0,queues=2,rate=10k --stop-timeout 1 \
	--control off >"$folder/out" 2>"$folder/err" &
run=$!
children=$run
await_both
sleep 1
before=" $(workers_of $run | tr '\n' ' ')"
kill -9 "$(workers_of $run | head -n 1)"
new=
for _ in $(seq 2000); do
	for worker in $(workers_of $run); do
		case $before in *" $worker "*) ;; *) new=$worker ;; esac
	done
	[ -z "$new" ] || break
	sleep 0.005
done
result "$(status [ -n "$new" ])" 'a worker is started for the queue of the one that is gone'
if [ -n "$new" ]; then kill -STOP "$new"; fi
sleep 0.5
began=$(date +%s)
kill -TERM $run
wait $run && got=0 || got=$?
children=
took=$(($(date +%s) - began))
result "$(status [ "$took" -le 20 ])" "a stop in the middle of that ends it ($took s, status $got)"
result "$(status [ ! -e "/proc/$new" ])" 'and the worker'
result "$(status sh -c "! grep -q 'go on on' '$folder/err'")" 'for nothing went on'
result "$(status grep -q 'the sum adds up' "$folder/out" "$folder/err")" 'and every packet is accounted for'
[ "$failures" = 0 ] || sed 's/^/# /' "$folder/err" "$folder/out"
done_testing
