#!/usr/bin/env python3
"""Makes kernel_answers.vec and kernel_requests.vec: what a kernel's WireGuard answers, byte for byte, beside what
wireguard-tools' `wg show` says of the same devices; and requests by an encoder of its own, each carried out by that kernel.
Only for a machine that may be spoiled:

    tests/system/kernel_vm.py python3 tests/data/wireguard/capture_kernel_answers.py answers >tests/data/wireguard/kernel_answers.vec

and the same with `requests`."""

from __future__ import annotations

import base64
import os
import platform
import re
import socket
import struct
import subprocess
import sys
import time

FAMILY_CONTROL, ACK, DUMP = 16, 4, 0x300
GET_DEVICE, SET_DEVICE, GET_FAMILY = 0, 1, 3
REMOVE, REPLACE_IPS, UPDATE_ONLY = 1, 2, 4


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)


def nested(kind: int, *inner: bytes) -> bytes:
    return attribute(0x8000 | kind, b"".join(inner))


def message(family: int, command: int, flags: int, body: bytes, sequence: int = 1) -> bytes:
    content = struct.pack("=BBH", command, 1, 0) + body
    return struct.pack("=IHHII", len(content) + 16, family, 1 | flags, sequence, 0) + content


def ask(request: bytes) -> list[bytes]:
    """The datagrams up to the end of the answer."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as kernel:
        kernel.bind((0, 0))
        kernel.settimeout(5)
        kernel.send(request)
        datagrams = []
        while True:
            datagrams.append(kernel.recv(8192))
            at = 0
            while at < len(datagrams[-1]):
                length, kind = struct.unpack_from("=IH", datagrams[-1], at)
                if kind in (2, 3):
                    return datagrams
                at += length + -length % 4


def family_request(name: str) -> bytes:
    return message(FAMILY_CONTROL, GET_FAMILY, ACK, attribute(2, name.encode() + b"\0"))


def get_request(family: int, interface: str) -> bytes:
    return message(family, GET_DEVICE, DUMP, attribute(2, interface.encode() + b"\0"))


def run(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def hexadecimal(key: str) -> str:
    return "00" * 32 if key == "(none)" else base64.b64decode(key).hex()


def show(case: str, family: int, interface: str, datagrams: list[bytes], **expected: str) -> None:
    print(f"\nCase = {case}\nFamily = {family}\nInterface = {interface}")
    for datagram in datagrams:
        print(f"Datagram = {datagram.hex()}")
    for name, value in expected.items():
        print(f"{name} = {value}")


def show_device(case: str, family: int, interface: str) -> None:
    datagrams = ask(get_request(family, interface))
    own, *peers = (line.split("\t") for line in run("wg", "show", interface, "dump").splitlines())
    show(case, family, interface, datagrams, PublicKey=hexadecimal(own[1]))
    for public, psk, endpoint, ips, handshake, _, sent, keepalive in peers:
        endpoint = re.sub(r"%(\w+)", lambda found: f"%{socket.if_nametoindex(found.group(1))}", endpoint)
        none = {"(none)": "-", "off": "0"}
        print(f"Peer = {hexadecimal(public)} {hexadecimal(psk)} {none.get(endpoint, endpoint)} {handshake} {sent} "
              f"{none.get(keepalive, keepalive)} {none.get(ips, ips)}")  # fmt: skip


def key(number: int) -> str:
    private = base64.b64encode(bytes([number] * 32)).decode()
    return subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()


def write(name: str, text: str) -> str:
    path = f"/run/{name}"
    with open(path, "w") as file:
        file.write(text)
    return path


def make(name: str, number: int | None, *settings: object) -> None:
    run("ip", "link", "add", name, "type", "wireguard")
    if number:
        private = write("private", base64.b64encode(bytes([number] * 32)).decode())
        run("wg", "set", name, "private-key", private, *settings)
    run("ip", "link", "set", name, "up")


def refused_to_others(request: bytes) -> bytes:
    """What a process without capabilities is told."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        os.write(writing, b"".join(ask(request)))
        os._exit(0)
    os.waitpid(child, 0)
    return os.read(reading, 8192)


def answers(family: int) -> None:
    show("family", family, "-", ask(family_request("wireguard")))
    show("no family", family, "-", ask(family_request("wireguards")), Error="not_found")
    make("wg0", None)
    show_device("no key, no peer", family, "wg0")
    psk = write("psk", base64.b64encode(bytes(range(32))).decode())
    # Two devices that shake hands over loopback.
    make("wg1", 1, "listen-port", 5001, "peer", key(2), "preshared-key", psk, "endpoint", "127.0.0.1:5002",
         "persistent-keepalive", 25, "allowed-ips", "10.0.0.2/32,fd00::/8", "peer", key(3), "peer", key(4), "endpoint",
         "[fe80::4%lo]:7", "allowed-ips", "0.0.0.0/0", "peer", key(5), "endpoint", "[2001:db8::5]:65535")  # fmt: skip
    make("wg2", 2, "listen-port", 5002, "peer", key(1), "preshared-key", psk, "allowed-ips", "10.0.0.1/32")
    run("wg", "set", "wg1", "peer", key(2), "persistent-keepalive", 0)
    run("wg", "set", "wg1", "peer", key(2), "persistent-keepalive", 25)
    time.sleep(8)  # the first packet came before there was an answer to it
    show_device("peers of several kinds", family, "wg1")
    many = ",".join([f"10.{i // 256}.{i % 256}.1/32" for i in range(300)] + [f"fd00:{i:x}::/32" for i in range(1, 200)])
    make("wg3", 6, "peer", key(7), "allowed-ips", "192.0.2.7/32", "peer", key(8), "allowed-ips", many, "peer", key(9),
         "allowed-ips", "192.0.2.9/32")  # fmt: skip
    show_device("a peer over several messages", family, "wg3")
    show("no such device", family, "wg9", ask(get_request(family, "wg9")), Error="not_found")
    show("a device of another kind", family, "lo", ask(get_request(family, "lo")), Error="not_found")
    show("not for others", family, "wg1", [refused_to_others(get_request(family, "wg1"))], Error="forbidden")


def peer(public: bytes, flags: int, *more: bytes) -> bytes:
    return nested(0, attribute(1, public), attribute(3, struct.pack("=I", flags)), *more)


def allowed_ip(address: str, bits: int) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return nested(0, attribute(1, struct.pack("=H", family)), attribute(2, socket.inet_pton(family, address)),
                  attribute(3, struct.pack("=B", bits)))  # fmt: skip


def requests(family: int) -> None:
    public = base64.b64decode(key(2))
    interface = attribute(2, b"wg0\0")
    psk = attribute(2, bytes(range(32)))
    keepalive = attribute(5, struct.pack("=H", 25))
    v4 = attribute(4, struct.pack("=H", socket.AF_INET) + struct.pack("!H", 51820) + bytes([192, 0, 2, 1]) + bytes(8))
    v6 = attribute(4, struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", 7, 0) + socket.inet_pton(socket.AF_INET6,
                   "fe80::1") + struct.pack("=I", 1))  # fmt: skip

    def change(*peers: bytes, sequence: int = 1) -> bytes:
        return message(family, SET_DEVICE, ACK, interface + nested(8, *peers), sequence)

    def replaced(*more: bytes) -> bytes:
        return change(peer(public, REMOVE), peer(public, REPLACE_IPS, psk, *more))

    numbers = [(f"10.{i // 256}.{i % 256}.1", 32) for i in range(1100)]
    listed = ",".join(f"{address}/{bits}" for address, bits in numbers)
    cases = {
        "set_key": (change(peer(public, UPDATE_ONLY, psk)), "-", "-"),
        "set_keepalive": (change(peer(public, UPDATE_ONLY, keepalive)), "-", "-"),
        "replace": (replaced(v4, nested(9, allowed_ip("10.0.0.2", 32), allowed_ip("fd00::", 8)), keepalive),
                    "192.0.2.1:51820", "10.0.0.2/32,fd00::/8"),
        "replace scoped": (replaced(v6, nested(9), keepalive), "[fe80::1%1]:7", "-"),
        "replace unknown": (replaced(nested(9), keepalive), "-", "-"),
        "replace many": (
            replaced(v4, nested(9, *(allowed_ip(*one) for one in numbers[:1024])))
            + change(peer(public, UPDATE_ONLY, nested(9, *(allowed_ip(*one) for one in numbers[1024:])), keepalive), sequence=2),
            "192.0.2.1:51820", listed),
    }  # fmt: skip
    make("wg0", 1, "peer", key(2))
    for case, (request, endpoint, ips) in cases.items():
        show(case, family, "wg0", [], Request=request.hex(), Peer=public.hex(), PresharedKey=bytes(range(32)).hex(),
             Endpoint=endpoint, Keepalive="25", AllowedIps=ips)  # fmt: skip
        for answer in ask(request):
            assert struct.unpack_from("=i", answer, 16)[0] == 0, case
        (line,) = run("wg", "show", "wg0", "dump").splitlines()[1:]
        found = line.split("\t")
        if case.startswith("replace"):
            assert set(found[3].split(",")) == set((ips if ips != "-" else "(none)").split(",")), case
            assert hexadecimal(found[1]) == bytes(range(32)).hex() and found[7] == "25", case


def main() -> None:
    what = sys.argv[1]
    if not any(line.startswith("wireguard ") for line in open("/proc/modules")):
        run("modprobe", "wireguard")
    (found, *_) = ask(family_request("wireguard"))
    family = struct.unpack("=H", re.search(re.escape(struct.pack("=HH", 6, 1)) + rb"(..)", found, re.S).group(1))[0]
    print(f"# Made by capture_kernel_answers.py on Linux {platform.release()} ({platform.version()}),")
    print(f"# with {run('wg', '--version').split(' - ')[0]}.")
    {"answers": answers, "requests": requests}[what](family)


if __name__ == "__main__":
    main()
