#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The device's letters under the PTX memory model, by exhaustion.

Written from the axioms of the PTX ISA, chapter "Memory Consistency Model" (coherence,
fence-SC, atomicity, no-thin-air, sequential consistency per location, causality), cut down to what
the ring uses: whole-word loads and stores, barriers, no read-modify-write, no fences. The host's
threads count as threads of no GPU: only the scope `sys` includes them.

A test is a program of a few threads and an outcome that must not be. All ways in which its loads
can read and its stores be ordered are tried; if one that shows the outcome satisfies every axiom,
the outcome is allowed. A missing order must come out as allowed: else the test tests nothing.
"""
import itertools
import sys
from collections import namedtuple

Event = namedtuple("Event", "index thread kind word value order scope")


def store(word, value, order="weak", scope="sys"):
    return ("store", word, value, order, scope)


def load(word, name, order="weak", scope="sys"):
    return ("load", word, name, order, scope)


def barrier(name):
    return ("barrier", name, None, "weak", "cta")


def closure(pairs):
    pairs = set(pairs)
    while True:
        after = {}
        for a, b in pairs:
            after.setdefault(a, set()).add(b)
        more = {(a, c) for a, b in pairs for c in after.get(b, ())} - pairs
        if not more:
            return pairs
        pairs |= more


def has_cycle(pairs):
    return any(a == b for a, b in closure(pairs))


class Program:
    """Threads with their places: None for the host, (gpu, block) on a device."""

    def __init__(self, threads, places, depends=()):
        self.places = places
        self.events, self.program_order = [], set()
        words = sorted({op[1] for ops in threads.values() for op in ops if op[0] != "barrier"})
        for word in words:
            self.add("start", ("store", word, 0, "relaxed", "sys"))
        for thread, ops in threads.items():
            before = []
            for op in ops:
                event = self.add(thread, op)
                self.program_order |= {(b, event) for b in before}
                before.append(event)
        # pairs ((thread, place), (thread, place)): the second is not done before the first's value is known
        by_place = {(e.thread, place): e for thread in threads
                    for place, e in enumerate(x for x in self.events if x.thread == thread)}
        self.depends = {(by_place[a], by_place[b]) for a, b in depends}
        self.loads = [e for e in self.events if e.kind == "load"]
        self.stores = {w: [e for e in self.events if e.kind == "store" and e.word == w]
                       for w in words}
        self.same_word = {(a, b) for a, b in self.program_order if a.word == b.word
                          and "barrier" not in (a.kind, b.kind)}
        self.meetings = {(a, b) for a in self.events for b in self.events
                         if a.kind == b.kind == "barrier" and a.word == b.word
                         and a.thread != b.thread}

    def add(self, thread, op):
        event = Event(len(self.events), thread, *op)
        self.events.append(event)
        return event

    def in_scope(self, event, other):
        if event.scope == "sys" or "start" in (event.thread, other.thread):
            return True
        here, there = self.places[event.thread], self.places[other.thread]
        if here is None or there is None:
            return False
        return here[0] == there[0] if event.scope == "gpu" else here == there

    def morally_strong(self, a, b):
        if (a, b) in self.program_order or (b, a) in self.program_order:
            return True
        strong = a.order != "weak" and b.order != "weak"
        return strong and self.in_scope(a, b) and self.in_scope(b, a)

    def executions(self):
        """Each way to read, with each order of the stores to each word."""
        orders = []
        for stores in self.stores.values():
            first, rest = stores[0], stores[1:]
            orders.append([(first,) + p for p in itertools.permutations(rest)])
        for sources in itertools.product(*(self.stores[e.word] for e in self.loads)):
            for coherence in itertools.product(*orders):
                yield dict(zip(self.loads, sources)), coherence

    def is_consistent(self, reads, coherence):
        after = {(a, b) for order in coherence for a, b in itertools.combinations(order, 2)}
        read = {(source, e) for e, source in reads.items()}
        from_read = {(e, b) for e, source in reads.items() for a, b in after if a == source}
        observed = {(a, b) for a, b in read if self.morally_strong(a, b)}

        # a release synchronizes with an acquire that observes it, or a later store to its word
        sync = set()
        for a, b in observed:
            heads = [a] + [h for h, t in self.same_word if t == a and h.kind == "store"]
            sync |= {(h, b) for h in heads if h.order == "release" and b.order == "acquire"}
        links = sync | self.meetings
        earlier = self.program_order | {(e, e) for e in self.events}
        base = closure({(a, d) for b, c in links for a, x in earlier if x == b
                        for y, d in earlier if y == c})
        cause = base | {(a, d) for a, b in observed for c, d in base | self.same_word if b == c}

        if any(a.kind == b.kind == "store" and a.word == b.word and (a, b) not in after
               for a, b in cause):
            return False                                     # coherence
        if any((b, a) in cause for a, b in read | from_read):
            return False                                     # causality
        if has_cycle(self.depends | read):
            return False                                     # no thin air
        talk = {(a, b) for a, b in read | after | from_read if self.morally_strong(a, b)}
        return not has_cycle(talk | self.same_word)          # one order for each word

    def allows(self, outcome):
        for reads, coherence in self.executions():
            values = {e.value: source.value for e, source in reads.items()}
            if outcome(values) and self.is_consistent(reads, coherence):
                return True
        return False


HOST, BLOCK, OTHER = None, (0, 0), (0, 1)
failed = number = 0


def check(title, expected, threads, places, outcome, depends=()):
    global failed, number
    number += 1
    found = "allowed" if Program(threads, places, depends).allows(outcome) else "forbidden"
    print(f"{'ok' if found == expected else 'not ok'} {number} - {title}: {found}")
    failed += found != expected


def published(title, expected, release, acquire, scope="sys"):
    """(P)(D): a slot that is seen is completely written."""
    check(title, expected,
          dict(rx=[store("packet", 1), store("published", 1, release)],
               lane=[load("published", "p", acquire, scope), load("packet", "bytes")]),
          dict(rx=HOST, lane=BLOCK), lambda v: v["p"] == 1 and v["bytes"] == 0)


def answered(title, expected, release, acquire, scope="sys"):
    """(V)(T): a reply that is seen is completely written."""
    check(title, expected,
          dict(lane=[store("reply", 1), store("verdict", 1, release, scope)],
               tx=[load("verdict", "v", acquire), load("reply", "bytes")]),
          dict(lane=BLOCK, tx=HOST), lambda v: v["v"] == 1 and v["bytes"] == 0)


def reused(title, expected, verdict, released="release", seen="acquire", staged=False):
    """(V)(T)(R)(F): the device's reads of a packet are over before the next one is written. Staged:
    another lane read it, and a barrier stands before the verdict."""
    reader = [load("published", "p", "acquire"), load("packet", "bytes")]
    lanes = dict(lane=reader + [store("verdict", 1, verdict)])
    places = dict(rx=HOST, tx=HOST, lane=BLOCK)
    if staged:
        lanes = dict(loader=reader + [barrier("staged")],
                     lane=[barrier("staged"), store("verdict", 1, verdict)])
        places["loader"] = BLOCK
    check(title, expected,
          dict(rx=[store("packet", 1), store("published", 1, "release"),
                   load("released", "r", seen), store("packet", 2)],
               tx=[load("verdict", "v", "acquire"), store("released", 1, released)], **lanes),
          places, lambda v: v["p"] == v["v"] == v["r"] == 1 and v["bytes"] == 2)


def closed(title, expected, release, acquire):
    """(C)(E): who sees the flag sees the final count."""
    check(title, expected,
          dict(rx=[store("final", 1, "relaxed"), store("closed", 1, release)],
               lane=[load("closed", "c", acquire), load("final", "f", "relaxed")]),
          dict(rx=HOST, lane=BLOCK), lambda v: v["c"] == 1 and v["f"] == 0)


published("(P)(D)", "forbidden", "release", "acquire")
published("without (P)", "allowed", "relaxed", "acquire")
published("without (D)", "allowed", "release", "relaxed")
published("(D) at the scope of the GPU", "allowed", "release", "acquire", "gpu")
answered("(V)(T)", "forbidden", "release", "acquire")
answered("without (V)", "allowed", "relaxed", "acquire")
answered("without (T)", "allowed", "release", "relaxed")
answered("(V) at the scope of the GPU", "allowed", "release", "acquire", "gpu")
reused("(V)(T)(R)(F): a slot is free of readers", "forbidden", "release")
reused("without (R)", "allowed", "release", released="relaxed")
reused("without (F)", "allowed", "release", seen="relaxed")
reused("staged, (V) a release", "forbidden", "release", staged=True)
reused("staged, (V) relaxed: the letter of the model", "allowed", "relaxed", staged=True)
closed("(C)(E)", "forbidden", "release", "acquire")
closed("without (C)", "allowed", "relaxed", "acquire")
closed("without (E)", "allowed", "release", "relaxed")



def relaxed_verdict(title, expected, carried):
    """A staged packet, a relaxed (V): each step waits for a value of the one before. The verdict's lane
    had the staged bytes (they were in registers before the barrier that it passed); the host looks at
    `released` before it fills the slot again. `carried`: which of these waits are there."""
    check(title, expected,
          dict(rx=[store("packet", 1), store("published", 1, "release"),
                   load("released", "r", "acquire"), store("packet", 2)],
               loader=[load("published", "p", "acquire"), load("packet", "bytes"), barrier("staged")],
               lane=[barrier("staged"), store("verdict", 1, "relaxed")],
               tx=[load("verdict", "v", "acquire"), store("released", 1, "release")]),
          dict(rx=HOST, tx=HOST, loader=BLOCK, lane=BLOCK),
          lambda v: v["p"] == v["v"] == v["r"] == 1 and v["bytes"] == 2,
          [pair for name, pair in (
              ("bytes", (("loader", 1), ("lane", 1))),      # the barrier is behind the load's arrival
              ("verdict", (("tx", 0), ("tx", 1))),          # released because of that word
              ("slot", (("rx", 2), ("rx", 3))),             # filled because of that cursor
          ) if name in carried])


relaxed_verdict("staged, (V) relaxed, every step waits for a value", "forbidden", ("bytes", "verdict", "slot"))
relaxed_verdict("the same, the verdict does not wait for the bytes", "allowed", ("verdict", "slot"))
relaxed_verdict("the same, the slot is filled whatever `released` says", "allowed", ("bytes", "verdict"))
lanes = dict(rx=[store("packet", 1), store("published", 1, "release")],
             leader=[load("published", "p", "acquire"), barrier("batch")],
             lane=[barrier("batch"), load("packet", "bytes")])
check("leader polls, barrier, lanes read", "forbidden", lanes,
      dict(rx=HOST, leader=BLOCK, lane=BLOCK), lambda v: v["p"] == 1 and v["bytes"] == 0)
for scope, expected in (("gpu", "forbidden"), ("cta", "allowed")):
    lanes = dict(rx=[store("packet", 1), store("published", 1, "release")],
                 poller=[load("published", "p", "acquire"), store("mirror", 1, "release", scope)],
                 lane=[load("mirror", "m", "acquire", scope), load("packet", "bytes")])
    check(f"one poller mirrors published to another block, scope {scope}", expected, lanes,
          dict(rx=HOST, poller=BLOCK, lane=OTHER),
          lambda v: v["p"] == v["m"] == 1 and v["bytes"] == 0)
print(f"1..{number}")
sys.exit(failed > 0)
