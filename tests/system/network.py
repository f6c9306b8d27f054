"""A DSKE network made by hand, without the manager: one configuration file per node, the operator commands of
docs/management.md, and proxies between KMEs and hubs where a test wants to see or change the traffic."""

from __future__ import annotations

import concurrent.futures
import pathlib
import ssl

import yaml

import dske_wire as wire
from etsi_client import EtsiClient, tls_context
from nodes import HUB, KME, Management, Process, eventually, free_base_port, run
from pki import Pki


class Node:
    """A hub or KME: its files, and its process while it runs."""

    def __init__(self, kind: str, name: str, directory: pathlib.Path, port: int):
        self.kind = kind  # "hub" or "kme"
        self.name = name
        self.directory = directory
        self.state_dir = directory / "state"
        self.config = directory / f"{kind}.yaml"
        self.log = directory / "log"
        self.port = port
        self.process: Process | None = None
        self.management = Management(
            "hub" if kind == "hub" else "client", name, port + 1000, self.state_dir / "management.token"
        )
        directory.mkdir(parents=True)

    @property
    def binary(self) -> str:
        return HUB if self.kind == "hub" else KME

    def write_config(self, value: dict) -> None:
        self.config.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))

    def change_config(self, **settings: object) -> None:
        """Sets members of the configuration; they hold from the next start."""
        self.write_config(yaml.safe_load(self.config.read_text()) | settings)

    def command(self, *arguments: object, code: int | None = 0):
        """An operator command on this node's configuration."""
        return run(self.binary, *arguments, "--config", self.config, code=code)

    def serve(self, environment: dict[str, str] | None = None) -> None:
        """Starts the daemon. Does not wait."""
        assert self.process is None or not self.process.running
        self.process = Process([self.binary, "serve", "--config", str(self.config)], self.log, environment)

    def wait_ready(self, seconds: float = 15.0) -> None:
        def ready() -> bool:
            assert self.process and self.process.running, f"{self.name} ended:\n{self.log_text()[-2000:]}"
            return self.management.ready()

        eventually(ready, f"{self.name} is ready", seconds)

    def kill(self) -> None:
        if self.process:
            self.process.kill()

    def terminate(self) -> int:
        assert self.process
        return self.process.terminate()

    def status(self) -> dict:
        return self.management.status()

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def psrd(self, peer: str) -> dict:
        """The PSRD levels that the node shows for a peer."""
        peers = self.status()["clients" if self.kind == "hub" else "hubs"]
        return next(entry["psrd"] for entry in peers if entry["name"] == peer)

    def hub_entry(self, hub: str) -> dict:
        return next(entry for entry in self.status()["hubs"] if entry["name"] == hub)


class Exchanges:
    """What networks of all kinds do with keys. They have `hubs`, `sae` and `all_registered`."""

    def exchange(self, master: str, slave: str, number: int = 1, size: int | None = None) -> dict[str, bytes]:
        """Fetches keys at both ends, checks that they are the same, and returns them."""
        with self.sae(master) as a, self.sae(slave) as b:
            keys = a.enc_keys(slave, number, size).keys
            assert len(keys) == number
            assert b.dec_keys(master, list(keys)).keys == keys
            return keys

    def keys_at_all_hubs(self, master: str, *slaves: str, hubs: int | None = None, **asked: object) -> dict[str, bytes]:
        """Keys of the master of which all hubs, or so many, hold a share. A KME is content with k hubs: to the others
        it gives a moment, to tell where the slaves are and to store their shares, and one that is slower is left out,
        of the bundle or of all for a while."""
        asked["extension_mandatory"] = [{"DSKE_min_hubs": hubs or len(self.hubs)}]
        if slaves[1:]:
            asked["additional_slave_SAE_IDs"] = list(slaves[1:])
        with self.sae(master) as client:

            def given() -> dict[str, bytes] | None:
                answer = client.enc_keys_post(slaves[0], **asked)
                assert answer.status in (200, 503) or "extension_mandatory" in answer.message, answer.body
                return answer.keys if answer.status == 200 else None

            return eventually(given, f"the hubs hold keys of {master} for {', '.join(slaves)}", 30)

    def all_located(self, master: str, *slaves: str, hubs: int | None = None) -> dict[str, bytes]:
        """Waits until the master's KME knows of all hubs, or of so many, that the slaves are there. What comes then
        goes to all of them. Returns the keys that this takes; the slaves have fetched them."""
        self.all_registered()
        keys = self.keys_at_all_hubs(master, *slaves, hubs=hubs)
        for slave in slaves:
            with self.sae(slave) as client:
                assert client.dec_keys(master, list(keys)).keys == keys
        return keys


class Network(Exchanges):
    """`clients` maps each KME's name to its SAE IDs. `proxies` maps a hub's name to what stands between the KMEs and
    it: something with an `endpoint` URL, which gets `attach(hub port)` and the PSRD files by `learn(block)`."""

    def __init__(
        self,
        directory: pathlib.Path,
        pki: Pki,
        hubs: list[str],
        clients: dict[str, list[str]],
        *,
        shares_required: int | None = None,
        proxies: dict[str, object] | None = None,
        client_bytes: int = 262144,
        hub_bytes: int = 262144,
        kme_settings: dict | None = None,
        hub_settings: dict | None = None,
    ):
        self.directory = directory
        self.pki = pki
        self.proxies = proxies or {}
        self.client_bytes, self.hub_bytes = client_bytes, hub_bytes
        self.psrd: dict[str, wire.Psrd] = {hub: wire.Psrd() for hub in hubs}
        self._saes: list[EtsiClient] = []
        base = free_base_port(len(hubs) + len(clients))
        self.hubs: dict[str, Node] = {}
        self.kmes: dict[str, Node] = {}
        for i, name in enumerate(hubs):
            node = self.hubs[name] = Node("hub", name, directory / "hub" / name, base + i)
            node.write_config(
                {
                    "name": name,
                    "state_dir": str(node.state_dir),
                    "port": node.port,
                    "provisioner": {"enabled": False},  # tests say themselves which PSRD there is
                    **(hub_settings or {}),
                }
            )
            if name in self.proxies:
                self.proxies[name].attach(node.port)
        for i, (name, sae_ids) in enumerate(clients.items(), start=len(hubs)):
            node = self.kmes[name] = Node("kme", name, directory / "kme" / name, base + i)
            certificate, key = pki.issue(name, server=True)
            config = {
                "name": name,
                "state_dir": str(node.state_dir),
                "port": node.port,
                "tls": {"certificate": str(certificate), "key": str(key), "client_ca": str(pki.ca)},
                "encryptors": sae_ids,
                "hubs": [self._hub_entry(hub) for hub in hubs],
                "key_store": {"enabled": False},  # tests say themselves which keys are made
                "fetch_ahead": False,  # tests say themselves when shares leave the hubs
                **(kme_settings or {}),
            }
            if shares_required:
                config["shares_required"] = shares_required
            node.write_config(config)
        self.sae_home = {sae: kme for kme, sae_ids in clients.items() for sae in sae_ids}
        self._clients = clients

    def _hub_entry(self, hub: str) -> dict:
        proxy = self.proxies.get(hub)
        return {"name": hub, "endpoint": proxy.endpoint} if proxy else {"name": hub}

    @property
    def nodes(self) -> list[Node]:
        return [*self.hubs.values(), *self.kmes.values()]

    def provision(self) -> None:
        """init, clients, and one PSRD block per hub and client, ingested before anything runs."""

        def prepare_hub(hub: Node) -> dict[str, pathlib.Path]:
            hub.command("init")
            files = {}
            for client in self.kmes:
                self.add_client(hub.name, client, self._clients[client])
                files[client] = self.assign(hub.name, client)
            return files

        def prepare_kme(kme: Node, files: list[pathlib.Path]) -> None:
            kme.command("init")
            kme.command("ingest-psrd", *files)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            files = list(pool.map(prepare_hub, self.hubs.values()))
            list(pool.map(lambda kme: prepare_kme(kme, [one[kme.name] for one in files]), self.kmes.values()))

    def add_client(self, hub: str, client: str, sae_ids: list[str]) -> None:
        bindings = [text for sae in sae_ids for text in ("--sae", sae)]
        self.hubs[hub].command("client", "add", client, *bindings)

    def assign(self, hub: str, client: str, client_bytes: int = 0, hub_bytes: int = 0) -> pathlib.Path:
        """Makes a PSRD block; the network keeps a copy for its checks. The file is for the client to ingest."""
        target = self.directory / "van" / f"{hub}-{client}-{len(self.psrd[hub].blocks)}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        self.hubs[hub].command(
            "psrd", "assign", "--client", client, "--client-bytes", client_bytes or self.client_bytes,
            "--hub-bytes", hub_bytes or self.hub_bytes, "-o", target,
        )  # fmt: skip
        block = wire.parse_psrd(target.read_bytes())
        self.psrd[hub].add(block)
        if hub in self.proxies:
            self.proxies[hub].learn(block)
        return target

    def start(self) -> Network:
        self.provision()
        self.serve()
        return self

    def serve(self) -> None:
        for node in self.nodes:
            node.serve()
        for node in self.nodes:
            node.wait_ready()

    def all_registered(self, but: tuple[str, ...] = ()) -> None:
        """Waits until every running KME is registered with every running hub."""

        def settled() -> bool:
            return all(
                entry["state"] == "registered"
                for kme in self.kmes.values()
                if kme.process and kme.process.running
                for entry in kme.status()["hubs"]
                if entry["name"] not in but
            )

        eventually(settled, "all KMEs are registered with all hubs")

    def all_confirmed(self) -> None:
        """Waits until no bundle waits at a hub. A share that came after its confirmation is confirmed after 10 s."""

        def confirmed() -> bool:
            return all(hub.status()["waiting_bundles"] == 0 for hub in self.hubs.values())

        eventually(confirmed, "everything is confirmed", 60)

    def sae(self, sae_id: str, *, version: ssl.TLSVersion | None = None, **options) -> EtsiClient:
        """An encryptor that calls its own KME."""
        client = EtsiClient(self.kmes[self.sae_home[sae_id]].port, self.tls(sae_id, version), **options)
        self._saes.append(client)
        return client

    def tls(self, sae_id: str, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        return tls_context(self.pki.ca, *self.pki.issue(sae_id), version)

    def stop(self) -> None:
        for client in self._saes:
            client.close()
        for node in self.nodes:
            if node.process and node.process.running:
                node.process.popen.terminate()
        for node in self.nodes:
            if node.process:
                try:
                    node.process.popen.wait(5)
                except Exception:  # whatever it is, it must go
                    node.kill()
        for proxy in self.proxies.values():
            proxy.close()
