"""Kills nodes, one way or another, and sees to it that they come back."""

from __future__ import annotations

import collections
import dataclasses
import random
import signal
import subprocess
import time

from network import Node
from nodes import BIN, PATIENCE
from town import Town


@dataclasses.dataclass(frozen=True)
class Point:
    """A fault point, as dske-fault-points lists it."""

    name: str
    place: str  # both, hub or kme
    can_fail: bool

    def is_of(self, node: Node) -> bool:
        return self.place in ("both", node.kind)


def fault_points() -> list[Point]:
    listed = subprocess.run([BIN / "dske-fault-points"], capture_output=True, text=True, check=True).stdout
    points = []
    for line in listed.splitlines():
        name, place, failing, _ = line.split("\t")
        points.append(Point(name, place, failing == "fails"))
    return points


# Passed only where the store was set back (test_set_back_stores.py).
RARE = {"set-back.dropped"}
# Passed when nothing has been written for a second.
QUIET = {"checkpoint.begin", "checkpoint.done"}
# Passed when the node stops in order.
AT_STOP = {"ready.returned"}
# How often a point is passed before it kills: some are passed all the time, some once or twice per start.
OCCURRENCES = (1, 1, 1, 2, 3, 5, 10, 30)


class Killer:
    def __init__(self, town: Town, seed: str):
        self.town = town
        self.points = [point for point in fault_points() if point.name not in RARE]
        self.kills: collections.Counter[tuple[str, str]] = collections.Counter()  # by kind of node, and point or manner
        self.failures: collections.Counter[str] = collections.Counter()  # steps that were let fail
        self.missed: collections.Counter[str] = collections.Counter()  # points that were not passed in time
        self.random = random.Random(seed)

    @property
    def count(self) -> int:
        return sum(self.kills.values())

    def _killed(self, node: Node, manner: str) -> None:
        self.kills[node.kind, manner] += 1
        self.town.note_end(node, "killed", manner)

    # --- manners ---

    def from_outside(self, *nodes: Node) -> None:
        """kill -9 at this moment, of all of them at once."""
        for node in nodes:
            if node.process.running:
                node.process.popen.kill()
        for node in nodes:
            node.process.popen.wait()
            self._killed(node, "kill -9")

    def while_stopping(self, node: Node) -> None:
        """SIGTERM, and kill -9 before it has stopped."""
        node.process.popen.send_signal(signal.SIGTERM)
        time.sleep(self.random.uniform(0, 0.03))
        stopped_by_itself = not node.process.running
        node.process.kill()
        self._killed(node, "stopped" if stopped_by_itself else "kill -9 while stopping")
        if stopped_by_itself:
            self.kills[node.kind, "stopped"] -= 1  # no kill

    def at_point(self, node: Node, point: Point, occurrence: int, seconds: float = 4.0) -> bool:
        """The node was stopped somehow: starts it to die at the point. Whether it did."""
        self.town.start_node(node, f"{point.name}:{occurrence}:kill")
        deadline = time.monotonic() + seconds * PATIENCE
        served = False
        while node.process.running and time.monotonic() < deadline:
            if not served and self.town._is_alive(node):
                served = True
                self.town.after_restart(node)
                if point.name in AT_STOP:
                    self.let_keys_flow(20, 1.0)
                    node.process.popen.send_signal(signal.SIGTERM)
            time.sleep(0.01)
        if node.process.running:
            self.missed[f"{node.kind} {point.name}"] += 1
            self.from_outside(node)
            return False
        assert node.process.popen.wait() == -signal.SIGKILL, f"{node.name} ended by itself: {node.log_text()[-2000:]}"
        self._killed(node, point.name)
        return True

    def with_failure(self, node: Node, point: Point) -> None:
        """The node was stopped somehow: starts it to fail at the point. It may end by that, in order, while it starts."""
        action = self.random.choice(["EIO", "ENOSPC"])
        self.town.start_node(node, f"{point.name}:{self.random.choice(OCCURRENCES)}:{action}")
        if not self.town.serves(node):
            status = node.process.popen.wait()
            assert status == 1, f"{node.name} ended with {status} for a failed step: {node.log_text()[-2000:]}"
            self.town.note_end(node, "failed to start", point.name)
            self.town.start_node(node)
        self.failures[point.name] += 1

    # --- and back again ---

    def revive(self, *nodes: Node) -> None:
        for node in nodes:
            if not node.process.running:
                self.town.start_node(node)
        for node in nodes:
            assert self.town.serves(node), f"{node.name} does not start: {node.log_text()[-2000:]}"
            self.town.after_restart(node)

    def let_keys_flow(self, least: int = 2, seconds: float = 3.0) -> None:
        goal = self.town.given + least
        deadline = time.monotonic() + seconds * PATIENCE
        while self.town.given < goal and time.monotonic() < deadline:
            time.sleep(0.01)

    def pick(self, count: int = 1) -> list[Node]:
        return self.random.sample(self.town.network.nodes, count)

    def every_point(self) -> None:
        """Each point once at each kind of node that passes it."""
        for point in self.points:
            for kind in ("hub", "kme"):
                nodes = [node for node in self.town.network.nodes if node.kind == kind and point.is_of(node)]
                if not nodes:
                    continue
                node = self.random.choice(nodes)
                self.from_outside(node)
                if not self.provoke(node, point):
                    self.provoke(node, point)
                self.revive(node)
                self.let_keys_flow(1, 2.0)

    def provoke(self, node: Node, point: Point) -> bool:
        """Kills at a point that traffic alone may not pass: PSRD files are made and ingested meanwhile, or nothing happens."""
        if point.name in QUIET:
            self.town.quiet.set()
        else:
            self.town.courier.wanted.add(node.name)
        try:
            return self.at_point(node, point, 1, 10.0)
        finally:
            self.town.quiet.clear()
            self.town.courier.wanted.discard(node.name)

    def at_random(self) -> None:
        """One round: a node or several die, come back, and keys flow."""
        way = self.random.random()
        if way < 0.40:
            time.sleep(self.random.uniform(0, 0.3))
            nodes = self.pick()
            self.from_outside(*nodes)
        elif way < 0.75:
            nodes = self.pick()
            self.from_outside(*nodes)
            for _ in range(self.random.choice([1, 1, 2, 3])):
                point = self.random.choice([point for point in self.points if point.is_of(nodes[0])])
                self.at_point(nodes[0], point, self.random.choice(OCCURRENCES), 1.5)
        elif way < 0.83:
            nodes = self.pick(2)
            self.from_outside(*nodes)
        elif way < 0.86:
            nodes = list(self.town.network.nodes)
            self.from_outside(*nodes)
        elif way < 0.93:
            nodes = self.pick()
            self.while_stopping(*nodes)
        else:
            nodes = self.pick()
            self.from_outside(*nodes)
            failing = [point for point in self.points if point.can_fail and point.is_of(nodes[0])]
            self.with_failure(nodes[0], self.random.choice(failing))
        self.revive(*nodes)
        self.let_keys_flow()
