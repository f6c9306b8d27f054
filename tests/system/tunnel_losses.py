"""What was lost on a tunnel, and what of it the machine lost by itself: a machine that stands still overflows the queues
of every device. So a tunnel that nobody touches carries the same traffic beside, and tells when that was."""

from __future__ import annotations

import dataclasses
import json
import subprocess

STALL = 0.5  # seconds; the queues of a device hold more than two seconds of the tests' traffic
MARGIN = 1.0  # seconds before and after a stall for which it answers too

Processes = tuple[subprocess.Popen, subprocess.Popen]
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


def finished(processes: Processes) -> tuple[list[OneWay], float]:
    """Both ways of a tunnel's traffic when it has ended, and the longest stall of its TCP streams in seconds."""
    a, b = (json.loads(process.communicate(timeout=900)[0]) for process in processes)
    ways = []
    for sender, receiver in ((a, b), (b, a)):
        received = receiver["received_at"][: len(sender["sent_at"])]
        received += [None] * (len(sender["sent_at"]) - len(received))
        ways.append(OneWay(sender["sent_at"], received))
    return ways, max(a["tcp_stall_seconds"], b["tcp_stall_seconds"])


def united(intervals: list[Interval]) -> list[Interval]:
    result: list[Interval] = []
    for begin, end in sorted(intervals):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return result


@dataclasses.dataclass
class Verdict:
    sent: int
    lost: int  # by the tunnels: not while the machine stood still
    lost_in_stalls: int
    stalled_seconds: float  # with the margins
    seconds: float


def judge(tunnels: list[OneWay], control: list[OneWay]) -> Verdict:
    """The machine stood still when a sender did, or when the control, which has tunnels of its own, lost or delayed packets.
    What the judged tunnels lose or delay excuses nothing."""
    stalls = [pause for way in [*tunnels, *control] for pause in way.pauses()]
    stalls += [delay for way in control for delay in way.delays()]
    stalls = united([(begin - MARGIN, end + MARGIN) for begin, end in stalls])
    lost = [at for way in tunnels for at in way.lost]
    in_stalls = sum(any(begin <= at <= end for begin, end in stalls) for at in lost)
    return Verdict(
        sent=sum(len(way.sent_at) for way in tunnels),
        lost=len(lost) - in_stalls,
        lost_in_stalls=in_stalls,
        stalled_seconds=sum(end - begin for begin, end in stalls),
        seconds=max(way.sent_at[-1] - way.sent_at[0] for way in tunnels),
    )
