"""Network namespaces: sockets in them, made by this process, which is cheaper by far than a command in each, what the kernel
threw away there, and how much sockets hold."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

_Result = TypeVar("_Result")
_CLONE_NEWNET = 0x40000000
RECEIVE_BUFFER = pathlib.Path("/proc/sys/net/core/rmem_default")  # of the whole machine: namespaces have none of their own
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(file: int) -> None:
    if _libc.setns(file, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot change the network namespace")


def _done_in(space: str, do: Callable[[], _Result]) -> _Result:
    """In a thread of its own, since it is the thread that changes the namespace."""
    results: list[_Result] = []
    errors: list[BaseException] = []

    def enter_and_do() -> None:
        try:
            file = os.open(f"/var/run/netns/{space}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                _enter(file)
            finally:
                os.close(file)
            results.append(do())
        except BaseException as error:  # the caller's to judge
            errors.append(error)

    thread = threading.Thread(target=enter_and_do)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def socket_in(space: str, *arguments: int) -> socket.socket:
    """socket.socket(*arguments) in this namespace. It stays there."""
    return _done_in(space, lambda: socket.socket(*arguments))


@contextlib.contextmanager
def receive_buffer(size: int) -> Iterator[None]:
    """In bytes, for the sockets that are made meanwhile, on the whole machine."""
    usual = RECEIVE_BUFFER.read_text()
    RECEIVE_BUFFER.write_text(str(size))
    try:
        yield
    finally:
        RECEIVE_BUFFER.write_text(usual)


def drops_in(space: str) -> dict[str, int]:
    """What the kernel threw away in this namespace since it was made, by where; only what is not 0."""

    def read() -> tuple[str, str]:
        net = pathlib.Path("/proc/thread-self/net")
        return (net / "snmp").read_text(), (net / "dev").read_text()

    snmp, devices = _done_in(space, read)
    names, values = (line.split()[1:] for line in snmp.splitlines() if line.startswith("Udp:"))
    udp = dict(zip(names, values, strict=True))
    found = {"udp receive buffer": int(udp["RcvbufErrors"]), "udp send buffer": int(udp["SndbufErrors"])}
    for line in devices.splitlines()[2:]:
        name, numbers = line.split(":")
        what = "underlay" if name.strip() == "u0" else "tunnel"
        columns = [int(number) for number in numbers.split()]
        if name.strip() != "lo":
            found[f"{what} receive"], found[f"{what} transmit"] = columns[3], columns[11]
    return {where: count for where, count in found.items() if count}


class Echo:
    """Sends ICMP echo requests from a namespace to an address and counts what is answered. Not for several threads."""

    def __init__(self, space: str, target: str):
        self._socket = socket_in(space, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setblocking(False)
        self._target = target
        self._identifier = os.getpid() & 0xFFFF
        self.sent = 0
        self.answered = 0  # the highest number that was, and all before it are of no interest

    def send(self) -> int:
        """The number of the request, from 1."""
        self.sent += 1
        packet = struct.pack("!BBHHHQ", 8, 0, 0, self._identifier, self.sent & 0xFFFF, self.sent)
        words = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
        words = (words & 0xFFFF) + (words >> 16)
        words = (words & 0xFFFF) + (words >> 16)
        packet = packet[:2] + struct.pack("!H", ~words & 0xFFFF) + packet[4:]
        try:
            self._socket.sendto(packet, (self._target, 0))
        except OSError:
            pass  # lost, as on any way
        return self.sent

    def take(self) -> int:
        """What has come until now; the highest number that was answered."""
        while True:
            try:
                packet = self._socket.recv(2048)
            except OSError:
                return self.answered
            icmp = packet[(packet[0] & 15) * 4 :]
            if len(icmp) == 16 and icmp[0] == 0 and int.from_bytes(icmp[4:6], "big") == self._identifier:
                self.answered = max(self.answered, int.from_bytes(icmp[8:16], "big"))

    def passes(self, seconds: float) -> bool:
        """Whether a request is answered within this time."""
        number = self.send()
        deadline = time.monotonic() + seconds
        while self.take() < number:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            select.select([self._socket], [], [], left)
        return True

    def close(self) -> None:
        self._socket.close()
