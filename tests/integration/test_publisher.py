"""The fast publisher against a real Mosquitto: TLS, and messages that nobody is subscribed to."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from scripts.parts import Parts
from simulators.publisher import Publisher, PublishError
from tests.tools.certificates import Authority
from tests.tools.servers import Mosquitto
from tests.tools.session import make_session

MESSAGES = [(f"t/{number % 100}", b"%d" % number * 20) for number in range(20_000)]


def test_messages_that_nobody_hears_are_counted(mosquitto: Mosquitto) -> None:
    with Publisher("127.0.0.1", mosquitto.port) as publisher:
        assert publisher.publish(MESSAGES[:50], deadline=20)[:2] == (50, 0)
        assert publisher.publish(MESSAGES[:50], deadline=20).unheard == 50
        make_session(mosquitto.port, "listener", [("t/1", 1)])
        done = publisher.publish(MESSAGES[:200], deadline=20)
        assert (done.messages, done.refused, done.unheard) == (200, 0, 198)


def test_everything_is_acknowledged_over_tls(parts: Parts, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "certificates")
    pair = authority.client("replay")
    context = ssl.create_default_context(cafile=str(authority.ca))
    broker = Mosquitto(parts.mosquitto, tmp_path / "broker", authority=authority.ca, certificate=authority.server())
    with broker:
        make_session(broker.port, "listener", [("t/+", 1)])
        assert broker.tls_port is not None
        # refused at the handshake or, in TLS 1.3, at the first reading after it
        with pytest.raises((ssl.SSLError, PublishError, ConnectionError)):
            Publisher("127.0.0.1", broker.tls_port, tls=context)
        context.load_cert_chain(pair.certificate, pair.key)
        with Publisher("127.0.0.1", broker.tls_port, tls=context) as publisher:
            for size in (1, 20_000):
                done = publisher.publish(MESSAGES[:size], deadline=300)
                assert (done.messages, done.refused, done.unheard) == (size, 0, 0)
