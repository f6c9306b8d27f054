"""Hubs behind the KMEs of the adapters of real tunnels that end and are there again."""

import time

from nodes import eventually
from privileges import needs_root
from tunnel_losses import nothing_lost
from tunnels import HEALS

pytestmark = needs_root

ROTATION = {"rotate_seconds": 20}


def test_no_first_key(make_tunnels, own_tunnel_network):
    """Too few hubs when the adapters start: said in `status`; a key comes as soon as there are enough."""
    hubs = list(own_tunnel_network.hubs.values())
    for hub in hubs[:2]:
        hub.kill()
    tunnels = make_tunnels(2, on=own_tunnel_network)
    tunnels.make()
    tunnels.start()
    for adapter in tunnels.adapters:
        adapter.answers()
    eventually(lambda: tunnels.all_say("KME"), "the cause is shown", 30)
    assert not any(tunnel.passes() for tunnel in tunnels.tunnels)
    hubs[0].serve()
    hubs[0].wait_ready()
    print(f"up {tunnels.up_within(HEALS):.2f} s after the hub was ready")


def test_hubs_killed(make_tunnels, own_tunnel_network):
    """One that can be spared: rotation goes on. One more: the keys stay, and the cause is shown. It is back: so is rotation."""
    hubs = list(own_tunnel_network.hubs.values())
    tunnels = make_tunnels(2, on=own_tunnel_network, control=True, intervals=ROTATION)
    tunnels.make()
    tunnels.start()
    tunnels.up_within(HEALS)

    def kill_two():
        traffic = tunnels.watched_traffic(75)
        hubs[0].kill()
        for _ in range(2):  # the second one was surely begun without the hub
            tunnels.another_key(tunnels.keys(), 60)
        hubs[1].kill()
        eventually(lambda: tunnels.all_say("KME"), "the cause is shown", 60)
        old = tunnels.keys()
        assert all("KME" in adapter.log_text() for adapter in tunnels.adapters)
        time.sleep(3)
        assert tunnels.keys() == old
        tunnels.all_carry()
        assert tunnels.states() == {"active"}
        hubs[1].serve()
        hubs[1].wait_ready()
        print(f"another key {tunnels.another_key(old, HEALS):.2f} s after the hub was ready")
        hubs[0].serve()
        hubs[0].wait_ready()
        own_tunnel_network.all_registered()
        return traffic.verdict()

    nothing_lost(kill_two)
