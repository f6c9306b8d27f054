#!/usr/bin/env python3
"""Rotates the keys of many real tunnels under traffic and counts what is lost, beside a control run without rotation.
Needs root, for network namespaces. The figures of docs/wireguard.md come from it.

    tests/system/wireguard_run.py [--tunnels 34] [--seconds 380] [--rtt-ms 0] [--no-control]
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tempfile
import time

from network import Network
from pki import Pki
from tunnel_losses import finished
from tunnels import Tunnels


def processor_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_kib(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def one_run(tunnels: Tunnels, seconds: float) -> dict:
    ages: list[float] = []
    rotations: set[str] = set()
    traffic = [tunnel.traffic(seconds, interval_ms=5, stream=True) for tunnel in tunnels.tunnels]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(2)
        ages += [time.time() - tunnel.a.last_handshake() for tunnel in tunnels.tunnels]
        if tunnels.a.process:
            rotations |= {peer["key_id"] for peer in tunnels.a.status()["peers"]}
    results = [finished(pair) for pair in traffic]
    ways = [way for both, _ in results for way in both]
    return {
        "keys": len(rotations),
        "packets_sent": sum(len(way.sent_at) for way in ways),
        "packets_lost": sum(len(way.lost) for way in ways),
        "longest_tcp_stall_seconds": max(stall for _, stall in results),
        "oldest_session_seconds": round(max(ages), 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tunnels", type=int, default=34)
    parser.add_argument("--seconds", type=float, default=380)
    parser.add_argument("--rtt-ms", type=int, default=0)
    parser.add_argument("--no-control", action="store_true")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="dske-wireguard-run-"))
    pki = Pki(directory / "pki")
    network = Network(directory / "network", pki, ["hank", "helen", "hilary"], {"carol": ["alice"], "celia": ["bob"]},
                      client_bytes=4 << 20, hub_bytes=4 << 20)  # fmt: skip
    report: dict = {"tunnels": options.tunnels, "seconds": options.seconds, "rtt_ms": options.rtt_ms}
    try:
        network.start()
        network.all_registered()
        if not options.no_control:
            control = Tunnels(network, pki, options.tunnels, delay_ms=options.rtt_ms)
            control.make()
            report["control"] = one_run(control, options.seconds)
            control.close()
        tunnels = Tunnels(network, pki, options.tunnels, delay_ms=options.rtt_ms)
        tunnels.make()
        tunnels.start()
        report["all_up_after_seconds"] = round(tunnels.up_within(60), 2)
        report["rotation"] = one_run(tunnels, options.seconds)
        report["resident_kib"] = [resident_kib(adapter.process.pid) for adapter in tunnels.adapters]
        report["processor_seconds"] = [processor_seconds(adapter.process.pid) for adapter in tunnels.adapters]
        tunnels.close()
    finally:
        network.stop()
    print(json.dumps(report, indent=2))
    control_lost = report.get("control", {}).get("packets_lost", 0)
    return 0 if report["rotation"]["packets_lost"] <= control_lost else 1


if __name__ == "__main__":
    sys.exit(main())
