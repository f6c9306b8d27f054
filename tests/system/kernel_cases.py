"""dske-wireguard on the kernel's WireGuard: what test_wireguard_kernel.py runs on a kernel that has it."""

import pwd
import re
import subprocess
import time

import pytest

from adapter_privileges import check_privileges
from inner_tunnels import InnerTunnels
from nodes import BIN, eventually, run
from tunnel_devices import Device, KernelDevice
from tunnels import USER, show_logs_and_close


@pytest.fixture
def make_tunnels(tunnel_network, pki):
    made: list[InnerTunnels] = []

    def make(**options) -> InnerTunnels:
        made.append(InnerTunnels(tunnel_network, pki, **{"kinds": (KernelDevice, KernelDevice), **options}))
        return made[-1]

    yield make
    show_logs_and_close(made)


def first_peer(adapter) -> dict:
    return adapter.status()["peers"][0]


def test_driver():
    """Every request, at its edges."""
    done = run(BIN / "check_kernel_device", code=None, seconds=60)
    assert done.returncode == 0, done.stdout


def test_gate_first_key_and_rotation(make_tunnels):
    """As on userspace devices: an open session is shut, opens with the first key, and stays open through a rotation. The
    several hundred allowed IPs of a peer stay."""
    tunnels = make_tunnels(intervals={"rotate_seconds": 20})
    tunnel = tunnels.one
    tunnel.b.more_allowed_ips = [f"10.9.{i // 256}.{i % 256}/32" for i in range(400)]
    tunnels.make()
    allowed = tunnel.b.allowed_ips()
    assert len(allowed) == 401
    eventually(tunnel.passes, "the plain tunnel carries data")
    tunnels.b.start()
    eventually(lambda: tunnel.b.psk() != "(none)", "the gate shuts")
    for _ in range(3):
        assert not tunnel.passes()
    tunnels.a.start()
    print(f"up {tunnels.up_within(30):.2f} s after the second adapter's start")
    for device in tunnel.ends:
        eventually(lambda: device.keepalive() == 0, "the keep-alive interval is restored", 20)
    for adapter in tunnels.adapters:
        check_privileges(adapter, helper_uid=0)
    key = tunnel.a.psk()
    pings = subprocess.Popen(tunnel.a.inside("ping", "-i", "0.2", tunnel.b.address), stdout=subprocess.PIPE, text=True)

    def another_key() -> bool:
        time.sleep(0.5)  # every look costs an emulated processor much
        return tunnel.same_key and tunnel.a.psk() != key

    eventually(another_key, "another key", 60)
    pings.send_signal(2)
    said = pings.communicate()[0]
    answered = [int(number) for number in re.findall(r"icmp_seq=(\d+) ttl=", said)]
    sent = int(re.search(r"(\d+) packets transmitted", said)[1])
    # The last one may have been under way.
    assert answered == list(range(1, len(answered) + 1)) and sent - len(answered) <= 1, said
    assert tunnel.b.allowed_ips() == allowed


def test_device_made_again(make_tunnels):
    """So is a peer, in the meantime, which nobody but the operator makes."""
    tunnels = make_tunnels()
    tunnel = tunnels.one
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    tunnel.a.delete()
    eventually(lambda: first_peer(tunnels.a)["state"] == "device missing", "the adapter sees that the device is gone")
    assert f"no device {tunnel.a.name}" in first_peer(tunnels.a)["last_error"]
    tunnel.a.make()
    print(f"healed after {tunnels.up_within(30):.2f} s")
    run(*tunnel.b.inside("wg", "set", tunnel.b.name, "peer", tunnel.a.public, "remove"))
    eventually(lambda: first_peer(tunnels.b)["state"] == "peer missing", "the adapter sees that the peer is gone")
    assert run(*tunnel.b.inside("wg", "show", tunnel.b.name, "peers")).stdout == ""
    tunnel.b.delete()
    tunnel.b.make()
    tunnels.up_within(30)
    assert tunnel.same_key


def test_userspace_at_one_end(make_tunnels):
    """And the kernel at the other, under an adapter that was not started as root."""
    tunnels = make_tunnels(kinds=(KernelDevice, Device))
    tunnels.make()
    tunnels.start_as_user(tunnels.a)
    tunnels.b.start()
    tunnels.up_within(30)
    check_privileges(tunnels.a, helper_uid=pwd.getpwnam(USER).pw_uid)
    check_privileges(tunnels.b, helper_uid=0)
