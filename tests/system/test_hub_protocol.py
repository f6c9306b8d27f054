"""A hub, spoken to by clients made by hand: what it accepts, and that nothing is accepted twice or from the wrong
place."""

import concurrent.futures
import secrets
import time
import uuid

import pytest

import dske_wire as wire
from dske_client import DskeClient, Prepared
from nodes import eventually
from wire_check import check_uses, Use


@pytest.fixture(scope="module")
def hub_network(make_module_network):
    network = make_module_network(hubs=["hank"], clients={})
    network.provision()
    for hub in network.hubs.values():
        hub.serve()
        hub.wait_ready()
    return network


class People:
    """Makes fresh test clients at the hub."""

    def __init__(self, network):
        self.network = network
        self.made: list[DskeClient] = []

    @property
    def hub(self):
        return self.network.hubs["hank"]

    def new(self, name: str = "", registered: bool = True, **sizes) -> DskeClient:
        name = name or "t" + secrets.token_hex(4)
        self.network.add_client("hank", name, [name])
        sizes = {"client_bytes": 65536, "hub_bytes": 65536, **sizes}
        block = wire.parse_psrd(self.network.assign("hank", name, **sizes).read_bytes())
        client = DskeClient(self.hub.port, block)
        self.made.append(client)
        if registered:
            answer = client.register()
            assert answer.status == 200 and answer.signed, answer
        return client

    def restart_hub(self, way: str) -> None:
        """`way` is kill or terminate."""
        getattr(self.hub, way)()
        for client in self.made:
            client.close()
        self.hub.serve()
        self.hub.wait_ready()

    def left(self, client: DskeClient) -> dict[str, int]:
        level = self.hub.psrd(client.name)
        return {zone: level[zone]["left_bytes"] for zone in wire.ZONES}

    def waiting(self) -> int:
        return self.hub.status()["waiting_bundles"]


@pytest.fixture
def people(hub_network):
    people = People(hub_network)
    yield people
    for client in people.made:
        # The hub never spent a byte of its own twice, nor outside its zones.
        uses = [
            Use(fragment, "hub_pad" if what == "pad" else "hub_authenticator", what, (index,))
            for index, (what, fragment) in enumerate(client.spent_by_hub)
        ]
        check_uses(uses, client.psrd)
        client.close()


def context_for(tess: DskeClient, theo: DskeClient, **changes) -> wire.Context:
    values = {
        "bundle_id": wire.new_bundle_id(),
        "initiator": tess.name,
        "key_count": 1,
        "key_size_bytes": 32,
        "master_sae_id": tess.name,
        "slaves": (wire.Slave(theo.name, theo.name),),
        "shares_required": 2,
        "hubs": (tess.block.hub_id, uuid.uuid4(), uuid.uuid4()),
    }
    return wire.Context(**{**values, **changes})


def post(tess: DskeClient, theo: DskeClient, **changes) -> wire.Context:
    """A bundle that the hub has accepted."""
    context = context_for(tess, theo, **changes)
    answer = tess.post_share(context, secrets.token_bytes(context.share_size), bytes(16))
    assert answer.status == 200 and answer.signed and answer.json == {"stored": True}
    return context


# --- registration ------------------------------------------------------------------------------------------------------


def test_registration_tells_who_the_hub_is_and_where_it_stands(people):
    tess = people.new(registered=False)
    answer = tess.register()
    assert answer.status == 200 and answer.signed
    told = answer.json
    assert told["protocol_version"] == 1
    assert told["hub_id"] == str(tess.block.hub_id)
    assert told["hub_name"] == "hank"
    assert told["sae_ids"] == [tess.name] and told["refused_sae_ids"] == []
    assert told["unknown_blocks"] == []
    assert set(told["limits"]) >= {"share_bytes", "lifetime_seconds", "slaves"}
    (block,) = told["blocks"]
    assert block["block_uuid"] == str(tess.block.block)
    for zone in ("hub_authenticator", "hub_pad"):
        start, end = tess.block.zone(zone)
        assert start <= block[zone] <= end
    start, end = tess.block.zone("client_authenticator")
    assert start < block["client_authenticator_seen"] <= end
    assert uuid.UUID(told["epoch"]).int != 0


def test_the_epoch_is_the_same_until_the_hub_restarts(people):
    tess = people.new()
    epoch = tess.epoch
    assert tess.register().status == 200
    assert tess.epoch == epoch


@pytest.mark.parametrize("step", [0, -1])
def test_a_registration_number_that_does_not_grow_is_refused(people, step):
    tess = people.new()
    assert tess.register().status == 200
    number = tess.registration_number
    answer = tess.call("PUT", "/registration", tess.registration(registration_number=number + step))
    assert answer.status == 409 and answer.signed
    tess.registration_number = number
    assert tess.register().status == 200


def test_a_replayed_registration_is_refused(people):
    tess = people.new(registered=False)
    request = tess.prepare("PUT", "/registration", wire.compact(tess.registration()))
    assert tess.send(request).status == 200
    answer = tess.send(request)
    assert answer.status == 401 and not answer.signed


def test_another_clients_name_is_refused(people):
    tess, theo = people.new(), people.new()
    answer = tess.register(client_name=theo.name)
    assert 400 <= answer.status < 500 and answer.signed


def test_an_sae_that_the_operator_did_not_bind_is_refused(people):
    tess, theo = people.new(), people.new()
    answer = tess.register(sae_ids=[tess.name, theo.name, "nobody"])
    assert answer.status == 200
    assert answer.json["sae_ids"] == [tess.name]
    assert sorted(answer.json["refused_sae_ids"]) == sorted([theo.name, "nobody"])
    assert tess.sae(theo.name).json["client_name"] == theo.name


def test_a_block_that_the_hub_does_not_know_is_told(people):
    tess = people.new()
    value = tess.registration()
    stranger = str(uuid.uuid4())
    value["blocks"].append({**value["blocks"][0], "block_uuid": stranger})
    answer = tess.call("PUT", "/registration", value)
    assert answer.status == 200
    assert answer.json["unknown_blocks"] == [stranger]


def test_bytes_below_what_the_client_may_still_use_are_discarded(people):
    """A client whose store was set back would use them again: the hub no longer has them."""
    tess = people.new()
    skipped = tess.authenticator()
    assert tess.register().status == 200
    answer = tess.call("GET", "/sae/x", fragments=skipped)
    assert answer.status == 401 and not answer.signed


@pytest.mark.parametrize(
    "change",
    [
        {"protocol_version": 2},
        {"registration_number": "1"},
        {"registration_number": -1},
        {"polling_key": []},
        {"sae_ids": "tess"},
        {"sae_ids": [1]},
        {"blocks": {}},
        {"blocks": [{"block_uuid": "x"}]},
    ],
    ids=str,
)
def test_a_registration_that_makes_no_sense_is_refused_and_changes_nothing(people, change):
    tess = people.new()
    answer = tess.register(**change)
    assert 400 <= answer.status < 500 and answer.signed
    assert answer.json["message"]
    assert tess.sae(tess.name).status == 200
    assert tess.register().status == 200


@pytest.mark.parametrize("zone", ["client_pad", "hub_authenticator", "hub_pad"])
def test_a_polling_key_from_elsewhere_is_refused(people, zone):
    tess = people.new()
    start, _ = tess.block.zone(zone)
    where = [wire.Fragment(tess.block.block, start, 32).to_json()]
    answer = tess.register(polling_key=where)
    assert 400 <= answer.status < 500 and answer.signed


def test_a_polling_key_of_used_bytes_is_refused(people):
    tess = people.new()
    start, _ = tess.block.zone("client_authenticator")
    answer = tess.register(polling_key=[wire.Fragment(tess.block.block, start, 32).to_json()])
    assert 400 <= answer.status < 500 and answer.signed


# --- who serves an SAE -------------------------------------------------------------------------------------------------


def test_saes_are_looked_up(people):
    tess, theo = people.new(), people.new()
    assert tess.sae(theo.name).json == {"sae_id": theo.name, "client_name": theo.name, "registered": True}
    silent = people.new(registered=False)
    assert tess.sae(silent.name).json == {"sae_id": silent.name, "client_name": silent.name, "registered": False}
    unknown = tess.sae("nobody / knows")
    assert unknown.status == 404 and unknown.signed


# --- relay -------------------------------------------------------------------------------------------------------------


def test_a_share_reaches_the_slaves_client_and_no_other(people):
    tess, theo, mallory = people.new(), people.new(), people.new()
    context = context_for(tess, theo, key_count=3)
    share, tag = secrets.token_bytes(context.share_size), secrets.token_bytes(16)
    assert tess.post_share(context, share, tag).json == {"stored": True}
    for _ in range(3):  # it may be repeated, each time under a fresh pad
        answer = theo.get_share(tess.name, context.bundle_id)
        assert answer.status == 200 and answer.signed
        assert theo.share_in(answer) == (context, share, tag)
        assert 3500 < answer.key_share["lifetime_seconds"] <= 3600
    for other in (mallory, tess):
        answer = other.get_share(tess.name, context.bundle_id)
        assert answer.status == 404 and answer.signed
    assert theo.get_share(mallory.name, context.bundle_id).status == 404


def test_a_confirmed_bundle_is_gone(people):
    tess, theo = people.new(), people.new()
    context = post(tess, theo)
    before = people.waiting()
    answer = theo.confirm(tess.name, context.bundle_id)
    assert answer.status == 200 and answer.json == {"confirmed": 1}
    assert theo.get_share(tess.name, context.bundle_id).status == 404
    assert people.waiting() == before - 1


def test_a_bundle_waits_until_all_slaves_clients_confirmed(people):
    tess, theo, thea = people.new(), people.new(), people.new()
    context = post(tess, theo, slaves=(wire.Slave(theo.name, theo.name), wire.Slave(thea.name, thea.name)))
    assert theo.get_share(tess.name, context.bundle_id).status == 200
    assert theo.confirm(tess.name, context.bundle_id).status == 200
    assert theo.get_share(tess.name, context.bundle_id).status == 404
    assert thea.get_share(tess.name, context.bundle_id).status == 200


def test_another_client_cannot_confirm_away_a_bundle(people):
    tess, theo, mallory = people.new(), people.new(), people.new()
    context = post(tess, theo)
    mallory.confirm(tess.name, context.bundle_id)
    tess.confirm(tess.name, context.bundle_id)
    assert theo.get_share(tess.name, context.bundle_id).status == 200


def test_only_the_initiator_can_withdraw(people):
    tess, theo = people.new(), people.new()
    context = post(tess, theo)
    assert theo.withdraw(context.bundle_id).json == {"withdrawn": True}
    assert theo.get_share(tess.name, context.bundle_id).status == 200
    assert tess.withdraw(context.bundle_id).json == {"withdrawn": True}
    assert theo.get_share(tess.name, context.bundle_id).status == 404
    assert tess.withdraw(context.bundle_id).json == {"withdrawn": True}


def test_a_bundle_id_cannot_be_squatted(people):
    tess, theo, mallory = people.new(), people.new(), people.new()
    squatted = post(mallory, theo)
    context = context_for(tess, theo, bundle_id=squatted.bundle_id)
    share = secrets.token_bytes(context.share_size)
    assert tess.post_share(context, share, bytes(16)).status == 200
    assert theo.share_in(theo.get_share(tess.name, context.bundle_id))[1] == share


def test_the_same_bundle_twice_is_a_contradiction(people):
    tess, theo = people.new(), people.new()
    context = post(tess, theo)
    answer = tess.post_share(context, bytes(context.share_size), bytes(16))
    assert answer.status == 409 and answer.signed


def test_a_lifetime_ends(people):
    tess, theo = people.new(), people.new()
    context = context_for(tess, theo)
    before = people.waiting()
    assert tess.post_share(context, bytes(context.share_size), bytes(16), lifetime_seconds=1).status == 200
    time.sleep(1.05)  # what is tested is that time itself ends it
    assert theo.get_share(tess.name, context.bundle_id).status == 404
    eventually(lambda: people.waiting() <= before, "the share is wiped", 30)


def context_faults(tess, theo, mallory):
    yield "not the caller's", {"initiator": theo.name}
    yield "another's master SAE", {"master_sae_id": theo.name}
    yield "an unknown master SAE", {"master_sae_id": "nobody"}
    yield "not in the hub list", {"hubs": (uuid.uuid4(), uuid.uuid4(), uuid.uuid4())}
    yield "twice in the hub list", {"hubs": (tess.block.hub_id, tess.block.hub_id, uuid.uuid4())}
    yield "no hubs", {"hubs": ()}
    yield "the slave at another client", {"slaves": (wire.Slave(theo.name, mallory.name),)}
    yield "only unknown slaves", {"slaves": (wire.Slave("nobody", "noone"),)}
    yield "no slaves", {"slaves": ()}
    yield "a slave twice", {"slaves": (wire.Slave(theo.name, theo.name),) * 2}
    yield "k is 0", {"shares_required": 0}
    yield "k is more than n", {"shares_required": 4}
    yield "no keys", {"key_count": 0}
    yield "empty keys", {"key_size_bytes": 0}
    yield "a bundle id that does not end in zeros", {"bundle_id": uuid.UUID("11111111-2222-4333-8444-555555550001")}


def test_a_wrong_context_is_refused(people):
    tess, theo, mallory = people.new(), people.new(), people.new()
    before = people.waiting()
    for what, change in context_faults(tess, theo, mallory):
        context = context_for(tess, theo, **change)
        answer = tess.post_share(context, bytes(context.share_size), bytes(16))
        assert 400 <= answer.status < 500 and answer.signed, what
        assert answer.json["message"], what
    assert people.waiting() == before


@pytest.mark.parametrize("size", [0, 1, 63, 65])
def test_a_share_of_the_wrong_size_is_refused(people, size):
    tess, theo = people.new(), people.new()
    context = context_for(tess, theo)
    value = tess.share_request(
        context, bytes(size), bytes(16), allocation=tess.take("client_pad", size) if size else []
    )
    answer = tess.send_share(value)
    assert answer.status == 400 and answer.signed


def test_an_allocation_of_another_size_than_the_share_is_refused(people):
    tess, theo = people.new(), people.new()
    context = context_for(tess, theo)
    for size in (63, 65):
        value = tess.share_request(context, bytes(64), bytes(16), allocation=tess.take("client_pad", size))
        answer = tess.send_share(value)
        assert answer.status == 400 and answer.signed


def test_requests_that_make_no_sense_get_400(people):
    tess, theo = people.new(), people.new()
    good = tess.share_request(context_for(tess, theo), bytes(64), bytes(16))
    heads = [b"", b"{", b"[]", b"null", b"\xff", b'{"context": {}, "context": {}}']
    bodies = heads + [len(head).to_bytes(4, "big") + head + good["encrypted_share"] for head in heads]
    whole = wire.key_share_body(good)
    bodies += [whole[:-1], whole + b"x", whole[4:], b"\xff\xff\xff\xff" + whole[4:], b"\0\0\0\0" + whole[4:]]
    bodies += [wire.key_share_body({key: value for key, value in good.items() if key != gone}) for gone in good]
    bodies += [
        wire.key_share_body({**good, name: value})
        for name, value in [
            ("context", 1), ("encrypted_share", bytes(63)), ("more", 7), ("allocation", "x"), ("secret_tag", "AA=="),
            ("share_from", "psrd"), ("share_from", "x"), ("lifetime_seconds", 0), ("lifetime_seconds", -1), ("lifetime_seconds", "1"),
            ("allocation", [{"block_uuid": str(tess.block.block), "start": -1, "size": 64}]),
            ("allocation", [{"block_uuid": str(tess.block.block), "start": 2**63, "size": 64}]),
        ]
    ]  # fmt: skip
    for body in bodies:
        answer = tess.call("POST", "/key-share", body)
        assert answer.status == 400 and answer.signed, body
        assert answer.json["message"]
    for path in ("/key-share", "/key-share?initiator=x", f"/key-share?initiator={tess.name}&key_id=x"):
        answer = theo.call("GET", path)
        assert answer.status == 400 and answer.signed, path
    for value in ({}, {"bundles": 1}, {"bundles": [{}]}, {"bundles": [{"initiator": "x", "bundle_id": "x"}]}):
        answer = theo.call("POST", "/key-share/confirmation", value)
        assert answer.status == 400 and answer.signed, value
    many = [{"initiator": tess.name, "bundle_id": str(wire.new_bundle_id())} for _ in range(257)]
    assert theo.call("POST", "/key-share/confirmation", {"bundles": many}).status in (400, 413)
    # After all of that a good one still passes.
    post(tess, theo)


# --- every byte once -----------------------------------------------------------------------------------------------------


def test_used_pad_bytes_are_refused(people):
    tess, theo = people.new(), people.new()
    first = context_for(tess, theo)
    pad = tess.take("client_pad", 64)
    assert tess.post_share(first, bytes(64), bytes(16), allocation=pad).status == 200
    for start in (pad[0].start, pad[0].start + 63, pad[0].start - 63):
        if start < tess.block.zone("client_pad")[0]:
            continue
        second = context_for(tess, theo)
        again = [wire.Fragment(tess.block.block, start, 64)]
        answer = tess.post_share(second, bytes(64), bytes(16), allocation=again)
        assert 400 <= answer.status < 500 and answer.signed
        assert theo.get_share(tess.name, second.bundle_id).status == 404


def test_used_authenticator_bytes_are_refused(people):
    """A correct tag under bytes that were used before: for the same message and for another."""
    tess = people.new()
    fragments = tess.authenticator()
    request = tess.prepare("GET", f"/sae/{tess.name}", fragments=fragments)
    assert tess.send(request).status == 200
    other = tess.prepare("GET", "/sae/x", fragments=fragments)
    halves = [wire.Fragment(tess.block.block, fragments[0].start + 16, 16), *tess.take("client_authenticator", 16)]
    for again in (request, other, tess.prepare("GET", "/sae/x", fragments=halves)):
        answer = tess.send(again)
        assert answer.status == 401 and not answer.signed


def wrong_fragments(tess: DskeClient, theo: DskeClient):
    block = tess.block.block
    fresh = tess.take("client_authenticator", 256)[0].start
    other = theo.take("client_authenticator", 64)[0].start
    piece = wire.Fragment
    for zone in ("client_pad", "hub_authenticator", "hub_pad"):
        start, end = tess.block.zone(zone)
        yield f"from {zone}", [piece(block, end - 32, 32)]
        yield f"partly from {zone}", [piece(block, fresh, 16), piece(block, end - 16, 16)]
        yield f"into {zone}", [piece(block, start - 16, 32)]
    yield "overlapping", [piece(block, fresh, 20), piece(block, fresh + 10, 12)]
    yield "the same twice", [piece(block, fresh, 16), piece(block, fresh, 16)]
    yield "of two clients", [piece(block, fresh, 16), piece(theo.block.block, other, 16)]


def test_signatures_with_bytes_from_elsewhere_are_refused(people):
    tess, theo = people.new(), people.new()
    both = wire.Psrd([tess.block, theo.block])
    for what, fragments in wrong_fragments(tess, theo):
        before = people.left(tess), people.left(theo)
        request = tess.prepare("GET", f"/sae/{tess.name}", fragments=fragments, key=both.read(fragments))
        answer = tess.send(request)
        assert answer.status == 401 and not answer.signed, what
        assert (people.left(tess), people.left(theo)) == before, what


def header_faults(tess: DskeClient):
    block, tag = tess.block.block, wire.b64(bytes(16))
    start = tess.take("client_authenticator", 64)[0].start
    end = len(tess.block.data)
    yield ""
    yield ";"
    yield f";{tag}"
    yield f"{block}:{start}:32"
    yield f"{block}:{start}:32;"
    yield f"{block}:{start}:32;{tag};{tag}"
    yield f"{block}:{start}:32;{tag[:-1]}"
    yield f"{block}:{start}:32;{wire.b64(bytes(15))}"
    yield f"{block}:{start}:32;{wire.b64(bytes(17))}"
    yield f"{block}:{start}:31;{tag}"
    yield f"{block}:{start}:33;{tag}"
    yield f"{block}:{start}:0,{block}:{start}:32;{tag}"
    yield f"{block}:{start}:-32;{tag}"
    yield f"{block}:-1:32;{tag}"
    yield f"{block}:+{start}:32;{tag}"
    yield f"{block}: {start}:32;{tag}"
    yield f"{block}:{start}.0:32;{tag}"
    yield f"{block}:{end}:32;{tag}"
    yield f"{block}:18446744073709551615:32;{tag}"
    yield f"{block}:18446744073709551616:32;{tag}"
    yield f"{block}:99999999999999999999999999:32;{tag}"
    yield f"{block}:{start}:18446744073709551615,{block}:{start}:33;{tag}"
    yield f"{block}:{start};{tag}"
    yield f"{block}:{start}:32:1;{tag}"
    yield f"{uuid.uuid4()}:{start}:32;{tag}"
    yield f"{{{block}}}:{start}:32;{tag}"
    yield f"x:{start}:32;{tag}"
    yield ",".join(f"{block}:{start + i}:1" for i in range(32)) + "," + f";{tag}"
    yield ",".join(f"{block}:{start}:1" for _ in range(300)) + f";{tag}"


def test_malformed_signatures_are_refused_without_cost(people):
    tess = people.new()
    before = people.left(tess)
    for header in header_faults(tess):
        status, headers, body = tess.exchange(
            "GET", tess.prefix + f"/sae/{tess.name}", {wire.SIGNATURE_HEADER: header}, b""
        )
        assert status in (400, 401, 429), header
        assert wire.SIGNATURE_HEADER.lower() not in headers, header
    assert people.left(tess) == before


def test_no_signature_at_all_is_refused(people):
    tess, theo = people.new(), people.new()
    context = post(tess, theo)
    for method, path in [
        ("GET", f"/sae/{tess.name}"),
        ("PUT", "/registration"),
        ("POST", "/key-share"),
        ("GET", f"/key-share?initiator={tess.name}&key_id={context.bundle_id}"),
        ("DELETE", f"/key-share?key_id={context.bundle_id}"),
        ("POST", "/key-share/confirmation"),
        ("GET", "/key-shares/pending"),
    ]:
        status, headers, _ = theo.exchange(method, theo.prefix + path, {}, b"")
        assert status == 401, (method, path)
        assert wire.SIGNATURE_HEADER.lower() not in headers
    assert theo.get_share(tess.name, context.bundle_id).status == 200


@pytest.mark.parametrize("what", ["epoch", "zero epoch", "hub", "key", "method", "path", "query", "body"])
def test_whatever_the_tag_covers_cannot_be_changed(people, what):
    tess, theo = people.new(), people.new()
    context = post(tess, theo)
    before = people.left(theo)
    path = f"/key-share?initiator={tess.name}&key_id={context.bundle_id}"
    overrides = {
        "epoch": {"epoch": secrets.token_bytes(16)},
        "zero epoch": {"epoch": wire.ZERO_EPOCH},
        "hub": {"hub": uuid.uuid4()},
        "key": {"key": secrets.token_bytes(32)},
    }.get(what, {})
    request = theo.prepare("GET", path, **overrides)
    if what == "method":
        request = Prepared("DELETE", request.target, request.header, request.body, request.epoch)
    if what == "path":
        request = Prepared(
            "GET", request.target.replace("key-share", "key%2Dshare"), request.header, b"", request.epoch
        )
    if what == "query":
        request = Prepared("GET", request.target + "&x=1", request.header, b"", request.epoch)
    if what == "body":
        request = Prepared("GET", request.target, request.header, b" ", request.epoch)
    answer = theo.send(request)
    assert answer.status in (401, 404) and not answer.signed
    assert people.left(theo) == before
    assert theo.get_share(tess.name, context.bundle_id).status == 200


def wrong_pads(tess: DskeClient, theo: DskeClient):
    block = tess.block.block
    fresh = tess.take("client_pad", 256)[0].start
    other = theo.take("client_pad", 64)[0].start
    piece = wire.Fragment
    for zone in ("client_authenticator", "hub_authenticator", "hub_pad"):
        start, end = tess.block.zone(zone)
        yield f"from {zone}", [piece(block, end - 64, 64)]
        yield f"into {zone}", [piece(block, start - 32, 64)] if start >= 32 else [piece(block, end - 32, 64)]
    yield "overlapping", [piece(block, fresh, 40), piece(block, fresh + 20, 24)]
    yield "the same twice", [piece(block, fresh, 32), piece(block, fresh, 32)]
    yield "another client's", [piece(theo.block.block, other, 64)]
    yield "partly another client's", [piece(block, fresh, 32), piece(theo.block.block, other, 32)]
    yield "of an unknown block", [piece(uuid.uuid4(), 0, 64)]
    yield "beyond the block", [piece(block, len(tess.block.data) - 32, 64)]
    yield "with an empty fragment", [piece(block, fresh, 0), piece(block, fresh, 64)]
    yield "nothing", []


def test_pads_from_elsewhere_are_refused(people):
    tess, theo = people.new(), people.new()
    for what, allocation in wrong_pads(tess, theo):
        context = context_for(tess, theo)
        pads = people.left(tess)["client_pad"], people.left(theo)["client_pad"]
        answer = tess.post_share(context, bytes(64), bytes(16), allocation=allocation)
        assert 400 <= answer.status < 500 and answer.signed, what
        assert (people.left(tess)["client_pad"], people.left(theo)["client_pad"]) == pads, what
        assert theo.get_share(tess.name, context.bundle_id).status == 404, what


def test_a_message_in_several_fragments_is_accepted(people):
    tess, theo = people.new(), people.new()
    start = tess.take("client_authenticator", 64)[0].start
    block = tess.block.block
    fragments = [
        wire.Fragment(block, start, 1),
        wire.Fragment(block, start + 10, 20),
        wire.Fragment(block, start + 40, 11),
    ]
    assert tess.call("GET", f"/sae/{theo.name}", fragments=fragments).status == 200
    pad = tess.take("client_pad", 128)[0].start
    context = context_for(tess, theo)
    allocation = [wire.Fragment(block, pad, 30), wire.Fragment(block, pad + 50, 34)]
    share = secrets.token_bytes(64)
    # The pad is the fragments' bytes one after the other.
    assert tess.post_share(context, share, bytes(16), allocation=allocation).status == 200
    assert theo.share_in(theo.get_share(tess.name, context.bundle_id))[1] == share


def test_a_flood_of_guesses_moves_no_level_and_blocks_only_its_address(people):
    tess = people.new()
    attacker = DskeClient(people.hub.port, tess.block)
    people.made.append(attacker)
    refused_before = people.hub.status()["refused_messages"]
    before = people.left(tess)
    statuses, sent = attacker.flood()
    assert statuses == {401, 429} and sent > 100
    assert people.left(tess) == before
    assert people.hub.status()["refused_messages"] > refused_before
    assert tess.sae(tess.name).status == 200


# --- polling ---------------------------------------------------------------------------------------------------------------


def test_the_pending_list_names_what_waits_for_the_caller(people):
    tess, theo = people.new(), people.new()
    assert theo.pending().json == {"bundles": [], "more": False, "cursor": 0}
    contexts = [post(tess, theo) for _ in range(3)]
    waiting = theo.pending().json["bundles"]
    assert sorted(entry["bundle_id"] for entry in waiting) == sorted(str(context.bundle_id) for context in contexts)
    assert {entry["initiator"] for entry in waiting} == {tess.name}
    assert tess.pending().json["bundles"] == []
    theo.confirm(tess.name, contexts[0].bundle_id)
    assert len(theo.pending().json["bundles"]) == 2


def test_a_poll_waits_until_a_share_comes_and_goes_on_at_its_cursor(people):
    tess, theo = people.new(), people.new()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        poll = pool.submit(theo.pending, "?after=0&wait=20")
        with pytest.raises(concurrent.futures.TimeoutError):
            poll.result(0.5)
        context = post(tess, theo)
        answer = poll.result(15).json
    assert [entry["bundle_id"] for entry in answer["bundles"]] == [str(context.bundle_id)]
    cursor = answer["cursor"]
    assert theo.pending(f"?after={cursor}").json == {"bundles": [], "more": False, "cursor": cursor}
    assert theo.pending("?wait=20").json == answer
    later = post(tess, theo)
    assert [entry["bundle_id"] for entry in theo.pending(f"?after={cursor}").json["bundles"]] == [str(later.bundle_id)]
    assert theo.pending("?after=x").status == 400


def test_polling_costs_no_psrd(people):
    tess = people.new()
    before = people.left(tess)
    for _ in range(50):
        assert tess.pending().status == 200
    assert people.left(tess) == before


def test_a_polling_request_is_accepted_once_and_only_with_its_key(people):
    tess = people.new()
    assert tess.pending().status == 200
    replayed = tess.pending(counter=tess.polling_counter)
    assert replayed.status == 401 and not replayed.signed
    assert tess.pending(counter=0).status == 401
    assert tess.pending(key=secrets.token_bytes(32)).status == 401
    assert tess.pending().status == 200
    old_number, old_key = tess.registration_number, tess.polling_key
    assert tess.register().status == 200
    assert tess.pending(key=old_key).status == 401
    tess.registration_number, new_number = old_number, tess.registration_number
    assert tess.pending(counter=100, key=old_key).status == 401
    tess.registration_number = new_number
    assert tess.pending().status == 200


# --- restarts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["kill", "terminate"])
def test_a_restart_keeps_shares_and_accepts_nothing_from_before(people, way):
    tess, theo = people.new(), people.new()
    context = post(tess, theo)
    sent = tess.prepare("GET", f"/sae/{theo.name}")
    assert tess.send(sent).status == 200
    unsent = tess.prepare("GET", f"/sae/{theo.name}")
    registration = tess.prepare("PUT", "/registration", wire.compact(tess.registration()))
    assert tess.send(registration).status == 200
    levels = people.left(tess)

    people.restart_hub(way)

    for old in (sent, unsent, registration):
        answer = tess.send(old)
        # The registration is not tied to an epoch: its number is used up.
        assert answer.status in (401, 409), old
    assert theo.register().status == 200 and tess.register().status == 200
    after = people.left(tess)
    for zone in wire.ZONES:
        assert after[zone] <= levels[zone], "a restart makes no PSRD"
    answer = theo.get_share(tess.name, context.bundle_id)
    assert theo.share_in(answer)[0] == context
    assert theo.confirm(tess.name, context.bundle_id).status == 200


def test_after_a_crash_of_the_hub_its_own_bytes_go_on_behind_the_lease(people):
    """The fixture checks that no byte of the hub's half was used twice."""
    tess, theo = people.new(), people.new()
    context = post(tess, theo)
    for _ in range(3):
        for _ in range(5):
            assert theo.get_share(tess.name, context.bundle_id).status == 200
        people.restart_hub("kill")
        assert theo.register().status == 200


# --- limits ----------------------------------------------------------------------------------------------------------------


def test_out_of_psrd_is_503_and_other_clients_are_served(people):
    tess = people.new()
    theo = people.new(hub_bytes=4096)
    context = post(tess, theo)
    for _ in range(200):
        answer = theo.get_share(tess.name, context.bundle_id)
        if answer.status != 200:
            break
    assert answer.status == 503
    other = people.new()
    assert other.get_share(tess.name, post(tess, other).bundle_id).status == 200


def test_other_methods_paths_and_sizes(people):
    tess = people.new()
    assert tess.exchange("PATCH", tess.prefix + "/registration", {}, b"")[0] in (404, 405, 501)
    assert tess.exchange("GET", tess.prefix + "/registration", {}, b"")[0] == 405
    assert tess.exchange("GET", tess.prefix + "/nothing", {}, b"")[0] == 404
    assert tess.exchange("GET", "/hub/other/dske/api/v1/key-shares/pending", {}, b"")[0] == 404
    status, _, _ = tess.exchange("POST", tess.prefix + "/key-share", {"Content-Length": str(4 << 20)}, b" ")
    assert status == 413
    assert tess.sae(tess.name).status == 200
