"""Traffic of one end of a tunnel, in its namespace: a packet to the other end at an interval and, with --stream, a TCP
stream to it that is held to 1 Mbit/s, while it takes what the other end sends. Begins when packets come from the other end.
Prints one JSON object; its times are the monotonic clock's, which is the same in all namespaces.

    tunnel_traffic.py OWN_ADDRESS PEER_ADDRESS SECONDS INTERVAL_MS [--stream]
"""

import json
import socket
import sys
import threading
import time

PORT = 7000
SO_RCVBUFFORCE = 33  # of Linux; Python does not name it
HELLO = (2**64 - 1).to_bytes(8, "big")  # instead of a packet's number
WAIT = 0.2
IDLE_WAITS = 15  # without a packet at the end; counted, since a machine that stands still delivers nothing
TCP_PIECE = 6250  # twenty a second are 1 Mbit/s


def receive(udp: socket.socket, received_at: dict[int, float], met: threading.Event, ended: threading.Event) -> None:
    udp.settimeout(WAIT)
    idle = 0
    while not ended.is_set() or idle < IDLE_WAITS:
        try:
            packet = udp.recv(64)
        except TimeoutError:
            idle += 1
            continue
        idle = 0
        met.set()
        if packet != HELLO:
            received_at.setdefault(int.from_bytes(packet, "big"), round(time.monotonic(), 3))


def send_stream(peer: str, until: float) -> None:
    while time.monotonic() < until:
        try:
            with socket.create_connection((peer, PORT), 2) as tcp:
                while time.monotonic() < until:
                    tcp.sendall(bytes(TCP_PIECE))
                    time.sleep(0.05)
        except OSError:
            time.sleep(0.2)


def take_stream(listener: socket.socket, until: float, seen: list) -> None:
    """The longest time without anything of the stream, once it has begun."""
    listener.settimeout(5)
    try:
        tcp, _ = listener.accept()
    except TimeoutError:
        return
    tcp.settimeout(0.2)
    last = time.monotonic()
    while time.monotonic() < until:
        try:
            if not tcp.recv(65536):
                break
            now = time.monotonic()
            seen[0] = max(seen[0], now - last)
            last = now
        except TimeoutError:
            pass
    seen[0] = max(seen[0], min(until, time.monotonic()) - last)


def meet(udp: socket.socket, peer: str, met: threading.Event) -> None:
    """Until something came from the other end. What it gets from us tells it the same."""
    deadline = time.monotonic() + 60
    while True:
        udp.sendto(HELLO, (peer, PORT))
        if met.wait(0.05):
            break
        if time.monotonic() > deadline:
            sys.exit("nothing came from the other end")
    udp.sendto(HELLO, (peer, PORT))


def send_packets(udp: socket.socket, peer: str, interval: float, until: float) -> list[float]:
    """When each was sent. What a busy machine made late is not made up for by a burst."""
    sent_at: list[float] = []
    due = time.monotonic()
    while (now := time.monotonic()) < until:
        if now - due > 4 * interval:
            due = now
        udp.sendto(len(sent_at).to_bytes(8, "big"), (peer, PORT))
        sent_at.append(round(now, 3))
        due += interval
        time.sleep(max(0.0, due - time.monotonic()))
    return sent_at


def main() -> None:
    own, peer, seconds, interval = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]) / 1000
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    udp.bind((own, PORT))
    listener = socket.create_server((own, PORT))
    received_at: dict[int, float] = {}
    met, ended = threading.Event(), threading.Event()
    receiver = threading.Thread(target=receive, args=(udp, received_at, met, ended), daemon=True)
    receiver.start()
    meet(udp, peer, met)
    until = time.monotonic() + seconds
    stall = [0.0]
    threads = [receiver]
    if "--stream" in sys.argv:
        threads.append(threading.Thread(target=take_stream, args=(listener, until, stall)))
        threads.append(threading.Thread(target=send_stream, args=(peer, until)))
    for thread in threads[1:]:
        thread.start()
    sent_at = send_packets(udp, peer, interval, until)
    ended.set()
    for thread in threads:
        thread.join()
    received = [received_at.get(number) for number in range(max(received_at, default=-1) + 1)]
    print(json.dumps({"sent_at": sent_at, "received_at": received, "tcp_stall_seconds": round(stall[0], 3)}))


main()
