"""Attacks on a running KME's server. Each has well-behaved encryptors served meanwhile and afterwards, on old and on
new connections, by the same process, which gives back what it took."""

import base64
import contextlib
import json
import re
import resource
import ssl
import subprocess
import time

import pytest

from attacker import (
    ATTACKER,
    Answers,
    Handshake,
    Witness,
    client_hello,
    connect,
    descriptors,
    reset,
    resident_bytes,
    tls_connect,
    wait_until_ended,
)
from etsi_client import sae_path
from nodes import PATIENCE, eventually

STATUS = sae_path("celia", "status").encode()
ENC_KEYS = sae_path("celia", "enc_keys").encode()
GET = b"GET " + STATUS + b" HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST " + ENC_KEYS + b" HTTP/1.1\r\nHost: x\r\n"
REFUSED_BODY = b'{"number": 0}'  # a request that is understood and costs no PSRD: 400

# Short, so that attackers who wait for them are rid of soon.
SERVER = {
    "handshake_timeout_seconds": 2,
    "head_timeout_seconds": 2,
    "body_timeout_seconds": 2,
    "write_timeout_seconds": 2,
    "linger_timeout_seconds": 1,
}
# Attackers with a certificate have one of their own: each SAE's requests are limited.
SAES = {"carol": ["carol", "attacker"], "celia": ["celia"]}
WITNESSED_KEYS: list[bytes] = []


@pytest.fixture(scope="module")
def network(make_module_network):
    network = make_module_network(
        clients=SAES, shares_required=2, client_bytes=8 << 20, hub_bytes=1 << 20, kme_settings={"server": SERVER}
    ).start()  # fmt: skip
    network.all_registered()
    network.exchange("carol", "celia")
    return network


@pytest.fixture(scope="module")
def kme(network):
    return network.kmes["carol"]


@pytest.fixture(scope="module")
def taken(network, kme):
    """Counts the KME's descriptors. The pool of connections to the hubs may grow."""
    hubs = {hub.port for hub in network.hubs.values()}
    return lambda: descriptors(kme.process.pid, but_to=hubs)


@pytest.fixture
def witness(network, kme, taken):
    """Watches over the test; afterwards the KME must be as it was."""
    pid = kme.process.pid
    with network.sae("carol") as master, network.sae("celia") as slave:
        master.status("celia"), slave.status("carol")
        before, resident = taken(), resident_bytes(pid)
        with Witness(master, slave, "carol", "celia") as witness:
            yield witness
        WITNESSED_KEYS.extend(witness.keys)
        eventually(lambda: taken() <= before + 3, "the KME gives back its descriptors")
        network.exchange("carol", "celia")
    assert kme.process.running and kme.status()["pid"] == pid
    if PATIENCE == 1:  # sanitizers keep what is freed
        assert resident_bytes(pid) < resident + (48 << 20), "the KME keeps the attack's memory"


@pytest.fixture
def tls(network):
    """A new connection with the SAE's certificate, from the attacker's address."""
    opened = []

    def make(version: ssl.TLSVersion | None = None, **options) -> ssl.SSLSocket:
        opened.append(tls_connect(network.kmes["carol"].port, network.tls("attacker", version), **options))
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def said(kme):
    """What the KME has logged since the test began."""
    begin = len(kme.log_text())
    return lambda: kme.log_text()[begin:]


# --- before and in the handshake ------------------------------------------------------------------------------------


def test_a_thousand_silent_connections(kme, witness, said):
    silent = [connect(kme.port, f"127.0.0.{66 + i % 8}") for i in range(1000)]
    witness.must_be_served()
    wait_until_ended(silent, "silent connections")
    assert "it took too long" in said()


def test_handshakes_cut_anywhere(network, kme, witness, said):
    hello = client_hello(network.tls("carol"))
    cut = []
    for size in [1, 2, 4, 5, 6, 9, 10, 11, 43, 44, 100, len(hello) - 1] * 4:
        cut.append(connect(kme.port))
        cut[-1].sendall(hello[:size])
    witness.must_be_served()
    wait_until_ended(cut, "handshakes cut in the ClientHello")
    assert f"{ATTACKER}" in said() and "handshake" in said()


def test_a_client_hello_in_single_bytes_is_one(network, kme, witness):
    with connect(kme.port) as connection:
        handshake = Handshake(connection, network.tls("carol"))
        flight = handshake.next_flight()
        while flight:
            for i in range(len(flight)):
                connection.sendall(flight[i : i + 1])
            handshake.receive()
            flight = handshake.next_flight()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_handshakes_that_stop_after_the_servers_flight(network, kme, witness, said, version):
    stopped = []
    for _ in range(50):
        stopped.append(connect(kme.port))
        handshake = Handshake(stopped[-1], network.tls("carol", version))
        stopped[-1].sendall(handshake.next_flight())
        assert handshake.receive()
    witness.must_be_served()
    wait_until_ended(stopped, "handshakes stopped after the server's flight")
    assert "it took too long" in said()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-x\r\n",
        bytes(range(256)) * 64,
        b"\x00" * 100,
        b"\x16\x03\x01\xff\xff" + b"\x01" * 70000,  # a record over every limit
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" + b"\x16\x03\x01\x40\x00" * 10,  # a ClientHello of 16 MiB
        b"\x15\x03\x03\x00\x02\x02\x28" * 1000,  # alerts
        b"\x14\x03\x03\x00\x01\x01" * 1000,  # ChangeCipherSpec for ever
        b"\x80\x2e\x01\x00\x02" + b"\x00" * 44,  # SSL 2
    ],
)
def test_no_tls_at_all(kme, witness, said, data):
    connections = []
    for _ in range(5):
        connections.append(connect(kme.port))
        with contextlib.suppress(ConnectionError):
            connections[-1].sendall(data)
    wait_until_ended(connections, "connections that are no TLS")

    def is_logged() -> bool:  # of many lines in a second most are left out
        with connect(kme.port) as connection, contextlib.suppress(ConnectionError):
            connection.sendall(data)
        return "the TLS handshake failed" in said()

    eventually(is_logged, "the log tells of it")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_flood_of_failing_handshakes(network, foreign_pki, kme, witness, said, version):
    begun = time.monotonic()
    nobody = ssl.create_default_context(cafile=str(network.pki.ca))
    foreign = ssl.create_default_context(cafile=str(network.pki.ca))
    foreign.load_cert_chain(*map(str, foreign_pki.issue("carol")))
    for context, cause in ((nobody, "did not return a certificate"), (foreign, '"CN=carol"')):
        context.minimum_version = context.maximum_version = version

        def fails_and_is_logged() -> bool:  # of many lines in a second most are left out
            with pytest.raises((ssl.SSLError, ConnectionError)):
                with tls_connect(kme.port, context) as connection:
                    connection.sendall(GET)
                    if not connection.recv(1):  # in TLS 1.3 the client's end of the handshake comes before the alert
                        raise ConnectionError
            return cause in said()

        for _ in range(80):
            fails_and_is_logged()
        eventually(fails_and_is_logged, f"the log says: {cause}")
    # Three lines of each of two kinds in any second.
    assert said().count("\n") < 20 + 6 * (time.monotonic() - begun), "a flood does not flood the log"


@pytest.mark.parametrize("stage", ["connected", "half a hello", "hello", "the server's flight", "handshake", "request"])
def test_resets_at_every_stage(network, kme, witness, tls, stage):
    context = network.tls("carol")
    hello = client_hello(context)
    for _ in range(30):
        if stage in ("handshake", "request"):
            connection = tls()
            if stage == "request":
                connection.sendall(GET * 20)  # answers are on their way
        else:
            connection = connect(kme.port)
            if stage != "connected":
                connection.sendall(hello[:100] if stage == "half a hello" else hello)
            if stage == "the server's flight":
                connection.recv(1)
        reset(connection)


@contextlib.contextmanager
def openssl_client(network, kme, version: str):
    """`openssl s_client`, which takes letters as commands."""
    certificate, key = network.pki.issue("carol")
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{kme.port}", version, "-CAfile", network.pki.ca]
    command += ["-cert", certificate, "-key", key]
    client = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    )
    try:
        yield client
    finally:
        client.kill()
        client.communicate()


def test_renegotiation_is_refused(network, kme, witness):
    with openssl_client(network, kme, "-tls1_2") as client:
        said = client.communicate(b"R\n", timeout=30 * PATIENCE)[0]
    assert b"RENEGOTIATING" in said and b"no renegotiation" in said


def test_a_flood_of_key_updates(network, kme, witness):
    with openssl_client(network, kme, "-tls1_3") as client:

        def say(data: bytes, until: bytes) -> None:
            client.stdin.write(data)
            line = b""
            while until not in line:
                line = client.stdout.readline()
                assert line, "the connection ended"

        say(GET, b"HTTP/1.1 200")  # for the first request there is little time
        for _ in range(500):
            say(b"K\n", b"KEYUPDATE")  # this asks for an update of the server's key as well
        say(GET, b"HTTP/1.1 200")


# --- requests that do not come to an end ----------------------------------------------------------------------------


def dribble(connection: ssl.SSLSocket, data: bytes) -> None:
    """A byte every tenth of a second until the server has enough of it."""
    with contextlib.suppress(OSError):
        for i in range(len(data)):
            connection.sendall(data[i : i + 1])
            time.sleep(0.1)


@pytest.mark.parametrize("data", [GET, POST + b"Content-Length: 100\r\n\r\n" + b" " * 100], ids=["head", "body"])
def test_slow_requests_get_408(witness, tls, data):
    begun = data.index(b"\r\n\r\n") + 4 if b"100" in data else 30
    connections = [sent(tls(), data[:begun]) for _ in range(20)]
    dribble(connections[0], data[begun:])
    for connection in connections:
        (answer,) = Answers(connection).rest()
        assert answer[0] == 408 and json.loads(answer[2])["message"]


@pytest.mark.parametrize(
    "begin, endless, status",
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y", 431),
        (b"GET /", b"y", 414),
        (b"", b"\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x=y;", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1;a=b\r\n \r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n", 431),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"0", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n", 413),
    ],
    ids=["headers", "header", "target", "lines", "extension", "extensions", "trailers", "size", "body"],
)
def test_endless_parts_of_a_request_are_cut_off(witness, tls, begin, endless, status):
    connection = tls()
    with contextlib.suppress(OSError):
        connection.sendall(begin)
        for _ in range(64):
            connection.sendall(endless * (65536 // len(endless)))
    # What was sent behind the answer may have the kernel reset the connection.
    with contextlib.suppress(ConnectionError):
        answer = Answers(connection).next()
        if answer is not None:
            assert answer[0] == status, answer
            assert answer[1]["connection"].lower() == "close"


def test_a_slow_reader_of_a_large_answer_gets_all_of_it(witness, tls):
    slow = tls(receive_buffer=65536)
    slow.sendall(b"GET " + ENC_KEYS + b"?number=128&size=65536 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = bytearray()
    while part := slow.recv(16384):
        answer += part
        time.sleep(0.03)  # in all longer than the write timeout
    head, body = bytes(answer).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200")
    assert [len(base64.b64decode(entry["key"])) for entry in json.loads(body)["keys"]] == [8192] * 128


def test_those_who_never_read_their_answers_are_given_up(taken, witness, tls):
    before = taken()
    large = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"  # what the kernel holds is full with a few of its answers
    connections = [sent(tls(receive_buffer=1024), GET) for _ in range(20)]  # these may stay for long
    assert taken() >= before + 15
    for connection in connections:
        connection.setblocking(False)

    def flood() -> None:
        for connection in connections:
            with contextlib.suppress(OSError):  # the server does not read any more, or has ended it
                for _ in range(100):
                    connection.send(large * 100)

    def given_up() -> bool:
        flood()  # it may have read on
        return taken() <= before + 3

    flood()
    witness.must_be_served()
    eventually(given_up, "the server gives them up", 60)


# --- shapes on which parsers disagree -------------------------------------------------------------------------------

CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SHAPES = {
    "Content-Length and Transfer-Encoding": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 400),
    "equal lengths": (POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
    "list of lengths": (POST + b"Content-Length: 0, 0\r\n\r\n", 400),
    "signed length": (POST + b"Content-Length: +0\r\n\r\n", 400),
    "negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "hexadecimal length": (POST + b"Content-Length: 0x0\r\n\r\n", 400),
    "overflowing length": (POST + b"Content-Length: 18446744073709551616\r\n\r\n", None),
    "chunked twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None),
    "chunked, chunked": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", None),
    "identity": (POST + b"Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n", None),
    "chunked, identity": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", None),
    "xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", None),
    "chunked with a vertical tab": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "empty coding": (POST + b"Transfer-Encoding:\r\n\r\n", None),
    "space before the colon": (POST + b"Content-Length : 0\r\n\r\n", 400),
    "folded header": (POST + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", 400),
    "folded coding": (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "header without a name": (POST + b": x\r\n\r\n", 400),
    "NUL in a value": (POST + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n", 400),
    "NUL in a name": (POST + b"X\x00: a\r\nContent-Length: 0\r\n\r\n", 400),
    "bare LF": (POST.replace(b"\r\n", b"\n") + b"\n", 400),
    "LF at the end of one header": (POST + b"X: a\nContent-Length: 0\r\n\r\n", 400),
    "bare CR in a value": (POST + b"X: a\rb\r\n\r\n", 400),
    "two hosts": (POST + b"Host: y\r\n\r\n", 400),
    "tab in the request line": (b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no version": (b"GET /\r\nHost: x\r\n\r\n", 400),
    "chunk of 0x": (CHUNKED + b"0x0\r\n\r\n", 400),
    "chunk of -1": (CHUNKED + b"-1\r\n\r\n", 400),
    "chunk of +1": (CHUNKED + b"+1\r\n \r\n0\r\n\r\n", 400),
    "chunk of 2^64": (CHUNKED + b"10000000000000000\r\n", None),
    "chunk of 2^64 - 1": (CHUNKED + b"ffffffffffffffff\r\n", None),
    "chunk without a size": (CHUNKED + b"\r\n0\r\n\r\n", 400),
    "chunk lines of LF": (CHUNKED + b"1\n \n0\n\n", 400),
    "longer chunk than announced": (CHUNKED + b"1\r\n  \r\n0\r\n\r\n", 400),
    "space behind a chunk's size": (CHUNKED + b"1 \r\n \r\n0\r\n\r\n", 400),
    "unknown expectation": (POST + b"Expect: miracles\r\nContent-Length: 0\r\n\r\n", 417),
    "encoded body": (POST + b"Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", 415),
}  # fmt: skip


def test_nothing_is_smuggled_past_shapes_that_parsers_disagree_on(witness, tls):
    for name, (data, status) in SHAPES.items():
        answers = Answers(sent(tls(), data + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")).rest()
        assert len(answers) == 1, f"{name}: {answers}"  # one answer, then the end
        ((got, headers, body),) = answers
        assert got == status or (status is None and got in (400, 413, 501)), f"{name}: {answers}"
        assert json.loads(body)["message"] and headers["connection"].lower() == "close", name


# --- what is unusual and right --------------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order(witness, tls):
    connection = tls()
    targets = [b"/nothing-%d" % i if i % 3 else STATUS for i in range(300)]
    connection.sendall(b"".join(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n" for target in targets))
    answers = Answers(connection)
    for target in targets:
        assert answers.next()[0] == (200 if target == STATUS else 404)


def test_http_1_0_closes_unless_asked_to_stay(witness, tls):
    old = GET.replace(b"HTTP/1.1", b"HTTP/1.0")
    assert len(Answers(sent(tls(), old + GET)).rest()) == 1
    staying = old.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
    answers = Answers(sent(tls(), staying + old))
    first = answers.next()
    assert first[0] == 200 and first[1]["connection"].lower() == "keep-alive"
    assert [answer[0] for answer in answers.rest()] == [200]


def sent(connection: ssl.SSLSocket, data: bytes) -> ssl.SSLSocket:
    connection.sendall(data)
    return connection


def test_head_options_and_expect(witness, tls):
    answers = Answers(tls())
    answers.connection.sendall(GET.replace(b"GET", b"HEAD") + GET)
    head, get = answers.next(to_head=True), answers.next()
    assert head[0] == get[0] == 200 and head[1]["content-length"] == str(len(get[2]))
    answers.connection.sendall(GET.replace(b"GET", b"OPTIONS"))
    status, headers, _ = answers.next()
    assert status == 204 and {"GET", "HEAD", "OPTIONS"} <= set(re.split(", *", headers["allow"]))
    answers.connection.sendall(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(REFUSED_BODY))
    assert answers.next()[0] == 100
    answers.connection.sendall(REFUSED_BODY)
    assert answers.next()[0] == 400


def test_a_chunked_body_may_be_cut_at_every_byte(witness, tls):
    half = len(REFUSED_BODY) // 2
    parts = (REFUSED_BODY[:half], REFUSED_BODY[half:], b"")
    body = b"".join(b"%x;e=v\r\n" % len(part) + part + b"\r\n" for part in parts[:2]) + b"0\r\nTrailer: t\r\n\r\n"
    whole = CHUNKED + body
    answers = Answers(tls())
    for cut in range(1, len(whole)):  # two TLS records, which the server may see apart
        answers.connection.sendall(whole[:cut])
        answers.connection.sendall(whole[cut:])
    for _ in range(1, len(whole)):
        status, _, text = answers.next()
        assert status == 400 and "number" in json.loads(text)["message"]
    for i in range(len(whole)):
        answers.connection.sendall(whole[i : i + 1])
    assert answers.next()[0] == 400


# --- the end of resources -------------------------------------------------------------------------------------------


def test_when_descriptors_run_out_those_who_are_there_are_served(network, kme, taken, said):
    pid = kme.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with network.sae("carol") as old:
        assert old.status("celia").status == 200
        before = taken()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(pid) + 10, limits[1]))
        try:
            crowd = [connect(kme.port) for _ in range(200)]
            eventually(lambda: "limit on open files" in said(), "the log tells that descriptors ran out")
            for _ in range(5):
                assert old.status("celia").status == 200
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        wait_until_ended(crowd, "connections when descriptors ran out")
        eventually(lambda: taken() <= before + 3, "the KME gives back its descriptors")
    network.exchange("carol", "celia")
    assert kme.process.running and kme.process.pid == pid


def test_connections_per_address_are_limited(make_network):
    settings = {"connections_per_address": 4, "handshake_timeout_seconds": 60}
    network = make_network(hubs=["hank", "helen"], kme_settings={"server": settings}).start()
    kme = network.kmes["carol"]
    crowd = [connect(kme.port) for _ in range(4)]
    over = [connect(kme.port) for _ in range(20)]
    wait_until_ended(over, "connections over the limit of their address")
    assert "too many" in kme.log_text()
    for connection in crowd:  # these stay until their handshake's time is over
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    with network.sae("carol") as other:  # from another address
        assert other.status("celia").status == 200
    for connection in crowd:
        connection.close()

    def served() -> bool:
        try:
            with tls_connect(kme.port, network.tls("carol")) as connection:
                return Answers(sent(connection, GET)).next()[0] == 200
        except OSError:
            return False

    eventually(served, "places that were given back are given away again")


def test_silent_crowds_of_several_addresses_keep_nobody_out(make_network):
    """They may take all places; those who have been silent for longest make room, those with a certificate stay."""
    settings = {"connections": 256, "connections_per_address": 100, "handshake_timeout_seconds": 60}
    network = make_network(hubs=["hank", "helen"], kme_settings={"server": settings}).start()
    kme = network.kmes["carol"]
    with network.sae("carol") as early:
        assert early.status("celia").status == 200
        crowd = [connect(kme.port, f"127.0.0.{66 + i % 4}") for i in range(400)]

        def is_served() -> bool:
            with contextlib.suppress(OSError), network.sae("carol") as late:
                return late.status("celia").status == 200
            return False

        eventually(is_served, "the crowd of this moment has made room")
        for _ in range(20):
            crowd.append(connect(kme.port, "127.0.0.70"))
            with network.sae("carol") as late:
                assert late.status("celia").status == 200
        assert early.status("celia").status == 200
    for connection in crowd:
        connection.close()


def test_handshakes_per_address_wait_for_their_turn(make_network):
    settings = {"handshakes_per_second_per_address": 5, "handshake_timeout_seconds": 4}
    network = make_network(hubs=["hank", "helen"], kme_settings={"server": settings}).start()
    kme = network.kmes["carol"]
    context = network.tls("carol")
    hello = client_hello(context)
    flood = []
    for _ in range(200):  # 40 s worth of handshakes
        flood.append(connect(kme.port))
        flood[-1].sendall(hello)
    for _ in range(5):  # another address has its own turn
        with network.sae("carol", timeout=10 * PATIENCE) as other:
            assert other.status("celia").status == 200
    eventually(lambda: "was not begun" in kme.log_text(), "the log tells of handshakes that were not begun")
    wait_until_ended(flood, "handshakes over the rate")


# --- after all of it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_after_all_that(network, kme, version):
    context = network.tls("carol", version)
    with tls_connect(kme.port, context) as first:
        assert Answers(sent(first, GET)).next()[0] == 200
        session = first.session
    assert session.has_ticket
    connection = context.wrap_socket(connect(kme.port), server_hostname="127.0.0.1", session=session)
    with connection:
        assert connection.session_reused
        assert Answers(sent(connection, GET)).next()[0] == 200


def test_the_logs_hold_no_key_and_no_request(network):
    assert WITNESSED_KEYS
    for node in network.nodes:
        log = node.log.read_bytes()
        assert b"smuggled" not in log and b"/api/v1/keys" not in log
        for key in WITNESSED_KEYS:
            assert base64.b64encode(key).rstrip(b"=") not in log and key.hex().encode() not in log.lower()


def test_the_kme_stops_cleanly_after_all_that(kme):
    assert kme.terminate() == 0
    assert not re.search(r"(?i)sanitizer|terminate called|assert", kme.log_text())
