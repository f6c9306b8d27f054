"""Traffic of one end of a tunnel, in its namespace: a packet to the other end every 5 ms and a TCP stream to it that is
held to 1 Mbit/s, while it takes what the other end sends. Prints one JSON object.

    tunnel_traffic.py OWN_ADDRESS PEER_ADDRESS SECONDS
"""

import json
import socket
import sys
import threading
import time

PORT = 7000
SO_RCVBUFFORCE = 33  # of Linux; Python does not name it
INTERVAL = 0.005
DRAIN = 3.0  # for what is on its way at the end
TCP_PIECE = 6250  # twenty a second are 1 Mbit/s


def receive(udp: socket.socket, numbers: set, until: float) -> None:
    udp.settimeout(0.2)
    while time.monotonic() < until:
        try:
            numbers.add(int.from_bytes(udp.recv(64)[:8], "big"))
        except TimeoutError:
            pass


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


def main() -> None:
    own, peer, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    udp.bind((own, PORT))
    listener = socket.create_server((own, PORT))
    begin = time.monotonic() + 1.0  # the other end is there by then
    end = begin + seconds
    numbers: set = set()
    stall = [0.0]
    threads = [
        threading.Thread(target=receive, args=(udp, numbers, end + DRAIN)),
        threading.Thread(target=take_stream, args=(listener, end, stall)),
    ]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, begin - time.monotonic()))
    stream = threading.Thread(target=send_stream, args=(peer, end))
    stream.start()
    sent = 0
    paused = 0.0
    due = begin
    while (now := time.monotonic()) < end:
        # A machine that is busy elsewhere lets this wait; what was missed is not made up for by a burst.
        if now - due > 4 * INTERVAL:
            paused = max(paused, now - due)
            due = now
        udp.sendto(sent.to_bytes(8, "big"), (peer, PORT))
        sent += 1
        due += INTERVAL
        time.sleep(max(0.0, due - time.monotonic()))
    for thread in [*threads, stream]:
        thread.join()
    print(json.dumps({"sent": sent, "received": len(numbers), "tcp_stall_seconds": round(stall[0], 3),
                      "paused_seconds": round(paused, 3)}))


main()
