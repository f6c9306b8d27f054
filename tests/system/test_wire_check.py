"""The judges of recorded traffic must be able to find it guilty."""

import uuid

import pytest

import dske_wire as wire
from recording_proxy import Answer, Exchange, RecordingProxy, Request
from wire_check import Use, check_accepted_once, check_proxy, check_uses

BLOCK = wire.Block(
    uuid.uuid4(),
    "hank",
    "http://127.0.0.1:1",
    uuid.uuid4(),
    "carol",
    uuid.uuid4(),
    (100, 300, 100, 300),
    bytes(range(200)) * 4,
)
PSRD = wire.Psrd([BLOCK])


def use(
    start: int, size: int, zone: str = "client_authenticator", purpose: str = "signature", message: str = "a"
) -> Use:
    return Use(wire.Fragment(BLOCK.block, start, size), zone, purpose, (message,))


def test_disjoint_uses_pass():
    assert check_uses([use(0, 32), use(32, 32, message="b"), use(100, 64, "client_pad", "allocation")], PSRD) == 128


def test_a_repeated_message_may_claim_its_bytes_again():
    assert check_uses([use(0, 32), use(0, 32)], PSRD) == 32


@pytest.mark.parametrize("start", [0, 31, 16])
def test_two_messages_on_one_byte_are_found(start):
    with pytest.raises(AssertionError, match="used twice"):
        check_uses([use(0, 32), use(start, 32, message="b")], PSRD)


def test_two_purposes_of_one_message_are_found():
    with pytest.raises(AssertionError, match="used twice"):
        check_uses([use(0, 32), use(0, 32, purpose="polling_key")], PSRD)


@pytest.mark.parametrize(
    "found",
    [
        use(100, 32), use(90, 32), use(400, 32), use(790, 32), use(0, 64, "client_pad", "allocation"),
        use(500, 64, "client_pad", "allocation"), use(0, 32, "hub_authenticator"),
    ],
)  # fmt: skip
def test_bytes_of_another_zone_or_half_are_found(found):
    with pytest.raises(AssertionError, match="is not in"):
        check_uses([found], PSRD)


def exchange(header: str, statuses: list[int]) -> Exchange:
    request = Request("GET", "/hub/hank/dske/api/v1/sae/x", ((wire.SIGNATURE_HEADER, header),), b"")
    return Exchange(request, request, hub_answers=[Answer(status, (), b"") for status in statuses])


def test_a_request_that_is_accepted_twice_is_found():
    check_accepted_once([exchange("one", [200, 401]), exchange("two", [404]), exchange("one", [401])])
    for guilty in ([exchange("one", [200, 200])], [exchange("one", [200]), exchange("one", [409])]):
        with pytest.raises(AssertionError, match="accepted twice"):
            check_accepted_once(guilty)


def test_a_request_that_is_accepted_without_a_proof_is_found():
    bare = Request("GET", "/hub/hank/dske/api/v1/sae/x", (), b"")
    with pytest.raises(AssertionError, match="without a proof"):
        check_accepted_once([Exchange(bare, bare, hub_answers=[Answer(200, (), b"")])])


def test_a_proxy_whose_recording_is_guilty_is_found():
    proxy = RecordingProxy()
    try:
        proxy.learn(BLOCK)
        header = wire.Signature((wire.Fragment(BLOCK.block, 0, 32),), bytes(16)).text()
        proxy.exchanges = [exchange(header, [200])]
        assert check_proxy(proxy) == 32
        other = wire.Signature((wire.Fragment(BLOCK.block, 8, 32),), bytes(16)).text()
        proxy.exchanges.append(exchange(other, [200]))
        with pytest.raises(AssertionError, match="used twice"):
            check_proxy(proxy)
    finally:
        proxy.close()
