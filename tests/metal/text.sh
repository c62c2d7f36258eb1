#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The text that the metal device gives to a compiler, for every program: what clang with the shim says of it, and what
# tests/metal/lint finds that clang lets through (TAP). Each rule has an example that it must catch.
# $1 prints such a text.
set -u
print=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
command -v "${WN_TEST_CLANG:-clang++}" >/dev/null || { echo '1..0 # SKIP no clang++'; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0 failed=0
report() {
	number=$((number + 1))
	echo "$1 $number - $2"
	[ "$1" = ok ] && return
	failed=$((failed + 1))
	head -n 20 "$work/said" | sed 's/^/# /'
}

# passes NAME VERSION TEXT
passes() {
	if "$here/lint" "$3" "-D__METAL_VERSION__=$2" >"$work/said" 2>&1; then report ok "$1"; else report 'not ok' "$1"; fi
}

# catches STATUS WORDS VERSION < the body of a text: 1, the lint does; 2, clang does
catches() {
	{ echo '#include <metal_stdlib>'; echo 'using namespace metal;'; cat; } >"$work/bad"
	"$here/lint" "$work/bad" "-D__METAL_VERSION__=$3" >"$work/said" 2>&1
	status=$?
	if [ $status = "$1" ] && grep -q -- "$2" "$work/said"; then report ok "caught: $2"; else
		echo "# status $status"
		report 'not ok' "caught: $2"
	fi
}

catches 2 'poisoned' 310 <<'END'
static inline int f(int a) { double b = a; return b > 1; }
END
catches 1 'double' 310 <<'END'
static inline int f(int a) { return a > 1.5 * a; }
kernel void k(device int *a [[buffer(0)]])
{
	*a = f(*a);
}
END
catches 2 'poisoned' 310 <<'END'
static inline int f(int a) { if (a) goto end; a++; end: return a; }
END
catches 2 'variable length array' 310 <<'END'
static inline int f(int a) { int b[a]; b[0] = a; return b[0]; }
END
catches 1 'recursion' 310 <<'END'
static int g(int a);
static int f(int a) { return a ? g(a - 1) : 0; }
static int g(int a) { return f(a); }
kernel void k(device int *a [[buffer(0)]])
{
	*a = f(*a);
}
END
catches 1 'an address space is lost' 310 <<'END'
static inline int f(device int *a) { return *(thread int *)a; }
kernel void k(device int *a [[buffer(0)]])
{
	*a = f(a);
}
END
catches 2 'no matching function' 310 <<'END'
static inline int f(threadgroup int *a) { return *a; }
kernel void k(device int *a [[buffer(0)]])
{
	*a = f(a);
}
END
catches 1 'a pointer without an address space' 310 <<'END'
static inline uint32_t f(uint32_t *a) { return *a; }
END
catches 1 'an atomic of 64 bits' 310 <<'END'
kernel void k(device ulong *a [[buffer(0)]])
{
	__atomic_fetch_add(a, 1, __ATOMIC_RELAXED);
}
END
catches 1 'an order that is not relaxed' 310 <<'END'
kernel void k(device uint *a [[buffer(0)]])
{
	__atomic_store_n(a, 1, __ATOMIC_RELEASE);
}
END
catches 2 'memory_order_acquire' 310 <<'END'
kernel void k(device atomic_uint *a [[buffer(0)]])
{
	atomic_store_explicit(a, atomic_load_explicit(a, memory_order_acquire), memory_order_relaxed);
}
END
catches 1 'a call through a pointer' 310 <<'END'
static int f(int a) { return a; }
kernel void k(device int *a [[buffer(0)]])
{
	int (*g)(int) = *a ? f : 0;
	*a = g(*a);
}
END
catches 1 'a variable that outlives its function' 310 <<'END'
kernel void k(device int *a [[buffer(0)]])
{
	static int b;
	*a = b++;
}
END
catches 2 'poisoned' 310 <<'END'
static inline void f(void) { asm(""); }
END
catches 2 'atomic_thread_fence' 310 <<'END'
static inline void f(void) { atomic_thread_fence(mem_flags::mem_device, memory_order_seq_cst, thread_scope_device); }
END

for kernel in selftest:310 handshake:320; do
	"$print" - "device/metal/${kernel%:*}.metal" >"$work/text"
	passes "${kernel%:*}.metal" "${kernel#*:}" "$work/text"
done
for program in "$root"/programs/*/*.c "$root"/tests/programs/*.c; do
	name=$(basename "$program" .c)
	case $program in
	*/broken.c) continue ;;
	*/tests/programs/*) ;;
	*) [ "$program" = "$root/programs/$name/$name.c" ] || continue ;;
	esac
	"$print" "$program" device/metal/entry.metal >"$work/text"
	passes "$name, batch, MSL 3.1" 310 "$work/text"
	# The program is the same there: what is around it is looked at with some.
	case $name in
	dns | echo | mixed)
		"$print" "$program" device/metal/lease.metal >"$work/text"
		passes "$name, lease, MSL 3.2" 320 "$work/text"
		;;
	esac
done
echo "1..$number"
[ "$failed" = 0 ]
