"""The judge of crash runs must find every kind of guilt: a small honest recording passes, and each way to doctor it is found."""

import dataclasses
import json
import sys
import uuid

import pytest

import dske_wire as wire
from nodes import REPOSITORY
from recording_proxy import Answer, Request

sys.path.append(str(REPOSITORY / "tests" / "crash"))

import judge  # noqa: E402
import recording  # noqa: E402
from recording import Wired  # noqa: E402

PREFIX = "/hub/hank/dske/api/v1"
BLOCK = wire.Block(
    uuid.uuid4(), "hank", "http://127.0.0.1:1", uuid.uuid4(), "carol", uuid.uuid4(), (320, 320, 320, 320), bytes(range(256)) * 5
)  # fmt: skip
CLIENT_PAD, HUB_AUTHENTICATOR, HUB_PAD = 320, 640, 960
EPOCH = uuid.uuid4()
PSRD = wire.Psrd([BLOCK])
KEY_ID = "11111111-2222-4333-8444-555555550000"


class Honest:
    """Writes an honest recording of one hub and one client: a registration and some calls."""

    def __init__(self):
        self.next = {zone: BLOCK.zone(zone)[0] for zone in wire.ZONES}
        self.time = 100.0
        self.messages: list[Wired] = []

    def take(self, zone: str, size: int) -> wire.Fragment:
        start = self.next[zone]
        self.next[zone] += size
        return wire.Fragment(BLOCK.block, start, size)

    def exchange(self, method: str, path: str, told: dict | bytes | None, answered: dict, epoch: bytes = EPOCH.bytes) -> Wired:
        body = b"" if told is None else told if isinstance(told, bytes) else wire.compact(told)
        target = PREFIX + path
        key = self.take("client_authenticator", 32)
        tag = wire.poly1305(PSRD.read([key]), wire.request_input(BLOCK.hub_id, epoch, method, target, body))
        request = Request(method, target, ((wire.SIGNATURE_HEADER, wire.Signature((key,), tag).text()),), body)
        self.time += 1
        wired = Wired(self.time, request, True, [], True)
        self.answer(wired, 200, answered, epoch)
        self.messages.append(wired)
        return wired

    def answer(self, wired: Wired, status: int, answered: dict, epoch: bytes = EPOCH.bytes) -> None:
        body = wire.compact(answered)
        key = self.take("hub_authenticator", 32)
        tag = wire.Signature.parse(wired.request.header(wire.SIGNATURE_HEADER)).tag
        message = wire.answer_input(BLOCK.hub_id, epoch, wired.request.method, wired.request.target, status, tag, body)
        signature = wire.Signature((key,), wire.poly1305(PSRD.read([key]), message))
        headers = ((wire.SIGNATURE_HEADER, signature.text()),)
        self.time += 0.1
        wired.answers.append((self.time, Answer(status, headers, body)))

    def register(self, told: dict | None = None, answered: dict | None = None) -> Wired:
        """With what is right, but for the members given."""
        stands = {
            "block_uuid": str(BLOCK.block), "client_authenticator": self.next["client_authenticator"],
            "client_pad": self.next["client_pad"], "hub_authenticator_seen": self.next["hub_authenticator"],
            "hub_pad_seen": self.next["hub_pad"], **(told or {}),
        }  # fmt: skip
        polling = self.take("client_authenticator", 32)
        seen = {
            "block_uuid": str(BLOCK.block), "client_authenticator_seen": self.next["client_authenticator"] + 32,
            "client_pad_seen": self.next["client_pad"], "hub_authenticator": self.next["hub_authenticator"],
            "hub_pad": self.next["hub_pad"], **(answered or {}),
        }  # fmt: skip
        body = {"client_name": "carol", "polling_key": [polling.to_json()], "blocks": [stands]}
        answer = {"epoch": str(EPOCH), "blocks": [seen], "unknown_blocks": []}
        return self.exchange("PUT", "/registration", body, answer, wire.ZERO_EPOCH)

    def faults(self) -> list[str]:
        found: list[str] = []
        judge.WireJudge("hank", PSRD, found).judge(self.messages)
        return found


@pytest.fixture
def honest() -> Honest:
    recorded = Honest()
    recorded.register()
    recorded.exchange("GET", "/sae/celia", None, {"sae_id": "celia"})
    return recorded


def guilty(recorded: Honest, *texts: str) -> None:
    found = recorded.faults()
    for text in texts:
        assert any(text in fault for fault in found), found


def test_an_honest_recording_passes(honest):
    honest.register()
    assert honest.faults() == []


def test_a_repetition_byte_for_byte_that_is_refused_is_no_fault(honest):
    first = honest.messages[-1]
    honest.messages.append(dataclasses.replace(first, began=honest.time, answers=[(honest.time, Answer(401, (), b""))]))
    assert honest.faults() == []


def test_a_repeated_registration_that_is_refused_with_a_signature_is_no_fault(honest):
    honest.answer(honest.messages[0], 409, {"message": "used"}, wire.ZERO_EPOCH)
    assert honest.faults() == []


def test_a_message_accepted_twice_is_found(honest):
    honest.answer(honest.messages[1], 200, {"sae_id": "celia"})
    guilty(honest, "accepted 2 times")


def test_a_byte_used_by_two_messages_is_found_although_the_second_is_refused(honest):
    honest.next["client_authenticator"] -= 32
    honest.exchange("GET", "/sae/cindy", None, {})
    guilty(honest, "is used twice")
    honest.messages[-1].answers.clear()
    guilty(honest, "is used twice")


def test_a_byte_used_by_two_answers_is_found(honest):
    honest.next["hub_authenticator"] -= 16
    honest.exchange("GET", "/sae/cindy", None, {})
    guilty(honest, "is used twice")


def test_an_authenticator_byte_used_as_a_pad_is_found(honest):
    part = {"block_uuid": str(BLOCK.block), "start": 128, "size": 64}
    honest.exchange("POST", "/key-share", wire.key_share_body({"allocation": [part]}), {"stored": True})
    guilty(honest, "is not in client_pad")


def test_a_pad_byte_used_as_an_authenticator_is_found(honest):
    honest.next["client_authenticator"] = BLOCK.zone("client_pad")[0]
    honest.exchange("GET", "/sae/cindy", None, {})
    guilty(honest, "is not in client_authenticator")


def test_a_polling_key_that_serves_as_a_signature_too_is_found(honest):
    honest.next["client_authenticator"] = 0
    honest.exchange("GET", "/sae/cindy", None, {})
    guilty(honest, "is used twice")


@pytest.mark.parametrize("epoch", [uuid.uuid4().bytes, wire.ZERO_EPOCH])
def test_a_message_of_another_epoch_that_is_accepted_is_found(honest, epoch):
    honest.exchange("GET", "/sae/cindy", None, {}, epoch)
    guilty(honest, "was accepted with a wrong tag")


def test_an_answer_with_a_wrong_tag_is_found(honest):
    when, answer = honest.messages[-1].answers[0]
    honest.messages[-1].answers[0] = (when, dataclasses.replace(answer, body=b'{"sae_id":"x"}'))
    guilty(honest, "has a wrong tag")


def test_a_request_without_a_proof_that_gets_a_signed_answer_is_found(honest):
    honest.messages[-1].request = dataclasses.replace(honest.messages[-1].request, headers=())
    guilty(honest, "without a proof")


def test_a_block_of_nobody_is_found(honest):
    honest.messages[0].request = dataclasses.replace(
        honest.messages[0].request, body=honest.messages[0].request.body.replace(str(BLOCK.block).encode(), str(uuid.uuid4()).encode())
    )  # fmt: skip
    guilty(honest, "unknown block", "no PSRD file of it was seen")


@pytest.mark.parametrize(
    "told, answered, text",
    [
        ({"client_authenticator": 128}, {"client_authenticator_seen": 96}, "still accepts client_authenticator below"),
        ({}, {"client_pad_seen": CLIENT_PAD + 80}, "seen client_pad which was never sent"),
        ({"hub_pad_seen": HUB_PAD + 20}, {"hub_pad": HUB_PAD}, "stands below what its client has seen of hub_pad"),
        ({"hub_pad_seen": HUB_PAD + 20}, {"hub_pad": HUB_PAD + 20}, "the client says that it has seen hub_pad which was never sent"),
        ({"client_authenticator": 64}, {}, "client_authenticator went back"),
        ({}, {"hub_authenticator": HUB_AUTHENTICATOR}, "hub_authenticator went back"),
    ],
)
def test_ends_that_do_not_agree_on_what_is_left_are_found(honest, told, answered, text):
    honest.register()  # so that going back shows
    honest.register(told, answered)
    guilty(honest, text)


def test_a_message_accepted_with_bytes_that_its_sender_had_given_up_is_found(honest):
    honest.register({"client_authenticator": 99}, {})
    honest.next["client_authenticator"] = 96 - 32
    honest.messages[1:2] = []
    honest.exchange("GET", "/sae/cindy", None, {})
    guilty(honest, "had given up what lies below")


def test_a_block_that_is_registered_and_not_answered_is_found(honest):
    wired = honest.messages[0]
    when, answer = wired.answers[0]
    body = json.loads(answer.body)
    wired.answers[0] = (when, dataclasses.replace(answer, body=wire.compact({**body, "blocks": []})))
    guilty(honest, "was registered and not answered")


# --- keys ------------------------------------------------------------------------------------------------------------------


def etsi(call: str, time: float, keys: dict[str, str], status: int = 200) -> dict:
    sae = "carol" if call == "enc_keys" else "celia"
    return {"time": time, "call": call, "kme": sae, "sae": sae, "status": status, "keys": keys}


def key_faults(*answers: dict, events: tuple = ()) -> list[str]:
    found: list[str] = []
    judge.KeyJudge(found).judge(list(answers), list(events))
    return found


ENC = etsi("enc_keys", 1, {KEY_ID: "aa"})
DEC = etsi("dec_keys", 2, {KEY_ID: "aa"})
OTHER_ID = KEY_ID[:-1] + "1"


def test_a_key_that_reaches_both_ends_is_no_fault():
    assert key_faults(ENC, DEC) == []


@pytest.mark.parametrize(
    "answers, text",
    [
        ((ENC,), "never reached its slave"),
        ((ENC, etsi("dec_keys", 2, {}, 503)), "never reached its slave"),
        ((ENC, ENC, DEC), "given to a master twice"),
        ((ENC, etsi("enc_keys", 2, {OTHER_ID: "aa"}), DEC, etsi("dec_keys", 3, {OTHER_ID: "aa"})), "are the same"),
        ((ENC, etsi("dec_keys", 2, {KEY_ID: "bb"})), "another one at its slave"),
        ((ENC, DEC, {**DEC, "time": 3}), "delivered twice"),
        ((ENC, {**etsi("dec_keys", 2, {}, 400), "asked": [KEY_ID]}, DEC), "said to be unknown"),
    ],
)
def test_keys_that_are_lost_wrong_or_given_twice_are_found(answers, text):
    assert any(text in fault for fault in key_faults(*answers))


def test_a_slave_may_ask_again_after_its_kme_has_crashed_and_not_without():
    again = {**DEC, "time": 5}
    assert key_faults(ENC, DEC, again, events=({"what": "started", "node": "celia", "time": 4},)) == []
    assert key_faults(ENC, DEC, again, events=({"what": "started", "node": "celia", "time": 1.5},))
    assert key_faults(ENC, DEC, again, events=({"what": "started", "node": "carol", "time": 4},))


def posted_bundle(given: bytes, shares: int) -> tuple[dict, dict[str, str]]:
    context = wire.Context(
        wire.new_bundle_id(), "carol", 1, 32, "carol", (wire.Slave("celia", "celia"),), 2, (uuid.uuid4(), uuid.uuid4())
    )
    secret = bytes(range(64))
    points = dict(list(wire.split(secret, 2, 2).items())[:shares])
    tag = wire.tag_of_secret(secret, context)
    return {context.bundle_id: (context, tag, points)}, {context.key_id(0): given.hex()}


def test_a_key_that_its_shares_do_not_give_is_found():
    right, wrong = bytes(range(32, 64)), bytes(32)
    for given, shares, guilty_of in ((right, 2, None), (wrong, 2, "than its shares give"), (right, 1, "only 1 shares")):
        found: list[str] = []
        judge.judge_rebuilt_keys(*posted_bundle(given, shares), found)
        assert (not found) if guilty_of is None else guilty_of in found[0]


def test_levels_that_differ_and_levels_that_nobody_compared_are_found():
    same = {"what": "levels", "hub": "hank", "kme": "carol", "block": "b", "hub_side": {"x": 1}, "kme_side": {"x": 1}}
    for events, count in (([same], 0), ([{**same, "kme_side": {"x": 2}}], 1), ([{**same, "hub_side": None}], 1), ([], 1)):
        found: list[str] = []
        judge.judge_levels(events, found)
        assert len(found) == count


# --- the whole ---------------------------------------------------------------------------------------------------------------


def write(directory, recorded: Honest) -> None:
    (directory / "psrd").mkdir(exist_ok=True)
    (directory / "psrd" / "one.json").write_text(json.dumps(BLOCK.to_json()))
    for name, values in (
        ("wire-hank", map(recording.to_json, recorded.messages)),
        ("etsi", [ENC, DEC]),
        ("events", [{"what": "levels", "hub": "hank", "kme": "carol", "block": "b", "hub_side": 1, "kme_side": 1}]),
    ):
        (directory / f"{name}.jsonl").write_text("".join(json.dumps(value) + "\n" for value in values))


def test_a_recording_is_judged_as_it_was_written(honest, tmp_path):
    write(tmp_path, honest)
    assert judge.judge(tmp_path)[0] == []
    honest.answer(honest.messages[1], 200, {"sae_id": "celia"})
    write(tmp_path, honest)
    assert any("accepted 2 times" in fault for fault in judge.judge(tmp_path)[0])
