/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frontier of src/lane/group_port.h: many groups serve one ring, and one at a time looks at the host's
 * words. Sequentially consistent; the letters' orders are proved elsewhere (tests/order/ptx.py).
 *
 * The host publishes PACKETS slots in any steps, then closes, or says leave at any time (-DLEAVE). Blocks of
 * BLOCK slots belong to the groups in turn. Asserted: each slot is served once, after it was published; the
 * mirror never goes back; no two groups look at the host's words or write the mirror at the same time (a
 * look and the telling behind it are two steps); all groups end, and nothing is left where the ring was
 * closed. The ring's slots and verdicts are ring.pml's business.
 */
#ifndef PACKETS
#define PACKETS 7
#endif
#ifndef GROUPS
#define GROUPS 3
#endif
#ifndef BLOCK
#define BLOCK 2
#endif
#ifndef BASE
#define BASE 0          /* published when the groups began, which need not be a multiple of BLOCK */
#endif
#define END (BASE + PACKETS)

byte published = BASE;  /* the host's words */
bool closed, leave;
byte final;
byte mirror = BASE;     /* the device's */
bool mirror_closed, mirror_leave;
byte mirror_final;
byte served[END + 1];
byte looking, gone;

active proctype host()
{
	do
	:: published < END -> published++
	:: published == END -> break
#ifdef LEAVE
	:: leave = true; break
#endif
	od;
#ifdef LEAVE
	leave = true
#else
	atomic { final = published; closed = true }
#endif
}

/* Look at the host's words, and tell the others where they must know. */
inline look_at_words()
{
	atomic { looking++; assert(looking == 1) };
	atomic {
		seen = published; is_closed = closed; is_leave = leave;
		if
		:: is_closed -> last = final; seen = final
		:: else
		fi
	};
	if
#ifdef MUT_TELL_NEVER
	:: false
#else
	:: seen >= end || is_closed || is_leave ->
#endif
		if
		:: is_leave -> mirror_leave = true
		:: else
		fi;
#ifdef MUT_MIRROR_FIRST
		mirror = seen;
#endif
		if
		:: is_closed -> mirror_final = last; mirror_closed = true
		:: else
		fi;
		/* With this store the right to look is handed on. */
		atomic { assert(seen >= mirror); mirror = seen; looking-- }
	:: else -> looking--
	fi
}

inline look_at_mirror()
{
	atomic {
		seen = mirror; is_closed = mirror_closed; is_leave = mirror_leave;
		if
		:: is_closed -> last = mirror_final; seen = last
		:: else
		fi
	}
}

proctype group(byte me)
{
	byte position, first, end, seen, last, i;
	bool is_closed, is_leave, known;

	position = (me == 0 -> BASE : BASE - BASE % BLOCK + me * BLOCK);
	do
	:: first = position - position % BLOCK;
		end = first + BLOCK;
		if
		:: !known || seen < first -> look_at_mirror(); known = true
		:: else
		fi;
		if
#ifdef MUT_ALL_LOOK
		:: seen <= position -> look_at_words()
#else
		:: !is_closed && seen >= first && seen <= position -> look_at_words()
#endif
		:: else
		fi;
		if
		:: is_leave -> break
		:: !is_leave && seen > position ->
			i = (seen >= end -> end : seen);
			do
			:: position < i ->
				atomic {
					assert(position < published && served[position] == 0);
					served[position]++;
					position++
				}
			:: else -> break
			od;
			if
			:: position % BLOCK == 0 ->
#ifdef MUT_NEIGHBOUR
				skip
#else
				position = position + (GROUPS - 1) * BLOCK
#endif
			:: else
			fi
		:: !is_leave && seen <= position && is_closed && position >= last -> break
		:: else -> /* look again once something has changed; not to look for ever is not proved here */
			(seen < first && (mirror > seen || mirror_closed || mirror_leave)) ||
			(seen >= first && (published > seen || closed || leave))
		fi
	od;
	atomic {
		gone++;
#ifndef LEAVE
		if
		:: gone == GROUPS ->
			i = BASE;
			do
			:: i < END -> assert(served[i] == 1); i++
			:: else -> break
			od
		:: else
		fi
#endif
	}
}

init {
	byte me;

	atomic {
		do
		:: me < GROUPS -> run group(me); me++
		:: else -> break
		od
	}
}
