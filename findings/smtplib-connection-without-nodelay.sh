#!/bin/sh
# A connection of Python's smtplib has no TCP_NODELAY: who sends a message and its last dot apart waits 40 ms for the
# answer to the dot. sendmail() and data(), which send both at once, do not wait.
#
# Field: workers that note that a message is about to be the relay's right before the last dot, for it is the dot that
# hands it over (RFC 5321, 4.2.5), and so send it by itself.
# Version: smtplib of CPython 3.11.7, Linux. It needs no package.
# Seen: http.client and asyncio set TCP_NODELAY on their connections, smtplib does not. The dot is a second small piece
# while the first is not acknowledged, the kernel keeps it back (Nagle), and the relay, which has nothing to say yet,
# acknowledges 40 ms later: 44 ms a message became 0.1 ms with TCP_NODELAY set on SMTP.sock, and is 0.1 ms by sendmail().
# What follows: set it right after the connect where anything is sent in two pieces.
set -eu
python3 - <<'PYTHON'
import http.client
import platform
import smtplib
import socket
import statistics
import threading
import time

MESSAGE = b"Subject: measured\r\n\r\n" + b"a line of a short message\r\n" * 40


def relay(listener: socket.socket) -> None:
    """Takes everything from one client; answers to the dot when it has read it."""
    peer, _ = listener.accept()
    with peer, peer.makefile("rb") as lines:
        peer.sendall(b"220 here\r\n")
        inside = False
        for line in lines:
            if inside:
                inside = line != b".\r\n"
                if not inside:
                    peer.sendall(b"250 taken\r\n")
            elif line.upper().startswith(b"DATA"):
                inside = True
                peer.sendall(b"354 go on\r\n")
            else:
                peer.sendall(b"250 yes\r\n")


def take(apart: bool, nodelay: bool) -> float:
    """The median of 20 messages [ms]."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=relay, args=(listener,))
        thread.start()
        client = smtplib.SMTP(*listener.getsockname())
        assert client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0, "it has changed: say so here"
        if nodelay:
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        took = []
        for _ in range(20):
            begun = time.perf_counter()
            if apart:
                client.mail("a@example.org")
                client.rcpt("b@example.org")
                assert client.docmd("DATA")[0] == 354
                client.send(MESSAGE)
                client.send(b".\r\n")
                assert client.getreply()[0] == 250
            else:
                assert client.sendmail("a@example.org", ["b@example.org"], MESSAGE) == {}
            took.append(time.perf_counter() - begun)
        client.quit()
        client.close()
        thread.join()
    return statistics.median(took) * 1000


print(f"Python {platform.python_version()}")
with socket.create_server(("127.0.0.1", 0)) as listener:
    other = http.client.HTTPConnection(*listener.getsockname())
    other.connect()
    assert other.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    other.close()
apart, with_it, together = take(True, False), take(True, True), take(False, False)
print(f"the dot sent by itself {apart:.1f} ms a message, with TCP_NODELAY {with_it:.1f} ms, sendmail() {together:.1f} ms")
assert apart > 20 > max(with_it, together), "it has changed: say so here"
PYTHON
