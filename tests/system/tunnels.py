"""Tunnels and the adapters that feed them. The adapters run outside the tunnels' namespaces and speak to each other over
loopback: a tunnel's own traffic has its way, theirs another."""

from __future__ import annotations

import json
import os
import pathlib
import pwd
import shutil
import tempfile
import time

import yaml

from nodes import BIN, PATIENCE, Process, eventually, free_base_port, run
from tunnel_devices import Device, Relay, Tunnel
from tunnel_losses import Traffic, Verdict, judge

ADAPTER = str(BIN / "dske-wireguard")
USER = "nobody"
HEALS = 30.0  # seconds at most, from when what was broken is back: twice the goal, for a busy machine


class Adapter:
    """A dske-wireguard process and its files."""

    def __init__(self, directory: pathlib.Path, name: str, sae: str, pki, kme_port: int, listen_port: int | None):
        self.directory = directory / name
        self.directory.mkdir()
        self.name, self.sae, self.port = name, sae, listen_port
        certificate, key = pki.issue(sae)
        tls = {what: self.put(what, path) for what, path in (("certificate", certificate), ("key", key), ("ca", pki.ca))}
        self.config_file = self.directory / "wireguard.yaml"
        self.log = self.directory / "log"
        self.state_dir = self.directory / "state"
        self.inside: list[str] = []  # what the command begins with
        self.environment: dict[str, str] = {}
        self.config = {
            "state_dir": str(self.state_dir),
            "user": USER,
            "sae_id": sae,
            "tls": tls,
            "kme": {"url": f"https://localhost:{kme_port}"},
            "interfaces": [],
        }
        if listen_port:
            self.config["listen"] = {"address": "127.0.0.1", "port": listen_port}
        self.process: Process | None = None
        self.forget()

    def forget(self) -> None:
        """Its record of the keys that are its own. While it does not run."""
        owner = pwd.getpwnam(USER)
        shutil.rmtree(self.state_dir, ignore_errors=True)
        self.state_dir.mkdir(mode=0o700)
        os.chown(self.state_dir, owner.pw_uid, owner.pw_gid)

    def put(self, what: str, source: pathlib.Path) -> str:
        """Gives the adapter a file, in place of one that it may have."""
        owner = pwd.getpwnam(USER)
        new = pathlib.Path(shutil.copy(source, self.directory / f"{what}.new"))
        os.chown(new, owner.pw_uid, owner.pw_gid)
        return str(new.rename(self.directory / f"{what}.pem"))

    def add(self, device: Device, sae: str, port: int | None, **options) -> None:
        peer = {"public_key": device.believed_public, "sae_id": sae, **options}
        if port:
            peer["url"] = f"https://127.0.0.1:{port}"
        self.config["interfaces"].append({"name": device.name, "uapi_socket": device.socket, "peers": [peer]})

    def write(self) -> None:
        new = self.config_file.with_suffix(".new")
        new.write_text(yaml.safe_dump(self.config, sort_keys=False))
        new.chmod(0o644)
        new.rename(self.config_file)

    def start(self) -> None:
        self.write()
        command = [*self.inside, ADAPTER, "run", "--config", str(self.config_file)]
        self.process = Process(command, self.log, self.environment)

    def kill(self) -> None:
        if self.process:
            self.process.kill()

    def answers(self) -> None:
        """Waits until `status` is answered."""
        eventually((self.state_dir / "status.sock").exists, f"adapter {self.name} answers", 30)
        eventually(
            lambda: run(ADAPTER, "status", "--json", "--config", self.config_file, code=None).returncode == 0,
            f"adapter {self.name} answers",
        )

    def status(self) -> dict:
        done = run(ADAPTER, "status", "--json", "--config", self.config_file)
        return json.loads(done.stdout)

    def peer(self, device: Device) -> dict:
        """What `status` says of the tunnel with this device of ours."""
        return next(peer for peer in self.status()["peers"] if peer["interface"] == device.name)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Tunnels:
    """A number of tunnels between two adapters, over a network with the SAEs `alice` and `bob` at two KMEs. `delays_ms` is
    the round trip of each. With `control`, a tunnel of each delay that no adapter touches."""

    def __init__(
        self, network, pki, count: int = 1, *,
        delays_ms: list[int] | None = None, only_a_listens: bool = False, control: bool = False,
        kinds: tuple[type[Device], type[Device]] = (Device, Device), **settings,
    ):  # fmt: skip
        self.network = network
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dske-tunnels-", dir="/tmp"))
        self.directory.chmod(0o711)
        port = free_base_port(2)
        kmes = list(network.kmes.values())
        self.a = Adapter(self.directory, "a", "alice", pki, kmes[0].port, port)
        self.b = Adapter(self.directory, "b", "bob", pki, kmes[-1].port, None if only_a_listens else port + 1)
        for adapter in self.adapters:
            adapter.config.update(settings)
        self.tunnels: list[Tunnel] = []
        self.controls: list[Tunnel] = []
        delays_ms = delays_ms or [0] * count
        for index, delay_ms in enumerate(delays_ms):
            tunnel = Tunnel(self.directory, index, delay_ms, kinds)
            self.tunnels.append(tunnel)
            self.a.add(tunnel.a, "bob", self.b.port)
            self.b.add(tunnel.b, "alice", self.a.port)
        if control:
            for index, delay_ms in enumerate(sorted(set(delays_ms)), start=len(delays_ms)):
                self.controls.append(Tunnel(self.directory, index, delay_ms, kinds))
        self._relay = Relay([*self.tunnels, *self.controls])

    @property
    def adapters(self) -> tuple[Adapter, Adapter]:
        return self.a, self.b

    @property
    def one(self) -> Tunnel:
        return self.tunnels[0]

    def make(self, **options) -> None:
        for tunnel in [*self.tunnels, *self.controls]:
            tunnel.make(**options)

    def start(self) -> None:
        for adapter in self.adapters:
            adapter.start()

    def all_pass(self) -> bool:
        return all(tunnel.passes() for tunnel in self.tunnels)

    def all_carry(self) -> None:
        """Waits until every tunnel has carried data."""
        for tunnel in self.tunnels:
            eventually(tunnel.passes, f"the tunnel of {tunnel.a.name} carries data")

    def keys(self) -> list[str]:
        return [tunnel.a.psk() for tunnel in self.tunnels]

    def all_say(self, cause: str) -> bool:
        """Whether `status` of either end shows it of every tunnel."""
        ends = [adapter.status()["peers"] for adapter in self.adapters]
        return all(cause in a["last_error"] + b["last_error"] for a, b in zip(*ends, strict=True))

    def states(self) -> set[str]:
        return {peer["state"] for adapter in self.adapters for peer in adapter.status()["peers"]}

    def another_key(self, old: list[str], seconds: float) -> float:
        """Waits for it on every tunnel. How long it took."""
        began = time.monotonic()
        eventually(
            lambda: all(t.same_key and t.a.psk() != key for t, key in zip(self.tunnels, old, strict=True)),
            "another key",
            seconds,
        )
        return time.monotonic() - began

    def up_within(self, seconds: float) -> float:
        """How long it took until every tunnel carried data under an agreed key."""
        return max(self.each_up_within(seconds))

    def each_up_within(self, seconds: float, *old: str) -> list[float]:
        """How long it took each tunnel until it carried data under an agreed key that is none of the old ones. Both ends
        send meanwhile."""
        began = time.monotonic()
        agreed: dict[int, int] = {}  # the first request that was sent under the new key
        taken: dict[int, float] = {}
        while len(taken) < len(self.tunnels):
            for tunnel in self.tunnels:
                if tunnel.index in taken:
                    continue
                if tunnel.index not in agreed and tunnel.same_key and tunnel.a.psk() not in old:
                    agreed[tunnel.index] = tunnel.echoes[0].sent + 1
                for echo in tunnel.echoes:
                    echo.send()
                    echo.take()
                if tunnel.echoes[0].answered >= agreed.get(tunnel.index, 1 << 62):
                    taken[tunnel.index] = time.monotonic() - began
            left = [tunnel.a.name for tunnel in self.tunnels if tunnel.index not in taken]
            assert time.monotonic() - began < seconds * PATIENCE, f"{left} carry nothing under an agreed key"
            time.sleep(0.01)
        return [taken[tunnel.index] for tunnel in self.tunnels]

    def watched_traffic(self, seconds: float, **options) -> WatchedTraffic:
        return WatchedTraffic([self], seconds, **options)

    def close(self) -> None:
        for adapter in self.adapters:
            adapter.kill()
        self._relay.close()
        for tunnel in [*self.tunnels, *self.controls]:
            tunnel.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def show_logs_and_close(several: list[Tunnels]) -> None:
    """At the end of a test: what is printed is shown if it failed."""
    for tunnels in several:
        for adapter in tunnels.adapters:
            print(f"--- {adapter.name}\n{adapter.log_text()[-3000:]}")
        tunnels.close()


class WatchedTraffic:
    """Traffic on all tunnels of several adapters, and the controls of the first."""

    def __init__(self, several: list[Tunnels], seconds: float, **options):
        controls = several[0].controls
        assert controls
        judged = [tunnel for tunnels in several for tunnel in tunnels.tunnels]
        # One end alone begins: two that begin at once may miss each other for long.
        for tunnel in [*judged, *controls]:
            eventually(tunnel.passes, f"the tunnel of {tunnel.a.name} carries data")
        self._judged = len(judged)
        self._traffic = Traffic([*judged, *controls], seconds, **options)

    def verdict(self) -> Verdict:
        """When it has ended."""
        all_ways = self._traffic.finished()
        judged, controls = all_ways[: self._judged], all_ways[self._judged :]
        verdict = judge([way for one in judged for way in one.ways], [way for one in controls for way in one.ways])
        verdict.tcp_stall_seconds = max(one.tcp_stall_seconds for one in judged)
        print(verdict)
        return verdict
