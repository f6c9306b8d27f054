"""Delays what one end of a tunnel and the other send each other, in the namespace of the first.

    tunnel_relay.py OWN_UNDERLAY_ADDRESS PEER_UNDERLAY_ADDRESS ONE_WAY_MILLISECONDS

The device here sends to 127.0.0.1:51821, the other one to OWN_UNDERLAY_ADDRESS:51821.
"""

import asyncio
import socket
import sys

PORT, RELAY_PORT = 51820, 51821


def bound(address: str) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    udp.setblocking(False)
    udp.bind((address, RELAY_PORT))
    return udp


async def main() -> None:
    own, peer, delay = sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000
    loop = asyncio.get_running_loop()
    inner, outer = bound("127.0.0.1"), bound(own)

    def send(udp: socket.socket, packet: bytes, target: tuple[str, int]) -> None:
        try:
            udp.sendto(packet, target)
        except OSError:
            pass  # lost, as on any way

    def pass_on(source: socket.socket, udp: socket.socket, target: tuple[str, int]) -> None:
        while True:
            try:
                packet = source.recv(65536)
            except OSError:
                return
            loop.call_later(delay, send, udp, packet, target)

    loop.add_reader(inner, pass_on, inner, outer, (peer, PORT))
    loop.add_reader(outer, pass_on, outer, inner, ("127.0.0.1", PORT))
    await asyncio.Event().wait()


asyncio.run(main())
