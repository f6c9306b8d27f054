"""What the two processes of an adapter may do."""

from __future__ import annotations

import pathlib
import pwd

from nodes import run
from tunnels import USER, Adapter

CAP_NET_ADMIN = 12


def capabilities(pid: object) -> dict[str, set[int]]:
    """The numbers of those that a process has, by the kernel's names of its sets."""
    sets = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            bits = int(value, 16)
            sets[name] = {number for number in range(64) if bits >> number & 1}
    assert len(sets) == 4
    return sets


def check_privileges(adapter: Adapter, helper_uid: int) -> None:
    """The process that talks to the network has none and is not root; its helper has CAP_NET_ADMIN."""
    nothing = {"CapInh": set(), "CapPrm": set(), "CapEff": set(), "CapAmb": set()}
    (helper,) = run("pgrep", "-P", adapter.process.pid).stdout.split()
    assert capabilities(adapter.process.pid) == nothing
    assert capabilities(helper) == nothing | {"CapPrm": {CAP_NET_ADMIN}, "CapEff": {CAP_NET_ADMIN}}
    for pid, uids in ((adapter.process.pid, {str(pwd.getpwnam(USER).pw_uid)}), (helper, {str(helper_uid)})):
        status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        assert fields["NoNewPrivs"] == "1" and set(fields["Uid"].split()) == uids
