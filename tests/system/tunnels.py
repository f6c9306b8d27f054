"""WireGuard tunnels between network namespaces, by wireguard-go or the kernel, and the adapters that feed them, which run outside and
speak to each other over loopback: a tunnel's own traffic has its way, theirs another."""

from __future__ import annotations

import base64
import itertools
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

import yaml

from nodes import BIN, PATIENCE, Process, eventually, free_base_port, run
from tunnel_losses import Processes, Verdict, finished, judge

ADAPTER = str(BIN / "dske-wireguard")
USER = "nobody"
CAP_NET_ADMIN = 12
_numbers = itertools.count()
TRAFFIC = pathlib.Path(__file__).with_name("tunnel_traffic.py")
RELAY = pathlib.Path(__file__).with_name("tunnel_relay.py")


def wg_key() -> tuple[str, str]:
    private = run("wg", "genkey").stdout.strip()
    public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()
    return private, public


def set_configuration(inside: list[str], name: str, config: str) -> None:
    """A device that has just been made may not answer yet."""

    def done() -> bool:
        command = [*inside, "wg", "setconf", name, "/dev/stdin"]
        return subprocess.run(command, input=config, text=True, capture_output=True, check=False).returncode == 0

    eventually(done, f"{name} takes its configuration", 30)


class Device:
    """One end of a tunnel: a namespace with a wireguard-go device, which may be deleted and made again."""

    def __init__(self, directory: pathlib.Path, name: str, index: int, side: int):
        self.name = name  # of namespace, device and its socket: unique on this machine
        self.private, self.public = wg_key()
        self.underlay = f"10.{100 + index // 200}.{index % 200}.{side + 1}"
        self.address = f"10.{110 + index // 200}.{index % 200}.{side + 1}"
        self.log = directory / f"{name}.log"
        self.process: Process | None = None
        self.peer: Device | None = None
        self.endpoint = ""  # the other end's, if not where it is
        self.more_allowed_ips: list[str] = []  # beside the other end's address

    @property
    def socket(self) -> str:
        return f"/var/run/wireguard/{self.name}.sock"

    def inside(self, *command: object) -> list[str]:
        return ["ip", "netns", "exec", self.name, *(str(part) for part in command)]

    def make(self, psk: str = "", endpoint: bool = True) -> None:
        self._create()
        assert self.peer
        config = f"[Interface]\nPrivateKey = {self.private}\nListenPort = 51820\n[Peer]\nPublicKey = {self.peer.public}\n"
        config += f"AllowedIPs = {', '.join([self.peer.address + '/32', *self.more_allowed_ips])}\n"
        if endpoint:
            config += f"Endpoint = {self.endpoint or self.peer.underlay + ':51820'}\n"
        if psk:
            config += f"PresharedKey = {psk}\n"
        set_configuration(self.inside(), self.name, config)
        run(*self.inside("ip", "address", "add", f"{self.address}/24", "dev", self.name))
        run(*self.inside("ip", "link", "set", self.name, "mtu", "1420", "up"))

    def _create(self) -> None:
        self.process = Process(
            self.inside("wireguard-go", "-f", self.name), self.log, {"WG_PROCESS_FOREGROUND": "1", "GOMAXPROCS": "1"}
        )
        eventually(lambda: os.path.exists(self.socket), f"{self.name} is made")

    def delete(self) -> None:
        if self.process:
            self.process.kill()
        if os.path.exists(self.socket):
            os.unlink(self.socket)

    def allowed_ips(self) -> set[str]:
        return set(run(*self.inside("wg", "show", self.name, "allowed-ips")).stdout.split()[1:])

    def psk(self) -> str:
        return self._show("preshared-keys")

    def last_handshake(self) -> int:
        return int(self._show("latest-handshakes") or 0)

    def keepalive(self) -> str:
        return self._show("persistent-keepalive")

    def _show(self, what: str) -> str:
        lines = run(*self.inside("wg", "show", self.name, what)).stdout.split()
        return lines[1] if len(lines) > 1 else ""


class KernelDevice(Device):
    """The same with the kernel's WireGuard."""

    def _create(self) -> None:
        run(*self.inside("ip", "link", "add", self.name, "type", "wireguard"))

    def delete(self) -> None:
        run(*self.inside("ip", "link", "delete", self.name), code=None)


class Tunnel:
    """Two devices. `delay_ms` is the round trip's. The end with the lower public key generates: a if `index` is even."""

    def __init__(self, directory: pathlib.Path, index: int, delay_ms: int = 0, kinds: tuple[type, type] = (Device, Device)):
        prefix = f"d{os.getpid() % 10000}x{next(_numbers)}"
        self.a, self.b = (
            kind(directory, prefix + letter, index, side) for side, (kind, letter) in enumerate(zip(kinds, "ab"))
        )
        if (base64.b64decode(self.a.public) < base64.b64decode(self.b.public)) != (index % 2 == 0):
            self.a.private, self.a.public, self.b.private, self.b.public = (
                self.b.private, self.b.public, self.a.private, self.a.public,
            )  # fmt: skip
        self.a.peer, self.b.peer = self.b, self.a
        for device in self.ends:
            run("ip", "netns", "add", device.name)
        run("ip", "link", "add", "u0", "netns", self.a.name, "type", "veth", "peer", "name", "u0", "netns", self.b.name)
        for device in self.ends:
            run(*device.inside("ip", "address", "add", f"{device.underlay}/24", "dev", "u0"))
            run(*device.inside("ip", "link", "set", "u0", "up"))
            run(*device.inside("ip", "link", "set", "lo", "up"))

        self.relay: Process | None = None
        if delay_ms:
            command = self.a.inside(sys.executable, RELAY, self.a.underlay, self.b.underlay, delay_ms / 2)
            self.relay = Process(command, self.a.log)
            self.a.endpoint, self.b.endpoint = "127.0.0.1:51821", f"{self.a.underlay}:51821"

    @property
    def ends(self) -> tuple[Device, Device]:
        return self.a, self.b

    def make(self, **options) -> None:
        for device in self.ends:
            device.make(**options)

    def passes(self, seconds: float = 0.5) -> bool:
        """Whether a packet from a to b and its answer get through within this time."""
        command = self.a.inside("ping", "-c", "1", "-W", str(seconds), self.b.address)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def traffic(self, seconds: float, interval_ms: float = 10, stream: bool = False) -> Processes:
        """Both ends send packets and, if wanted, a TCP stream held to 1 Mbit/s."""
        options = ["--stream"] if stream else []
        return tuple(
            subprocess.Popen(
                device.inside(
                    sys.executable, TRAFFIC, device.address, device.peer.address, seconds, interval_ms, *options
                ),
                stdout=subprocess.PIPE,
                text=True,
            )
            for device in self.ends
        )

    def close(self) -> None:
        if self.relay:
            self.relay.kill()
        for device in self.ends:
            device.delete()
            run("ip", "netns", "delete", device.name, code=None)


class Adapter:
    """A dske-wireguard process and its files."""

    def __init__(self, directory: pathlib.Path, name: str, sae: str, pki, kme_port: int, listen_port: int | None):
        self.directory = directory / name
        self.directory.mkdir()
        self.name, self.sae, self.port = name, sae, listen_port
        certificate, key = pki.issue(sae)
        owner = pwd.getpwnam(USER)
        tls = {what: self.put(what, path) for what, path in (("certificate", certificate), ("key", key), ("ca", pki.ca))}
        self.config_file = self.directory / "wireguard.yaml"
        self.log = self.directory / "log"
        self.config = {
            "state_dir": str(self.directory / "state"),
            "user": USER,
            "sae_id": sae,
            "tls": tls,
            "kme": {"url": f"https://localhost:{kme_port}"},
            "interfaces": [],
        }
        if listen_port:
            self.config["listen"] = {"address": "127.0.0.1", "port": listen_port}
        self.process: Process | None = None
        self.inside: list[str] = []  # what the command begins with
        (self.directory / "state").mkdir(mode=0o700)
        os.chown(self.directory / "state", owner.pw_uid, owner.pw_gid)

    def put(self, what: str, source: pathlib.Path) -> str:
        """Gives the adapter a file, in place of one that it may have."""
        owner = pwd.getpwnam(USER)
        new = pathlib.Path(shutil.copy(source, self.directory / f"{what}.new"))
        os.chown(new, owner.pw_uid, owner.pw_gid)
        return str(new.rename(self.directory / f"{what}.pem"))

    def add(self, device: Device, sae: str, port: int | None, **options) -> None:
        peer = {"public_key": device.peer.public, "sae_id": sae, **options}
        if port:
            peer["url"] = f"https://127.0.0.1:{port}"
        self.config["interfaces"].append({"name": device.name, "uapi_socket": device.socket, "peers": [peer]})

    def write(self) -> None:
        new = self.config_file.with_suffix(".new")
        new.write_text(yaml.safe_dump(self.config, sort_keys=False))
        new.rename(self.config_file)

    def start(self) -> None:
        self.write()
        self.process = Process([*self.inside, ADAPTER, "run", "--config", str(self.config_file)], self.log)

    def kill(self) -> None:
        if self.process:
            self.process.kill()

    def status(self) -> dict:
        done = run(ADAPTER, "status", "--json", "--config", self.config_file)
        return json.loads(done.stdout)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Tunnels:
    """A number of tunnels between two adapters, over a network with the SAEs `alice` and `bob` at two KMEs; and, with
    `control`, a tunnel that no adapter touches."""

    def __init__(
        self, network, pki, count: int = 1, *,
        delay_ms: int = 0, only_a_listens: bool = False, control: bool = False,
        kinds: tuple[type, type] = (Device, Device), **settings,
    ):  # fmt: skip
        self.network = network
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dske-tunnels-", dir="/tmp"))
        self.directory.chmod(0o711)
        self.tunnels: list[Tunnel] = []
        port = free_base_port(2)
        kmes = list(network.kmes.values())
        self.a = Adapter(self.directory, "a", "alice", pki, kmes[0].port, port)
        self.b = Adapter(self.directory, "b", "bob", pki, kmes[1].port, None if only_a_listens else port + 1)
        for adapter in self.adapters:
            adapter.config.update(settings)
        for index in range(count):
            tunnel = Tunnel(self.directory, index, delay_ms, kinds)
            self.tunnels.append(tunnel)
            self.a.add(tunnel.a, "bob", self.b.port)
            self.b.add(tunnel.b, "alice", self.a.port)
        self.control = Tunnel(self.directory, count, delay_ms) if control else None

    @property
    def adapters(self) -> tuple[Adapter, Adapter]:
        return self.a, self.b

    @property
    def one(self) -> Tunnel:
        return self.tunnels[0]

    def make(self, **options) -> None:
        for tunnel in [*self.tunnels, *filter(None, [self.control])]:
            tunnel.make(**options)

    def start(self) -> None:
        for adapter in self.adapters:
            adapter.start()

    def all_pass(self) -> bool:
        return all(tunnel.passes() for tunnel in self.tunnels)

    def up_within(self, seconds: float) -> float:
        """How long it took until every tunnel carried data under an agreed key."""
        began = time.monotonic()
        left = list(self.tunnels)
        while left:
            left = [tunnel for tunnel in left if not (tunnel.a.psk() == tunnel.b.psk() != "(none)" and tunnel.passes(0.1))]
            assert time.monotonic() - began < seconds * PATIENCE, f"{len(left)} tunnels carry nothing"
        return time.monotonic() - began

    def watched_traffic(self, seconds: float) -> WatchedTraffic:
        return WatchedTraffic(self, seconds)

    def close(self) -> None:
        for adapter in self.adapters:
            adapter.kill()
        for tunnel in [*self.tunnels, *filter(None, [self.control])]:
            tunnel.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class WatchedTraffic:
    """Traffic on all tunnels and the control."""

    def __init__(self, tunnels: Tunnels, seconds: float):
        assert tunnels.control
        eventually(tunnels.control.passes, "the tunnel beside carries data")
        self._control = tunnels.control.traffic(seconds)
        self._judged = [tunnel.traffic(seconds) for tunnel in tunnels.tunnels]

    def verdict(self) -> Verdict:
        """When it has ended."""
        control = finished(self._control)[0]
        verdict = judge([way for pair in self._judged for way in finished(pair)[0]], control)
        print(verdict)
        return verdict


def capabilities(pid: object) -> dict[str, set[int]]:
    """The numbers of those that a process has, by the kernel's names of its sets."""
    sets = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            bits = int(value, 16)
            sets[name] = {number for number in range(64) if bits >> number & 1}
    assert len(sets) == 4
    return sets


def check_privileges(adapter: Adapter, helper_uid: int) -> None:
    """The process that talks to the network has none and is not root; its helper has CAP_NET_ADMIN."""
    nothing = {"CapInh": set(), "CapPrm": set(), "CapEff": set(), "CapAmb": set()}
    (helper,) = run("pgrep", "-P", adapter.process.pid).stdout.split()
    assert capabilities(adapter.process.pid) == nothing
    assert capabilities(helper) == nothing | {"CapPrm": {CAP_NET_ADMIN}, "CapEff": {CAP_NET_ADMIN}}
    for pid, uids in ((adapter.process.pid, {str(pwd.getpwnam(USER).pw_uid)}), (helper, {str(helper_uid)})):
        status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        assert fields["NoNewPrivs"] == "1" and set(fields["Uid"].split()) == uids
