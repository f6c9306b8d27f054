"""Running the product's binaries: where they are, free ports, processes, and waiting without sleeping blindly."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import random
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("DSKE_BIN", REPOSITORY / "build" / "bin"))

HUB = str(BIN / "dske-hub")
KME = str(BIN / "dske-kme")
MANAGER = str(BIN / "dske-manager")

# Sanitizers make everything slower; so do other jobs on the machine.
PATIENCE = float(os.environ.get("DSKE_TEST_PATIENCE", "1"))


def eventually(condition: Callable[[], object], what: str, seconds: float = 15.0) -> object:
    """Polls until `condition` gives something true, and returns that."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds * PATIENCE:.0f} s for this in vain: {what}"
        time.sleep(0.02)


def steady(read: Callable[[], object], what: str, pause: float = 0.5) -> object:
    """Reads until it is the same twice in a row, and returns that: nothing is on its way any more."""

    def unchanged() -> list | None:
        before = read()
        time.sleep(pause * PATIENCE)
        return [before] if read() == before else None

    return eventually(unchanged, f"{what} do not change any more", 60)[0]


def despite_resets(ask: Callable[[], object]) -> object:
    """What `ask` gives. A server that refuses a body reads on for two seconds; whoever is slower may be cut off before
    the answer has come, and asks again."""
    for _ in range(4):
        try:
            return ask()
        except (ConnectionError, ssl.SSLError):
            pass
    return ask()


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_base_port(count: int) -> int:
    """A port from which `count` ports, and those 1000 above, are free. Below the range of outgoing connections. Test runs
    beside each other have numbers in DSKE_TEST_SLOT, from 0 to 3, and ports of their own."""
    low = 10000 + 5000 * int(os.environ.get("DSKE_TEST_SLOT", "0"))
    for _ in range(200):
        base = random.randrange(low, low + 3900)
        if all(port_is_free(base + i) and port_is_free(base + 1000 + i) for i in range(count)):
            return base
    raise AssertionError("no free ports")


def run(
    *command: object, code: int | None = 0, seconds: float = 30.0, cwd: object = None
) -> subprocess.CompletedProcess:
    """Runs a command to its end. `code` is the exit status it must have; None allows any."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=seconds * PATIENCE,
        cwd=cwd,
        check=False,
    )
    if code is not None:
        assert done.returncode == code, f"{command} exited {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def one_line_error(done: subprocess.CompletedProcess, *expected: str) -> str:
    """The single line on standard error, which must hold all of `expected`."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, f"not one line of error: {done.stderr!r}"
    for text in expected:
        assert text in lines[0], f"{text!r} is not in {lines[0]!r}"
    return lines[0]


class Process:
    """A daemon that this test run started."""

    def __init__(self, command: list[str], log: pathlib.Path, environment: dict[str, str] | None = None):
        """`environment` is added to our own."""
        self.command = command
        self.log = log
        with open(log, "ab") as output:
            self.popen = subprocess.Popen(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def kill(self) -> None:
        """kill -9, and waits for the end."""
        if self.running:
            self.popen.kill()
        self.popen.wait(15 * PATIENCE)

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        if self.running:
            self.popen.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = 15.0) -> int:
        """Waits until it ends by itself; the exit status."""
        try:
            return self.popen.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command[0]} did not end within {seconds} s") from None


def plain_request(
    port: int, method: str, target: str, value: object = None, token: str | None = None, timeout: float = 10.0
) -> tuple[int, dict[str, str], bytes]:
    """One HTTP request to loopback on its own connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = None
        if value is not None:
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            headers["Content-Type"] = "application/json"
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, {name.lower(): text for name, text in response.getheaders()}, response.read()
    finally:
        connection.close()


def answers(port: int, target: str, status: int = 200) -> bool:
    """Whether a GET is answered with this status."""
    try:
        return plain_request(port, "GET", target, timeout=2.0)[0] == status
    except OSError:
        return False
    except http.client.HTTPException:
        return False


class Management:
    """One node's management interface."""

    def __init__(self, kind: str, name: str, port: int, token_file: pathlib.Path):
        self.kind = kind  # "hub" or "client", as in its URLs
        self.name = name
        self.port = port
        self.token_file = token_file

    @property
    def token(self) -> str:
        return self.token_file.read_text().strip()

    def call(self, method: str, path: str, value: object = None, token: str | None = "") -> tuple[int, dict]:
        """`path` follows /hub/NAME/mgmt/v1. The node's token is sent unless another, or None, is given."""
        token = self.token if token == "" else token
        status, _, body = plain_request(
            self.port, method, f"/{self.kind}/{self.name}/mgmt/v1{path}", value, token=token
        )
        return status, json.loads(body)

    def status(self) -> dict:
        code, value = self.call("GET", "/status")
        assert code == 200, value
        return value

    def ready(self) -> bool:
        return answers(self.port, "/readyz")
