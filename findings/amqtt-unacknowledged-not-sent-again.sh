#!/bin/sh
# amqtt keeps a session over a reconnect and says so, and sends none of the messages again that were not acknowledged.
#
# Field: a collector acknowledges after its database has committed; what it had not acknowledged when it fell over comes
# again from the broker, which is what QoS 1 is for.
# Versions: amqtt 0.12.1, read by paho-mqtt 2.2.0 with MQTT 3.1.1.
# Seen: 100 messages delivered and none acknowledged; after the reconnect "session present" is true, the subscription is
# there (a new message arrives), and of the 100 none comes.
# What we do: amqtt serves the demo only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check amqtt==0.12.1 paho-mqtt==2.2.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import logging
import socket
import threading
from importlib.metadata import version

import paho.mqtt.client as paho
from amqtt.broker import Broker

COUNT = 100


class Reader:
    """A client with a session that acknowledges nothing."""

    def __init__(self, port: int, most: int) -> None:
        self.received: list[bytes] = []
        self.enough, self.subscribed, self._connected = threading.Event(), threading.Event(), threading.Event()
        self._most = most
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="collector", clean_session=False, manual_ack=True
        )
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._connected.wait(10)

    def _on_connect(self, client, data, flags, reason, properties) -> None:
        self.present = flags.session_present
        self._connected.set()

    def _on_message(self, client, data, message) -> None:
        self.received.append(message.payload)
        if len(self.received) == self._most:
            self.enough.set()

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def run(port: int) -> None:
    publisher = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="device")
    publisher.connect("127.0.0.1", port)
    publisher.loop_start()
    first = Reader(port, COUNT)
    first.client.subscribe("reading", qos=1)
    assert first.subscribed.wait(10)
    for number in range(COUNT):
        publisher.publish("reading", f"{number}", qos=1).wait_for_publish(10)
    assert first.enough.wait(10), "not all were delivered"
    first.leave()
    second = Reader(port, COUNT + 1)
    publisher.publish("reading", "new", qos=1).wait_for_publish(10)
    second.enough.wait(3)
    second.leave()
    publisher.disconnect()
    publisher.loop_stop()
    again = len(second.received) - second.received.count(b"new")
    print(f"amqtt {version('amqtt')}: delivered {len(first.received)}, acknowledged 0")
    print(f"after the reconnect: session present {second.present}, again {again}, new {second.received.count(b'new')}")
    assert second.present
    assert second.received == [b"new"], "it has changed: say so here"


async def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    listener = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}
    broker = Broker({"listeners": listener, "plugins": anonymous})
    await broker.start()
    try:
        await asyncio.to_thread(run, port)
    finally:
        await broker.shutdown()


logging.disable(logging.CRITICAL)
asyncio.run(main())
PYTHON
