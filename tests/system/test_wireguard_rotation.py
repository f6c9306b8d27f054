"""Keys of real tunnels are rotated under traffic until WireGuard has renewed the sessions by itself. The command
wireguard_run.py does the same with more tunnels for longer."""

import contextlib

from namespaces import receive_buffer
from nodes import eventually
from privileges import needs_root
from tunnel_losses import nothing_lost
from tunnel_sessions import OLDEST, SessionWatch

pytestmark = needs_root

SECONDS = 132


def test_natural_renewal_loses_nothing(make_tunnels):
    tunnels = make_tunnels(delays_ms=[0, 0, 0, 0, 40, 40], control=True, intervals={"rotate_seconds": 30})
    # With the usual ones a device that the machine does not run for half a second loses what comes meanwhile.
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # where that must not be changed, the usual ones have to do
            stack.enter_context(receive_buffer(4 << 20))
        tunnels.make()
    tunnels.start()
    tunnels.up_within(30)

    watches: list[SessionWatch] = []

    def watch():
        watches.append(SessionWatch(tunnels.tunnels))
        verdict = tunnels.watched_traffic(SECONDS, interval_ms=5, stream=True).verdict()
        watches[-1].stop()
        return verdict

    verdict = nothing_lost(watch)
    sessions, oldest = watches[-1].sessions, watches[-1].oldest(verdict)
    keys, renewals = [len(one.keys) for one in sessions], [one.natural_renewals for one in sessions]
    print(f"keys {keys}, natural renewals {renewals}, oldest session {oldest:.1f} s")
    assert min(renewals) >= 1 and min(keys) >= 3
    assert oldest <= OLDEST
    for tunnel in tunnels.tunnels:
        eventually(lambda: tunnel.same_key, "the same key at both ends")
        eventually(tunnel.passes, "it carries data")
