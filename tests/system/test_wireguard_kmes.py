"""KMEs behind the adapters of real tunnels that end and are there again."""

from nodes import eventually
from privileges import needs_root
from tunnel_losses import nothing_lost
from tunnels import HEALS

pytestmark = needs_root

ROTATION = {"rotate_seconds": 20}


def test_kme_killed(make_tunnels, own_tunnel_network):
    """Either: the generator's of one tunnel, the recoverer's of the other."""
    tunnels = make_tunnels(2, on=own_tunnel_network, control=True, intervals=ROTATION)
    tunnels.make()
    tunnels.start()
    tunnels.up_within(HEALS)

    def kill_each():
        traffic = tunnels.watched_traffic(70)
        for kme in own_tunnel_network.kmes.values():
            eventually(lambda: not tunnels.all_say("KME"), "the cause before is not shown any more")
            kme.kill()
            eventually(lambda: tunnels.all_say("KME"), "the cause is shown", 60)
            old = tunnels.keys()
            kme.serve()
            kme.wait_ready()
            print(f"other keys {tunnels.another_key(old, HEALS):.2f} s after the KME was ready")
        return traffic.verdict()

    nothing_lost(kill_each)


def test_no_key_for_too_long(make_tunnels, own_tunnel_network):
    """Both KMEs are gone for longer than a key may be used: the gate shuts at both ends, and heals when they are back."""
    tunnels = make_tunnels(2, on=own_tunnel_network, intervals=ROTATION | {"key_age_most_seconds": 80})
    tunnels.make()
    tunnels.start()
    tunnels.up_within(HEALS)
    old = tunnels.keys()
    for kme in own_tunnel_network.kmes.values():
        kme.kill()
    eventually(lambda: tunnels.states() == {"shut"}, "the gate shuts at both ends", 110)
    assert not any(tunnel.same_key or tunnel.passes() for tunnel in tunnels.tunnels)
    assert all("too long" in adapter.log_text() for adapter in tunnels.adapters)
    for kme in own_tunnel_network.kmes.values():
        kme.serve()
    for kme in own_tunnel_network.kmes.values():
        kme.wait_ready()
    print(f"healed {max(tunnels.each_up_within(HEALS, *old)):.2f} s after the KMEs were ready")
