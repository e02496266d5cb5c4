"""A subscriber at the broker that is not ours: paho's client, which keeps all that it was sent, in its order."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.tools.servers import wait_for


class Heard(NamedTuple):
    """A message: its topic, its JSON and its user properties."""

    topic: str
    body: dict[str, Any]
    marks: dict[str, str]


class Subscriber:
    """Subscribed to ``filters`` with QoS 1 while the block lasts, and after the broker was away again."""

    def __init__(self, port: int, filters: Sequence[str]) -> None:
        self.heard: list[Heard] = []
        self._port, self._filters = port, filters
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._granted
        self._client.on_message = self._take
        self._client.reconnect_delay_set(1, 1)

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self.wait_subscribed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_subscribed(self) -> None:
        """Wait until the broker has granted the subscriptions of this connection."""
        assert self._subscribed.wait(60), "the broker grants no subscription"

    def forget_connection(self) -> None:
        """Before the broker is stopped: what is waited for next is a subscription at the new one."""
        self._subscribed.clear()

    def on(self, topic: str) -> list[Heard]:
        """What came on one topic."""
        return [one for one in self.heard if one.topic == topic]

    def wait(self, count: int, topic: str | None = None) -> None:
        """Wait until so many messages have come, on one topic or at all."""
        found = wait_for(lambda: len(self.heard if topic is None else self.on(topic)) >= count, 60)
        assert found, f"{len(self.heard)} messages came"

    def _connected(self, *_: object) -> None:
        self._client.subscribe([(name, SubscribeOptions(qos=1)) for name in self._filters])

    def _granted(self, _client: Any, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any) -> None:
        assert not any(code.is_failure for code in codes), codes
        self._subscribed.set()

    def _take(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        properties: Properties | None = message.properties
        marks = dict(getattr(properties, "UserProperty", ()))
        self.heard.append(Heard(message.topic, json.loads(message.payload), marks))
