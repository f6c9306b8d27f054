"""A network made and run by dske-manager from a topology file."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import ssl
import subprocess
import time
import urllib.parse

import yaml

from etsi_client import EtsiClient, tls_context
from network import Exchanges
from nodes import MANAGER, Management, answers, eventually, free_base_port, run


class Topology(Exchanges):
    """`clients` maps a name to its SAE IDs, or to None for the one SAE of that name."""

    def __init__(
        self, directory: pathlib.Path, hubs: list[str], clients: dict[str, list[str] | None], **settings: object
    ):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.file = directory / "topology.yaml"
        self.hubs = hubs
        self.clients = clients
        self.base_port = free_base_port(len(hubs) + len(clients))
        self.run = directory / "run"
        self._saes: list[EtsiClient] = []
        self.write({"base_port": self.base_port, **settings})

    def write(self, settings: dict) -> None:
        hubs = [{"name": hub} for hub in self.hubs]
        clients = [
            {"name": name} | ({"encryptors": [{"name": sae} for sae in saes]} if saes else {})
            for name, saes in self.clients.items()
        ]
        value = {**settings, "hubs": hubs, "clients": clients}
        self.file.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))

    def manager(self, *arguments: object, code: int | None = 0, seconds: float = 60.0) -> subprocess.CompletedProcess:
        """dske-manager TOPOLOGY ARGUMENTS; options that go before the file have their own call, `command`."""
        return run(MANAGER, self.file, *arguments, code=code, seconds=seconds)

    def command(self, options: list[str], *arguments: object, code: int | None = 0) -> subprocess.CompletedProcess:
        return run(MANAGER, *options, self.file, *arguments, code=code, seconds=60.0)

    def start(self) -> Topology:
        self.manager("start")
        return self

    def status(self) -> list[dict]:
        """The nodes of `status --json`."""
        done = run(MANAGER, "--json", self.file, "status", code=None)
        value = json.loads(done.stdout)
        return value["nodes"] if isinstance(value, dict) else value

    def pids(self) -> dict[str, int]:
        """The pids of what runs, by node name."""
        return {node["name"]: node["pid"] for node in self.status() if node.get("pid")}

    def port(self, name: str) -> int:
        return self.base_port + [*self.hubs, *self.clients].index(name)

    def management(self, name: str) -> Management:
        kind = "hub" if name in self.hubs else "client"
        directory = self.run / ("hub" if kind == "hub" else "kme") / name
        return Management(kind, name, self.port(name) + 1000, directory / "management.token")

    def log_text(self, name: str) -> str:
        kind = "hub" if name in self.hubs else "kme"
        log = self.run / "log" / f"{kind}-{name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def home_of(self, sae_id: str) -> str:
        return next(name for name, saes in self.clients.items() if sae_id in (saes or [name]))

    def tls(self, sae_id: str, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        stem = urllib.parse.quote(sae_id, safe="~")
        folder = self.run / "pki" / "sae"
        return tls_context(self.run / "pki" / "ca.crt", folder / f"{stem}.crt", folder / f"{stem}.key", version)

    def sae(self, sae_id: str, *, version: ssl.TLSVersion | None = None, **options) -> EtsiClient:
        client = EtsiClient(self.port(self.home_of(sae_id)), self.tls(sae_id, version), **options)
        self._saes.append(client)
        return client

    def kill(self, *names: str) -> None:
        """kill -9, and waits until they are gone."""
        pids = self.pids()
        for name in names:
            os.kill(pids[name], signal.SIGKILL)
        for name in names:
            eventually(lambda pid=pids[name]: not process_runs(pid), f"{name} is gone")

    def all_registered(self, but: tuple[str, ...] = ()) -> None:
        """Waits until every KME is registered with every hub. KMEs list only hubs whose PSRD they have."""

        def registered(client: str) -> set[str]:
            hubs = self.management(client).status()["hubs"]
            return {hub["name"] for hub in hubs if hub["state"] == "registered"}

        def settled() -> bool:
            return all(registered(client) >= set(self.hubs) - set(but) for client in self.clients)

        eventually(settled, "all KMEs are registered with all hubs")

    def ready(self, name: str) -> bool:
        return answers(self.port(name) + 1000, "/readyz")

    def stop(self) -> None:
        for client in self._saes:
            client.close()
        pids = self.pids()
        self.manager("stop", code=None)
        deadline = time.monotonic() + 5
        for pid in pids.values():
            while process_runs(pid) and time.monotonic() < deadline:
                time.sleep(0.02)
            if process_runs(pid):
                os.kill(pid, signal.SIGKILL)


def process_runs(pid: int) -> bool:
    """Whether the process is there and no zombie. Threads that have not ended yet keep its ports and locks."""

    def runs(thread: pathlib.Path) -> bool:
        try:
            stat = (thread / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return stat.rpartition(")")[2].split()[0] not in ("Z", "X")

    try:
        return any(runs(thread) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return False
