"""Clocks that differ from the machine's: of a process by libfaketime, and of a WireGuard device, which libfaketime cannot
reach, by a proxy before its configuration socket."""

from __future__ import annotations

import contextlib
import glob
import pathlib
import re
import socket
import threading
import time

from tunnel_devices import ask_device

_LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")


class ShiftedClock:
    """One host's wall clock: `shift` seconds ahead of the machine's. Its steady clocks are the machine's."""

    def __init__(self, directory: pathlib.Path, shift: float = 0):
        assert _LIBRARIES, "libfaketime is not there: install the package faketime"
        self._file = directory / "clock"
        self._history: list[tuple[float, float]] = []  # since when, by the machine's clock, and by how much
        self.set(shift)
        self.environment = {
            "LD_PRELOAD": _LIBRARIES[0],
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, shift: float) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{shift:+.0f}s\n")
        new.chmod(0o644)
        new.rename(self._file)
        self._history.append((time.time() if self._history else 0.0, shift))

    def of(self, at: float) -> float:
        """What this clock showed at a time of the machine's."""
        return at + next(shift for since, shift in reversed(self._history) if since <= at)


class ShiftedDevice:
    """A device's configuration socket, with handshake times as its host's clock showed them."""

    def __init__(self, device_socket: str, path: pathlib.Path, clock: ShiftedClock):
        self.path = str(path)
        self._device, self._clock = device_socket, clock
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(16)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        # Who asks may be killed meanwhile, or not wait that long.
        with connection, contextlib.suppress(OSError):
            request = b""
            while not request.endswith(b"\n\n"):
                piece = connection.recv(65536)
                if not piece:
                    return
                request += piece
            answer = ask_device(self._device, request)
            connection.sendall(re.sub(rb"(?<=last_handshake_time_sec=)\d+", self._shifted, answer))

    def _shifted(self, seconds: re.Match) -> bytes:
        at = int(seconds[0])
        return b"%d" % (self._clock.of(at) if at else 0)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
