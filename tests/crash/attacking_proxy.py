"""The recording proxy of a crash run: it stands on every link of one hub, writes down all that passes, and is no friend
of either side: it loses messages and answers, sends some twice, and sends old ones again."""

from __future__ import annotations

import collections
import http.client
import itertools
import random
import threading
import time

from recording import Journal, Wired, to_json
from recording_proxy import Answer, Exchange, RecordingProxy, Request, answer_bytes

LOST_REQUESTS = 0.01
LOST_ANSWERS = 0.02
SENT_TWICE = 0.01
REPLAYS = 0.02
# After a restart a hub remembers no single used bytes: then is the time to replay.
REPLAYS_PER_RESTART = 20
REMEMBERED = 400

_sources = itertools.count()


class AttackingProxy(RecordingProxy):
    def __init__(self, journal: Journal, seed: str) -> None:
        super().__init__()
        self._journal = journal
        self._random = random.Random(seed)
        self._old: collections.deque[Request] = collections.deque(maxlen=REMEMBERED)
        self._registrations: collections.deque[Request] = collections.deque(maxlen=20)
        self._attacks = threading.Lock()
        self.hostile = True
        self.counts: collections.Counter[str] = collections.Counter()

    def _handle(self, request: Request, connection, upstream: list[http.client.HTTPConnection]) -> bool:
        exchange = Exchange(request, request)
        wired = Wired(time.monotonic(), request, False, [], False)
        try:
            with self._attacks:
                chance = self._random.random() if self.hostile else 1.0
            if chance < LOST_REQUESTS:
                self.counts["lost requests"] += 1
                return False
            wired.reached_hub = True
            exchange.answer = self._ask(request, upstream)
            if exchange.answer is None:
                return False
            wired.answers.append((time.monotonic(), exchange.answer))
            chance -= LOST_REQUESTS
            if 0 <= chance < SENT_TWICE:
                self.counts["sent twice"] += 1
                self._send_again(request, wired)
            elif 0 <= chance - SENT_TWICE < LOST_ANSWERS:
                self.counts["lost answers"] += 1
                return False
            elif 0 <= chance - SENT_TWICE - LOST_ANSWERS < REPLAYS:
                self.replay(1)
            if self.down:
                return False
            connection.sendall(answer_bytes(exchange.answer))
            wired.passed_on = True
            return True
        finally:
            self._journal.write(to_json(wired))
            self.counts["exchanges"] += 1
            with self._attacks:
                (self._registrations if request.path == "/registration" else self._old).append(request)

    def replay(self, count: int) -> None:
        """Sends old messages again; half of them registrations, which no epoch protects."""
        for _ in range(count):
            with self._attacks:
                kind = self._registrations if self._random.random() < 0.5 else self._old
                request = self._random.choice(list(kind)) if kind else None
            if request is None:
                continue
            wired = Wired(time.monotonic(), request, True, [], False, replayed=True)
            self._send_again(request, wired)
            self._journal.write(to_json(wired))
            self.counts["replays"] += 1

    def hub_restarted(self) -> None:
        if self.hostile:
            self.replay(REPLAYS_PER_RESTART)

    def _send_again(self, request: Request, wired: Wired) -> None:
        """From an address of its own, since hubs count failures by address."""
        number = next(_sources)
        source = f"127.9.{number // 250 % 250}.{number % 250 + 1}"
        connection = http.client.HTTPConnection("127.0.0.1", self._hub_port, timeout=5, source_address=(source, 0))
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                connection.putheader(name, value)
            connection.endheaders(request.body or None)
            response = connection.getresponse()
            answer = Answer(response.status, tuple(response.getheaders()), response.read())
            wired.answers.append((time.monotonic(), answer))
        except (OSError, http.client.HTTPException):
            pass  # the hub is down
        finally:
            connection.close()
