"""The line to a relay: an answer has its time as a whole, however slowly its bytes come, and so has what is sent.

The library's own limit is of each read: a relay that sends a byte now and then would hold a worker for ever.
"""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
import time
from typing import Any

#: An answer is lines of 512 bytes (RFC 5321, 4.5.3.1.5); what is longer than this is none [bytes].
LONGEST = 65_536
#: So much is written at once: each piece may take what is left of the time [bytes].
_PIECE = 16_384


class _Answers(io.RawIOBase):
    """What comes from the relay, until the time of the answer is over."""

    def __init__(self, line: Line, sock: socket.socket) -> None:
        self._line, self._sock = line, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.wait(self._sock)
        count = self._sock.recv_into(buffer)
        self._line.came += count
        if self._line.came > LONGEST:
            raise OSError(f"an answer of more than {LONGEST} bytes")
        return count


class Line(smtplib.SMTP):
    """SMTP with a time for each answer and for each text that is sent: ``seconds``, which may be changed.

    ``within``: bounds all that follows together.
    """

    def __init__(self, host: str, port: int, name: str, seconds: float, within: float | None = None) -> None:
        self.seconds = seconds
        self.came = 0
        self._until = 0.0
        self.within(within)
        super().__init__(host, port, local_hostname=name, timeout=seconds)

    def within(self, seconds: float | None) -> None:
        """From now on all takes no longer than that together; None: each answer as long as it may."""
        self._end = float("inf") if seconds is None else time.monotonic() + seconds

    def getreply(self) -> tuple[int, bytes]:
        """The next answer. Raises SMTPServerDisconnected, with a TimeoutError as its context where time was over."""
        self._begin()
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Answers(self, self.sock))
        found = super().getreply()
        if self.sock is not None:
            self.sock.settimeout(self.seconds)  # a greeting by TLS may follow
        return found

    def send(self, s: Any) -> None:
        """Send a text, all of it within its time. Raises SMTPServerDisconnected, OSError."""
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        self._begin()
        for place in range(0, len(data), _PIECE):
            if self.sock is not None:
                self.wait(self.sock)
            super().send(data[place : place + _PIECE])

    def wait(self, sock: socket.socket) -> None:
        """Let the next step on the line take no longer than what is left. Raises TimeoutError."""
        left = min(self._until, self._end) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        # the last dot is a small packet after another one: it would wait 40 ms for the relay's delayed acknowledgement
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def _begin(self) -> None:
        self._until, self.came = time.monotonic() + self.seconds, 0


class TlsLine(Line):
    """The same with TLS from the first byte."""

    def __init__(
        self, host: str, port: int, name: str, seconds: float, context: ssl.SSLContext, within: float | None = None
    ) -> None:
        self._context = context
        super().__init__(host, port, name, seconds, within)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)
