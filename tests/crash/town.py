"""The network of a crash run: hubs and KMEs behind attacking proxies, encryptors that ask for keys without pause, a courier that
keeps PSRD coming, and the means to kill any node at any point and start it again."""

from __future__ import annotations

import collections
import http.client
import json
import pathlib
import random
import shutil
import ssl
import threading
import time
import uuid

import dske_wire as wire
from attacking_proxy import AttackingProxy
from etsi_client import Answer, EtsiClient
from network import Network, Node
from nodes import PATIENCE, eventually
from pki import Pki
from recording import Journal

HUBS = ("hank", "helen", "hilary", "holly")
CLIENTS = {"carol": ["carol"], "celia": ["celia"]}
SHARES_REQUIRED = 2
BLOCK_BYTES = 131072  # each half
# Small, so that it runs dry, is filled, and has leases all the time.
KEY_STORE = {"minimum_keys": 24, "demand_seconds": 1}
ON_DEMAND_BITS = 264  # not the default, so that the key store cannot serve it
# The courier brings a block when fewer bytes than this part of one are left in the scarcest zone.
LOW_MARK = 0.75
BROKEN = (OSError, ssl.SSLError, http.client.HTTPException)


class Master(threading.Thread):
    """Asks for keys all the time, and hands the ids to its slave."""

    def __init__(self, town: Town, master: str, slave: str, pace: float):
        super().__init__(daemon=True)
        self.town, self.master, self.slave, self.pace = town, master, slave, pace
        self.client = town.network.sae(master, timeout=20 * PATIENCE)
        self.ids: collections.deque[str] = collections.deque()
        self.given = 0
        self.crash: BaseException | None = None

    def run(self) -> None:
        try:
            self._run(self.client)
        except BaseException as problem:  # noqa: BLE001 shown by Town.finish()
            self.crash = problem

    def _run(self, client: EtsiClient) -> None:
        choice = random.Random(f"{self.town.seed} {self.master}")
        while not self.town.stopping.is_set():
            if self.town.quiet.is_set():
                time.sleep(0.02)
                continue
            number, size = choice.choice([1, 1, 2, 5, 20]), choice.choice([None, None, ON_DEMAND_BITS])
            answer = ask(lambda: client.enc_keys(self.slave, number, size), client)
            if answer is None:
                time.sleep(0.01)
                continue
            self.town.record("enc_keys", self.master, self.slave, answer)
            if answer.status == 200:
                self.ids.extend(answer.keys)
                self.given += len(answer.keys)
            time.sleep(self.pace if answer.status == 200 else 0.02)


class Slave(threading.Thread):
    """Fetches what its master was given, in random order and portions, some of it late."""

    def __init__(self, master: Master):
        super().__init__(daemon=True)
        self.master = master
        self.town = master.town
        self.client = self.town.network.sae(master.slave, timeout=20 * PATIENCE)
        self.waiting: list[str] = []
        self.refused: collections.Counter[str] = collections.Counter()
        self.fetched = 0
        self.crash: BaseException | None = None

    def run(self) -> None:
        try:
            self._run(self.client)
        except BaseException as problem:  # noqa: BLE001 shown by Town.finish()
            self.crash = problem

    def _run(self, client: EtsiClient) -> None:
        choice = random.Random(f"{self.town.seed} {self.master.slave}")
        while not self.done():
            while self.master.ids:
                self.waiting.append(self.master.ids.popleft())
            ending = self.town.fetch_all.is_set()
            if len(self.waiting) < 5 and not ending:
                time.sleep(0.02)
                continue
            count = min(len(self.waiting), choice.choice([1, 1, 3, 10]))
            if not count:
                time.sleep(0.02)
                continue
            ids = choice.sample(self.waiting, count)
            answer = ask(lambda wanted=ids: client.dec_keys(self.master.master, wanted), client)
            if answer is None:
                time.sleep(0.01)
                continue
            self.town.record("dec_keys", self.master.slave, self.master.master, answer, ids)
            if answer.status == 200:
                self.waiting = [key_id for key_id in self.waiting if key_id not in answer.keys]
                self.fetched += len(answer.keys)
            else:
                for key_id in ids:
                    self.refused[key_id] += 1
                time.sleep(0.05)

    def done(self) -> bool:
        if self.town.abandoned.is_set():
            return True
        return self.town.fetch_all.is_set() and not self.waiting and not self.master.ids


def ask(call, client: EtsiClient) -> Answer | None:
    """Nothing if the connection broke."""
    try:
        return call()
    except BROKEN:
        client.close()
        return None


class Courier(threading.Thread):
    """Has blocks made by the hubs, keeps a copy of each file for the judge, and drops it into the KME's psrd-in. It takes what it
    finds in psrd-out, as an operator would: a hub may have died between making a block and telling so. Now and then it delivers
    a file a second time."""

    def __init__(self, town: Town):
        super().__init__(daemon=True)
        self.town = town
        self.delivered: list[tuple[str, pathlib.Path]] = []
        self.brought = self.twice = 0
        self.wanted: set[str] = set()  # nodes at which something of the life of a PSRD file shall happen now
        self.crash: BaseException | None = None
        self._choice = random.Random(f"{town.seed} courier")

    def run(self) -> None:
        try:
            while not self.town.delivered.is_set():
                pairs = [
                    (hub, kme) for hub in self.town.network.hubs.values() for kme in self.town.network.kmes.values()
                ]
                wanted = [pair for pair in pairs if self.wanted & {node.name for node in pair}]
                extra = self._choice.choice(wanted) if wanted else None
                for pair in pairs:
                    self._serve(*pair, pair == extra)
                time.sleep(0.2)
        except BaseException as problem:  # noqa: BLE001 shown by Town.finish()
            self.crash = problem

    def _serve(self, hub: Node, kme: Node, wanted: bool) -> None:
        self._deliver_waiting(hub, kme)
        try:
            if wanted or self._left(hub, kme) < LOW_MARK:
                value = {"client": kme.name, "client_bytes": BLOCK_BYTES, "hub_bytes": BLOCK_BYTES}
                hub.management.call("POST", "/psrd", value)
                self._deliver_waiting(hub, kme)
        except (*BROKEN, ValueError, AssertionError, StopIteration, KeyError):
            return  # one of them is down: later

    def _left(self, hub: Node, kme: Node) -> float:
        """Bytes of the scarcest zone, as a part of one block's zone."""
        psrd = kme.psrd(hub.name)
        quarter = BLOCK_BYTES // 4
        sizes = {"client_authenticator": quarter, "hub_authenticator": quarter}
        return min(psrd[zone]["left_bytes"] / sizes.get(zone, BLOCK_BYTES - quarter) for zone in wire.ZONES)

    def _deliver_waiting(self, hub: Node, kme: Node) -> None:
        for file in (hub.state_dir / "psrd-out" / kme.name).glob("*.json"):
            kept = self.town.keep(file)
            self._drop(kept, kme)
            file.unlink()
            self.delivered.append((kme.name, kept))
            self.brought += 1
            if self._choice.random() < 0.1:
                name, old = self._choice.choice(self.delivered)
                self._drop(old, self.town.network.kmes[name], f"{uuid.uuid4()}.json")
                self.twice += 1

    @staticmethod
    def _drop(kept: pathlib.Path, kme: Node, name: str = "") -> None:
        directory = kme.state_dir / "psrd-in"
        directory.mkdir(exist_ok=True)
        shutil.copy(kept, kme.state_dir / "courier.part")
        (kme.state_dir / "courier.part").rename(directory / (name or kept.name))


class Town:
    """Starts running when entered."""

    def __init__(self, directory: pathlib.Path, seed: str, *, pace: float = 0.05):
        self.seed = seed
        self.recording = directory / "recording"
        self.kept = self.recording / "psrd"
        self.kept.mkdir(parents=True)
        self.events = Journal(self.recording / "events.jsonl")
        self._etsi = Journal(self.recording / "etsi.jsonl")
        self._wires = {hub: Journal(self.recording / f"wire-{hub}.jsonl") for hub in HUBS}
        self.proxies = {hub: AttackingProxy(self._wires[hub], f"{seed} {hub}") for hub in HUBS}
        self.network = Network(
            directory / "nodes", Pki(directory / "pki"), list(HUBS), CLIENTS, shares_required=SHARES_REQUIRED,
            proxies=self.proxies, client_bytes=BLOCK_BYTES, hub_bytes=BLOCK_BYTES, kme_settings={"key_store": KEY_STORE},
        )  # fmt: skip
        self.network.kmes["carol"].change_config(fetch_ahead=True)  # both ways are killed in
        self.stopping = threading.Event()  # no more new keys
        self.fetch_all = threading.Event()  # slaves end when they have all
        self.delivered = threading.Event()  # no more PSRD
        self.abandoned = threading.Event()
        self.quiet = threading.Event()  # nobody asks for new keys
        self.masters = [Master(self, "carol", "celia", pace), Master(self, "celia", "carol", pace)]
        self.slaves = [Slave(master) for master in self.masters]
        self.courier = Courier(self)

    def __enter__(self) -> Town:
        self.network.provision()
        for psrd in self.network.psrd.values():
            for block in psrd.blocks.values():
                (self.kept / f"{block.block}.json").write_text(json.dumps(block.to_json()))
        for node in self.network.nodes:
            self.start_node(node)
        for node in self.network.nodes:
            node.wait_ready()
        self.network.all_registered()
        for thread in [*self.masters, *self.slaves, self.courier]:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        for ending in (self.stopping, self.abandoned, self.delivered):
            ending.set()
        for node in self.network.nodes:
            if node.process and node.process.running:
                node.process.kill()
        self.network.stop()
        for journal in [self.events, self._etsi, *self._wires.values()]:
            journal.close()

    def keep(self, file: pathlib.Path) -> pathlib.Path:
        block = wire.parse_psrd(file.read_bytes())
        kept = self.kept / f"{block.block}.json"
        shutil.copy(file, kept)
        return kept

    def record(self, call: str, sae: str, other: str, answer: Answer, ids: list[str] | None = None) -> None:
        keys = {key_id: key.hex() for key_id, key in answer.keys.items()} if answer.status == 200 else {}
        shown = {} if answer.status == 200 else {"message": answer.message}
        asked = {"asked": ids} if ids else {}
        self._etsi.write(
            {"time": round(time.monotonic(), 6), "call": call, "kme": self.network.sae_home[sae], "sae": sae,
             "other": other, "status": answer.status, "keys": keys, **shown, **asked}
        )  # fmt: skip

    @property
    def given(self) -> int:
        return sum(master.given for master in self.masters)

    # --- nodes ---

    def start_node(self, node: Node, fault: str | None = None) -> None:
        self.events.note("started", node=node.name, fault=fault)
        node.serve({"DSKE_FAULT": fault} if fault else None)

    def note_end(self, node: Node, how: str, point: str = "") -> None:
        self.events.note("ended", node=node.name, how=how, point=point)

    def serves(self, node: Node, seconds: float = 10.0) -> bool:
        """Waits until it serves or has died."""
        deadline = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < deadline:
            if not node.process.running or self._is_alive(node):
                break
            time.sleep(0.01)
        return node.process.running

    @staticmethod
    def _is_alive(node: Node) -> bool:
        try:
            return node.management.status()["pid"] == node.process.pid
        except (*BROKEN, ValueError, AssertionError, KeyError):
            return False

    def after_restart(self, node: Node) -> None:
        if node.name in self.proxies:
            self.proxies[node.name].hub_restarted()

    def check_threads(self) -> None:
        for thread in [*self.masters, *self.slaves, self.courier]:
            if thread.crash:
                raise thread.crash

    # --- the end ---

    def settle(self) -> None:
        """Everything is up; every key that a master got is fetched; then the nodes stop and start once more, and both sides say
        what is left."""
        for proxy in self.proxies.values():
            proxy.hostile = False
        self.stopping.set()
        for master in self.masters:
            master.join(60)
        for node in self.network.nodes:
            if not node.process.running:
                self.start_node(node)
        for node in self.network.nodes:
            node.wait_ready(30)
        self._all_registered()
        self.fetch_all.set()
        for slave in self.slaves:
            slave.join(60 * PATIENCE)
        self.abandoned.set()
        self.delivered.set()
        for thread in [*self.slaves, self.courier]:
            thread.join(30)
        self.check_threads()
        self._compare_levels()

    def _all_registered(self) -> None:
        """A link that was refused waits up to 10 minutes before it tries again, unless PSRD comes."""

        def settled() -> bool:
            links = [link for kme in self.network.kmes.values() for link in kme.status()["hubs"]]
            return all(link["state"] == "registered" for link in links)

        eventually(settled, "all KMEs are registered with all hubs", 60)

    def _compare_levels(self) -> None:
        """A registration tells both where the other stands; so all register anew."""
        for node in [*self.network.kmes.values(), *self.network.hubs.values()]:
            assert node.terminate() == 0, f"{node.name} did not stop well"
            self.note_end(node, "stopped")
        for node in [*self.network.hubs.values(), *self.network.kmes.values()]:
            self.start_node(node)
        for node in self.network.nodes:
            node.wait_ready(30)
        self._all_registered()
        left: dict[tuple, dict] = {}
        deadline = time.monotonic() + 10 * PATIENCE
        while time.monotonic() < deadline:
            left = self._levels()
            if all(side["hub_side"] == side["kme_side"] for side in left.values()):
                break
            time.sleep(0.1)  # a confirmation is under way
        for (hub, kme, block), sides in left.items():
            self.events.note("levels", hub=hub, kme=kme, block=block, **sides)

    def _levels(self) -> dict[tuple, dict]:
        """What is left of each block that a KME lists, by zone, as each side says."""
        found: dict[tuple, dict] = {}
        sides = [("hub_side", self.network.hubs, "clients"), ("kme_side", self.network.kmes, "hubs")]
        for side, nodes, members in sides:
            for node in nodes.values():
                _, value = node.management.call("GET", "/psrd")
                for peer in value[members]:
                    pair = (node.name, peer["name"]) if side == "hub_side" else (peer["name"], node.name)
                    for block in peer["blocks"]:
                        if side == "hub_side" and not block["ingested"]:
                            continue
                        zones = {zone: block["psrd"][zone]["left_bytes"] for zone in wire.ZONES}
                        found.setdefault((*pair, block["block_uuid"]), {"hub_side": None, "kme_side": None})[side] = zones
        return found
