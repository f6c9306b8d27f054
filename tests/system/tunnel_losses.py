"""What was lost on a tunnel, and what of it the machine lost by itself: a machine that stands still overflows the queues
of every device. So a tunnel that nobody touches carries the same traffic beside, and tells when that was."""

from __future__ import annotations

import dataclasses
import itertools
import json
import subprocess
import tempfile
from collections.abc import Callable

from nodes import BIN
from tunnel_devices import Tunnel

TRAFFIC = BIN / "tunnel-traffic"
STALL = 0.5  # seconds; the queues of a device hold more than two seconds of the tests' traffic
MARGIN = 1.0  # seconds before and after a stall for which it answers too
MEASUREMENTS_MOST = 3

Interval = tuple[float, float]


@dataclasses.dataclass
class OneWay:
    """The packets from one end to the other, by the machine's monotonic clock."""

    sent_at: list[float]
    received_at: list[float | None]  # one for each of sent_at

    @property
    def lost(self) -> list[float]:
        """When they were sent."""
        return [sent for sent, received in zip(self.sent_at, self.received_at, strict=True) if received is None]

    def losses(self, tunnel: int, way: int) -> list[Loss]:
        """One for each row of packets that were lost without one between that came."""
        found = []
        delays = [(sent, received and received - sent) for sent, received in zip(self.sent_at, self.received_at, strict=True)]
        came_before = 0.0
        for came, group in itertools.groupby(delays, lambda packet: packet[1] is not None):
            row = list(group)
            if came:
                if found and found[-1].delay_after is None:
                    found[-1].delay_after = round(row[0][1], 3)
                came_before = round(row[-1][1], 3)
            else:
                found.append(Loss(tunnel, way, len(row), round(row[0][0], 3), round(row[-1][0], 3), came_before, None))
        return found

    def pauses(self) -> list[Interval]:
        """When the sender itself, which waits for nobody, did not get to run."""
        return [(one, two) for one, two in zip(self.sent_at, self.sent_at[1:]) if two - one > STALL]

    def delays(self) -> list[Interval]:
        """When packets were lost or late."""
        found = []
        for sent, received in zip(self.sent_at, self.received_at, strict=True):
            until = sent + STALL if received is None else received
            if received is None or until - sent > STALL:
                found.append((sent, until))
        return found


@dataclasses.dataclass
class BothWays:
    ways: list[OneWay]
    tcp_stall_seconds: float  # the longest


class Traffic:
    """Both ends of each tunnel send packets and, if wanted, a TCP stream held to 1 Mbit/s."""

    def __init__(self, tunnels: list[Tunnel], seconds: float, interval_ms: float = 10, stream: bool = False):
        command = [str(TRAFFIC), str(seconds), str(interval_ms), *(["stream"] if stream else [])]
        lines = [f"{t.a.name} {t.a.address} {t.b.name} {t.b.address}\n" for t in tunnels]
        self._most = seconds + 300
        self._output = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._output, text=True)
        self._process.stdin.writelines(lines)
        self._process.stdin.close()

    def finished(self) -> list[BothWays]:
        """When it has ended: of each tunnel."""
        status = self._process.wait(self._most)
        assert status == 0, f"the traffic ended with {status}"
        with self._output:
            self._output.seek(0)
            return [
                BothWays([OneWay(**way) for way in one["ways"]], one["tcp_stall_seconds"])
                for one in json.load(self._output)
            ]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


def united(intervals: list[Interval]) -> list[Interval]:
    result: list[Interval] = []
    for begin, end in sorted(intervals):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return result


@dataclasses.dataclass
class Loss:
    """What one way of a tunnel lost."""

    tunnel: int  # counted from 0
    way: int  # 0: from a to b
    packets: int
    first: float  # when it was sent, by the monotonic clock
    last: float
    delay_before: float  # seconds that the last packet which came was on its way; 0 if none had
    delay_after: float | None  # and the next one, if one came


@dataclasses.dataclass
class Verdict:
    sent: int
    lost: int  # by the tunnels: not while the machine stood still
    lost_in_stalls: int
    stalls: list[Interval]  # with the margins
    seconds: float
    losses: list[Loss]
    tcp_stall_seconds: float = 0

    @property
    def stalled_seconds(self) -> float:
        return sum(end - begin for begin, end in self.stalls)

    def in_stall(self, at: float) -> bool:
        return any(begin <= at <= end for begin, end in self.stalls)


def judge(tunnels: list[OneWay], control: list[OneWay]) -> Verdict:
    """The machine stood still when a sender did, or when the control, which has tunnels of its own, lost or delayed packets.
    What the judged tunnels lose or delay excuses nothing."""
    stalls = [pause for way in [*tunnels, *control] for pause in way.pauses()]
    stalls += [delay for way in control for delay in way.delays()]
    verdict = Verdict(
        sent=sum(len(way.sent_at) for way in tunnels),
        lost=0,
        lost_in_stalls=0,
        stalls=united([(begin - MARGIN, end + MARGIN) for begin, end in stalls]),
        seconds=max(way.sent_at[-1] - way.sent_at[0] for way in tunnels),
        losses=[loss for number, way in enumerate(tunnels) for loss in way.losses(number // 2, number % 2)],
    )
    lost = [at for way in tunnels for at in way.lost]
    verdict.lost_in_stalls = sum(verdict.in_stall(at) for at in lost)
    verdict.lost = len(lost) - verdict.lost_in_stalls
    return verdict


def nothing_lost(measure: Callable[[], Verdict]) -> Verdict:
    """Measures, and again if the machine stood still for most of the time: such a measurement says nothing."""
    for _ in range(MEASUREMENTS_MOST):
        verdict = measure()
        if verdict.stalled_seconds <= verdict.seconds / 2:
            break
    assert verdict.stalled_seconds <= verdict.seconds / 2, f"the machine stands still: {verdict}"
    assert verdict.lost == 0, verdict
    return verdict
