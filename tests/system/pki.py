"""Certificates for the tests, made by the openssl command."""

from __future__ import annotations

import pathlib
import threading
import urllib.parse

from nodes import run


class Pki:
    """A CA and what it issued, in one directory."""

    def __init__(self, directory: pathlib.Path, *, made_before_seconds: int = 0):
        """The certificates hold since so long ago."""
        self._openssl = ["faketime", "-f", f"-{made_before_seconds}s"] if made_before_seconds else []
        self._openssl.append("openssl")
        self._lock = threading.Lock()  # what two ask for is made once
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = directory / "ca.crt"
        self.ca_key = directory / "ca.key"
        run(
            *self._openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
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
        folder = directory or ("kme" if server else "sae")
        stem = urllib.parse.quote(common_name, safe="")
        names = hosts.split(",") if server else []
        return self._issue(folder, stem, f"/CN={escaped(common_name)}", names, server)

    def issue_client(self, file: str, *names: str, common_name: str = "") -> tuple[pathlib.Path, pathlib.Path]:
        """A client's certificate with these alternative names ("URI:...", "DNS:...", "email:..."). The subject has a
        CN only if one is given."""
        subject = f"/CN={escaped(common_name)}" if common_name else "/O=example"
        return self._issue("client", file, subject, list(names), False)

    def _issue(
        self, folder_name: str, stem: str, subject: str, names: list[str], server: bool
    ) -> tuple[pathlib.Path, pathlib.Path]:
        with self._lock:
            return self._issue_alone(folder_name, stem, subject, names, server)

    def _issue_alone(
        self, folder_name: str, stem: str, subject: str, names: list[str], server: bool
    ) -> tuple[pathlib.Path, pathlib.Path]:
        folder = self.directory / folder_name
        folder.mkdir(exist_ok=True)
        certificate, key, request, extensions = (folder / f"{stem}.{end}" for end in ("crt", "key", "csr", "ext"))
        if certificate.exists():
            return certificate, key
        run(
            "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8",
            "-subj", subject, "-keyout", key, "-out", request,
        )  # fmt: skip
        usage = "serverAuth" if server else "clientAuth"
        listed = "".join(f"{kind}.{i}={value}\n" for i, (kind, value) in enumerate(n.split(":", 1) for n in names))
        alternative = f"subjectAltName=@names\n[names]\n{listed}" if names else ""
        extensions.write_text(f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n{alternative}")
        run(
            *self._openssl, "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial",
            "-days", "2", "-extfile", extensions, "-out", certificate,
        )  # fmt: skip
        return certificate, key


    def renew(self, common_name: str) -> tuple[pathlib.Path, pathlib.Path]:
        """Another certificate and key of this name; issue() gives these from now on."""
        for file in self.issue(common_name):
            file.unlink()
        return self.issue(common_name)

    def write_crl(self, *revoked: pathlib.Path) -> pathlib.Path:
        """A revocation list of these certificates, under a name of its own."""
        folder = self.directory / f"crl{len(list(self.directory.glob('crl*')))}"
        folder.mkdir()
        (folder / "index.txt").touch()
        (folder / "number").write_text("01\n")
        settings = folder / "ca.cnf"
        settings.write_text(
            f"[ca]\ndefault_ca=it\n[it]\ndatabase={folder}/index.txt\ncrlnumber={folder}/number\n"
            "default_md=sha256\ndefault_crl_days=2\n"
        )
        command = ["openssl", "ca", "-config", settings, "-cert", self.ca, "-keyfile", self.ca_key]
        for certificate in revoked:
            run(*command, "-revoke", certificate)
        run(*command, "-gencrl", "-out", folder / "ca.crl")
        return folder / "ca.crl"


def escaped(text: str) -> str:
    """As a value in openssl's -subj."""
    return text.replace("\\", "\\\\").replace("/", "\\/").replace("+", "\\+").replace("=", "\\=")


def fingerprint(certificate: pathlib.Path) -> str:
    """The SHA-256 fingerprint as openssl prints it: upper case with colons."""
    return run("openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").stdout.strip().split("=")[1]
