#!/usr/bin/env python3
"""What one adapter with many peers costs: one device with PEERS peers, and at the other end as many devices of one peer,
all of wireguard-go in one network namespace. Needs root. Prints when all had a key, then memory and processor time.

    tests/system/wireguard_many.py [--peers 200] [--seconds 120]
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
    parser.add_argument("--peers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120)
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
        hub_private, hub_public = wg_key()
        keys = [wg_key() for _ in range(options.peers)]
        hub = f"m{os.getpid()}"
        config = f"[Interface]\nPrivateKey = {hub_private}\nListenPort = 20000\n"
        for i, (_, public) in enumerate(keys):
            config += f"[Peer]\nPublicKey = {public}\nEndpoint = 127.0.0.1:{20001 + i}\n"
            config += f"AllowedIPs = 10.200.{i // 250}.{i % 250}/32\n"
        devices.append((hub, make_device(directory, space, hub, config)))
        for i, (private, _) in enumerate(keys):
            config = f"[Interface]\nPrivateKey = {private}\nListenPort = {20001 + i}\n"
            config += f"[Peer]\nPublicKey = {hub_public}\nEndpoint = 127.0.0.1:20000\nAllowedIPs = 10.201.0.1/32\n"
            devices.append((f"{hub}x{i}", make_device(directory, space, f"{hub}x{i}", config)))
        port = free_base_port(2)
        kmes = list(network.kmes.values())
        a = Adapter(directory, "a", "alice", pki, kmes[0].port, port)
        b = Adapter(directory, "b", "bob", pki, kmes[1].port, port + 1)
        adapters = [a, b]
        to_b = {"sae_id": "bob", "url": f"https://127.0.0.1:{port + 1}"}
        to_a = {"sae_id": "alice", "url": f"https://127.0.0.1:{port}", "public_key": hub_public}
        a.config["interfaces"] = [entry(hub, [{"public_key": public, **to_b} for _, public in keys])]
        b.config["interfaces"] = [entry(f"{hub}x{i}", [to_a]) for i in range(options.peers)]
        began = time.monotonic()
        for adapter in adapters:
            adapter.start()

        def all_active() -> bool:
            time.sleep(0.3)
            return all(p["state"] == "active" and p["key_used"] for x in adapters for p in x.status()["peers"])

        eventually(lambda: all(os.path.exists(x.directory / "state" / "status.sock") for x in adapters), "they run", 30)
        eventually(all_active, "every peer has a key in use", 120)
        report = {"peers": options.peers, "all_active_after_seconds": round(time.monotonic() - began, 1)}
        before = [costs(adapter) for adapter in adapters]
        time.sleep(options.seconds)
        for name, old, adapter in zip(("one device, many peers", "many devices"), before, adapters):
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
