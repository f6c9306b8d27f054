#!/usr/bin/env python3
"""What an adapter with many peers costs: every one of A devices at one end has a tunnel with every one of B at the other,
all of wireguard-go in one network namespace. Needs root. Prints when all had a key, then memory and processor time.

    tests/system/wireguard_many.py [--a 10] [--b 20] [--seconds 120] [--apart]

With --apart every tunnel calls another address of the other adapter, as if there were as many adapters as tunnels.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import tempfile
import time

from network import Network
from nodes import Process, eventually, free_base_port, run
from pki import Pki
from tunnels import Adapter, set_configuration, wg_key
from wireguard_run import processor_seconds, resident_kib


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a", type=int, default=10)
    parser.add_argument("--b", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--apart", action="store_true")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="dske-wireguard-many-", dir="/tmp"))
    directory.chmod(0o711)
    space = f"dm{os.getpid()}"
    pki = Pki(directory / "pki")
    network = Network(directory / "network", pki, ["hank", "helen", "hilary"], {"carol": ["alice"], "celia": ["bob"]},
                      client_bytes=8 << 20, hub_bytes=8 << 20)  # fmt: skip
    devices: list[tuple[str, Process]] = []
    adapters: list[Adapter] = []
    run("ip", "netns", "add", space)
    try:
        network.start()
        network.all_registered()
        run("ip", "-n", space, "link", "set", "lo", "up")
        # A side's device i: its name, keys, port, and the address that the others allow it.
        counts = {"a": options.a, "b": options.b}
        made = {
            side: [(f"m{os.getpid()}{side}{i}", *wg_key(), base + i, f"10.{net}.0.{i + 1}") for i in range(counts[side])]
            for side, base, net in (("a", 20001, 200), ("b", 21001, 201))
        }
        for side, others in (("a", made["b"]), ("b", made["a"])):
            for name, private, _, own_port, _ in made[side]:
                config = f"[Interface]\nPrivateKey = {private}\nListenPort = {own_port}\n"
                for _, _, public, other_port, address in others:
                    config += f"[Peer]\nPublicKey = {public}\nEndpoint = 127.0.0.1:{other_port}\n"
                    config += f"AllowedIPs = {address}/32\n"
                devices.append((name, make_device(directory, space, name, config)))
        port = free_base_port(2)
        kmes = list(network.kmes.values())
        a = Adapter(directory, "a", "alice", pki, kmes[0].port, port)
        b = Adapter(directory, "b", "bob", pki, kmes[1].port, port + 1)
        adapters = [a, b]
        for adapter, side, others, sae, other_port in (
            (a, "a", made["b"], "bob", port + 1),
            (b, "b", made["a"], "alice", port),
        ):
            def peers_of(own: int, others=others, sae=sae, other_port=other_port) -> list[dict]:
                hosts = [f"127.0.{own + 1}.{i + 1}" if options.apart else "127.0.0.1" for i in range(len(others))]
                urls = [f"https://{host}:{other_port}" for host in hosts]
                return [{"public_key": one[2], "sae_id": sae, "url": url} for one, url in zip(others, urls, strict=True)]

            adapter.config["interfaces"] = [entry(one[0], peers_of(i)) for i, one in enumerate(made[side])]
            if options.apart:
                adapter.config["listen"]["address"] = "0.0.0.0"
        began = time.monotonic()
        for adapter in adapters:
            adapter.start()

        def all_active() -> bool:
            time.sleep(0.3)
            return all(p["state"] == "active" and p["key_used"] for x in adapters for p in x.status()["peers"])

        eventually(lambda: all(os.path.exists(x.directory / "state" / "status.sock") for x in adapters), "they run", 30)
        eventually(all_active, "every peer has a key in use", 120)
        report = {"peers": options.a * options.b, "all_active_after_seconds": round(time.monotonic() - began, 1)}
        before = [costs(adapter) for adapter in adapters]
        time.sleep(options.seconds)
        for name, old, adapter in zip(("a", "b"), before, adapters):
            now = costs(adapter)
            used = sum(now[key] - old[key] for key in ("processor_seconds", "helper_processor_seconds"))
            report[name] = {**now, "percent_of_a_core": round(100 * used / options.seconds, 2)}
        print(json.dumps(report, indent=2))
    finally:
        for adapter in adapters:
            adapter.kill()
        for name, process in devices:
            process.kill()
            pathlib.Path(f"/var/run/wireguard/{name}.sock").unlink(missing_ok=True)
        network.stop()
        run("ip", "netns", "delete", space, code=None)


if __name__ == "__main__":
    main()
