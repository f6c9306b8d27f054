"""The product's KME against an independent implementation of the other end: the protocol document is what both were
written from."""

import secrets
import uuid

import pytest

import dske_wire as wire
from dske_client import DskeClient

HUBS = ["hank", "helen", "hilary"]


@pytest.fixture(scope="module", params=["generator", "psrd"])
def network(request, make_module_network):
    """Both of what a KME's keys can be made of; `tess` as an initiator makes hers of the same."""
    network = make_module_network(
        hubs=HUBS, clients={"celia": ["celia"]}, shares_required=2, kme_settings={"key_source": request.param}
    )
    network.key_source = request.param
    network.start()
    network.all_registered()
    return network


@pytest.fixture
def tess(network):
    """A client made by hand, registered with every hub."""
    name = "t" + secrets.token_hex(4)
    clients = {}
    for hub in HUBS:
        network.add_client(hub, name, [name])
        block = wire.parse_psrd(network.assign(hub, name).read_bytes())
        clients[hub] = DskeClient(network.hubs[hub].port, block)
        assert clients[hub].register().status == 200
    yield clients
    for client in clients.values():
        client.close()


def send_psrd_bundle(tess: dict[str, DskeClient], count: int, size: int, hubs=None) -> dict[str, bytes]:
    """As send_bundle, but the secret is made of PSRD: of two of the hubs that get their share."""
    order = list(tess)
    name = tess[order[0]].name
    context = wire.Context(
        wire.new_bundle_id(), name, count, size, name, (wire.Slave("celia", "celia"),), 2,
        tuple(tess[hub].block.hub_id for hub in order),
    )  # fmt: skip
    sources = [hub for hub in order if hubs is None or hub in hubs][-2:]
    sources += [hub for hub in order if hub not in sources][: 2 - len(sources)]
    taken = {hub: tess[hub].take("client_pad", context.share_size) for hub in sources}
    points = {order.index(hub) + 1: tess[hub].psrd.read(taken[hub]) for hub in sources}
    secret, shares = wire.complete(points, len(order))
    tag = wire.tag_of_secret(secret, context)
    for x, hub in enumerate(order, start=1):
        if hubs is not None and hub not in hubs:
            continue
        if hub in taken:
            answer = tess[hub].post_psrd_share(context, taken[hub], tag)
        else:
            answer = tess[hub].post_share(context, shares[x], tag)
        assert answer.status == 200 and answer.signed
    return wire.keys_of_secret(secret, context)


def send_bundle(tess: dict[str, DskeClient], count: int, size: int, hubs=None, key_source="generator") -> dict[str, bytes]:
    """Acts as initiator for celia; `hubs` are those that get their share. Returns the keys."""
    if key_source == "psrd":
        return send_psrd_bundle(tess, count, size, hubs)
    order = list(tess)
    name = tess[order[0]].name
    context = wire.Context(
        wire.new_bundle_id(), name, count, size, name, (wire.Slave("celia", "celia"),), 2,
        tuple(tess[hub].block.hub_id for hub in order),
    )  # fmt: skip
    secret = secrets.token_bytes(context.share_size)
    tag = wire.tag_of_secret(secret, context)
    shares = wire.split(secret, 2, len(order))
    for x, hub in enumerate(order, start=1):
        if hubs is None or hub in hubs:
            answer = tess[hub].post_share(context, shares[x], tag)
            assert answer.status == 200 and answer.signed
    return wire.keys_of_secret(secret, context)


@pytest.mark.parametrize("count, size", [(1, 32), (1, 1), (3, 5), (128, 32), (2, 129)])
def test_the_kme_rebuilds_what_another_initiator_shared(network, tess, count, size):
    keys = send_bundle(tess, count, size, key_source=network.key_source)
    master = tess["hank"].name
    with network.sae("celia") as celia:
        assert celia.dec_keys(master, list(keys)).keys == keys


@pytest.mark.parametrize("hubs", [["hank", "helen"], ["hank", "hilary"], ["helen", "hilary"]])
def test_any_two_of_three_shares_suffice(network, tess, hubs):
    keys = send_bundle(tess, 2, 32, hubs, network.key_source)
    with network.sae("celia") as celia:
        assert celia.dec_keys(tess["hank"].name, list(keys)).keys == keys


@pytest.mark.parametrize("hub", HUBS)
def test_one_share_does_not(network, tess, hub):
    keys = send_bundle(tess, 1, 32, [hub], network.key_source)
    with network.sae("celia") as celia:
        answer = celia.dec_keys(tess["hank"].name, list(keys))
        assert answer.status in (400, 503) and answer.message


def test_a_responder_with_a_higher_minimum_refuses_a_bundle_that_too_few_hubs_protect(make_network):
    network = make_network(hubs=HUBS, clients={"celia": ["celia"]}, kme_settings={"least_shares_required": 3}).start()
    network.all_registered()
    clients = {}
    for hub in HUBS:
        network.add_client(hub, "tess", ["tess"])
        clients[hub] = DskeClient(network.hubs[hub].port, wire.parse_psrd(network.assign(hub, "tess").read_bytes()))
        assert clients[hub].register().status == 200
    keys = send_bundle(clients, 1, 32)
    with network.sae("celia") as celia:
        assert celia.dec_keys("tess", list(keys)).status in (400, 503)


@pytest.mark.parametrize("number, size", [(1, 256), (5, 8), (128, 256), (2, 1000)])
def test_another_responder_rebuilds_what_the_kme_shared(network, tess, number, size):
    name = tess["hank"].name
    keys = network.keys_at_all_hubs("celia", name, number=number, size=size)
    bundle = wire.bundle_of(next(iter(keys)))
    points, seen = {}, set()
    for client in tess.values():
        answer = client.get_share("celia", bundle)
        assert answer.status == 200 and answer.signed
        context, share, tag = client.share_in(answer)
        seen.add((context, tag))
        points[context.hubs.index(client.block.hub_id) + 1] = share
    ((context, tag),) = seen
    assert context.initiator == context.master_sae_id == "celia"
    assert context.slaves == (wire.Slave(name, name),)
    assert context.shares_required == 2 and len(context.hubs) == 3
    for pair in [(1, 2), (1, 3), (2, 3)]:
        secret = wire.recover({x: points[x] for x in pair})
        assert wire.tag_of_secret(secret, context) == tag
        assert wire.keys_of_secret(secret, context) == keys
    assert wire.recover({1: points[1]}) != secret, "one share is not the secret"
    for client in tess.values():
        assert client.confirm("celia", bundle).json == {"confirmed": 1}


def test_a_bundle_whose_secret_does_not_fit_its_tag_is_never_delivered(network, tess):
    order = list(tess)
    name = tess[order[0]].name
    context = wire.Context(
        wire.new_bundle_id(), name, 1, 32, name, (wire.Slave("celia", "celia"),), 2,
        tuple(tess[hub].block.hub_id for hub in order),
    )  # fmt: skip
    for hub in order:
        assert tess[hub].post_share(context, secrets.token_bytes(64), bytes(16)).status == 200
    with network.sae("celia") as celia:
        answer = celia.dec_keys(name, [context.key_id(0)])
        assert answer.status in (400, 503) and answer.message


def test_a_bundle_under_a_hub_that_the_kme_does_not_use_counts_only_its_own(network, tess):
    """Hub ids that nobody has stand for hubs that the responder has no PSRD with."""
    order = list(tess)
    name = tess[order[0]].name
    ids = tuple(tess[hub].block.hub_id for hub in order) + (uuid.uuid4(), uuid.uuid4())
    context = wire.Context(wire.new_bundle_id(), name, 1, 32, name, (wire.Slave("celia", "celia"),), 3, ids)
    secret = secrets.token_bytes(64)
    shares = wire.split(secret, 3, 5)
    for x, hub in enumerate(order, start=1):
        assert tess[hub].post_share(context, shares[x], wire.tag_of_secret(secret, context)).status == 200
    with network.sae("celia") as celia:
        assert celia.dec_keys(name, [context.key_id(0)]).keys == wire.keys_of_secret(secret, context)
