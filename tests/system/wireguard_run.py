#!/usr/bin/env python3
"""Rotates the keys of many real tunnels under traffic, both ends sending a packet every 5 ms and a TCP stream of 1 Mbit/s,
and counts what is lost, beside a control run without adapters and, in each run, a tunnel more that tells when the machine stood
still. Needs root, for network namespaces. The figures of
docs/wireguard.md come from it. Exit status 0: no more was lost than in the control run, no session got older than 126 s, and
WireGuard renewed the session of every tunnel under another key as often as there was time for.

    tests/system/wireguard_run.py [--tunnels 34] [--seconds 380] [--rtt-ms 0] [--rotate-seconds 60] [--no-control]
        [--receive-buffer BYTES] [--kernel]

--receive-buffer: what sockets get that ask for no other, on this machine, until the end of the run (net.core.rmem_default).
The devices are such: a machine so busy that it does not run one of them for 0.2 s throws away with the usual 208 KB what comes
for it meanwhile, with and without adapters. "dropped_by_the_kernel" tells.

--kernel: one tunnel of the kernel's devices. Where this kernel has none: tests/system/kernel_vm.py tests/system/wireguard_run.py
--kernel.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterable

from inner_tunnels import InnerTunnels
from namespaces import RECEIVE_BUFFER, drops_in, receive_buffer
from processes import processor_seconds, resident_kib
from tunnel_devices import KernelDevice
from tunnel_network import network_of_tunnels
from tunnel_sessions import OLDEST, SessionWatch
from tunnels import Tunnels

RECEIVE_BUFFER_LEAST = 4096  # bytes; the kernel takes no less than about half of it
LOSSES_SHOWN_MOST = 50


def counted(numbers: Iterable[int]) -> dict[int, int]:
    """How many there are of each number."""
    return dict(sorted(collections.Counter(numbers).items()))


def drops_of(tunnels: Tunnels) -> collections.Counter:
    """In the namespaces of all ends."""
    drops: collections.Counter = collections.Counter()
    for end in (end for tunnel in tunnels.tunnels for end in tunnel.ends):
        drops.update(drops_in(end.name))
    return drops


def one_run(tunnels: Tunnels, seconds: float) -> dict:
    before = drops_of(tunnels)
    watch = SessionWatch(tunnels.tunnels)
    verdict = tunnels.watched_traffic(seconds, interval_ms=5, stream=True).verdict()
    sessions = watch.stop()
    return {
        "packets_sent": verdict.sent,
        "packets_wanted": round(2 * len(tunnels.tunnels) * seconds / 0.005),
        "packets_lost": verdict.lost,
        "losses": [
            {**dataclasses.asdict(loss), "session_age_seconds": watch.age(loss.tunnel, loss.first)}
            for loss in verdict.losses[:LOSSES_SHOWN_MOST]
        ],
        "dropped_by_the_kernel": dict(drops_of(tunnels) - before),
        "packets_lost_while_machine_stood_still": verdict.lost_in_stalls,
        "machine_stood_still_seconds": round(verdict.stalled_seconds, 1),
        "longest_tcp_stall_seconds": verdict.tcp_stall_seconds,
        "oldest_session_seconds": round(watch.oldest(verdict), 1),
        "tunnels_by_keys": counted(len(one.keys) for one in sessions),
        "tunnels_by_natural_renewals": counted(one.natural_renewals for one in sessions),
        "natural_renewals": sum(one.natural_renewals for one in sessions),
    }


def fault_of(report: dict) -> str:
    """Empty: there is none."""
    run = report["rotation"]
    if run["machine_stood_still_seconds"] > report["seconds"] / 20:
        return "the machine stood still for too long: this says nothing"
    lost = report.get("control", {}).get("packets_lost", 0)
    if run["packets_lost"] > lost:
        return f"{run['packets_lost']} packets were lost, without rotation {lost}"
    if run["oldest_session_seconds"] > OLDEST:
        return "a session got too old"
    if min(run["tunnels_by_natural_renewals"]) < int(report["seconds"] / OLDEST):
        return "a session was not renewed under another key"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tunnels", type=int, default=34)
    parser.add_argument("--seconds", type=float, default=380)
    parser.add_argument("--rtt-ms", type=int, default=0)
    parser.add_argument("--rotate-seconds", type=int, default=60)
    parser.add_argument("--no-control", action="store_true")
    parser.add_argument("--receive-buffer", type=int)
    parser.add_argument("--kernel", action="store_true")
    options = parser.parse_args()
    if options.receive_buffer is not None and options.receive_buffer < RECEIVE_BUFFER_LEAST:
        parser.error(f"--receive-buffer: at least {RECEIVE_BUFFER_LEAST} bytes")
    count = 1 if options.kernel else options.tunnels
    report: dict = {"tunnels": count, "seconds": options.seconds, "rtt_ms": options.rtt_ms}
    settings = {
        "delays_ms": [options.rtt_ms] * count,
        "control": True,
        "intervals": {"rotate_seconds": options.rotate_seconds},
    }
    made: type[Tunnels] = Tunnels
    if options.kernel:
        made, settings["kinds"] = InnerTunnels, (KernelDevice, KernelDevice)
    with contextlib.ExitStack() as stack:
        if options.receive_buffer:
            stack.enter_context(receive_buffer(options.receive_buffer))
        report["receive_buffer_bytes"] = int(RECEIVE_BUFFER.read_text())
        network, pki = stack.enter_context(network_of_tunnels(4 << 20))
        if not options.no_control:
            with contextlib.closing(made(network, pki, **settings)) as tunnels:
                tunnels.make()
                report["control"] = one_run(tunnels, options.seconds)
        tunnels = stack.enter_context(contextlib.closing(made(network, pki, **settings)))
        tunnels.make()
        tunnels.start()
        report["all_up_after_seconds"] = round(tunnels.up_within(60), 2)
        report["rotation"] = one_run(tunnels, options.seconds)
        report["handshakes_forced"] = sum(adapter.log_text().count("begins a handshake anew") for adapter in tunnels.adapters)
        report["resident_kib"] = [resident_kib(adapter.process.pid) for adapter in tunnels.adapters]
        report["processor_seconds"] = [processor_seconds(adapter.process.pid) for adapter in tunnels.adapters]
    report["fault"] = fault_of(report)
    print(json.dumps(report, indent=2))
    return 1 if report["fault"] else 0


if __name__ == "__main__":
    sys.exit(main())
