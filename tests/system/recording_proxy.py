"""A proxy between KMEs and one hub that records every request and answer, and drops, delays, repeats or alters them
when told to. What it passes on it passes byte for byte: method, target, headers, body."""

from __future__ import annotations

import dataclasses
import http.client
import itertools
import socket
import threading
import time
from collections.abc import Callable

import dske_wire as wire


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def path(self) -> str:
        """What follows /hub/NAME/dske/api/v1, without the query."""
        return "/" + self.target.split("?")[0].split("/dske/api/v1/", 1)[-1]


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def with_header(headers: tuple[tuple[str, str], ...], name: str, value: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, value if key.lower() == name.lower() else old) for key, old in headers)


_numbers = itertools.count()


@dataclasses.dataclass
class Exchange:
    """One request of a client and what became of it. The hooks of a proxy change the fields marked (+)."""

    received: Request  # from the client
    sent: Request  # (+) to the hub
    number: int = dataclasses.field(default_factory=lambda: next(_numbers))
    time: float = dataclasses.field(default_factory=time.monotonic)
    copies: int = 1  # (+) how often the request goes to the hub; 0: never
    hub_answers: list[Answer] = dataclasses.field(default_factory=list)  # one for each copy that was answered
    answer: Answer | None = None  # (+) to the client; none: the connection is closed instead
    ended: bool = False  # nothing of it is under way any more


Hook = Callable[[Exchange], None]


class RecordingProxy:
    """Listens from the start; `attach` says where the hub is. Thread-safe."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.before: list[Hook] = []  # called with each request before it goes to the hub
        self.after: list[Hook] = []  # called with each answer before it goes to the client
        self.down = False  # closes every connection without an answer
        self.psrd = wire.Psrd()
        self._hub_port = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def attach(self, hub_port: int) -> None:
        self._hub_port = hub_port

    def learn(self, block: wire.Block) -> None:
        """The checks and the lies need the PSRD."""
        with self._lock:
            self.psrd.add(block)

    def close(self) -> None:
        self._closed = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Closes every connection that is open now."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def go_down(self) -> None:
        """What is not among the exchanges by then does not reach the hub."""
        with self._lock:
            self.down = True
        self.cut()

    def come_up(self) -> None:
        self.down = False

    def recorded(self, method: str = "", path: str = "") -> list[Exchange]:
        """The exchanges so far, in the order of their requests."""
        with self._lock:
            exchanges = sorted(self.exchanges, key=lambda exchange: exchange.number)
        return [
            exchange
            for exchange in exchanges
            if method in ("", exchange.received.method) and exchange.received.path.startswith(path)
        ]

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(connection)
        upstream: list[http.client.HTTPConnection] = []
        try:
            with connection, connection.makefile("rb") as reader:
                while not self.down and not self._closed:
                    request = read_request(reader, connection)
                    if request is None or self.down:
                        return
                    if not self._handle(request, connection, upstream):
                        return
        except OSError:
            pass  # the client went away, or cut() was called
        finally:
            with self._lock:
                self._open.discard(connection)
            for one in upstream:
                one.close()

    def _handle(self, request: Request, connection: socket.socket, upstream: list[http.client.HTTPConnection]) -> bool:
        exchange = Exchange(request, request)
        with self._lock:
            if self.down:
                return False
            self.exchanges.append(exchange)
        try:
            for hook in list(self.before):
                hook(exchange)
            for _ in range(exchange.copies):
                answer = self._ask(exchange.sent, upstream)
                if answer is None:
                    break
                exchange.hub_answers.append(answer)
            if exchange.answer is None and exchange.hub_answers:
                exchange.answer = exchange.hub_answers[0]
            for hook in list(self.after):
                hook(exchange)
            if exchange.answer is None or self.down:
                return False
            connection.sendall(answer_bytes(exchange.answer))
            return True
        finally:
            exchange.ended = True

    def _ask(self, request: Request, upstream: list[http.client.HTTPConnection]) -> Answer | None:
        """Asks the hub; once more on a new connection if the kept one turns out to be closed before an answer."""
        for fresh in (False, True):
            if fresh or not upstream:
                upstream[:] = [http.client.HTTPConnection("127.0.0.1", self._hub_port, timeout=20)]
                fresh = True
            hub = upstream[0]
            try:
                hub.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
                for name, value in request.headers:
                    hub.putheader(name, value)
                hub.endheaders(request.body or None)
                response = hub.getresponse()
                answer = Answer(response.status, tuple(response.getheaders()), response.read())
                if response.will_close:
                    hub.close()
                    upstream.clear()
                return answer
            except http.client.RemoteDisconnected:
                hub.close()
                upstream.clear()
                if fresh:
                    return None
            except (OSError, http.client.HTTPException):
                hub.close()
                upstream.clear()
                return None
        return None


def read_request(reader, connection: socket.socket) -> Request | None:
    line = reader.readline(65536).decode("latin-1").strip()
    if not line:
        return None
    method, target, _ = line.split(" ")
    headers = []
    while True:
        line = reader.readline(65536).decode("latin-1").rstrip("\r\n")
        if not line:
            break
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    request = Request(method, target, tuple(headers), b"")
    if (request.header("Expect") or "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        headers = [(name, value) for name, value in headers if name.lower() != "expect"]
    size = int(request.header("Content-Length") or 0)
    body = reader.read(size)
    if len(body) != size:
        return None
    return Request(method, target, tuple(headers), body)


def answer_bytes(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, 'Unknown')}"]
    lines += [
        f"{name}: {value}"
        for name, value in answer.headers
        if name.lower() not in ("content-length", "transfer-encoding", "connection")
    ]
    lines += [f"Content-Length: {len(answer.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + answer.body
