"""What attackers of a TLS server with HTTP/1.1 have that ordinary clients lack: handshakes that stop anywhere,
bytes cut anywhere, resets. And the encryptor that watches whether the service suffers."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Collection

from etsi_client import Answer, EtsiClient
from nodes import PATIENCE, eventually

# The attackers come from here, the well-behaved from 127.0.0.1: limits per address are theirs alone.
ATTACKER = "127.0.0.66"


def connect(port: int, source: str = ATTACKER, receive_buffer: int = 0) -> socket.socket:
    """A TCP connection to a loopback server."""
    connection = socket.socket()
    try:
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(20 * PATIENCE)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", port))
    except BaseException:
        connection.close()
        raise
    return connection


def reset(connection: socket.socket) -> None:
    """Closes with RST in place of FIN."""
    plain = socket.socket(fileno=connection.detach())
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


def ended_by_peer(connection: socket.socket) -> bool:
    """Whether the server has ended the connection by now."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return True
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def wait_until_ended(connections: list[socket.socket], what: str) -> None:
    eventually(lambda: all(ended_by_peer(connection) for connection in connections), f"{what}: the server ends them")
    for connection in connections:
        connection.close()


class Handshake:
    """A client's TLS handshake of which each flight is in the caller's hands."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext):
        self.connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")

    def next_flight(self) -> bytes:
        """What is to be sent now; nothing once the handshake is complete."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._outgoing.read()

    def receive(self) -> bytes:
        """Takes in something that the server sent."""
        data = self.connection.recv(65536)
        self._incoming.write(data)
        return data


def client_hello(context: ssl.SSLContext) -> bytes:
    return Handshake(socket.socket(), context).next_flight()


def tls_connect(port: int, context: ssl.SSLContext, **options) -> ssl.SSLSocket:
    return context.wrap_socket(connect(port, **options), server_hostname="127.0.0.1")


class Answers:
    """Reads HTTP answers from a connection, strictly."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self._bytes = b""

    def _more(self) -> bool:
        try:
            data = self.connection.recv(65536)
        except ConnectionError:
            return False
        self._bytes += data
        return bool(data)

    def next(self, to_head: bool = False) -> tuple[int, dict[str, str], bytes] | None:
        """Status, headers and body of the next answer; None if the connection ends before its first byte."""
        while b"\r\n\r\n" not in self._bytes:
            if not self._more():
                assert not self._bytes, f"half an answer: {self._bytes[:200]!r}"
                return None
        head, self._bytes = self._bytes.split(b"\r\n\r\n", 1)
        lines = head.decode("ascii").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        assert version == "HTTP/1.1" and len(status) == 3, lines[0]
        headers = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value
        size = 0
        if not to_head and status[0] != "1" and status != "204":
            size = int(headers["content-length"])
        while len(self._bytes) < size:
            assert self._more(), "the answer's body is cut off"
        body, self._bytes = self._bytes[:size], self._bytes[size:]
        return int(status), headers, body

    def rest(self) -> list[tuple[int, dict[str, str], bytes]]:
        """All answers up to the end of the connection."""
        answers = []
        while answer := self.next():
            answers.append(answer)
        return answers


def descriptors(pid: int, but_to: Collection[int] = ()) -> int:
    """How many a process has, but for its connections to these ports."""
    sockets = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    left_out = {f"socket:[{fields[9]}]" for fields in sockets if int(fields[2].split(":")[1], 16) in but_to}
    count = 0
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(descriptor) not in left_out
    return count


def resident_bytes(pid: int) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024


class Witness:
    """A pair of well-behaved encryptors that ask for status and keys all the time, on connections of their own."""

    def __init__(self, master: EtsiClient, slave: EtsiClient, master_id: str, slave_id: str):
        self._master, self._slave = master, slave
        self._master_id, self._slave_id = master_id, slave_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.served = 0
        self.longest_seconds = 0.0
        self.failure: BaseException | None = None
        self.keys: list[bytes] = []

    def __enter__(self) -> Witness:
        self._thread.start()
        eventually(lambda: self.served or self.failure, "the well-behaved encryptor is served before the attack")
        return self

    def __exit__(self, *_: object) -> None:
        self.must_be_served()
        self._stop.set()
        self._thread.join(60 * PATIENCE)
        assert self.failure is None, f"a well-behaved encryptor failed: {self.failure!r}"
        assert self.longest_seconds < 5 * PATIENCE, f"a well-behaved call took {self.longest_seconds:.1f} s"

    def must_be_served(self, times: int = 3) -> None:
        """Waits for this many rounds from now on."""
        goal = self.served + times
        eventually(lambda: self.served >= goal or self.failure, "the well-behaved encryptor is served")

    def _timed(self, call: Callable[..., Answer], *arguments: object) -> Answer:
        begun = time.monotonic()
        answer = call(*arguments)
        self.longest_seconds = max(self.longest_seconds, time.monotonic() - begun)
        return answer

    def _work(self) -> None:
        try:
            while not self._stop.wait(0.02):
                assert self._timed(self._master.status, self._slave_id).status == 200
                if self.served % 4 == 0:
                    keys = self._timed(self._master.enc_keys, self._slave_id).keys
                    assert self._timed(self._slave.dec_keys, self._master_id, list(keys)).keys == keys
                    self.keys += keys.values()
                self.served += 1
        except BaseException as failure:  # whatever it is, the test's thread reports it
            self.failure = failure
