"""What a process costs, as /proc tells; and how it is made to stand still."""

from __future__ import annotations

import os
import pathlib
import signal

from nodes import eventually


def processor_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_kib(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def stand_still(pid: int) -> None:
    """Until SIGCONT, or SIGKILL, comes. The signal is there at once; threads that run see it a moment later."""
    os.kill(pid, signal.SIGSTOP)

    def stands() -> bool:
        threads = [thread.read_text() for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
        return all(text.rpartition(")")[2].split()[0] == "T" for text in threads)

    eventually(stands, f"process {pid} stands still")
