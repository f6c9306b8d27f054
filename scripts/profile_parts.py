#!/usr/bin/env python3
"""Sorts what `perf script -F comm,pid,ip,sym,dso` prints by parts of a KME. The KMEs are the processes with a thread of the HTTP
server and libsqlite3; the two with the most samples in that thread are shown, the busier one first."""

import collections
import re
import sys

LINE = re.compile(r"\s*(\S+)\s+(\d+)\s+[0-9a-f]+ (.*) \((\S+)\)$")
# The first that fits: what is in the symbol, what is in the name of the library or program.
PARTS = [
    ("kernel: sockets, TCP, scheduling", None, r"\[kernel|\[vdso"),
    ("TLS and cryptography", None, r"libssl|libcrypto"),
    ("store", r"dske::store|sqlite", r"libsqlite3"),
    ("HTTP", r"dske::http|Pistache", r"libpistache|libcurl"),
    ("JSON, base64, the standard's data model", r"dske::etsi014|dske::json|rapidjson|base64|is_utf8|Uuid", None),
    ("DSKE: shares, pads, tags, links", r"dske::(?!kme)\w*(Initiator|Responder|Hub|Psrd|Pool|gf|Message|secret|Zone)", None),
    ("key store, held keys, identity, limits", r"dske::kme", None),
    ("memory and secrets", r"malloc|free|mem(cpy|move|set|cmp)|bzero|SecretBytes|dske::wipe|unlink_chunk", None),
]


def part_of(symbol: str, place: str) -> str:
    for name, symbols, places in PARTS:
        if (places and re.search(places, place)) or (symbols and re.search(symbols, symbol)):
            return name
    return "other"


def main() -> None:
    samples: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    stores: set[str] = set()
    workers: collections.Counter[str] = collections.Counter()
    for line in sys.stdin:
        found = LINE.match(line)
        if not found:
            continue
        thread, pid, symbol, place = found.groups()
        where = "worker" if thread == "http-worker" else "other threads"
        samples[pid][where, part_of(symbol, place)] += 1
        workers[pid] += where == "worker"
        if "dske-kme" in place:
            stores.add(pid)
    kmes = [pid for pid, _ in workers.most_common() if pid in stores][:2]
    if not kmes:
        sys.exit("profile_parts.py: no samples of a KME")
    for number, pid in enumerate(kmes, 1):
        all_of = sum(samples[pid].values())
        print(f"KME {number}: {all_of} samples")
        for (where, part), count in samples[pid].most_common():
            if count / all_of >= 0.005:
                print(f"  {100 * count / all_of:5.1f} %  {where:13}  {part}")


if __name__ == "__main__":
    main()
