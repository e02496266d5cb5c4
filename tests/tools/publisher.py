"""Publishing for tests: flat out, at a rate, and on through a broker that goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from simulators.publisher import Message, Publisher, PublishError
from tests.tools.servers import PATIENCE


def publish(port: int, messages: Sequence[Message], *, rate: float | None = None, window: int = 10_000) -> float:
    """Publish all with QoS 1, wait for every acknowledgement; the seconds that it took."""
    with Publisher("127.0.0.1", port, window=window) as publisher:
        done = publisher.publish(messages, rate=rate, deadline=120)
    assert done.refused == 0, f"the broker refused {done.refused} messages"
    assert done.messages == len(messages)
    return done.seconds


def publish_through(port: int, messages: Sequence[Message], *, chunk: int = 500, rate: float | None = None) -> int:
    """Publish all, whatever the broker does meanwhile; a chunk that was not acknowledged whole is sent again.

    Returns how many messages were sent again (duplicates are the receiver's to tell).
    """
    position, again = 0, 0
    until = time.monotonic() + 90
    while position < len(messages):
        assert time.monotonic() < until, f"only {position} of {len(messages)} messages were taken"
        try:
            with Publisher("127.0.0.1", port, window=chunk) as publisher:
                while position < len(messages):
                    part = messages[position : position + chunk]
                    publisher.publish(part, rate=rate, deadline=10)
                    position += len(part)
        except (OSError, PublishError):
            again += min(chunk, len(messages) - position)
            time.sleep(0.05)
    return again


class Publishing(threading.Thread):
    """Publishes in a thread while the test does something else; ``join`` raises what it met."""

    def __init__(self, port: int, messages: Sequence[Message], *, rate: float | None = None) -> None:
        super().__init__(daemon=True)
        self._port, self._messages, self._rate = port, messages, rate
        self.again = 0
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """The thread's work."""
        try:
            self.again = publish_through(self._port, self._messages, rate=self._rate)
        except BaseException as error:  # noqa: BLE001 - raised again by join, in the test's own thread
            self._error = error

    def join(self, timeout: float | None = 120) -> None:
        """Wait for its end."""
        super().join(timeout)
        assert not self.is_alive(), "the publisher did not end"
        if self._error is not None:
            raise self._error


def publish_as(port: int, accounts: Path, device: str, payload: bytes) -> bool:
    """Publish a smart meter's reading as that device, with its password of the accounts' list; whether it was taken."""
    rows = accounts.read_text().splitlines()
    (secret,) = (row.rpartition(",")[2] for row in rows if row.startswith(f"{device},"))
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=device)
    client.username_pw_set(device, secret)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        sent = client.publish(f"borough/smart-meter/{device}/reading", payload, qos=1)
        sent.wait_for_publish(PATIENCE)
        return sent.is_published()
    finally:
        client.disconnect()
        client.loop_stop()
