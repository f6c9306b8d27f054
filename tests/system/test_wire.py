"""What travels between KMEs and hubs, watched by a recording proxy and judged with the hubs' PSRD in hand."""

import base64
import dataclasses
import threading
import time

import pytest

import dske_wire as wire
import wire_check
from nodes import eventually
from recording_proxy import Exchange, RecordingProxy


class Watched:
    def __init__(self, make_network, hubs=("hank", "helen", "hilary"), **options):
        self.proxies = {hub: RecordingProxy() for hub in hubs}
        self.network = make_network(hubs=list(hubs), shares_required=2, proxies=self.proxies, **options).start()
        self.network.all_registered()

    def posts(self, hub: str) -> list[Exchange]:
        """The shares that were sent there."""
        return [e for e in self.proxies[hub].recorded("POST", "/key-share") if e.received.path == "/key-share"]

    def check(self) -> None:
        for proxy in self.proxies.values():
            assert wire_check.check_proxy(proxy) > 0


@pytest.fixture
def watched(make_network):
    return Watched(make_network)


def test_honest_traffic_is_as_the_protocol_says(watched):
    """Every tag and secret tag agrees with an independent implementation, and the shares on the wire give the keys."""
    delivered: dict[str, bytes] = {}
    for number, size in ((1, 256), (5, 8), (2, 1032), (128, 256)):
        delivered |= watched.network.exchange("carol", "celia", number, size)
        delivered |= watched.network.exchange("celia", "carol", number, size)
    watched.check()
    for proxy in watched.proxies.values():
        eventually(lambda: wire_check.check_signatures(proxy.recorded(), proxy.psrd) > 20, "all answers have come")
    assert wire_check.keys_on_the_wire(list(watched.proxies.values())) == delivered


def test_with_psrd_as_key_source_k_hubs_are_sent_no_share(make_network):
    """The keys follow from what the hubs hold anyway: the recording alone, with their PSRD, gives them."""
    watched = Watched(make_network, kme_settings={"key_source": "psrd"})
    delivered = watched.network.all_located("carol", "celia") | watched.network.all_located("celia", "carol")
    before = {hub: len(watched.posts(hub)) for hub in watched.proxies}
    delivered |= watched.network.exchange("carol", "celia", 3) | watched.network.exchange("celia", "carol", 128)
    eventually(lambda: all(len(watched.posts(hub)) == before[hub] + 2 for hub in before), "all shares are on their way")
    watched.check()
    for proxy in watched.proxies.values():
        assert wire_check.check_signatures(proxy.recorded(), proxy.psrd) > 5
    without = [
        wire_check.is_psrd_share(exchange.received)
        for hub in watched.proxies
        for exchange in watched.posts(hub)[before[hub] :]
    ]
    assert without.count(True) == 2 * 2 and without.count(False) == 2 * 1
    assert wire_check.keys_on_the_wire(list(watched.proxies.values())) == delivered


def test_psrd_use_is_near_the_lower_bound(watched):
    """One 256-bit key costs each hub 64 pad bytes a direction: the key, and the 32 bytes that protect it."""
    watched.network.all_located("carol", "celia")

    def bodies(hub: str) -> tuple[list[bytes], list[bytes]]:
        """The shares that went there, and that came from there."""
        gets = [e for e in watched.proxies[hub].recorded("GET", "/key-share") if e.received.path == "/key-share"]
        return (
            [e.received.body for e in watched.posts(hub)],
            [e.answer.body for e in gets if e.answer and e.answer.status == 200],
        )

    def all_came() -> bool:
        """A hub that is asked after the confirmation has no share any more: then further keys are exchanged."""
        return all(came for _, came in map(bodies, watched.proxies))

    eventually(lambda: all_came() or (watched.network.exchange("carol", "celia") and None), "a share of each hub")
    for hub in watched.proxies:
        for body in sum(bodies(hub), []):
            assert sum(part["size"] for part in wire.parse_key_share(body)["allocation"]) == 64
        assert watched.network.kmes["carol"].psrd(hub)["client_pad"]["left_bytes"] > 0


def test_no_byte_is_used_twice_by_many_threads(watched):
    failures = []

    def work(master: str, slave: str) -> None:
        try:
            for _ in range(15):
                watched.network.exchange(master, slave)
        except Exception as error:  # told below
            failures.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in [("carol", "celia"), ("celia", "carol")] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    watched.check()


@pytest.mark.parametrize(
    "what", ["request body", "request target", "request signature", "answer body", "answer status"]
)
def test_a_message_altered_in_flight_is_no_message(watched, what):
    """One hub's traffic is altered throughout; the keys come through the others."""
    watched.network.all_located("carol", "celia")
    proxy = watched.proxies["helen"]

    def flip(text: bytes) -> bytes:
        """Another digit for the last one: still JSON, base64 or a UUID."""
        for i in range(len(text) - 1, -1, -1):
            if 0x30 <= text[i] <= 0x38:
                return text[:i] + bytes([text[i] + 1]) + text[i + 1 :]
        return text + b" "

    def before(exchange):
        request = exchange.sent
        if what == "request body" and request.body:
            exchange.sent = dataclasses.replace(request, body=flip(request.body))
        elif what == "request target" and "key_id=" in request.target:
            exchange.sent = dataclasses.replace(request, target=flip(request.target.encode()).decode())
        elif what == "request signature":
            headers = tuple(
                (name, flip(value.split(";")[0].encode()).decode() + ";" + value.split(";", 1)[1])
                if name.lower() == "dske-signature"
                else (name, value)
                for name, value in request.headers
            )
            exchange.sent = dataclasses.replace(request, headers=headers)

    def after(exchange):
        if not exchange.answer:
            return
        if what == "answer body":
            exchange.answer = dataclasses.replace(exchange.answer, body=flip(exchange.answer.body))
        elif what == "answer status" and exchange.answer.status == 200:
            exchange.answer = dataclasses.replace(exchange.answer, status=201)

    proxy.before.append(before)
    proxy.after.append(after)
    altered_from = len(proxy.recorded())
    for _ in range(4):
        if what == "request target":  # helen stores shares, which nobody can fetch: the two others must have theirs
            watched.network.all_located("carol", "celia")
        else:
            watched.network.exchange("carol", "celia")

    def changed() -> list[Exchange]:
        return [e for e in proxy.recorded()[altered_from:] if e.sent != e.received and e.hub_answers]

    if what.startswith("request"):
        eventually(changed, "what was altered is answered")
        for exchange in changed():
            if what != "request signature" or exchange.received.header("DSKE-Signature"):
                assert exchange.hub_answers[0].status in (401, 429), exchange
                assert exchange.hub_answers[0].header("DSKE-Signature") is None
    proxy.before.clear()
    proxy.after.clear()
    watched.network.all_registered()
    watched.network.exchange("carol", "celia", 3)
    watched.check()


def test_a_request_that_arrives_twice_is_accepted_once(watched):
    for proxy in watched.proxies.values():
        proxy.before.append(lambda exchange: setattr(exchange, "copies", 2))
    for _ in range(3):
        watched.network.exchange("carol", "celia", 2)
    twice = 0
    for proxy in watched.proxies.values():
        for exchange in proxy.recorded():
            if exchange.copies == 2 and len(exchange.hub_answers) == 2 and exchange.hub_answers[0].status == 200:
                assert exchange.hub_answers[1].status in (401, 409, 429)
                twice += 1
        proxy.before.clear()
    assert twice > 10
    watched.check()


def test_requests_replayed_later_are_refused(watched):
    watched.network.all_located("carol", "celia")
    proxy = watched.proxies["hank"]
    eventually(lambda: proxy.recorded("POST", "/key-share/confirmation"), "the bundle is confirmed")
    # A registration may have been tried before the hub listened.
    others = [e for e in proxy.recorded() if e.received.path != "/registration"]
    eventually(lambda: all(e.hub_answers for e in others), "everything is answered", 30)
    accepted = [e for e in proxy.recorded() if e.hub_answers and e.hub_answers[0].status == 200]
    assert {e.received.path for e in accepted} >= {"/registration", "/key-share", "/key-share/confirmation"}
    for exchange in accepted:
        replay = Exchange(exchange.sent, exchange.sent)
        answer = proxy._ask(replay.sent, [])  # the test is the proxy's own
        assert answer and answer.status in (401, 409, 429), exchange.sent
        replay.hub_answers.append(answer)
        proxy.exchanges.append(replay)
    wire_check.check_accepted_once(proxy.recorded())


def test_a_lost_answer_to_a_post_loses_no_psrd_order_and_no_key(watched):
    """The hub stored the share, the KME never heard of it."""
    watched.network.all_located("carol", "celia")
    proxy = watched.proxies["helen"]

    def lose(exchange):
        if exchange.received.method == "POST":
            exchange.answer = None

    proxy.after.append(lose)
    for _ in range(3):
        watched.network.exchange("carol", "celia")
    proxy.after.clear()
    watched.network.all_registered()
    for _ in range(3):
        watched.network.exchange("carol", "celia")
    watched.check()


def test_a_slow_hub_does_not_make_keys_slow(watched):
    """Three hubs, k = 2: the third has 200 ms of grace, not its own time."""
    watched.network.all_located("carol", "celia")
    release = threading.Event()
    watched.proxies["hilary"].before.append(lambda exchange: release.wait(5) and None)
    try:
        started = time.monotonic()
        for _ in range(3):
            watched.network.exchange("carol", "celia")
        assert time.monotonic() - started < 5
    finally:
        release.set()
        watched.proxies["hilary"].before.clear()
    watched.check()


def test_a_hub_that_is_cut_off_and_comes_back_is_used_again(watched):
    proxy = watched.proxies["helen"]
    proxy.go_down()
    watched.network.exchange("carol", "celia", 2)
    eventually(
        lambda: watched.network.kmes["carol"].hub_entry("helen")["state"] == "unreachable", "helen is unreachable", 40
    )
    proxy.come_up()
    eventually(lambda: watched.network.kmes["carol"].hub_entry("helen")["state"] == "registered", "helen is back", 40)
    watched.network.all_registered()
    seen = len(proxy.recorded("POST", "/key-share"))

    def is_used() -> bool:
        watched.network.exchange("carol", "celia")
        return len(proxy.recorded("POST", "/key-share")) > seen

    eventually(is_used, "helen gets shares again", 10)
    watched.check()


def test_keys_never_travel_and_neither_do_shares_in_clear(watched):
    keys = watched.network.exchange("carol", "celia", 4)
    watched.network.exchange("celia", "carol")
    for proxy in watched.proxies.values():
        for exchange in proxy.recorded():
            texts = [exchange.received.body, *(answer.body for answer in exchange.hub_answers)]
            for key in keys.values():
                for form in (key, key.hex().encode(), base64.b64encode(key)):
                    assert all(form not in text for text in texts)
