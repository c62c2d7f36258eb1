# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For the tests of the command: TAP from shell. Sourced; $WARPNIC is the command.
: "${WARPNIC:?path of the command}"
# Started under nohup SIGHUP is ignored, by all children too, and a shell cannot undo that.
if [ -z "${WN_SIGNALS_RESET-}" ] && env --default-signal=HUP true 2>/dev/null; then
	WN_SIGNALS_RESET=1 exec env --default-signal=HUP sh "$0" "$@"
fi
number=0 failures=0
folder=$(mktemp -d)
children=
# Every process a test started is ended by its number, every file it made is removed.
finish() {
	for child in $children; do kill "$child" 2>/dev/null || true; done
	rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

# result STATUS NAME: one TAP line
result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then echo "ok $number - $2"; else
		echo "not ok $number - $2"
		failures=$((failures + 1))
	fi
}

# status COMMAND...: 0 or 1, for result
status() { if "$@"; then echo 0; else echo 1; fi; }

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# skip_all REASON: nothing can be tested here
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$number"
	[ "$failures" = 0 ]
}

# refuses STATUS WORDS ARGUMENT...: the command ends with that status, and stderr holds the words
refuses() {
	want=$1 words=$2
	shift 2
	got=0
	timeout 60 "$WARPNIC" "$@" >"$folder/out" 2>"$folder/err" </dev/null || got=$?
	if [ "$got" = "$want" ] && grep -qF -- "$words" "$folder/err"; then
		result 0 "refused: warpnic $*"
	else
		echo "# status $got, expected $want; stderr, which should hold '$words':"
		sed 's/^/# /' "$folder/err"
		result 1 "refused: warpnic $*"
	fi
}

# until_so COMMAND...: until it succeeds, a minute at most; then 1. A machine may do other things, or be stopped for a while.
until_so() {
	for _ in $(seq 1200); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}

# wait_for WORDS FILE: until the file holds them, a minute at most
wait_for() {
	until_so grep -qs -- "$1" "$2" && return 0
	echo "# '$1' did not come in a minute:"
	sed 's/^/# /' "$2"
}

# has_received COUNT [SOCKET]: whether the run with $pid, or the one with that control socket, has received so many
has_received() {
	has=$("$WARPNIC" stats "${2-$pid}" 2>/dev/null | sed -n 's/^[^[]*"received": \([0-9]*\),.*/\1/p')
	[ "${has:-0}" -ge "$1" ]
}

# ask TEXT ARGUMENT...: what `nc -u ARGUMENT...` brings back for a line. Sets $reply, and $asked: how often it was sent.
# nc goes on as long as it was told to wait, so it is told one second first, and more where nothing came.
ask() {
	text=$1 asked=0
	shift
	for patience in 1 5 20; do
		asked=$((asked + 1))
		# shellcheck disable=SC2086 # words: what runs a command elsewhere, or nothing
		reply=$(echo "$text" | timeout 60 ${inside-} nc -u -w $patience "$@" || true)
		[ -z "$reply" ] || break
	done
}

began() { grep -q '^warpnic: link' "$folder/run.err" || ! kill -0 "$pid" 2>/dev/null; }

# start ARGUMENT...: runs `warpnic run ARGUMENT...` in the background and waits until it serves.
# Sets $pid and $port (of its first udp link). Output in $folder/run.out and run.err.
start() {
	: >"$folder/run.err" # what a run before said must not be taken for this one's port
	"$WARPNIC" run "$@" >"$folder/run.out" 2>"$folder/run.err" &
	pid=$!
	children="$children $pid"
	until_so began || sed 's/^/# /' "$folder/run.err"
	port=$(sed -n 's/^warpnic: link 0 is udp:.*:\([0-9][0-9]*\)[: ].*/\1/p' "$folder/run.err" | head -n 1)
	sleep 0.1
}

# value FILE KEY: a number of the JSON document, by its (unique or first) key
value() { sed -n "s/^ *\"$2\": \([-0-9]*\),*$/\1/p" "$1" | head -n 1; }
