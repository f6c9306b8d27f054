"""Real tunnels between hosts whose clocks differ by minutes, or are set by minutes meanwhile."""

import time

import pytest

from clocks import ShiftedClock, ShiftedDevice
from nodes import eventually
from pki import Pki
from privileges import needs_root
from tunnel_network import SAES
from tunnel_losses import nothing_lost
from tunnels import HEALS, Tunnels, WatchedTraffic

pytestmark = needs_root

MINUTES = 7 * 60


@pytest.fixture(scope="module")
def old_pki(tmp_path_factory) -> Pki:
    """Its certificates hold since before all of the tests' clocks."""
    return Pki(tmp_path_factory.mktemp("old-pki"), made_before_seconds=3600)


@pytest.fixture(scope="module")
def tunnel_network(tmp_path_factory, old_pki, make_module_network):
    network = make_module_network(clients=SAES, pki=old_pki).start()
    network.all_registered()
    return network


@pytest.fixture
def shift(old_pki, make_tunnels):
    """Makes tunnels whose end a has a clock of its own: shift(seconds)."""
    devices: list[ShiftedDevice] = []

    def make(seconds: float) -> tuple[Tunnels, ShiftedClock]:
        tunnels = make_tunnels(2, certified_by=old_pki, control=True, intervals={"rotate_seconds": 20})
        clock = ShiftedClock(tunnels.a.directory, seconds)
        tunnels.a.environment = clock.environment
        for tunnel, interface in zip(tunnels.tunnels, tunnels.a.config["interfaces"], strict=True):
            path = tunnels.a.directory / f"{tunnel.a.name}.sock"
            devices.append(ShiftedDevice(interface["uapi_socket"], path, clock))
            interface["uapi_socket"] = devices[-1].path
        tunnels.make()
        return tunnels, clock

    yield make
    for device in devices:
        device.close()


def sessions_are_as_old_as_they_are(tunnels: Tunnels) -> None:
    for adapter, side in zip(tunnels.adapters, "ab", strict=True):
        for tunnel in tunnels.tunnels:
            device = getattr(tunnel, side)

            def is_shown(adapter=adapter, device=device) -> bool:
                peer = adapter.peer(device)
                age = time.time() - device.last_handshake()
                # What status shows is of the last look at the device, every 5 s.
                return peer["session"] == "live" and -8 <= peer["handshake_age_seconds"] - age <= 2

            eventually(is_shown, f"the age of the session of {device.name} is shown", 20)


def gates_shut(tunnels: Tunnels) -> int:
    return sum(adapter.log_text().count("the gate shuts") for adapter in tunnels.adapters)


def handshakes_forced(tunnels: Tunnels) -> int:
    return sum(adapter.log_text().count("begins a handshake anew") for adapter in tunnels.adapters)


def test_clocks_differ(shift):
    """First key, rotation, restart: with one end minutes ahead, and minutes behind."""
    pairs = [shift(seconds)[0] for seconds in (MINUTES, -MINUTES)]
    for tunnels in pairs:
        tunnels.start()
    for tunnels in pairs:
        tunnels.up_within(HEALS)
    shut = [gates_shut(tunnels) for tunnels in pairs]

    def rotate():
        traffic = WatchedTraffic(pairs, 32)
        for tunnels, old in [(tunnels, tunnels.keys()) for tunnels in pairs]:
            tunnels.another_key(old, 60)
            sessions_are_as_old_as_they_are(tunnels)
            tunnels.a.kill()
            tunnels.a.start()
        for tunnels in pairs:
            tunnels.a.answers()
        verdict = traffic.verdict()
        for tunnels in pairs:
            sessions_are_as_old_as_they_are(tunnels)
        return verdict

    nothing_lost(rotate)
    assert shut == [gates_shut(tunnels) for tunnels in pairs]


def test_clock_is_set(shift):
    """Forwards, back, and back again: no session is taken for dead, no key for too old."""
    tunnels, clock = shift(0)
    tunnels.start()
    tunnels.up_within(HEALS)
    shut, forced = gates_shut(tunnels), handshakes_forced(tunnels)

    def set_thrice():
        traffic = tunnels.watched_traffic(75)
        for seconds in (MINUTES, -MINUTES, 0):
            clock.set(seconds)
            time.sleep(7)  # until the devices have been looked at
            sessions_are_as_old_as_they_are(tunnels)
            tunnels.another_key(tunnels.keys(), 60)
        return traffic.verdict()

    nothing_lost(set_thrice)
    assert (gates_shut(tunnels), handshakes_forced(tunnels)) == (shut, forced)
