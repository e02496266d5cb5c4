"""A TCP proxy that does to a connection what networks do: cuts, stalls, slices, loses an answer, and counts."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.tools.servers import within

_PIECE = 1 << 16
#: How rows begin that come by a binary COPY; it is never cut in two, for it goes out in one with its block.
_COPY = b"PGCOPY\n\xff\r\n"


class PacketCounter:
    """Counts MQTT packets of one type in a byte stream that comes in arbitrary pieces."""

    def __init__(self, kind: int) -> None:
        self._kind = kind
        self._rest = b""
        self.count = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        data = self._rest + data
        position = 0
        while True:
            size, shift, place = 0, 0, position + 1
            while place < len(data) and data[place] & 0x80:
                size |= (data[place] & 0x7F) << shift
                shift, place = shift + 7, place + 1
            if place >= len(data):
                break
            size |= data[place] << shift
            end = place + 1 + size
            if end > len(data):
                break
            self.count += data[position] >> 4 == self._kind
            position = end
        self._rest = data[position:]


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.counter = PacketCounter(4)
        self.lose_answer = False
        self.copies = False
        self.flowing = threading.Event()
        self.flowing.set()
        self._closing = threading.Lock()
        self._closed = False
        for source, target, upward in ((client, server, True), (server, client, False)):
            threading.Thread(target=self._pump, args=(source, target, upward), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, upward: bool) -> None:
        proxy = self.proxy
        try:
            while data := source.recv(_PIECE):
                self.flowing.wait()
                if self._closed:
                    return
                if upward:
                    if proxy.deaf:
                        continue
                    self._look(data)
                elif self.lose_answer:
                    proxy.lost_answers += 1
                    break
                if upward or proxy.slices is None:
                    target.sendall(data)
                else:
                    self._send_sliced(target, data)
        except OSError:
            pass  # the other direction closed it
        self.close(reset=self.lose_answer)

    def _look(self, data: bytes) -> None:
        before = self.counter.count
        if self.proxy.count_acknowledgements:
            self.counter.feed(data)
            self.proxy.acknowledged(self.counter.count - before)
        self.copies = self.copies or _COPY in data
        needle = self.proxy.lose_answer_to
        if needle is not None and needle in data and (self.copies or not self.proxy.lose_of_copies):
            self.lose_answer = True
            self.proxy.lose_answer_to = None

    def _send_sliced(self, target: socket.socket, data: bytes) -> None:
        position = 0
        while position < len(data):
            slices = self.proxy.slices
            if slices is None:
                target.sendall(data[position:])
                return
            size, seconds = slices()
            target.sendall(data[position : position + size])
            position += size
            time.sleep(seconds)

    def close(self, *, reset: bool) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self.flowing.set()
        for end in (self.client, self.server):
            try:
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # wakes our own thread that reads there, or the socket would stay open under it; sends nothing yet
                end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already, which is what we want
            end.close()


class Proxy:
    """Listens on ``port`` of 127.0.0.1 and forwards to ``target`` of it.

    ``slices`` makes what the client receives arrive in pieces: a function that gives (bytes, seconds to wait).
    ``lose_answer_to``: the next time the client sends these bytes they are forwarded, and when the server answers the
    connection is reset without the answer; with ``lose_of_copies`` only on a connection that has written by COPY, as
    that of a collector's batches does. While ``deaf``, what clients send is taken and never forwarded.
    ``acknowledgements`` counts the PUBACKs that were forwarded.
    """

    def __init__(self, target: int, *, count_acknowledgements: bool = False) -> None:
        self.target = target
        self.count_acknowledgements = count_acknowledgements
        self.acknowledgements = 0
        self.connections = 0
        self.lost_answers = 0
        self.slices: Callable[[], tuple[int, float]] | None = None
        self.lose_answer_to: bytes | None = None
        self.lose_of_copies = False
        self.deaf = False
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._stalled: list[_Link] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._links.append(_Link(self, client, server))

    def acknowledged(self, count: int) -> None:
        """Called by the links."""
        with self._lock:
            self.acknowledgements += count

    def reset(self) -> None:
        """Reset every connection (RST)."""
        links, self._links = self._links, []
        for link in links:
            link.close(reset=True)

    def stall(self) -> None:
        """Forward nothing more over the connections that there are, and close none: their other ends are gone.

        Connections made after this are served.
        """
        links, self._links = self._links, []
        self._stalled += links
        for link in links:
            link.flowing.clear()

    def close(self) -> None:
        """Stop listening and drop every connection."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # not every system lets a listening socket be shut down
        self._listener.close()
        self._links += self._stalled
        self.reset()
        self._thread.join(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def random_slices(seed: int, largest: int, seconds: float) -> Callable[[], tuple[int, float]]:
    """Pieces of 1 to ``largest`` bytes."""
    chance = random.Random(seed)
    return lambda: (chance.randint(1, largest), seconds)


def wait_quiet(proxy: Proxy, seconds: float, timeout: float) -> bool:
    """Whether the count of acknowledgements stood still for so long, within ``timeout``."""
    state = [proxy.acknowledgements, time.monotonic()]

    def still() -> bool:
        if proxy.acknowledgements != state[0]:
            state[:] = [proxy.acknowledgements, time.monotonic()]
        return time.monotonic() - state[1] >= seconds

    return within(still, timeout)
