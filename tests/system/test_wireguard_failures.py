"""Adapters and WireGuard devices of real tunnels that end and are there again, at any moment, and starts at the same instant."""

import random
import statistics
import time

from nodes import eventually
from privileges import needs_root
from tunnel_losses import nothing_lost
from tunnels import HEALS

pytestmark = needs_root

STARTS = 50


def test_started_at_the_same_instant(make_tunnels):
    """Both ends 50 times, without a record and on sessions that are open, while both ends send."""
    tunnels = make_tunnels(delays_ms=[0] * 6 + [40] * 4)
    tunnels.make()
    taken: dict[int, list[float]] = {0: [], 40: []}
    for _ in range(STARTS // len(tunnels.tunnels)):
        old = tunnels.keys()
        for adapter in tunnels.adapters:
            adapter.kill()
            adapter.forget()
        tunnels.start()
        for tunnel, seconds in zip(tunnels.tunnels, tunnels.each_up_within(HEALS, *old), strict=True):
            taken[tunnel.delay_ms].append(seconds)
    for delay_ms, times in taken.items():
        print(f"up after the start, round trip {delay_ms} ms: median {statistics.median(times):.2f} s, "
              f"longest {max(times):.2f} s, within 3 s {sum(one <= 3 for one in times)} of {len(times)}")  # fmt: skip


def test_adapter_killed(make_tunnels):
    """The generator of one tunnel, the recoverer of the other. The tunnels go on; once the adapter is back its record knows
    the keys, and rotation goes on."""
    tunnels = make_tunnels(2, control=True, intervals={"rotate_seconds": 20})
    tunnels.make()
    tunnels.start()
    tunnels.up_within(HEALS)

    def kill_twice():
        traffic = tunnels.watched_traffic(30)
        for adapter in tunnels.adapters:
            adapter.kill()
            time.sleep(1)
            adapter.start()
        tunnels.another_key(tunnels.keys(), 60)
        return traffic.verdict()

    nothing_lost(kill_twice)


def test_adapter_killed_during_an_exchange(make_tunnels):
    """One end forgets its key, so that an exchange begins; then either is killed at a random moment and started again."""
    tunnels = make_tunnels(2)
    tunnels.make()
    tunnels.start()
    tunnels.up_within(HEALS)
    healed = []
    for round_ in range(16):
        forgetful, other = tunnels.adapters if round_ % 2 else reversed(tunnels.adapters)
        old = tunnels.keys()
        forgetful.kill()
        forgetful.forget()
        forgetful.start()
        time.sleep(random.uniform(0, 0.4))  # about as long as start and exchange take
        victim = other if round_ % 4 < 2 else forgetful
        victim.kill()
        victim.start()
        healed += tunnels.each_up_within(HEALS, *old)
    print(f"up after the start: median {statistics.median(healed):.2f} s, longest {max(healed):.2f} s")


def test_device_made_again(make_tunnels):
    tunnels = make_tunnels(2)
    tunnels.make()
    tunnels.start()
    tunnels.up_within(HEALS)
    for side in ("a", "b"):
        old = tunnels.keys()
        devices = [getattr(tunnel, side) for tunnel in tunnels.tunnels]
        adapter = getattr(tunnels, side)
        for device in devices:
            device.delete()
        for device in devices:
            eventually(lambda: adapter.peer(device)["state"] == "device missing", "the adapter sees that it is gone")
        for device in devices:
            device.make()
        print(f"healed after {tunnels.each_up_within(HEALS, *old)} s")


def test_key_set_by_somebody_else(make_tunnels):
    """The gate shuts, and another key comes."""
    tunnels = make_tunnels(2)
    tunnels.make()
    tunnels.start()
    tunnels.up_within(HEALS)
    foreign = "d2hvZXZlciBzZXRzIHRoaXMga25vd3MgdGhlIGtleSE="
    for side, adapter in zip("ab", tunnels.adapters):
        old = tunnels.keys()
        for tunnel in tunnels.tunnels:
            getattr(tunnel, side).set_psk(foreign)
        taken = tunnels.each_up_within(HEALS, foreign, *old)
        print(f"healed after {taken} s")
        assert adapter.log_text().count("another key than") == 2
        assert adapter.log_text().count("the gate shuts") >= 4
