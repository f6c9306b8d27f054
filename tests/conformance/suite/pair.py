"""The SAEs that the checks act as, and what they may share: keys are dear."""

from __future__ import annotations

from .answer import Answer
from .caller import Caller
from .options import Options
from .outcome import CannotCheck, Failure, Skip, expect

STATUS_NUMBERS = (
    "key_size",
    "stored_key_count",
    "max_key_count",
    "max_key_per_request",
    "max_key_size",
    "min_key_size",
    "max_SAE_ID_count",
)


class Pair:
    """A master and a slave SAE, and perhaps a third one."""

    def __init__(self, options: Options):
        self.options = options
        self.trace: list[Answer] = []  # of the check that runs
        self.master = self._caller("master")
        self.slave = self._caller("slave")
        self._third = self._caller("third") if options.third_sae else None
        self._kept: dict[str, Answer] = {}

    def _caller(self, who: str) -> Caller:
        kme, sae, cert, key = (getattr(self.options, f"{who}_{what}") for what in ("kme", "sae", "cert", "key"))
        return Caller(who, kme, sae, self.options.ca, cert, key, lambda answer: self.trace.append(answer))

    def close(self) -> None:
        for caller in (self.master, self.slave, self._third):
            if caller:
                caller.close()

    @property
    def third(self) -> Caller:
        if self._third is None:
            raise Skip("needs a third SAE (--third-kme, --third-sae, --third-cert, --third-key)")
        return self._third

    @property
    def third_is_at_the_slaves_kme(self) -> bool:
        return (self.third.host, self.third.port) == (self.slave.host, self.slave.port)

    def once(self, name: str, ask) -> Answer:
        """The answer of `ask()`, which is called for the first check that wants it."""
        if name not in self._kept:
            self._kept[name] = ask()
        elif self._kept[name] not in self.trace:
            self.trace.append(self._kept[name])
        return self._kept[name]

    @property
    def status(self) -> Answer:
        return self.once("status", lambda: self.master.status(self.slave.sae))

    @property
    def key(self) -> Answer:
        """One Get key by GET without parameters, for all checks of its form. The key is of no further use."""
        return self.once("key", lambda: self.master.enc_keys(self.slave.sae))

    def limit(self, name: str) -> int:
        try:
            value = self.status.object.get(name)
            expect(self.status.status == 200 and type(value) is int and value >= 0, name)
        except Failure:
            raise CannotCheck(f"Get status does not tell {name}, see 5.1-get-status and 6.1-status-types") from None
        return value

    def fresh_keys(self, number: int = 1) -> dict[str, bytes]:
        """Keys of the smallest size from the master's KME, for the slave."""
        answer = self.master.enc_keys(self.slave.sae, f"number={number}&size={self.small_size}")
        return answer.keys

    @property
    def small_size(self) -> int:
        """The smallest size that is whole bytes and long enough that two keys do not agree by chance."""
        least = max(self.limit("min_key_size"), 64)
        return min(least + -least % 8, self.limit("max_key_size"))
