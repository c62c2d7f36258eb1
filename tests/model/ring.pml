/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of src/ring, letter by letter. (P) (D) (V) (T) (R) (F) (C) (E) (X) (Y) are those of
 * src/ring/layout.h and stand at the access they name; (A) (L) are the receive pump's count of
 * admitted slots, which stays in the host's own memory. Spin assumes sequential consistency: this
 * proves the algorithm. That each letter has the order it needs is shown by tests/order.
 *
 * A step is one access to a shared word, with what a thread does privately before or after it. The
 * parts of a slot are written in two steps, so that tearing shows; they are read in one, because
 * `in_use` tells of every overlap. A poll that sees nothing waits for what it polls.
 *
 * Sizes: SLOTS, PACKETS offered (two laps are the least: 2 * SLOTS + 1), GROUPS, BLOCK slots,
 * LAPS that a verdict word tells apart, BURST packets a call of the receive pump, START (first
 * position: bytes wrap at 256 here as cursors do at 2^32).
 *
 * Modes: resident; -DLEASE (a group may end its life at any poll and is armed again); -DBATCH (the
 * host launches ranges). -DLOSSLESS: the receive pump waits instead of dropping.
 *
 * Faults that the ring must bear: -DFAULT_STALE (one slot is published unwritten), -DFAULT_AHEAD
 * (the device answers what is not published, and may thereby undo an answer: nothing wrong leaves,
 * but the queue may stand still). Mistakes that must be found: -DMUT_..., see `run`.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef PACKETS
#define PACKETS 5
#endif
#ifndef GROUPS
#define GROUPS 2
#endif
#ifndef BLOCK
#define BLOCK 1
#endif
#ifndef LAPS
#define LAPS 4
#endif
#ifndef BURST
#define BURST 1
#endif
#ifndef START
#define START 0
#endif

#define DIFF(x, y) (((x) - (y)) & 255)
#define BEFORE(x, y) (DIFF(y, x) != 0 && DIFF(y, x) < 128)
#define SLOT(p) ((p) % SLOTS)
#define TAG(p) (((p) + 1) & 255)
#define REPLY(p) (((p) + 129) & 255)
#define LAP(p) (((p) / SLOTS + 1) % LAPS)
#define WORD(p) (LAP(p) * 4 + (p) % 3)             /* lap, code and length in one store */
#ifdef MUT_NO_LAP
#define IS_ANSWER(word, p) ((word) != 255)
#define UNANSWERED(p) 255
#else
#define IS_ANSWER(word, p) ((word) / 4 == LAP(p))
#define UNANSWERED(p) (START == 0 -> 0 : WORD(p))  /* a fresh ring's zeros; else the lap before */
#endif

#ifdef MUT_FULL_LATE
#define CAPACITY (SLOTS + 1)
#else
#ifdef MUT_FULL_EARLY
#define CAPACITY (SLOTS - 1)
#else
#define CAPACITY SLOTS
#endif
#endif

byte published = START, closed, final = START, released = START, corrupt;
byte verdict[SLOTS];
byte tag[SLOTS], frame[SLOTS], reply[SLOTS];       /* slot.position, bytes that stay, that change */
byte admitted = START, receive_done;               /* of the host alone */

/* Ghosts: what the properties speak of, unknown to the code. */
byte in_use[SLOTS];                                /* who reads or answers in the slot */
byte runs[PACKETS], fates[PACKETS];
byte offered, dropped, gone, stale = 255;
bool stopped;

#ifdef LEASE
bool armed[GROUPS];
byte kept[GROUPS];                                 /* a group's position, in device memory */
#define WORK (published != released || closed)
#endif
#ifdef BATCH
byte launched;                                     /* groups of this launch still at work */
byte range_first, range_end, halt;
bool go[GROUPS];
#endif

inline arm_all(n)
{
	n = 0;
	do
	:: n < GROUPS -> armed[n] = true; n++
	:: else -> n = 0; break
	od
}

/* --- src/ring/producer.h and the receive pump ------------------------------------------------ */

inline reserve()
{
	got = CAPACITY - DIFF(mine, seen);
	if
	:: got < wanted ->
		seen = released;                                                             /* (F) */
		room = (DIFF(mine, seen) > SLOTS -> 0 : SLOTS - DIFF(mine, seen));
		got = CAPACITY - DIFF(mine, seen)
	:: else
	fi;
	if
	:: got >= wanted -> got = wanted
	:: else -> assert(got >= room)     /* refuses only what the ring cannot hold */
	fi
}

inline fill(p)
{
#ifdef FAULT_STALE
	if
	:: stale == 255 -> stale = p               /* nothing is written: an earlier lap lies there */
	:: true ->
#endif
	atomic { assert(in_use[SLOT(p)] == 0); frame[SLOT(p)] = TAG(p) };
	atomic { assert(in_use[SLOT(p)] == 0); reply[SLOT(p)] = TAG(p); tag[SLOT(p)] = TAG(p) }
#ifdef FAULT_STALE
	fi
#endif
}

inline fill_all()
{
	do
	:: i < got -> fill(((mine + i) & 255)); i++
	:: else -> i = 0; break
	od
}

proctype receive()
{
	byte mine = START, seen = START, wanted, got, room = SLOTS, i;

	do
	:: offered == PACKETS || stopped -> break
	:: atomic {
		offered < PACKETS && !stopped ->
		if
		:: wanted = 1
		:: BURST > 1 && offered + 1 < PACKETS -> wanted = 2
		fi;
		reserve();
#ifdef LOSSLESS
		offered = offered + got
#else
		dropped = dropped + wanted - got;
		offered = offered + wanted
#endif
	   };
		if
		:: got > 0 ->
#ifdef MUT_PUBLISH_FIRST
			published = mine + got;
#endif
			fill_all();
			admitted = mine + got;                                               /* (A) */
			atomic {
				mine = mine + got;
#ifndef MUT_PUBLISH_FIRST
				published = mine;                                            /* (P) */
#endif
				got = 0;
				wanted = 0
			}
#ifdef MUT_EDGE
			arm_all(i)
#endif
		:: else ->
#ifdef LOSSLESS
			(released != seen || stopped)
#else
			skip
#endif
		fi
	od;
#ifdef MUT_FINAL_LATE
	closed = 1;
	final = mine;
#else
	final = mine;
	closed = 1;                                                                          /* (C) */
#endif
	receive_done = 1;
#ifdef MUT_EDGE
	arm_all(i)
#endif
}

/* --- src/ring/consumer.h and the transmit pump ----------------------------------------------- */

inline peek()
{
	lim = admitted;                                                                      /* (L) */
#ifdef MUT_NO_LIMIT
	lim = (rel + SLOTS) & 255;
#endif
	do
	:: atomic {
		n < DIFF(lim, rel) ->
		if
		:: IS_ANSWER(verdict[SLOT(((rel + n) & 255))], ((rel + n) & 255)) ->         /* (T) */
			assert(verdict[SLOT(((rel + n) & 255))] == WORD(((rel + n) & 255)));
			n++
		:: else -> break
		fi
	   }
	:: else -> break
	od;
}

inline send(p)
{
	atomic {
		assert(BEFORE(p, admitted));       /* nothing leaves that has not arrived */
		in_use[SLOT(p)]++;
		assert(frame[SLOT(p)] == TAG(p))
#ifndef FAULT_AHEAD
		assert(reply[SLOT(p)] == REPLY(p) && runs[DIFF(p, START)] == 1)
#endif
	};
	atomic {
		in_use[SLOT(p)]--;
		fates[DIFF(p, START)]++;
		assert(fates[DIFF(p, START)] == 1)
	}
}

proctype transmit()
{
	byte rel = START, lim, n, i;

	do
	:: receive_done && rel == admitted -> break
	:: corrupt -> stopped = true; break                                                  /* (Y) */
	:: admitted != rel && !corrupt ->
poll:		peek();
		if
		:: n > 0 ->
#ifdef MUT_RETIRE_FIRST
			released = rel + n;
#endif
			do
			:: i < n -> send(((rel + i) & 255)); i++
			:: else -> break
			od;
			atomic {
				rel = rel + n;
#ifndef MUT_RETIRE_FIRST
				released = rel;                                              /* (R) */
#endif
				n = 0; i = 0; lim = 0
			}
		:: else ->
			(IS_ANSWER(verdict[SLOT(rel)], rel) || corrupt)
		fi
#ifdef MUT_NO_LIMIT
	:: !receive_done && !corrupt -> goto poll
#endif
	od;
	assert(stopped || offered == PACKETS);
	assert(stopped || DIFF(rel, START) + dropped == PACKETS);
	assert(stopped || released == published)
}

/* --- the device: src/lane/port_ring.h and loop.h ---------------------------------------------- */

inline serve(p)
{
#ifdef FAULT_AHEAD
	if
	:: verdict[SLOT(((p + 1) & 255))] = WORD(((p + 1) & 255))
	:: true
	fi;
#endif
#ifdef MUT_VERDICT_FIRST
	verdict[SLOT(p)] = WORD(p);
#endif
	if
#ifndef MUT_NO_CHECK
	:: atomic {
		tag[SLOT(p)] != TAG(p) ->
#ifndef FAULT_AHEAD
		assert(stale == p);
#endif
		corrupt = 1                                                                  /* (X) */
	   }
#endif
	:: atomic {
#ifdef MUT_NO_CHECK
		true ->
#else
		tag[SLOT(p)] == TAG(p) ->
#endif
#ifndef FAULT_AHEAD
		in_use[SLOT(p)]++;
		assert(frame[SLOT(p)] == TAG(p) && reply[SLOT(p)] == TAG(p));
#endif
		runs[DIFF(p, START)]++;
		assert(runs[DIFF(p, START)] == 1)
	   };
		atomic {
			reply[SLOT(p)] = REPLY(p);
#ifndef FAULT_AHEAD
			in_use[SLOT(p)]--
#endif
		}
#ifndef MUT_VERDICT_FIRST
		verdict[SLOT(p)] = WORD(p)                                                   /* (V) */
#endif
	fi
}

#ifndef BATCH

inline look(count)
{
	count = 0;
	if
	:: BEFORE(position, published) ->                                                    /* (D) */
		count = DIFF(published, position);
		if
		:: count > BLOCK - position % BLOCK -> count = BLOCK - position % BLOCK
		:: else
		fi
	:: else
	fi
}

inline go_on(count)
{
	position = position + count;
#ifndef MUT_NEIGHBOUR                           /* which does not skip the blocks of the others */
	if
	:: position % BLOCK == 0 -> position = position + (GROUPS - 1) * BLOCK
	:: else
	fi;
#endif
	count = 0; i = 0
}

proctype group(byte me)
{
	byte position = (START + me * BLOCK) & 255, n, i;

#ifdef LEASE
	kept[me] = position;
sleep:
	atomic {
		armed[me] ->
#ifdef MUT_FORGET
		position = (released + me * BLOCK) & 255
#else
		position = kept[me]
#endif
	};
#endif
	do
	:: corrupt -> break
#ifdef LEASE
	:: !corrupt -> atomic { kept[me] = position; armed[me] = false; goto sleep }
#endif
	:: atomic { !corrupt -> look(n) };
		if
		:: n > 0 ->
			do
			:: i < n && !corrupt -> serve(((position + i) & 255)); i++
			:: else -> break
			od;
			atomic { go_on(n) }
		:: else ->
			if
			:: closed ->                                                         /* (E) */
#ifdef MUT_CLOSE_BARE
				break
#else
				if
				:: !BEFORE(position, final) -> break
				:: else
				fi
#endif
			:: else ->
#ifndef LEASE
				(BEFORE(position, published) || closed || corrupt)
#endif
			fi
		fi
	od;
	gone++
}

#ifdef LEASE
#ifndef MUT_EDGE
/* Level-triggered: whenever a group sleeps while there is work, or the end to be seen. */
proctype host()
{
	do
	:: gone == GROUPS -> break
	:: atomic { WORK && !armed[0] -> armed[0] = true }
	:: atomic { WORK && !armed[GROUPS - 1] -> armed[GROUPS - 1] = true }
	:: atomic { WORK && !armed[GROUPS / 2] -> armed[GROUPS / 2] = true }
	od
}
#endif
#endif

#else

/* One launch: the blocks of [range_first, range_end) that are this group's. */
proctype group(byte me)
{
	byte p;

	do
	:: halt -> break
	:: atomic { go[me] -> go[me] = false; p = range_first };
		do
		:: BEFORE(p, range_end) ->
			if
			:: (p / BLOCK) % GROUPS == me -> serve(p)
			:: else
			fi;
			p++
		:: else -> break
		od;
		launched--
	od;
	gone++
}

proctype host()
{
	byte first = START, g;

	do
	:: closed && final == first -> break
	:: published != first ->
		atomic {
			range_first = first;
			range_end = published;                                               /* (D) */
			launched = GROUPS;
			do
			:: g < GROUPS -> go[g] = true; g++
			:: else -> g = 0; break
			od
		};
		launched == 0;
#ifdef MUT_RANGE_AGAIN
		first = released                   /* all that is not released, answered or not */
#else
		first = range_end
#endif
	od;
	halt = 1
}

#endif

init {
	byte g;

	atomic {
		do
		:: g < SLOTS ->
			verdict[SLOT(((START + g) & 255))] = UNANSWERED(((START - SLOTS + g) & 255));
			g++
		:: else -> g = 0; break
		od;
		do
		:: g < GROUPS -> run group(g); g++
		:: else -> break
		od;
#ifdef BATCH
		run host();
#endif
#ifdef LEASE
#ifndef MUT_EDGE
		run host();
#endif
#endif
		run receive();
		run transmit()
	}
}
