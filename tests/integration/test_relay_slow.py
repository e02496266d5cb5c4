"""A relay that is slow on purpose holds nobody: behind TLS too, in the handshake too."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from borough.delivery import smtp
from borough.delivery.smtp import RelayProblem
from tests.tools import forked
from tests.tools.certificates import Authority
from tests.tools.relay import DRIP, Relay
from tests.worlds.outbox import SENDER, settings

#: What an answer may take here; all of it ends within ten of these, where it would never end otherwise [s].
SECONDS = 1.0


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("stage", ["EHLO", "RCPT", "TAKEN"])
def test_behind_tls_an_answer_has_its_time_as_a_whole(tmp_path: Path, implicit: bool, stage: str) -> None:
    made = Authority(tmp_path)
    pair = made.server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with Relay(tls=context, implicit=implicit) as relay:
        relay.always[stage] = DRIP  # type: ignore[index]
        given = smtp.Relay("127.0.0.1", relay.port, implicit, ca_file=str(made.ca), seconds=SECONDS)
        if stage == "EHLO":
            with pytest.raises(RelayProblem, match="does not answer within"):
                smtp.Connection(given, SENDER.domain)
            return
        connection = smtp.Connection(given, SENDER.domain)
        outcome = connection.send(SENDER.address, "ana@home.example", b"Subject: s\r\n\r\n" + b"x" * 70 + b"\r\n", _yes)
        assert outcome.state == ("perhaps" if stage == "TAKEN" else "again")
        assert "no answer in time" in outcome.answer.answer
        assert connection.closed


@pytest.mark.timeout(60)  # it drips for longer
def test_a_handshake_that_drips_ends_in_time() -> None:
    with _dripping(b"\x16\x03\x03\x40\x00") as port, pytest.raises(RelayProblem):
        smtp.Connection(smtp.Relay("127.0.0.1", port, implicit=True, seconds=SECONDS), SENDER.domain)


def test_alive_is_of_a_service() -> None:
    done = forked.run(["deliver", "--alive", "/tmp/alive"], settings("postgresql://127.0.0.1:1/none", None))
    assert done.returncode == 2
    assert "give --every too" in done.stderr


def _yes() -> bool:
    return True


@contextmanager
def _dripping(first: bytes) -> Iterator[int]:
    """Says something to the first who comes, and then a byte now and then."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                try:
                    line.sendall(first)
                    while True:
                        line.sendall(b"\x00")
                        time.sleep(0.02)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(20)
        assert not thread.is_alive()
