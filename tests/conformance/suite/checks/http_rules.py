"""Clauses 4 and 5: HTTP/1.1 (RFC 7230, RFC 7231), JSON (RFC 8259), UTF-8, and the methods of each path."""

from __future__ import annotations

import gzip
import http.client
import json

from ..answer import Answer
from ..outcome import CannotCheck, Failure, expect
from ..pair import Pair
from ..registry import CLIENTS, MUST, SHOULD, check

CLOSED_SECONDS = 5


@check("4-answers-are-json", MUST, "Answers have the Content-Type application/json and a JSON object in UTF-8")
def answers_are_json(pair: Pair) -> None:
    for answer in (pair.status, pair.key):
        if answer.status == 503:
            raise CannotCheck("the KME has no keys to give now (503)")
        answer.expect_status(200)
        expect(answer.media_type == "application/json", f"the Content-Type is “{answer.header('Content-Type')}”")
        expect(answer.object, "the object is empty")


@check("4-sae-ids-are-percent-decoded", MUST, "An SAE ID in a path may be percent-encoded, every character of it")
def decodes_sae_ids(pair: Pair) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in pair.slave.sae.encode())
    answer = pair.master.get(f"/api/v1/keys/{encoded}/status").expect_status(200)
    expect(answer.object.get("slave_SAE_ID") == pair.slave.sae, "slave_SAE_ID is not the SAE ID, decoded")


@check("4-json-escapes-are-read", MUST, "JSON names may be written with escapes (RFC 8259, section 7)")
def reads_json_escapes(pair: Pair) -> None:
    number = pair.limit("max_key_per_request") + 1
    body = b'{"\\u006eumber": %d}' % number
    # Not understood, it would be an unknown name.
    pair.master.post_enc_keys(pair.slave.sae, body).expect_error(400)


def on_one_connection(pair: Pair, requests: list[tuple[str, bytes | None, dict[str, str]]]) -> list[Answer]:
    """GETs, or POSTs of what has a body, on a connection of their own; it must stay between them."""
    connection = pair.master.connect()
    connection.auto_open = 0
    try:
        return [
            pair.master.exchange(connection, "GET" if body is None else "POST", path, body, headers)
            for path, body, headers in requests
        ]
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"no answer: {error!r}") from None
    finally:
        connection.close()


@check("4-connection-is-kept", SHOULD, "A connection serves several requests (RFC 7230, 6.3)")
def keeps_connections(pair: Pair) -> None:
    request = (pair.master.path(pair.slave.sae, "status"), None, {})
    for answer in on_one_connection(pair, [request, request]):
        answer.expect_status(200)


@check("4-connection-close-is-honoured", MUST, "After a request with Connection: close the KME closes (RFC 7230, 6.6)")
def closes_when_asked(pair: Pair) -> None:
    connection = pair.master.connect()
    answered = False
    try:
        path = pair.master.base + pair.master.path(pair.slave.sae, "status")
        connection.sock.settimeout(CLOSED_SECONDS)
        connection.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {pair.master.authority}\r\nConnection: close\r\n\r\n".encode()
        )
        while connection.sock.recv(65536):
            answered = True
    except TimeoutError:
        raise Failure(f"the connection stays open for {CLOSED_SECONDS} seconds") from None
    except OSError:
        pass  # closed without close_notify
    finally:
        connection.close()
    expect(answered, "the connection ends without an answer")


@check("4-missing-host-is-400", MUST, "A request without Host is answered 400 (RFC 7230, 5.4)")
def wants_host(pair: Pair) -> None:
    connection = pair.master.connect()
    try:
        path = pair.master.base + pair.master.path(pair.slave.sae, "status")
        connection.sock.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        line = connection.sock.recv(64).split(b"\r\n")[0].decode(errors="replace")
    except OSError as error:
        raise Failure(f"no answer: {error!r}") from None
    finally:
        connection.close()
    expect(line.split()[1:2] == ["400"], f"the answer begins with “{line}”")


@check("4-chunked-body-is-read", MUST, "A body with Transfer-Encoding: chunked is read (RFC 7230, 4.1)")
def reads_chunks(pair: Pair) -> None:
    connection = pair.master.connect()
    number = pair.limit("max_key_per_request") + 1
    try:
        connection.putrequest("POST", pair.master.base + pair.master.path(pair.slave.sae, "enc_keys"))
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Transfer-Encoding", "chunked")
        # Too many keys: the answer is 400 if the body was read, and no key is spent either way but one.
        connection.endheaders(iter([b'{"number"', b": %d}" % number]), encode_chunked=True)
        answer = connection.getresponse()
        expect(answer.status == 400, f"too large a number in chunks is answered {answer.status}, not 400")
        expect(b"message" in answer.read(), "the body of the 400 has no message")
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"no answer: {error!r}") from None
    finally:
        connection.close()


@check("4-gzip-offer-does-no-harm", CLIENTS, "A client that offers gzip can read the answer")
def answers_gzip_clients(pair: Pair) -> None:
    path = pair.master.path(pair.slave.sae, "status")
    answer = pair.master.request("GET", path, headers={"Accept-Encoding": "gzip"}).expect_status(200)
    coding = answer.header("Content-Encoding").lower()
    expect(coding in ("", "identity", "gzip"), f"the Content-Encoding is {coding}")
    try:
        body = gzip.decompress(answer.body) if coding == "gzip" else answer.body
        json.loads(body)
    except (OSError, ValueError, EOFError) as error:
        raise Failure(f"the body cannot be read: {error}") from None


@check("4-charset-in-content-type", CLIENTS, "A body with Content-Type: application/json; charset=utf-8 is read")
def reads_charset(pair: Pair) -> None:
    body = json.dumps({"number": pair.limit("max_key_per_request") + 1}).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    pair.master.request("POST", pair.master.path(pair.slave.sae, "enc_keys"), body, headers).expect_error(400)


@check("4-content-type-on-get", CLIENTS, "A GET without a body may carry a Content-Type")
def content_type_on_get(pair: Pair) -> None:
    path = pair.master.path(pair.slave.sae, "status")
    pair.master.request("GET", path, headers={"Content-Type": "application/json"}).expect_status(200)


@check("4-other-content-type-is-refused", SHOULD, "A body that is XML is refused with a 4xx (RFC 7231, 6.5.13)")
def refuses_xml(pair: Pair) -> None:
    path = pair.master.path(pair.slave.sae, "enc_keys")
    answer = pair.master.request("POST", path, b"<number>1</number>", {"Content-Type": "text/xml"})
    answer.expect_status(400, 415)


@check("4-large-body-is-refused", CLIENTS, "A body of 8 MiB gets an error or an end, and harms nobody")
def survives_large_body(pair: Pair) -> None:
    connection = pair.master.connect()
    try:
        path = pair.master.path(pair.slave.sae, "enc_keys")
        answer = pair.master.exchange(connection, "POST", path, b" " * (8 << 20), {"Content-Type": "application/json"})
        expect(400 <= answer.status < 500, f"it is answered {answer.status}")
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    pair.master.status(pair.slave.sae).expect_status(200)


def refuses(path_method_pairs, allowed: set[str], pair: Pair) -> None:
    for method, path in path_method_pairs:
        answer = pair.master.request(method, path).expect_status(405)
        told = {word.strip() for word in answer.header("Allow").upper().split(",")}
        expect(
            allowed <= told,
            f"the header Allow is “{answer.header('Allow')}”; it must hold {', '.join(sorted(allowed))}",
        )
        expect(method not in told, f"the header Allow holds {method}")


@check(
    "5-status-has-get-only", SHOULD, "POST, PUT, DELETE on status are answered 405 with Allow (RFC 7231, 4.1 and 6.5.5)"
)
def status_methods(pair: Pair) -> None:
    path = pair.master.path(pair.slave.sae, "status")
    refuses([(method, path) for method in ("POST", "PUT", "DELETE")], {"GET"}, pair)


@check("5-enc-keys-has-get-and-post-only", SHOULD, "PUT and DELETE on enc_keys are answered 405 with Allow")
def enc_keys_methods(pair: Pair) -> None:
    path = pair.master.path(pair.slave.sae, "enc_keys")
    refuses([(method, path) for method in ("PUT", "DELETE")], {"GET", "POST"}, pair)


@check("5-dec-keys-has-get-and-post-only", SHOULD, "PUT and DELETE on dec_keys are answered 405 with Allow")
def dec_keys_methods(pair: Pair) -> None:
    path = pair.master.path(pair.slave.sae, "dec_keys")
    refuses([(method, path) for method in ("PUT", "DELETE")], {"GET", "POST"}, pair)


@check("5-unknown-path-is-404", SHOULD, "A path that the standard does not have is answered 404 (RFC 7231, 6.5.4)")
def unknown_path(pair: Pair) -> None:
    pair.master.get(pair.master.path(pair.slave.sae, "no_such_method")).expect_status(404)
