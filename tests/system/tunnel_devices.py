"""WireGuard tunnels between network namespaces, by wireguard-go or the kernel."""

from __future__ import annotations

import base64
import itertools
import os
import pathlib
import socket
import subprocess
import tempfile

from namespaces import Echo
from nodes import BIN, Process, eventually, run

RELAY = BIN / "tunnel-relay"
NO_KEY = bytes(32)
UNDERLAY_MTU = 9000  # few packets for a stream: it is their number that a device's work depends on
_numbers = itertools.count()


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


def ask_device(path: str, request: bytes = b"get=1\n\n") -> bytes:
    """Over the configuration socket of a userspace implementation. Ends with an empty line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as uapi:
        uapi.settimeout(10)
        uapi.connect(path)
        uapi.sendall(request)
        answer = b""
        while not answer.endswith(b"\n\n"):
            piece = uapi.recv(65536)
            if not piece:
                break
            answer += piece
        return answer


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
        self.peer_public = ""  # as this end believes, if that is not the other end's
        self.endpoint = ""  # the other end's, if not where it is
        self.more_allowed_ips: list[str] = []  # beside the other end's address

    @property
    def socket(self) -> str:
        return f"/var/run/wireguard/{self.name}.sock"

    @property
    def believed_public(self) -> str:
        assert self.peer
        return self.peer_public or self.peer.public

    def inside(self, *command: object) -> list[str]:
        return ["ip", "netns", "exec", self.name, *(str(part) for part in command)]

    def make(self, psk: str = "", endpoint: bool = True) -> None:
        self._create()
        assert self.peer
        config = f"[Interface]\nPrivateKey = {self.private}\nListenPort = 51820\n[Peer]\nPublicKey = {self.believed_public}\n"
        config += f"AllowedIPs = {', '.join([self.peer.address + '/32', *self.more_allowed_ips])}\n"
        if endpoint:
            config += f"Endpoint = {self.endpoint or self.peer.underlay + ':51820'}\n"
        if psk:
            config += f"PresharedKey = {psk}\n"
        set_configuration(self.inside(), self.name, config)
        run(*self.inside("ip", "address", "add", f"{self.address}/24", "dev", self.name))
        run(*self.inside("ip", "link", "set", self.name, "mtu", UNDERLAY_MTU - 80, "up"))

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

    def set_psk(self, psk: str) -> None:
        """As an operator does."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(psk)
            file.flush()
            run(*self.inside("wg", "set", self.name, "peer", self.believed_public, "preshared-key", file.name))

    def allowed_ips(self) -> set[str]:
        return set(run(*self.inside("wg", "show", self.name, "allowed-ips")).stdout.split()[1:])

    def psk(self) -> str:
        """As `wg show` prints it."""
        key = bytes.fromhex(self._told("preshared_key") or NO_KEY.hex())
        return "(none)" if key == NO_KEY else base64.b64encode(key).decode()

    def last_handshake(self) -> float:
        """In seconds since 1970; 0 if there was none."""
        return int(self._told("last_handshake_time_sec") or 0) + int(self._told("last_handshake_time_nsec") or 0) / 1e9

    def keepalive(self) -> int:
        """In seconds; 0 is off."""
        return int(self._told("persistent_keepalive_interval") or 0)

    def _told(self, what: str) -> str:
        """As the configuration socket has it."""
        lines = dict(line.split("=", 1) for line in ask_device(self.socket).decode().split("\n") if "=" in line)
        return lines.get(what, "")


class KernelDevice(Device):
    """The same with the kernel's WireGuard."""

    def _create(self) -> None:
        run(*self.inside("ip", "link", "add", self.name, "type", "wireguard"))

    def delete(self) -> None:
        run(*self.inside("ip", "link", "delete", self.name), code=None)

    def _told(self, what: str) -> str:
        lines = run(*self.inside("wg", "show", self.name, "dump")).stdout.splitlines()
        if len(lines) < 2:
            return ""
        _, key, _, _, handshake, _, _, keepalive = lines[1].split("\t")
        return {
            "preshared_key": "" if key == "(none)" else base64.b64decode(key).hex(),
            "last_handshake_time_sec": handshake,
            "persistent_keepalive_interval": "" if keepalive == "off" else keepalive,
        }.get(what, "")


class Tunnel:
    """Two devices. `delay_ms` is the round trip's. The end with the lower public key generates: a if `index` is even."""

    def __init__(
        self, directory: pathlib.Path, index: int, delay_ms: int = 0,
        kinds: tuple[type[Device], type[Device]] = (Device, Device),
    ):  # fmt: skip
        prefix = f"d{os.getpid() % 10000}x{next(_numbers)}"
        self.index, self.delay_ms = index, delay_ms
        self.a, self.b = (
            kind(directory, prefix + letter, index, side) for side, (kind, letter) in enumerate(zip(kinds, "ab", strict=True))
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
            run(*device.inside("ip", "link", "set", "u0", "mtu", UNDERLAY_MTU, "up"))
            run(*device.inside("ip", "link", "set", "lo", "up"))
        self.echoes = Echo(self.a.name, self.b.address), Echo(self.b.name, self.a.address)
        if delay_ms:  # by a Relay
            self.a.endpoint, self.b.endpoint = "127.0.0.1:51821", f"{self.a.underlay}:51821"

    @property
    def ends(self) -> tuple[Device, Device]:
        return self.a, self.b

    @property
    def same_key(self) -> bool:
        return self.a.psk() == self.b.psk() != "(none)"

    def make(self, **options) -> None:
        for device in self.ends:
            device.make(**options)

    def passes(self, seconds: float = 0.5) -> bool:
        """Whether a packet from a to b and its answer get through within this time."""
        return self.echoes[0].passes(seconds)

    def close(self) -> None:
        for echo in self.echoes:
            echo.close()
        for device in self.ends:
            device.delete()
            run("ip", "netns", "delete", device.name, code=None)


class Relay:
    """Delays what the ends of those tunnels send each other that have a delay."""

    def __init__(self, tunnels: list[Tunnel]):
        lines = [f"{t.a.name} {t.a.underlay} {t.b.underlay} {t.delay_ms / 2}\n" for t in tunnels if t.delay_ms]
        self._process: subprocess.Popen | None = None
        if lines:
            self._process = subprocess.Popen([RELAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._process.stdin.writelines(lines)
            self._process.stdin.close()
            assert self._process.stdout.readline() == "ready\n"

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process.stdout.close()
