"""A tunnel whose adapters run in its network namespaces, as they must where the kernel has the devices."""

from __future__ import annotations

import ctypes
import socket
import threading

from tunnels import USER, Tunnels

CLONE_NEWNET = 0x40000000


def listen_inside(namespace: str, port: int) -> socket.socket:
    """A socket on that namespace's loopback. It stays there; the calling thread must end, for it does too."""
    with open(f"/run/netns/{namespace}") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(16)
    return listener


class Door:
    """What connects to this port of a namespace's loopback gets to the same port of ours."""

    def __init__(self, namespace: str, port: int):
        self._port = port
        made: list[socket.socket] = []
        entering = threading.Thread(target=lambda: made.append(listen_inside(namespace, port)))
        entering.start()
        entering.join()
        (self._listener,) = made
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                outer = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                inner.close()
                continue
            for source, target in ((inner, outer), (outer, inner)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class InnerTunnels(Tunnels):
    """One tunnel. The adapters speak to each other over its underlay, and to their KMEs through doors."""

    def __init__(self, network, pki, **options):
        super().__init__(network, pki, 1, **options)
        self._doors: list[Door] = []
        kmes = list(network.kmes.values())
        ends = self.one.ends
        for adapter, device, other, far, kme in zip(self.adapters, ends, self.adapters[::-1], ends[::-1], kmes, strict=True):
            adapter.inside = device.inside()
            adapter.config["listen"]["address"] = device.underlay
            (interface,) = adapter.config["interfaces"]
            interface["peers"][0]["url"] = f"https://{far.underlay}:{other.port}"
            self._doors.append(Door(device.name, kme.port))

    @staticmethod
    def start_as_user(adapter) -> None:
        """As systemd does with User= and AmbientCapabilities=CAP_NET_ADMIN."""
        adapter.inside += ["setpriv", f"--reuid={USER}", "--regid=nogroup", "--clear-groups", "--inh-caps=+net_admin",
                           "--ambient-caps=+net_admin"]  # fmt: skip
        del adapter.config["user"]
        adapter.start()

    def close(self) -> None:
        super().close()
        for door in self._doors:
            door.close()
