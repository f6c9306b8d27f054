"""Certificates for the tests, made by the openssl command."""

from __future__ import annotations

import pathlib
import urllib.parse

from nodes import run


class Pki:
    """A CA and what it issued, in one directory."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = directory / "ca.crt"
        self.ca_key = directory / "ca.key"
        run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=test CA", "-keyout", self.ca_key, "-out", self.ca,
        )  # fmt: skip

    def issue(
        self,
        common_name: str,
        *,
        server: bool = False,
        directory: str = "",
        hosts: str = "IP:127.0.0.1,DNS:localhost",
    ) -> tuple[pathlib.Path, pathlib.Path]:
        """The certificate and key of this name, made at the first call. `hosts` is for servers."""
        folder = self.directory / (directory or ("kme" if server else "sae"))
        folder.mkdir(exist_ok=True)
        stem = urllib.parse.quote(common_name, safe="")
        certificate, key, request, extensions = (folder / f"{stem}.{end}" for end in ("crt", "key", "csr", "ext"))
        if certificate.exists():
            return certificate, key
        escaped = common_name.replace("\\", "\\\\").replace("/", "\\/").replace("+", "\\+").replace("=", "\\=")
        run(
            "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8",
            "-subj", f"/CN={escaped}", "-keyout", key, "-out", request,
        )  # fmt: skip
        usage = "serverAuth" if server else "clientAuth"
        names = f"subjectAltName={hosts}\n" if server else ""
        extensions.write_text(f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n{names}")
        run(
            "openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial",
            "-days", "2", "-extfile", extensions, "-out", certificate,
        )  # fmt: skip
        return certificate, key
