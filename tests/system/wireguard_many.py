#!/usr/bin/env python3
"""What an adapter with many peers costs: every one of A devices at one end has a tunnel with every one of B at the other,
all of wireguard-go in one network namespace. Needs root. Prints when all had a key, then memory and processor time.

    tests/system/wireguard_many.py [--a 10] [--b 20] [--seconds 120] [--rotate-seconds 120] [--apart]

With --apart every tunnel calls another address of the other adapter, as if there were as many adapters as tunnels.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import tempfile
import time

from network import Network
from nodes import Process, eventually, free_base_port, run
from pki import Pki
from processes import processor_seconds, resident_kib
from tunnel_devices import set_configuration, wg_key
from tunnel_network import network_of_tunnels
from tunnels import Adapter


def make_device(directory: pathlib.Path, space: str, name: str, config: str) -> Process:
    inside = ["ip", "netns", "exec", space]
    environment = {"WG_PROCESS_FOREGROUND": "1", "GOMAXPROCS": "1"}
    process = Process([*inside, "wireguard-go", "-f", name], directory / f"{name}.log", environment)
    eventually(lambda: os.path.exists(f"/var/run/wireguard/{name}.sock"), f"{name} is made", 60)
    set_configuration(inside, name, config)
    run(*inside, "ip", "link", "set", name, "up")
    return process


def entry(name: str, peers: list[dict]) -> dict:
    return {"name": name, "uapi_socket": f"/var/run/wireguard/{name}.sock", "peers": peers}


def costs(adapter: Adapter) -> dict:
    helper = int(run("pgrep", "-P", adapter.process.pid).stdout.split()[0])
    return {
        "processor_seconds": processor_seconds(adapter.process.pid),
        "helper_processor_seconds": processor_seconds(helper),
        "resident_kib": resident_kib(adapter.process.pid),
        "helper_resident_kib": resident_kib(helper),
    }


class ManyTunnels:
    """`count_a` devices at one end, `count_b` at the other, and an adapter at each. The network has the SAEs `alice` and
    `bob` at two KMEs."""

    def __init__(
        self, network: Network, pki: Pki, count_a: int, count_b: int, rotate_seconds: int, apart: bool = False
    ):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dske-wireguard-many-", dir="/tmp"))
        self.directory.chmod(0o711)
        self.space = f"dm{os.getpid()}"
        self.devices: list[tuple[str, Process]] = []
        kmes = list(network.kmes.values())
        port = free_base_port(2)
        self.adapters = [
            Adapter(self.directory, name, sae, pki, kme.port, port + i)
            for i, (name, sae, kme) in enumerate(zip("ab", ("alice", "bob"), kmes))
        ]
        for adapter in self.adapters:
            adapter.config["intervals"] = {"rotate_seconds": rotate_seconds}
            if apart:
                adapter.config["listen"]["address"] = "0.0.0.0"
        self._apart = apart
        self._counts = {"a": count_a, "b": count_b}

    def make(self) -> None:
        run("ip", "netns", "add", self.space)
        run("ip", "-n", self.space, "link", "set", "lo", "up")
        # A side's device i: its name, keys, port, and the address that the others allow it.
        made = {
            side: [
                (f"m{os.getpid()}{side}{i}", *wg_key(), base + i, f"10.{net}.0.{i + 1}")
                for i in range(self._counts[side])
            ]
            for side, base, net in (("a", 20001, 200), ("b", 21001, 201))
        }
        for (side, others), adapter, other in zip(
            (("a", made["b"]), ("b", made["a"])), self.adapters, reversed(self.adapters), strict=True
        ):
            for own, (name, private, _, own_port, _) in enumerate(made[side]):
                hosts = [f"127.0.{own + 1}.{i + 1}" if self._apart else "127.0.0.1" for i in range(len(others))]
                peers = [
                    {"public_key": one[2], "sae_id": other.sae, "url": f"https://{host}:{other.port}"}
                    for one, host in zip(others, hosts, strict=True)
                ]
                config = f"[Interface]\nPrivateKey = {private}\nListenPort = {own_port}\n"
                for _, _, public, other_port, address in others:
                    config += f"[Peer]\nPublicKey = {public}\nEndpoint = 127.0.0.1:{other_port}\n"
                    config += f"AllowedIPs = {address}/32\n"
                self.devices.append((name, make_device(self.directory, self.space, name, config)))
                adapter.config["interfaces"].append(entry(name, peers))

    def peers(self) -> list[dict]:
        return [peer for adapter in self.adapters for peer in adapter.status()["peers"]]

    def start(self) -> float:
        """How long it takes until every peer has a key that a handshake has used."""
        began = time.monotonic()
        for adapter in self.adapters:
            adapter.start()
        for adapter in self.adapters:
            adapter.answers()

        def all_active() -> bool:
            time.sleep(0.3)
            return all(peer["state"] == "active" and peer["key_used"] for peer in self.peers())

        eventually(all_active, "every peer has a key in use", 120)
        return time.monotonic() - began

    def cost(self, seconds: float) -> list[dict]:
        """Of each adapter, in this time from now."""
        before = [costs(adapter) for adapter in self.adapters]
        time.sleep(seconds)
        result = []
        for old, adapter in zip(before, self.adapters, strict=True):
            now = costs(adapter)
            used = sum(now[key] - old[key] for key in ("processor_seconds", "helper_processor_seconds"))
            result.append({**now, "percent_of_a_core": round(100 * used / seconds, 2)})
        return result

    def close(self) -> None:
        for adapter in self.adapters:
            adapter.kill()
        for name, process in self.devices:
            process.kill()
            pathlib.Path(f"/var/run/wireguard/{name}.sock").unlink(missing_ok=True)
        run("ip", "netns", "delete", self.space, code=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a", type=int, default=10)
    parser.add_argument("--b", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rotate-seconds", type=int, default=120)
    parser.add_argument("--apart", action="store_true")
    options = parser.parse_args()
    with network_of_tunnels(8 << 20) as (network, pki):
        many = ManyTunnels(network, pki, options.a, options.b, options.rotate_seconds, options.apart)
        with contextlib.closing(many):
            many.make()
            report = {"peers": options.a * options.b, "all_active_after_seconds": round(many.start(), 1)}
            print(json.dumps(report | dict(zip("ab", many.cost(options.seconds), strict=True)), indent=2))


if __name__ == "__main__":
    main()
