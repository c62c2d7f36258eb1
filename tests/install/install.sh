#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into a folder and uses only what lies there: pkg-config, headers, library, programs, and
# the headers for a program of one's own. Nothing but the public names may be visible.
set -eu
. "$(dirname "$0")/../tool/common.sh"
source=${WARPNIC_SOURCE:?}
build=$(dirname "$WARPNIC")
root=$folder/root


if ! DESTDIR=$root meson install -C "$build" --no-rebuild >"$folder/log" 2>&1; then
	sed 's/^/# /' "$folder/log"
	result 1 'installs into a folder'
	done_testing
	exit 1
fi
result 0 'installs into a folder'

pc=$(find "$root" -name warpnic.pc)
library=$(dirname "$(find "$root" -name libwarpnic.so | head -n 1)")
WARPNIC_HOME=$(dirname "$(find "$root" -type d -name programs)")
export WARPNIC_HOME LD_LIBRARY_PATH="$library"
result "$(status [ -n "$pc" ])" 'there is a warpnic.pc'

export PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
flags=$(pkg-config --cflags --libs warpnic)
# shellcheck disable=SC2086
if cc -Wall -Wextra -Wpedantic -Werror "$source/examples/embed.c" $flags -o "$folder/embed" 2>"$folder/log"; then
	result 0 'the example builds from the installed headers'
else
	sed 's/^/# /' "$folder/log"
	result 1 'the example builds from the installed headers'
fi
# Below the ports that the kernel gives to whoever does not name one, and each time another.
port=$((10000 + $$ % 20000)) hex=$(printf ':%04X' $((10000 + $$ % 20000)))
"$folder/embed" "$port" 5 >"$folder/out" 2>&1 &
pid=$!
children="$children $pid"
is_bound() { grep -q "$hex 00000000:0000" /proc/net/udp; }
until_so is_bound || true
for i in 1 2 3; do "$WARPNIC" send "127.0.0.1:$port" --count 1 --no-reply >/dev/null 2>&1 || true; done
wait "$pid" || true
result "$(status grep -q '^received 3, delivered 3, sum right' "$folder/out")" 'the example counts what is sent to it'

installed=$(find "$root" -path '*bin/warpnic' | head -n 1)
"$installed" run "$source/programs/echo/echo.c" --link memory:count=1000 --json >"$folder/out" 2>"$folder/err" || true
result "$(status [ "$(value "$folder/out" answered)" = 1000 ])" 'the installed command compiles a program'
"$installed" run drop --link memory:count=1000 --json >"$folder/out" 2>"$folder/err" || true
result "$(status [ "$(value "$folder/out" program)" = 1000 ])" 'the installed command finds the ready-made programs'

nm -D --defined-only "$library/libwarpnic.so" | sed 's/.* //; s/@.*//' | grep -v '^wn_' >"$folder/others" || true
result "$(status [ ! -s "$folder/others" ])" 'every visible name begins with wn_'
nm -D --defined-only "$library/libwarpnic.so" | sed 's/.* //; s/@.*//' | sort -u >"$folder/visible"
grep -ho 'wn_[a-z_]*(' "$source"/include/warpnic/*.h | tr -d '(' | sort -u >"$folder/declared"
comm -23 "$folder/visible" "$folder/declared" >"$folder/others"
result "$(status [ ! -s "$folder/others" ])" 'and is declared in include/warpnic'
done_testing
