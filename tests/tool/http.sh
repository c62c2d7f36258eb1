#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# http and echo over TCP as a user meets them: curl, nc, socat, a browser, signals, JSON.
set -eu
. "$(dirname "$0")/common.sh"


# tcp ARGUMENT...: start, and the port of the link
tcp() {
	start "$@"
	port=$(sed -n 's/^warpnic: link 0 is uring:tcp:.*:\([0-9][0-9]*\), .*/\1/p' "$folder/run.err" | head -n 1)
}

# has COMMAND NAME: else the test of that name is skipped
has() {
	command -v "$1" >/dev/null && return 0
	skip "$2" "no $1"
	return 1
}

if ! "$WARPNIC" run echo --link uring:tcp:127.0.0.1:0 --duration 0.2 >"$folder/out" 2>"$folder/err"; then
	echo "1..0 # SKIP $(tail -n 1 "$folder/err")"
	exit 0
fi

# -- echo --
tcp echo --link uring:tcp:127.0.0.1:0,poller=off --json
if has nc 'nc gets its lines back'; then
	reply=$(printf 'one\ntwo\n' | timeout 60 nc -N 127.0.0.1 "$port" || true)
	result "$(status [ "$reply" = "$(printf 'one\ntwo')" ])" 'nc gets its lines back'
fi
if has socat 'socat gets a megabyte back'; then
	head -c 1000000 /dev/urandom >"$folder/in"
	timeout 120 socat -t 60 - "TCP:127.0.0.1:$port" <"$folder/in" >"$folder/back" || true
	result "$(status cmp -s "$folder/in" "$folder/back")" 'socat gets a megabyte back'
fi
kill -TERM "$pid"
got=0
wait "$pid" || got=$?
out=$folder/run.out
result "$got" 'SIGTERM: exit status 0'
result "$(status [ "$(value "$out" difference)$(value "$out" in_flight)$(value "$out" open)" = 000 ])" \
	'the sum adds up, nothing is in flight or open'
result "$(status [ "$(value "$out" all)" = "$(value "$out" fill)" ])" 'all frames are with the kernel'

# -- http --
mkdir "$folder/root" "$folder/root/sub"
printf '%s' '<!doctype html><title>t</title><link rel=stylesheet href=/s.css><img src=/i.svg width=64 height=64><p id=p>text' \
	>"$folder/root/index.html"
echo 'p { color: rgb(1, 2, 3) }' >"$folder/root/s.css"
echo '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="red"/></svg>' \
	>"$folder/root/i.svg"
head -c 3000000 /dev/urandom >"$folder/root/big"
tcp http --root "$folder/root" --link uring:tcp:127.0.0.1:0,poller=off --json
url=http://127.0.0.1:$port
if has curl 'curl gets a large file'; then
	curl -sS -o "$folder/got" "$url/big"
	result "$(status cmp -s "$folder/got" "$folder/root/big")" 'curl gets a large file'
	curl -sS -o "$folder/got" -r 1000-1999 "$url/big"
	dd if="$folder/root/big" bs=1000 skip=1 count=1 of="$folder/part" 2>/dev/null
	result "$(status cmp -s "$folder/got" "$folder/part")" 'and a part of it'
	codes=$(curl -sS -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} ' "$url/" "$url/none" "$url/sub" --path-as-is)
	result "$(status [ "$codes" = '200 404 404 ' ])" 'codes of what is there and what is not'
	tag=$(curl -sSI "$url/s.css" | sed -n 's/^ETag: \(.*\)\r$/\1/p')
	code=$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $tag" "$url/s.css")
	result "$(status [ "$code" = 304 ])" 'what has not changed is not sent again'
	echo new >"$folder/root/sub/index.html"
	kill -HUP "$pid"
	wait_for 'reloaded' "$folder/run.err"
	result "$(status [ "$(curl -sSL "$url/sub")" = new ])" 'SIGHUP: a new file is served'
fi
if [ -n "${WARPNIC_BROWSER-}" ] && has "$WARPNIC_BROWSER" 'a browser loads page, style and image'; then
	timeout 120 "$WARPNIC_BROWSER" --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
		--screenshot="$folder/shot.png" "$url/" >"$folder/browser" 2>&1 || true
	result "$(status [ -s "$folder/shot.png" ])" 'a browser loads page, style and image'
fi
if has nc 'a line of 1 MB is refused'; then
	reply=$( (printf 'GET /'; head -c 1000000 /dev/zero | tr '\0' a) | timeout 60 nc -N 127.0.0.1 "$port" | head -n 1 || true)
	result "$(status [ "${reply%?}" = 'HTTP/1.1 414 URI Too Long' ])" 'a line of 1 MB is refused'
fi
kill -TERM "$pid"
got=0
wait "$pid" || got=$?
result "$got" 'SIGTERM: exit status 0'
result "$(status [ "$(value "$out" difference)$(value "$out" in_flight)$(value "$out" open)" = 000 ])" \
	'the sum adds up, nothing is in flight or open'

# -- refusals --
refuses 2 '--root DIR says what to serve' run http --link uring:tcp:127.0.0.1:0
refuses 66 'root /none' run http --root /none --link uring:tcp:127.0.0.1:0
refuses 2 'needs uring:tcp:HOST:PORT' run http --root "$folder/root" --link udp:127.0.0.1:0
refuses 2 'brings connections: stream programs take those' run sum --link uring:tcp:127.0.0.1:0
refuses 2 'only a device can drive it' run echo --drive host --link uring:tcp:127.0.0.1:0
refuses 2 'power of two' run echo --link uring:tcp:127.0.0.1:0,window=5000
done_testing
