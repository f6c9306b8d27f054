"""PKCS #11 tokens of SoftHSM 2 in a directory of their own."""

from __future__ import annotations

import os
import pathlib
import subprocess

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


class SoftTokens:
    """Its `environment` tells programs where the tokens are."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        (directory / "tokens").mkdir(parents=True)
        conf = directory / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {directory}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.environment = {"SOFTHSM2_CONF": str(conf)}
        self.write_pin("1234")

    @property
    def pin_file(self) -> pathlib.Path:
        return self.directory / "pin"

    def write_pin(self, pin: str) -> None:
        self.pin_file.write_text(pin + "\n")
        self.pin_file.chmod(0o600)

    def make(self, label: str) -> None:
        self._util("--init-token", "--free", "--label", label, "--pin", "1234", "--so-pin", "5678")

    def remove(self, label: str) -> None:
        self._util("--delete-token", "--token", label)

    def place(self, token: str, key: str) -> dict:
        """What `node_key` says in a node's configuration."""
        return {"pkcs11": {"module": MODULE, "token": token, "key": key, "pin_file": str(self.pin_file)}}

    def _util(self, *arguments: str) -> None:
        subprocess.run(
            ["softhsm2-util", *arguments], env=os.environ | self.environment, check=True, capture_output=True
        )
