#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The opencl device where something is missing, and where a driver misbehaves: no library, no driver, no device, a
# device that lacks something, a build that fails, a handshake that does not come back, one that is never
# answered, a device that is lost; and which mode is chosen. What needs a package is skipped where it is not there.
set -eu
. "$(dirname "$0")/../tool/common.sh"
trap finish EXIT
here=$(dirname "$0")
real=$(find /usr/lib -maxdepth 2 -name libOpenCL.so.1 2>/dev/null | head -n 1)
export XDG_CACHE_HOME="$folder/cache" POCL_CACHE_DIR="${WN_TEST_CACHE-$folder}/pocl"
mkdir -p "$XDG_CACHE_HOME" "$POCL_CACHE_DIR"

# says WORDS NAME: the list of devices names the opencl device with these words
says() {
	"$WARPNIC" devices >"$folder/list" 2>&1 || true
	result "$(status grep -qF "$1" "$folder/list")" "$2"
}

WARPNIC_OPENCL=/nowhere/libOpenCL.so.1 says 'no OpenCL: /nowhere' 'devices: without the library it says so'
export WARPNIC_OPENCL=/nowhere/libOpenCL.so.1
refuses 69 'install an ICD loader' run echo --link memory: --device opencl
unset WARPNIC_OPENCL
refuses 2 "opencl:x" run echo --link memory: --device opencl:x
# shellcheck disable=SC2086
compile() { ${CC:-cc} -shared -fPIC -D_GNU_SOURCE -I"$WARPNIC_SOURCE/src" -I"$WARPNIC_SOURCE/include" -o "$@" "$here/stub.c"; }
if compile "$folder/alone.so" -DALONE 2>"$folder/err"; then
	export WARPNIC_OPENCL="$folder/alone.so"
	WN_STUB=nothing says 'has no driver here' 'devices: a loader without a driver'
	WN_STUB=empty says 'but no device' 'devices: a driver without a device'
	export WN_STUB=empty
	refuses 69 'but no device' run echo --link memory: --device opencl
	unset WN_STUB WARPNIC_OPENCL
else
	skip 'a loader without a driver' 'no C compiler'
fi

"$WARPNIC" devices >"$folder/list"
if ! grep -q '^opencl:0 *yes .*Portable Computing Language' "$folder/list"; then
	skip 'a real driver' 'no PoCL here as opencl:0 (pocl-opencl-icd, ocl-icd-libopencl1)'
	done_testing
	exit
fi
result "$(status grep -q '^opencl:0 *yes *resident, lease, batch' "$folder/list")" 'devices: PoCL may do all three modes'
refuses 69 'here, from 0' run echo --link memory: --device opencl:99
timeout 120 "$WARPNIC" run "$here/half.c" --link memory:count=1 --device opencl >"$folder/out" 2>&1 && got=0 || got=$?
result "$(status [ "$got" = 69 ])" "a program that is C but not OpenCL C: status 69 (got $got)"
result "$(status grep -q 'run: opencl device: .*/half.c:7:' "$folder/out")" "and the author's own line"

# run_with WORDS NAME ARGUMENT...: a run of 2,000 packets that ends well and says these words
run_with() {
	words=$1 name=$2
	shift 2
	timeout 120 "$WARPNIC" run echo --link memory:count=2000,bytes=64 "$@" >"$folder/out" 2>&1 && got=0 || got=$?
	if [ "$got" = 0 ] && grep -qF -- "$words" "$folder/out" && grep -q '= answered *2,000$' "$folder/out"; then
		result 0 "$name"
	else
		echo "# status $got, wanted '$words'"
		sed 's/^/# /' "$folder/out"
		result 1 "$name"
	fi
}

run_with 'resident: ' 'auto: PoCL passes the handshake, resident' --device opencl
run_with 'lease: ' 'lease' --device opencl --mode lease
run_with 'batch: as asked' 'batch' --device opencl --mode batch
kept=$(find "$XDG_CACHE_HOME/warpnic/opencl" -name "*.bin" | wc -l)
result "$(status [ "$kept" -ge 3 ])" "binaries are kept ($kept)"
for file in "$XDG_CACHE_HOME"/warpnic/opencl/*.bin; do printf 'x' | dd of="$file" bs=1 seek=5000 conv=notrunc 2>/dev/null; done
run_with 'batch: as asked' 'a damaged binary is made anew' --device opencl --mode batch
for file in "$XDG_CACHE_HOME"/warpnic/opencl/*.bin; do chmod 666 "$file"; done
run_with 'batch: as asked' 'a binary that others may write is not taken' --device opencl --mode batch

# Kernels inside the call that queues them: nothing that polls can work there.
POCL_DEVICES=basic run_with 'batch: ' 'POCL_DEVICES=basic ends up in batch mode' --device opencl
export POCL_DEVICES=basic
refuses 69 'cannot serve in resident mode' run echo --link memory: --device opencl --mode resident
unset POCL_DEVICES

if compile "$folder/stub.so" -Wl,--no-as-needed "$real" 2>"$folder/err"; then
	export WARPNIC_OPENCL="$folder/stub.so"
	WN_STUB=lame says 'it lacks a compiler' 'a device that lacks something is named with it'
	WN_STUB=hang run_with 'did not come back within 5 s' 'a handshake that does not come back: batch' --device opencl
	WN_STUB=deaf run_with 'does not see what the host writes' 'a handshake without an answer: batch' --device opencl
	export WN_STUB=lost
	timeout 120 "$WARPNIC" run echo --link memory:count=2000000,bytes=64 --device opencl,restarts=1,batch=16 --mode batch \
		>"$folder/out" 2>&1 && got=0 || got=$?
	result "$(status [ "$got" = 1 ])" "a device that is lost: status 1 (got $got)"
	result "$(status grep -q 'CL_DEVICE_NOT_AVAILABLE' "$folder/out")" 'it says what the driver said'
	result "$(status grep -q 'given up after 1 restarts' "$folder/out")" 'started anew once, then given up'
	result "$(status grep -q 'the sum adds up' "$folder/out")" 'and the sum adds up'
	unset WARPNIC_OPENCL WN_STUB
else
	skip 'a driver that misbehaves' 'the stub does not link with the real library'
fi

RUSTICL_ENABLE=llvmpipe "$WARPNIC" devices >"$folder/list"
llvmpipe=$(sed -n 's/^\(opencl:[0-9]*\) .*llvmpipe.*/\1/p' "$folder/list" | head -n 1)
if [ -n "$llvmpipe" ]; then
	export RUSTICL_ENABLE=llvmpipe
	run_with 'batch: it has no acquire and release' 'rusticl on llvmpipe: batch' --device "$llvmpipe,batch=4096,stuck=60000"
else
	skip 'rusticl on llvmpipe: batch' 'no such driver (mesa-opencl-icd)'
fi
done_testing
