"""Fixtures: networks that start in a temporary directory and end with the test, whatever becomes of it."""

from __future__ import annotations

import pytest

from network import Network
from nodes import BIN
from pki import Pki
from topology import Topology
from tunnel_network import SAES as TUNNEL_SAES
from tunnels import Tunnels, show_logs_and_close

HUBS = ["hank", "helen", "hilary", "holly", "hugo"]
ODD_SAES = ["sae with spaces", "a/b/c", "Zürich-鍵", "100%2F", "q?x=1&y#z", "plus+sign"]

TWO_KMES = {"carol": ["carol"], "celia": ["celia"]}

_live: list[object] = []


def pytest_configure() -> None:
    missing = [name for name in ("dske-hub", "dske-kme", "dske-manager") if not (BIN / name).exists()]
    if missing:
        raise pytest.UsageError(f"{', '.join(missing)} not in {BIN}: build first, or set DSKE_BIN")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for network in _live:
            for name, text in logs_of(network):
                if text:
                    report.sections.append((f"log of {name}", text[-3000:]))


def logs_of(network: object) -> list[tuple[str, str]]:
    if isinstance(network, Network):
        return [(f"{node.kind} {node.name} ({node.log})", node.log_text()) for node in network.nodes]
    return [(name, network.log_text(name)) for name in [*network.hubs, *network.clients]]


@pytest.fixture(scope="session")
def pki(tmp_path_factory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def foreign_pki(tmp_path_factory) -> Pki:
    """Another CA, which nobody trusts."""
    return Pki(tmp_path_factory.mktemp("foreign-pki"))


def keeper(networks: list):
    """Registers networks for the logs, and stops them at the end."""

    def keep(network):
        networks.append(network)
        _live.append(network)
        return network

    return keep


def stop_all(networks: list) -> None:
    for network in networks:
        network.stop()
        _live.remove(network)


@pytest.fixture
def make_network(tmp_path, pki):
    """Makes a network by hand: make_network(hubs, clients, **options of Network). It is not started."""
    networks: list[Network] = []
    keep = keeper(networks)

    def make(hubs=HUBS[:3], clients=None, **options) -> Network:
        directory = tmp_path / f"network-{len(networks)}"
        return keep(Network(directory, pki, list(hubs), TWO_KMES if clients is None else clients, **options))

    yield make
    stop_all(networks)


@pytest.fixture(scope="module")
def make_module_network(tmp_path_factory, pki):
    """As make_network, for networks that the tests of one file share."""
    networks: list[Network] = []
    keep = keeper(networks)
    own_pki = pki

    def make(hubs=HUBS[:3], clients=None, pki=own_pki, **options) -> Network:
        directory = tmp_path_factory.mktemp("network") / "nodes"
        return keep(Network(directory, pki, list(hubs), TWO_KMES if clients is None else clients, **options))

    yield make
    stop_all(networks)


@pytest.fixture
def make_topology(tmp_path):
    """Makes a topology for the manager: make_topology(hubs, clients, **settings). It is not started."""
    topologies: list[Topology] = []
    keep = keeper(topologies)

    def make(hubs=HUBS[:3], clients=None, **settings) -> Topology:
        directory = tmp_path / f"topology-{len(topologies)}"
        return keep(Topology(directory, list(hubs), clients or {"carol": None, "celia": None}, **settings))

    yield make
    stop_all(topologies)


@pytest.fixture(scope="session")
def town(tmp_path_factory) -> Topology:
    """Five hubs and five KMEs with SAEs of all kinds, run by the manager. No test may damage it."""
    clients = {
        "carol": None,
        "celia": ["serena", "sam"],
        "cindy": ODD_SAES,
        "connie": None,
        "curtis": ["sunny", "susan"],
    }
    topologies: list[Topology] = []
    topology = keeper(topologies)(
        Topology(tmp_path_factory.mktemp("town"), HUBS, clients, psrd={"client_bytes": 1048576, "hub_bytes": 1048576})
    )
    topology.start()
    topology.all_registered()
    yield topology
    stop_all(topologies)


@pytest.fixture(scope="module")
def tunnel_network(make_module_network) -> Network:
    """For the adapters of WireGuard tunnels. No test may damage it."""
    network = make_module_network(clients=TUNNEL_SAES).start()
    network.all_registered()
    return network


@pytest.fixture
def make_tunnels(request, pki):
    """Makes tunnels and adapters that do not run yet: make_tunnels(count, **options of Tunnels), on the shared network
    unless `on` is given."""
    made: list[Tunnels] = []

    def make(count: int = 1, on: Network | None = None, **options) -> Tunnels:
        network = on or request.getfixturevalue("tunnel_network")
        made.append(Tunnels(network, options.pop("certified_by", pki), count, **options))
        return made[-1]

    yield make
    show_logs_and_close(made)


@pytest.fixture
def own_tunnel_network(make_network) -> Network:
    """As tunnel_network, for one test to damage."""
    network = make_network(clients=TUNNEL_SAES).start()
    network.all_registered()
    return network
