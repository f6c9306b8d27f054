"""The sessions of tunnels, looked at every second: how old they get, and under which keys they are renewed."""

from __future__ import annotations

import dataclasses
import threading
import time

from tunnel_devices import Tunnel
from tunnel_losses import Verdict

NATURAL = 100.0  # seconds; a session that lived longer was not forced to end by an adapter, which would do so early
# WireGuard renews a session at 120 s of age and repeats what gets no answer after 5 s.
OLDEST = 126.0  # seconds


@dataclasses.dataclass
class Sessions:
    """Of one tunnel."""

    ages: list[tuple[float, float]] = dataclasses.field(default_factory=list)  # by the monotonic clock; of either end
    handshakes: list[tuple[float, str]] = dataclasses.field(default_factory=list)  # in seconds since 1970, with its key
    keys: set[str] = dataclasses.field(default_factory=set)

    @property
    def natural_renewals(self) -> int:
        """Those under another key than the session began with, by WireGuard's own timer."""
        return sum(
            new - old > NATURAL and key != old_key
            for (old, old_key), (new, key) in zip(self.handshakes, self.handshakes[1:])
        )


class SessionWatch(threading.Thread):
    """Looks at both ends of each tunnel until it is stopped."""

    def __init__(self, tunnels: list[Tunnel]):
        super().__init__(daemon=True)
        self._tunnels = tunnels
        self._stopped = threading.Event()
        self.sessions = [Sessions() for _ in tunnels]
        self.start()

    def run(self) -> None:
        while not self._stopped.wait(1):
            for tunnel, sessions in zip(self._tunnels, self.sessions):
                times = []
                for device in tunnel.ends:
                    at = device.last_handshake()
                    if at:
                        sessions.ages.append((time.monotonic(), time.time() - at))
                        times.append(at)
                key = tunnel.a.psk()
                sessions.keys.add(key)
                # Within a second the two ends may complete one that either began.
                if times and (not sessions.handshakes or max(times) - sessions.handshakes[-1][0] > 1):
                    sessions.handshakes.append((max(times), key))

    def age(self, tunnel: int, at: float) -> float | None:
        """How old the tunnel's session was at a time of the monotonic clock, by the look before."""
        looks = [(seen, age) for seen, age in self.sessions[tunnel].ages if seen <= at]
        return looks[-1][1] + at - looks[-1][0] if looks else None

    def stop(self) -> list[Sessions]:
        self._stopped.set()
        self.join()
        return self.sessions

    def oldest(self, verdict: Verdict) -> float:
        """The oldest session that was seen, but for times at which the machine stood still."""
        return max(age for one in self.sessions for at, age in one.ages if not verdict.in_stall(at))
