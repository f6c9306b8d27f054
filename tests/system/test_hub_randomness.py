"""A hub's further source of randomness: nothing is made of it while it is dead, stuck or used up."""

from __future__ import annotations

import os
import pathlib
import threading

import pytest

import dske_wire as wire
from nodes import eventually, one_line_error

GOOD = "/dev/urandom"


class Feeder:
    """Writes into a named pipe what `source` gives, as a generator's driver would, until it is closed."""

    def __init__(self, pipe: pathlib.Path, source: str):
        self._stop = threading.Event()
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # both ends, so that the hub may come and go
        self._source = open(source, "rb", buffering=0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                os.write(self._pipe, self._source.read(4096))
            except BlockingIOError:
                self._stop.wait(0.01)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._source.close()
        os.close(self._pipe)


@pytest.fixture
def pipe(tmp_path) -> pathlib.Path:
    path = tmp_path / "generator"
    os.mkfifo(path)
    return path


@pytest.fixture
def feed(pipe):
    feeders: list[Feeder] = []

    def begin(source: str) -> Feeder:
        feeders.append(Feeder(pipe, source))
        return feeders[-1]

    yield begin
    for feeder in feeders:
        if not feeder._stop.is_set():
            feeder.close()


@pytest.fixture
def hub(make_network):
    """A hub with the client carol, and how to give it a source."""
    network = make_network(["hank"], {"carol": ["carol"]})
    hub = network.hubs["hank"]
    hub.command("init")
    network.add_client("hank", "carol", ["carol"])

    def with_source(source: object, **settings: object):
        hub.change_config(
            randomness={"source": str(source), "min_entropy_per_byte": 8, "timeout_seconds": 20, **settings}
        )
        return hub

    return with_source


def assign(hub, target: pathlib.Path, code: int = 0):
    return hub.command(
        "psrd", "assign", "--client", "carol", "--client-bytes", 65536, "--hub-bytes", 65536, "-o", target, code=code
    )  # fmt: skip


@pytest.mark.parametrize("running", [False, True])
def test_psrd_is_made_with_a_good_source(hub, pipe, feed, tmp_path, running):
    hank = hub(pipe)
    feed(GOOD)
    if running:
        hank.serve()
        hank.wait_ready()
    assign(hank, tmp_path / "file")
    block = wire.parse_psrd((tmp_path / "file").read_bytes())
    assert len(set(block.data)) == 256
    if running:
        told = hank.status()["randomness"]
        assert told["source"] == str(pipe) and told["state"] == "good" and told["error"] == ""
        assert told["mixed_bytes"] >= 131072


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("source", ["stuck", "dead"])
def test_no_psrd_is_made_with_a_source_that_fails(hub, pipe, feed, tmp_path, source, running):
    hank = hub(pipe, timeout_seconds=1 if source == "dead" else 20)
    if source == "stuck":
        feed("/dev/zero")
    cause = "repetition count test" if source == "stuck" else "gave no byte for 1 s"
    if running:
        hank.serve()
        hank.wait_ready()
    done = assign(hank, tmp_path / "file", code=1)
    one_line_error(done, str(pipe), cause)
    assert not (tmp_path / "file").exists()
    assert not list(hank.state_dir.glob("psrd-out/carol/*"))
    if running:
        status = hank.status()
        assert status["randomness"]["state"] == "failed" and cause in status["randomness"]["error"]
        assert status["state"] == "ready"  # it serves with the PSRD that there is
        assert any(cause in warning for warning in status["warnings"])
        eventually(lambda: cause in hank.log_text(), "the log tells the cause")
        assert hank.terminate() == 0


def test_a_source_that_fails_while_it_is_used_is_trusted_again_after_a_start_up_test(hub, pipe, feed, tmp_path):
    hank = hub(pipe)
    feeder = feed(GOOD)
    hank.serve()
    hank.wait_ready()
    eventually(lambda: hank.status()["randomness"]["state"] == "good", "the start-up test has passed")
    assign(hank, tmp_path / "before")
    feeder.close()
    feeder = feed("/dev/zero")
    one_line_error(assign(hank, tmp_path / "stuck", code=1), "SP 800-90B")
    assert hank.status()["randomness"]["state"] == "failed"
    feeder.close()
    feed(GOOD)

    def passes() -> bool:  # zeros may still be in the pipe
        done = assign(hank, tmp_path / "after", code=None)
        return done.returncode == 0

    eventually(passes, "PSRD is made again")
    assert hank.status()["randomness"]["state"] == "good"
    assert hank.status()["warnings"] == []


def test_a_stop_does_not_wait_for_a_dead_source(hub, pipe):
    hank = hub(pipe, timeout_seconds=3600)
    hank.serve()
    hank.wait_ready()
    assert hank.terminate() == 0


def test_a_file_is_used_up_once_also_across_restarts(hub, tmp_path):
    source = tmp_path / "random.bin"
    source.write_bytes(os.urandom(2 << 20))
    hank = hub(source)
    assign(hank, tmp_path / "first")
    used = (hank.state_dir / "randomness-used").read_text()
    assert int(used.split()[1]) >= 4096 + 4096 + 131072
    assign(hank, tmp_path / "second")
    one_line_error(assign(hank, tmp_path / "third", code=1), "used up")
    source.write_bytes(os.urandom(2 << 20))
    assign(hank, tmp_path / "third")


def test_a_claim_out_of_range_is_refused(hub):
    hank = hub("/dev/urandom", min_entropy_per_byte=8.5)
    one_line_error(hank.command("psrd", "list", code=1), "min_entropy_per_byte", "0.1 to 8")
