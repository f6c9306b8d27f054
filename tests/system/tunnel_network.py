"""The network that the tests' tunnels get their keys from."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

from network import Network
from pki import Pki

HUBS = ["hank", "helen", "hilary"]
SAES = {"carol": ["alice"], "celia": ["bob"]}  # the adapters', by their KME


@contextlib.contextmanager
def network_of_tunnels(psrd_bytes: int) -> Iterator[tuple[Network, Pki]]:
    """For a command, in a directory of its own. With so much PSRD of each hub, for either direction."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="dske-network-"))
    pki = Pki(directory / "pki")
    network = Network(directory / "network", pki, HUBS, SAES, client_bytes=psrd_bytes, hub_bytes=psrd_bytes)
    try:
        network.start()
        network.all_registered()
        yield network, pki
    finally:
        network.stop()
