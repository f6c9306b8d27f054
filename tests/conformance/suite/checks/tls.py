"""Clause 4: HTTPS with TLS 1.2 or higher, and who is at either end."""

from __future__ import annotations

import http.client
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import warnings

from ..caller import PATIENCE_SECONDS, Caller
from ..outcome import CannotCheck, Failure, Skip, expect
from ..pair import Pair
from ..registry import CLIENTS, MUST, check


def kmes(pair: Pair) -> list[Caller]:
    return [pair.master, pair.slave]


def tcp(caller: Caller) -> socket.socket:
    try:
        return socket.create_connection((caller.host, caller.port), PATIENCE_SECONDS)
    except OSError as error:
        raise CannotCheck(f"cannot connect to {caller.host}:{caller.port}: {error}") from None


@check("4-tls-1.2-or-higher", MUST, "KME and SAE agree on TLS 1.2 or higher")
def agrees_on_tls(pair: Pair) -> None:
    for caller in kmes(pair):
        context = caller.context()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else a KME with less could not be told from one that is down
        connection = caller.connect(context)
        version = connection.sock.version()
        connection.close()
        expect(version in ("TLSv1.2", "TLSv1.3"), f"the {caller.who}'s KME agreed on {version}")


def client_hello(version: int) -> bytes:
    """A ClientHello that offers this version at most (RFC 4346), with what its servers commonly want."""

    def sized(data: bytes, width: int) -> bytes:
        return len(data).to_bytes(width) + data

    suites = (0xC013, 0xC014, 0xC009, 0xC00A, 0x002F, 0x0035, 0x0033, 0x0039, 0x000A, 0x00FF)
    groups = sized(b"".join(group.to_bytes(2) for group in (29, 23, 24)), 2)
    extensions = b"\x00\x0a" + sized(groups, 2) + b"\x00\x0b" + sized(b"\x01\x00", 2)
    hello = version.to_bytes(2) + secrets.token_bytes(32) + b"\x00"
    hello += sized(b"".join(suite.to_bytes(2) for suite in suites), 2) + b"\x01\x00" + sized(extensions, 2)
    return b"\x16\x03\x01" + sized(b"\x01" + sized(hello, 3), 2)


def refuses_version(caller: Caller, version: int, name: str) -> None:
    with tcp(caller) as connection:
        try:
            connection.sendall(client_hello(version))
            first = connection.recv(1)
        except TimeoutError:
            raise Failure(f"the {caller.who}'s KME does not answer a client with {name}") from None
        except OSError:
            return
    expect(first != b"\x16", f"the {caller.who}'s KME goes on with a client that has {name} at most")


@check("4-tls-1.1-is-refused", MUST, "A client with TLS 1.1 at most is refused")
def refuses_tls_1_1(pair: Pair) -> None:
    for caller in kmes(pair):
        refuses_version(caller, 0x0302, "TLS 1.1")


@check("4-tls-1.0-is-refused", MUST, "A client with TLS 1.0 at most is refused")
def refuses_tls_1_0(pair: Pair) -> None:
    for caller in kmes(pair):
        refuses_version(caller, 0x0301, "TLS 1.0")


@check("4-plain-http-is-refused", MUST, "A request without TLS is not served")
def refuses_plain_http(pair: Pair) -> None:
    caller = pair.master
    path = caller.base + caller.path(pair.slave.sae, "status")
    with tcp(caller) as connection:
        try:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {caller.authority}\r\n\r\n".encode())
            answer = connection.recv(64)
        except OSError:
            return
    expect(not re.match(rb"HTTP/1.. 2", answer), "the KME serves requests without TLS")


def not_served(pair: Pair, context: ssl.SSLContext, who: str) -> None:
    """In TLS 1.3 the refusal comes only after the client's handshake."""
    caller = pair.master
    connection = http.client.HTTPSConnection(caller.host, caller.port, context=context, timeout=PATIENCE_SECONDS)
    with tcp(caller):
        pass
    try:
        answer = caller.exchange(connection, "GET", caller.path(pair.slave.sae, "status"))
    except TimeoutError:
        raise Failure(f"the KME leaves a client {who} without an answer") from None
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()
    expect(400 <= answer.status < 500, f"the KME answers a client {who} with {answer.status}")


@check("4-missing-certificate-is-refused", MUST, "A client without a certificate is refused, in TLS or with a 4xx")
def refuses_no_certificate(pair: Pair) -> None:
    not_served(pair, pair.master.context(certificate=False), "without a certificate")


@check(
    "4-foreign-certificate-is-refused", MUST,
    "A client with the master's SAE ID in a certificate of a CA that the KME does not trust is refused",
)  # fmt: skip
def refuses_foreign_certificate(pair: Pair) -> None:
    context = pair.master.context(certificate=False)
    if pair.options.foreign_cert:
        context.load_cert_chain(pair.options.foreign_cert, pair.options.foreign_key)
    else:
        with tempfile.TemporaryDirectory() as directory:
            context.load_cert_chain(*self_signed(directory, pair.master.sae))
    not_served(pair, context, "with a certificate of an unknown CA")


def self_signed(directory: str, name: str) -> tuple[str, str]:
    if not shutil.which("openssl"):
        raise Skip("needs --foreign-cert and --foreign-key, or the openssl command")
    certificate, key = f"{directory}/crt", f"{directory}/key"
    escaped = re.sub(r"([\\/+=,;<>\"#])", r"\\\1", name[:64])
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"]
    command += ["-days", "2", "-subj", f"/CN={escaped}", "-keyout", key, "-out", certificate]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise CannotCheck(f"openssl cannot make a certificate: {done.stderr.decode(errors='replace').strip()}")
    return certificate, key


@check("4-kme-id-in-certificate", MUST, "The KME's certificate holds its KME ID, for the SAE to confirm")
def certificate_names_the_kme(pair: Pair) -> None:
    kme_id = pair.status.expect_status(200).object.get("source_KME_ID")
    expect(isinstance(kme_id, str) and kme_id, "Get status tells no source_KME_ID")
    connection = pair.master.connect()
    certificate = connection.sock.getpeercert()
    connection.close()
    names = [value for part in certificate["subject"] for _, value in part]
    names += [value for _, value in certificate.get("subjectAltName", ())]
    pattern = rf"(?<![\w-]){re.escape(kme_id)}(?![\w-])"
    expect(any(re.search(pattern, name) for name in names), f"“{kme_id}” is in none of its names {names}")


def accepts_version(pair: Pair, version: ssl.TLSVersion) -> None:
    for caller in kmes(pair):
        context = caller.context()
        context.minimum_version = context.maximum_version = version
        try:
            with tcp(caller) as plain, context.wrap_socket(plain):
                pass
        except OSError as error:
            raise Failure(f"the {caller.who}'s KME refuses it: {error}") from None


@check("4-tls-1.2-is-accepted", CLIENTS, "TLS 1.2 is accepted: older encryptors have nothing better")
def accepts_tls_1_2(pair: Pair) -> None:
    accepts_version(pair, ssl.TLSVersion.TLSv1_2)


@check("4-tls-1.3-is-accepted", CLIENTS, "TLS 1.3 is accepted: some clients insist on it")
def accepts_tls_1_3(pair: Pair) -> None:
    accepts_version(pair, ssl.TLSVersion.TLSv1_3)


@check(
    "4-http-2-offer-does-no-harm", CLIENTS, "A client that offers HTTP/2 first (ALPN) is served, with either version"
)
def answers_http_2_clients(pair: Pair) -> None:
    context = pair.master.context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    connection = http.client.HTTPSConnection(
        pair.master.host, pair.master.port, context=context, timeout=PATIENCE_SECONDS
    )
    try:
        connection.connect()
        if connection.sock.selected_alpn_protocol() == "h2":
            connection.sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            frame = connection.sock.recv(9)
            expect(frame[3:4] == b"\x04", "the KME chose HTTP/2 and does not speak it")
        else:
            pair.master.exchange(connection, "GET", pair.master.path(pair.slave.sae, "status")).expect_status(200)
    except (OSError, http.client.HTTPException) as error:
        with tcp(pair.master):
            raise Failure(f"the KME does not serve a client that offers h2 and http/1.1: {error!r}") from None
    finally:
        connection.close()


@check("4-certificate-names-the-host", CLIENTS, "The KME's certificate is valid for the host of its URL, by a SAN")
def certificate_names_the_host(pair: Pair) -> None:
    for caller in kmes(pair):
        context = caller.context()
        context.check_hostname = True
        context.hostname_checks_common_name = False
        try:
            with tcp(caller) as plain, context.wrap_socket(plain, server_hostname=caller.host):
                pass
        except ssl.SSLCertVerificationError as error:
            raise Failure(f"the certificate of the {caller.who}'s KME: {error.verify_message}") from None
        except OSError as error:
            raise CannotCheck(f"no connection to the {caller.who}'s KME: {error}") from None
