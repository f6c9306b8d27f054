"""A corrupted hub can refuse its service, but cannot make a wrong key be delivered, nor stop the right one."""

import contextlib
from collections.abc import Callable

import pytest

import dske_wire as wire
import lying_hub
from lying_hub import LyingHub, on
from nodes import eventually

LIAR = "helen"


class Town:
    """Three hubs and two KMEs; every hub stands behind a LyingHub, of which one lies."""

    def __init__(self, make_network, hubs, shares_required, **options):
        self.proxies = {hub: LyingHub() for hub in hubs}
        self.network = make_network(hubs=hubs, shares_required=shares_required, proxies=self.proxies, **options)
        self.network.start()
        self.network.all_registered()
        self.liar = self.proxies[LIAR]

    def exchange(self, number=2):
        """As in the network; but every hub holds its share, so is able to lie about it, before celia asks."""
        with self.network.sae("carol") as carol, self.network.sae("celia") as celia:
            keys = carol.enc_keys("celia", number).keys
            assert len(keys) == number
            self.all_stored(keys)
            assert celia.dec_keys("carol", list(keys)).keys == keys
            return keys

    def all_stored(self, keys) -> None:
        """Waits until all hubs of the keys' bundle have their share. The KME is content with k."""
        bundle = wire.bundle_of(next(iter(keys)))

        def stored() -> bool:
            holders = [proxy for proxy in self.proxies.values() if bundle in proxy.shares]
            return bool(holders) and {proxy.hub_id for proxy in holders} == set(holders[0].shares[bundle][0].hubs)

        eventually(stored, "all hubs hold their share")

    def exchange_until(self, holds: Callable[[], bool], what: str, exchange: Callable[[], object] | None = None) -> None:
        """Keys come as soon as k hubs have answered: maybe before the liar has, or without it. Then there are more."""

        def tried() -> bool:
            with contextlib.suppress(AssertionError):
                eventually(holds, what, 0.3)
                return True
            (exchange or self.exchange)()
            return False

        eventually(tried, what, 60)

    def lie_was_told(self) -> None:
        self.exchange_until(lambda: self.liar.lies_told > 0, "the lie was told")

    def liar_is_counted(self, before: int) -> None:
        self.exchange_until(lambda: self.wrong_shares(LIAR) > before, f"{LIAR} is counted as lying")

    def wrong_shares(self, hub: str) -> int:
        return self.network.kmes["celia"].hub_entry(hub)["wrong_shares"]


@pytest.fixture(scope="module")
def town(make_module_network):
    town = Town(make_module_network, ["hank", LIAR, "hilary"], 2, client_bytes=524288, hub_bytes=524288)
    town.network.all_located("carol", "celia")
    return town


@pytest.fixture(autouse=True)
def honest_again(request):
    yield
    if "town" in request.fixturenames:
        for proxy in request.getfixturevalue("town").proxies.values():
            proxy.honest()


def lie_about_shares(town, lie, rounds: int = 3) -> None:
    """Keys stay right under the lie, and the responder names the liar and nobody else."""
    before = {hub: town.wrong_shares(hub) for hub in town.proxies}
    town.liar.lie = lie
    for _ in range(rounds):
        town.exchange()
    town.lie_was_told()
    town.liar_is_counted(before[LIAR])
    for hub in town.proxies:
        if hub != LIAR:
            assert town.wrong_shares(hub) == before[hub], f"{hub} is blamed"
    assert LIAR in town.network.kmes["celia"].log_text()


@pytest.mark.parametrize(
    "lie",
    [
        lying_hub.corrupt_share,
        lying_hub.corrupt_check_bytes,
        lying_hub.zero_share,
        lying_hub.another_secret_tag,
    ],
    ids=["a flipped bit", "a flipped bit in u", "zero bytes", "another secret tag"],
)
def test_a_wrong_share_does_not_reach_a_key(town, lie):
    lie_about_shares(town, lie)


def test_the_share_of_another_bundle_does_not_reach_a_key(town):
    town.exchange()
    lie_about_shares(town, lying_hub.share_of_another_bundle)


def test_an_answer_about_another_bundle_does_not_reach_a_key(town):
    town.exchange()
    lie_about_shares(town, lying_hub.answer_for_another_bundle)


def test_shares_swapped_between_two_bundles_that_are_fetched_together(town):
    before = town.wrong_shares(LIAR)

    def exchange_two() -> None:
        with town.network.sae("carol") as carol, town.network.sae("celia") as celia:
            one, other = carol.enc_keys("celia", 2).keys, carol.enc_keys("celia", 2).keys
            town.all_stored(one)
            town.all_stored(other)
            bundles = {wire.bundle_of(next(iter(keys))) for keys in (one, other)}

            @lying_hub.on_share
            def swap(hub, exchange):
                own = wire.Context.from_json(wire.parse_key_share(exchange.answer.body)["context"]).bundle_id
                if own in bundles:
                    (partner,) = bundles - {own}
                    hub.give_share(exchange, hub.shares[partner][1])

            town.liar.lie = swap
            assert celia.dec_keys("carol", [*one, *other]).keys == {**one, **other}

    exchange_two()
    town.exchange_until(
        lambda: town.wrong_shares(LIAR) >= before + 2, f"{LIAR} is counted as lying twice", exchange_two
    )


@pytest.mark.parametrize("x", [0, 1, 3, 255], ids=lambda x: f"x = {x}")
def test_a_share_of_another_x_does_not_reach_a_key(town, x):
    """x = 0 is the secret itself: a hub that learned it gives nothing away by it, and changes nothing."""
    before = town.wrong_shares(LIAR)
    town.exchange()
    positions = next(iter(town.liar.shares.values()))[0].hubs
    if x == positions.index(town.liar.hub_id) + 1:
        x = 2
    town.liar.lie = lying_hub.share_evaluated_at(x, list(town.proxies.values()))
    town.exchange()
    town.liar_is_counted(before)


@pytest.mark.parametrize("name", list(lying_hub.CONTEXT_LIES))
def test_another_context_does_not_reach_a_key(town, name):
    before = town.wrong_shares(LIAR)
    town.liar.lie = lying_hub.another_context(lying_hub.CONTEXT_LIES[name])
    town.exchange()
    town.lie_was_told()
    town.liar_is_counted(before)
    assert all(town.wrong_shares(hub) == 0 for hub in town.proxies if hub != LIAR)


def test_a_share_of_another_length_does_not_reach_a_key(town):
    before = town.wrong_shares(LIAR)
    town.liar.lie = lying_hub.short_share
    town.exchange()
    town.liar_is_counted(before)


@pytest.mark.parametrize("signed_again", [False, True], ids=["as it was", "signed again"])
def test_an_old_answer_does_not_reach_a_key(town, signed_again):
    seen = len(town.liar.recorded("GET", "/key-share"))
    town.exchange()

    def given() -> list:
        return [e for e in town.liar.recorded("GET", "/key-share")[seen:] if lying_hub.is_share_answer(e)]

    town.exchange_until(given, f"{LIAR} gives its share")
    old = given()[0].hub_answers[0]
    town.liar.lie = lying_hub.replay_of(old, signed_again)
    for _ in range(3):
        town.exchange()
    town.lie_was_told()


def test_an_old_answer_to_a_post_does_not_count_as_stored(town):
    """Not signed for this request, so no answer at all; the other two hubs suffice."""
    town.exchange()
    old = next(e for e in town.liar.recorded("POST", "/key-share") if e.hub_answers).hub_answers[0]

    def replay(hub, exchange):
        exchange.answer = old

    town.liar.lie = on("POST", "/key-share", replay)
    town.exchange()
    town.lie_was_told()


def test_a_false_acknowledgement_loses_no_key_that_k_honest_hubs_hold(town):
    """The liar says that it stored the share and answers 404 for it."""

    def forget(hub, exchange):
        hub.sign_answer(exchange, 404, b'{"message":"there is no such bundle"}')

    town.liar.lie = lying_hub.on_share(forget)
    for _ in range(3):
        town.exchange()
    town.lie_was_told()


def test_a_false_refusal_costs_only_that_hubs_share(town):
    def refuse(hub, exchange):
        hub.sign_answer(exchange, 503, b'{"message":"out of space"}')

    town.liar.lie = on("POST", "/key-share", refuse)
    for _ in range(3):
        town.exchange()
    town.lie_was_told()


@pytest.mark.parametrize(
    "status, body", [(200, b"{"), (200, b"[]"), (200, b""), (200, b'{"context": 1}'), (299, b"{}"), (500, b"x")]
)
def test_a_signed_answer_that_makes_no_sense_costs_only_that_hubs_share(town, status, body):
    town.liar.lie = on("GET", "/key-share", lambda hub, exchange: hub.sign_answer(exchange, status, body))
    town.exchange()
    town.lie_was_told()


@pytest.mark.parametrize(
    "claim",
    [
        {"client_name": "carol"},
        {"client_name": "mallory"},
        {"registered": False},
        {"sae_id": "carol"},
        {"client_name": 7},
    ],
    ids=str,
)
def test_a_hub_that_claims_an_sae_for_another_client_directs_no_key_there(make_network, claim):
    """A fresh network each time, since initiators may remember what they resolved."""
    town = Town(make_network, ["hank", LIAR, "hilary"], 2)
    town.liar.lie = on("GET", "/sae/", lambda hub, exchange: hub.change(exchange, **claim))
    keys = town.exchange()
    assert keys
    if any(e.received.path.startswith("/sae/") for e in town.liar.recorded("GET")):
        town.lie_was_told()
    for proxy in town.proxies.values():
        for context, _, _ in proxy.shares.values():
            assert context.slaves == (wire.Slave("celia", "celia"),)


def test_a_hub_that_denies_an_sae_hides_it_from_nobody(make_network):
    town = Town(make_network, ["hank", LIAR, "hilary"], 2)

    def deny(hub, exchange):
        hub.sign_answer(exchange, 404, b'{"message":"no client serves this SAE"}')

    town.liar.lie = on("GET", "/sae/", deny)
    town.exchange()


def test_two_hubs_of_five_that_lie_alike_are_both_named(make_network):
    """k = 3: every way to choose three of five shares is tried until one verifies."""
    town = Town(make_network, ["hank", LIAR, "hilary", "holly", "hugo"], 3)
    town.network.all_located("carol", "celia")
    for lie in (lying_hub.corrupt_share, lying_hub.another_context(lying_hub.CONTEXT_LIES["another master"])):
        before = {hub: town.wrong_shares(hub) for hub in town.proxies}
        for hub in (LIAR, "hugo"):
            town.proxies[hub].lie = lie
        for _ in range(3):
            town.exchange()
        for hub in (LIAR, "hugo"):
            town.exchange_until(lambda hub=hub: town.wrong_shares(hub) > before[hub], f"{hub} is counted as lying")
        assert all(town.wrong_shares(hub) == before[hub] for hub in town.proxies if hub not in (LIAR, "hugo"))


def test_with_as_many_liars_as_k_leaves_no_wrong_key_is_delivered(town):
    """Two of three hubs lie, k = 2: no key can come, and none does."""
    for hub in (LIAR, "hilary"):
        town.proxies[hub].lie = lying_hub.corrupt_share
    with town.network.sae("carol") as carol, town.network.sae("celia") as celia:
        keys = carol.enc_keys("celia").keys
        refused = celia.dec_keys("carol", list(keys))
        assert refused.status in (400, 503) and refused.message
        for proxy in town.proxies.values():
            proxy.honest()
        assert celia.dec_keys("carol", list(keys)).keys == keys


def test_invented_pending_bundles_harm_nobody(town):
    invented = [
        {"initiator": name, "bundle_id": str(wire.new_bundle_id())} for name in ("carol", "mallory") for _ in range(20)
    ]
    polled = on("GET", "/key-shares/pending", lambda hub, exchange: hub.change(exchange, bundles=invented, more=True))
    town.liar.lie = polled
    for _ in range(3):
        town.exchange()
    status = town.network.kmes["celia"].status()
    assert status["state"] == "ready"


@pytest.mark.parametrize("body", [b"{", b"{}", b'{"bundles": [1], "more": false}', b'{"bundles": {}, "more": 1}'])
def test_a_pending_list_that_makes_no_sense_harms_nobody(town, body):
    town.liar.lie = on("GET", "/key-shares/pending", lambda hub, exchange: hub.sign_answer(exchange, 200, body))
    town.exchange()


def test_a_confirmation_that_never_arrives_is_repeated_and_the_share_is_wiped(town):
    hank = town.network.hubs["hank"]
    town.exchange()
    eventually(lambda: hank.status()["waiting_bundles"] == 0, "what went before is confirmed", 60)

    def lose(exchange):
        if exchange.received.path == "/key-share/confirmation":
            exchange.copies = 0

    town.proxies["hank"].before.append(lose)
    try:
        town.exchange()
        assert hank.status()["waiting_bundles"] > 0
    finally:
        town.proxies["hank"].before.remove(lose)
    eventually(lambda: hank.status()["waiting_bundles"] == 0, "the confirmation is repeated", 60)


@pytest.mark.parametrize(
    "claim",
    [
        {"hub_id": "00000000-0000-4000-8000-000000000000"},
        {"protocol_version": 2},
        {"epoch": "x"},
        {"blocks": [{"block_uuid": "00000000-0000-4000-8000-000000000000"}]},
        {"limits": {"share_bytes": -1}},
    ],
    ids=str,
)
def test_a_registration_answer_that_makes_no_sense_leaves_the_other_hubs_in_use(make_network, claim):
    proxies = {LIAR: LyingHub()}
    proxies[LIAR].lie = on("PUT", "/registration", lambda hub, exchange: hub.change(exchange, **claim))
    network = make_network(hubs=["hank", LIAR, "hilary"], shares_required=2, proxies=proxies).start()
    network.exchange("carol", "celia", 3)
    eventually(lambda: proxies[LIAR].lies_told > 0, "the lie was told")
    entry = network.kmes["carol"].hub_entry(LIAR)
    assert entry["state"] != "registered"
    assert entry["error"]
