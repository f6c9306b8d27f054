"""What a machine does to its nodes: a full disk, a disk that became read-only, a wall clock that jumps. Requests fail while it lasts,
with a message that says what; nothing is half done, nothing acknowledged is lost, no PSRD byte is used twice."""

import pathlib
import resource
import subprocess
import time

import pytest

import wire_check
from nodes import answers, eventually, run
from recording_proxy import RecordingProxy

HUBS = ["hank", "helen", "hilary"]
YEAR = 365 * 86400


def watched_network(make_network, **options):
    return make_network(
        hubs=HUBS, shares_required=2, proxies={hub: RecordingProxy() for hub in HUBS}, client_bytes=65536,
        hub_bytes=65536, **options,
    )  # fmt: skip


def check(network, given: dict[str, bytes]) -> None:
    """Every key that carol was given reaches celia, and the recording is clean."""
    network.all_registered()
    with network.sae("celia") as celia:
        ids = list(given)
        for start in range(0, len(ids), 50):
            part = ids[start : start + 50]
            answer = eventually(lambda: (a := celia.dec_keys("carol", part)).status == 200 and a, "the keys come")
            assert answer.keys == {key_id: given[key_id] for key_id in part}
    for proxy in network.proxies.values():
        wire_check.check_proxy(proxy)


# --- a full disk -----------------------------------------------------------------------------------------------------------


class SmallDisk:
    """A file system of its own below a node's state directory; where that may not be mounted, a limit of the size of its files."""

    def __init__(self, node, size: str = "3m"):
        self.node = node
        node.state_dir.mkdir(mode=0o700, exist_ok=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", node.state_dir], capture_output=True, check=False
        )
        self.mounted = mounted.returncode == 0

    def fill(self) -> None:
        if not self.mounted:
            # What the node has may be overwritten, but no file grows, and nothing new is written.
            resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return
        with open(self.node.state_dir / "filler", "ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass

    def make_room(self) -> None:
        if self.mounted:
            (self.node.state_dir / "filler").unlink(missing_ok=True)
        else:
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE, unlimited)

    def remount(self, how: str) -> None:
        run("mount", "-o", f"remount,{how}", self.node.state_dir)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", self.node.state_dir], check=False)


@pytest.fixture
def small_disk():
    disks = []

    def make(node) -> SmallDisk:
        disks.append(SmallDisk(node))
        return disks[-1]

    yield make
    for disk in disks:
        disk.close()


def ask_until(network, wanted: str, seconds: float = 40) -> tuple[dict[str, bytes], str]:
    """Asks for keys until the answer is a 503 (or a 200). The keys given meanwhile, and the last message."""
    given: dict[str, bytes] = {}
    deadline = time.monotonic() + seconds
    with network.sae("carol") as carol:
        while True:
            answer = carol.enc_keys("celia", 5)
            if answer.status == 200:
                given |= answer.keys
                if wanted == "200":
                    return given, ""
            else:
                assert answer.status == 503, answer.body
                if wanted == "503":
                    return given, answer.message
            assert time.monotonic() < deadline, f"no {wanted} came: {answer.body}"
            time.sleep(0.01)


def test_a_kme_whose_disk_is_full_refuses_and_recovers(make_network, small_disk):
    network = watched_network(make_network)
    carol = network.kmes["carol"]
    disk = small_disk(carol)
    network.start()
    network.all_registered()
    given, _ = ask_until(network, "200")
    disk.fill()
    more, message = ask_until(network, "503")
    assert carol.process.running
    assert "full" in message or "space" in message or "write" in message or "too few hubs" in message, message
    eventually(lambda: answers(carol.port + 1000, "/healthz"), "carol is healthy")
    disk.make_room()
    again, _ = ask_until(network, "200")
    check(network, given | more | again)
    carol.kill()
    carol.serve()
    carol.wait_ready()
    check(network, {})


def test_a_hub_whose_disk_is_full_is_done_without_and_comes_back(make_network, small_disk):
    network = watched_network(make_network)
    hank = network.hubs["hank"]
    disk = small_disk(hank)
    network.start()
    network.all_located("carol", "celia")
    disk.fill()
    given: dict[str, bytes] = {}
    with network.sae("carol") as carol:
        for _ in range(30):
            given |= carol.enc_keys("celia", 2).keys  # the other two are enough
    assert hank.process.running
    refused = [
        exchange for exchange in network.proxies["hank"].recorded("POST", "/key-share")
        for answer in exchange.hub_answers if answer.status == 503
    ]  # fmt: skip
    assert refused, "the full hub said so"
    disk.make_room()

    def takes_shares() -> bool:
        with network.sae("carol") as carol:
            given.update(carol.enc_keys("celia").keys)
        last = network.proxies["hank"].recorded("POST", "/key-share")[-1]
        return bool(last.hub_answers) and last.hub_answers[0].status == 200

    eventually(takes_shares, "hank takes shares again")
    check(network, given)


@pytest.mark.parametrize("kind", ["hub", "kme"])
def test_psrd_that_finds_no_room_is_refused_and_changes_nothing(make_network, small_disk, kind):
    network = watched_network(make_network)
    hank, carol = network.hubs["hank"], network.kmes["carol"]
    disk = small_disk(hank if kind == "hub" else carol)
    network.start()
    network.all_registered()
    file = network.assign("hank", "carol") if kind == "kme" else None
    content = file.read_bytes() if file else b""
    before = {node.name: node.psrd(peer)["blocks"] for node, peer in ((hank, "carol"), (carol, "hank"))}
    disk.fill()
    if kind == "hub":
        done = hank.command(
            "psrd", "assign", "--client", "carol", "--client-bytes", 65536, "--hub-bytes", 65536, "-o",
            network.directory / "none.json", code=1,
        )  # fmt: skip
        assert not (network.directory / "none.json").exists()
    else:
        done = carol.command("ingest-psrd", file, code=1)
        assert file.read_bytes() == content, "the file stays as it is"
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    after = {node.name: node.psrd(peer)["blocks"] for node, peer in ((hank, "carol"), (carol, "hank"))}
    assert after == before
    disk.make_room()
    if kind == "hub":
        network.assign("hank", "carol")
    else:
        carol.command("ingest-psrd", file)
    check(network, network.exchange("carol", "celia") and {})


# --- a read-only disk ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hub", "kme"])
def test_a_node_does_not_start_on_a_read_only_disk_and_says_why(make_network, small_disk, kind):
    network = watched_network(make_network)
    node = network.hubs["hank"] if kind == "hub" else network.kmes["carol"]
    disk = small_disk(node)
    if not disk.mounted:
        pytest.skip("nothing may be mounted here, and no other way makes files read-only for root")
    network.start()
    keys = network.exchange("carol", "celia")
    assert node.terminate() == 0
    disk.remount("ro")
    before = len(node.log_text())
    node.serve()
    assert node.process.wait(20) == 1
    told = node.log_text()[before:].strip().splitlines()[-1]
    assert "ead-only" in told and str(node.state_dir) in told, told
    disk.remount("rw")
    node.serve()
    node.wait_ready()
    network.all_registered()
    assert network.exchange("carol", "celia") != keys
    check(network, {})


# --- a clock that jumps ----------------------------------------------------------------------------------------------------


class Clock:
    """The wall clock of a node."""

    def __init__(self, shim: pathlib.Path, offset: pathlib.Path):
        self.environment = {"LD_PRELOAD": str(shim), "CLOCK_SHIM_OFFSET": str(offset)}
        self._offset = offset
        self.jump_to(0)

    def jump_to(self, seconds: int) -> None:
        """So far from the machine's."""
        part = self._offset.with_suffix(".part")
        part.write_text(str(seconds))
        part.rename(self._offset)


@pytest.fixture(scope="module")
def shim(tmp_path_factory) -> pathlib.Path:
    library = tmp_path_factory.mktemp("shim") / "clock_shim.so"
    run("cc", "-shared", "-fPIC", "-O1", "-o", library, pathlib.Path(__file__).with_name("clock_shim.c"), "-ldl")
    return library


@pytest.mark.parametrize("jump", [10 * YEAR, -10 * YEAR], ids=["forwards", "backwards"])
def test_a_hubs_clock_that_jumps_by_years_loses_and_repeats_nothing(make_network, shim, tmp_path, jump):
    """Lifetimes run on monotonic clocks, also across a restart."""
    network = watched_network(make_network)
    network.start()
    network.all_registered()
    clocks = {}
    for name, hub in network.hubs.items():
        assert hub.terminate() == 0
        clocks[name] = Clock(shim, tmp_path / f"offset-{name}")
        hub.serve(clocks[name].environment)
        hub.wait_ready()
    network.all_registered()
    given: dict[str, bytes] = {}
    with network.sae("carol") as carol:
        given |= carol.enc_keys("celia", 3).keys
        for clock in clocks.values():
            clock.jump_to(jump)
        time.sleep(1.5)  # a second's tick with the new time
        given |= carol.enc_keys("celia", 3).keys
        for name, hub in network.hubs.items():
            hub.kill()
            hub.serve(clocks[name].environment)
            hub.wait_ready()
    given |= ask_until(network, "200")[0]
    check(network, given)


@pytest.mark.parametrize("jump", [86400, -3600], ids=["forwards", "backwards"])
def test_a_kmes_clock_that_jumps_loses_and_repeats_nothing(make_network, shim, tmp_path, jump):
    """Its registration numbers grow all the same. (Certificates have dates: so the encryptors' connections are there before.)"""
    network = watched_network(make_network)
    network.start()
    network.all_registered()
    kme = network.kmes["carol"]
    assert kme.terminate() == 0
    clock = Clock(shim, tmp_path / "offset")
    kme.serve(clock.environment)
    kme.wait_ready()
    network.all_registered()
    given: dict[str, bytes] = {}
    with network.sae("carol") as carol:
        given |= carol.enc_keys("celia", 3).keys
        clock.jump_to(jump)
        time.sleep(1.5)
        given |= carol.enc_keys("celia", 3).keys
    kme.kill()
    kme.serve(clock.environment)
    kme.wait_ready()
    network.all_registered()  # a number that did not grow would be refused
    clock.jump_to(0)
    kme.kill()
    kme.serve(clock.environment)
    kme.wait_ready()
    network.all_registered()
    with network.sae("carol") as carol:
        given |= carol.enc_keys("celia", 3).keys
    check(network, given)
