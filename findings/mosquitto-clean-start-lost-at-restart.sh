#!/bin/sh
# A session that was begun with clean_start true is not there after a restart of Mosquitto, persistence or not.
#
# Field: a collector that begins anew once, to be rid of an old session, and counts on its queue from then on.
# Versions: mosquitto 2.0.11 of Debian 12 with "persistence true", spoken to by mqtt5 0.8.0.
# Seen: two sessions of MQTT 5, both kept for an hour, one begun with clean_start true and one with false; 50 messages
# are published while both are away. Without a restart a session begun either way is there. After an orderly restart the
# one begun with false has its 50 messages, the other is gone with all of them. By MQTT 5 clean_start says what happens
# to an older session, and nothing of how long the new one lasts.
# What we do: the collector connects with clean_start false, always.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download mosquitto=2.0.11-1.2+deb12u2 libmosquitto1=2.0.11-1.2+deb12u2 \
    libcjson1=1.7.15-1+deb12u4 libdlt2=2.18.8-6 libwrap0=7.6.q-32
for package in *.deb; do dpkg-deb -x "$package" .; done
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mqtt5==0.8.0
venv/bin/python - <<'PYTHON'
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import mqtt5

@contextmanager
def mosquitto(*settings: str):
    """Debian's Mosquitto: its process and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lines = ["user root", f"listener {port} 127.0.0.1", "allow_anonymous true", *settings]
    Path("mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    libraries = next(Path("usr/lib").rglob("libmosquitto.so.1")).parent
    broker = subprocess.Popen(
        ["usr/sbin/mosquitto", "-c", "mosquitto.conf"],
        env={"LD_LIBRARY_PATH": str(libraries)},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert broker.poll() is None, "Mosquitto does not start"
                time.sleep(0.1)
        yield broker, port
    finally:
        broker.terminate()
        broker.wait()

class Session:
    """A blocking MQTT 5 connection."""

    def __init__(self, port: int, name: str, clean_start: bool = False, expiry: int = 3600) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self._rest = b""
        connect = mqtt5.ConnectPacket(
            name, clean_start=clean_start, session_expiry_interval=expiry, receive_max=10_000
        )
        self.socket.sendall(connect.write())
        self.present: bool = self.next(mqtt5.ConnAckPacket).session_present

    def next(self, kind: type, timeout: float = 10):
        """The next packet, of this kind; None where none comes in time."""
        self.socket.settimeout(timeout)
        while True:
            try:
                packet, size = mqtt5.read(memoryview(self._rest))
            except IndexError:
                try:
                    data = self.socket.recv(1 << 16)
                except TimeoutError:
                    return None
                assert data, "the broker closed the connection"
                self._rest += data
            else:
                self._rest = self._rest[size:]
                assert isinstance(packet, kind), packet
                return packet

    def subscribe(self, *filters: str) -> None:
        topics = [mqtt5.TopicFilter(name, max_qos=mqtt5.QoS(1)) for name in filters]
        self.socket.sendall(mqtt5.SubscribePacket(1, topics).write())
        assert self.next(mqtt5.SubAckPacket) is not None

    def publish(self, topic: str, count: int) -> None:
        """Publish at QoS 1 and wait for the broker's acknowledgements."""
        for number in range(1, count + 1):
            packet = mqtt5.PublishPacket(topic, payload=b"21.5", qos=mqtt5.QoS(1), packet_id=number)
            self.socket.sendall(packet.write())
        for _ in range(count):
            assert self.next(mqtt5.PubAckPacket) is not None

    def messages(self, timeout: float = 1) -> list[int]:
        """The packet ids of what is delivered until nothing more comes."""
        found = []
        while (packet := self.next(mqtt5.PublishPacket, timeout)) is not None:
            found.append(packet.packet_id)
        return found

    def leave(self) -> None:
        self.socket.sendall(mqtt5.DisconnectPacket().write())
        self.socket.close()

settings = ("persistence true", f"persistence_location {os.getcwd()}/")
beginnings = {"begun-clean": True, "begun-not-clean": False}
with mosquitto(*settings) as (_, port):
    for name, clean in {**beginnings, "without-restart": True}.items():
        session = Session(port, name, clean_start=clean)
        session.subscribe("reading")
        session.leave()
    Session(port, "device", clean_start=True, expiry=0).publish("reading", 50)
    session = Session(port, "without-restart")
    assert session.present
    assert len(session.messages()) == 50
with mosquitto(*settings) as (_, port):
    found = {}
    for name in beginnings:
        session = Session(port, name)
        found[name] = session.present, len(session.messages())
        print(f"after the restart, {name}: present {found[name][0]}, {found[name][1]} messages")
assert found["begun-not-clean"] == (True, 50)
assert found["begun-clean"] == (False, 0), "it has changed: say so here"
PYTHON
