#!/bin/sh
# A client that writes its acknowledgements, then DISCONNECT, and closes its socket with something unread has
# acknowledged nothing, if a message for it was on its way through Mosquitto.
#
# Field: a collector that is stopped while readings go on arriving.
# Versions: mosquitto 2.0.11 of Debian 12, spoken to by mqtt5 0.8.0, Linux.
# Seen: 200 messages are read, 5 more lie unread in the client's socket; the client sends 200 PUBACKs and DISCONNECT and
# closes. Because of what is unread the close resets the connection. The broker still finds the bytes that came before
# the reset: alone they are read, and none of the 200 comes again. But if a message for that client is handled first,
# the write fails, Mosquitto drops the connection without reading, and all 200 come again. Where all had been read there
# is no reset, and nothing comes twice in either case. (The broker is stopped by SIGSTOP for a moment, in place of one
# that is busy, so that both wait for it.)
# What we do: after our DISCONNECT we read until the broker hangs up; redelivery memory goes with a PINGRESP.
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
import signal
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

def again(port: int, broker: subprocess.Popen, unread: bool, live: bool) -> int:
    """How many of 200 messages come again though their acknowledgements were written."""
    collector, device = Session(port, "collector", clean_start=True), Session(port, "device", clean_start=True)
    collector.subscribe("reading")
    device.publish("reading", 200)
    known = [collector.next(mqtt5.PublishPacket).packet_id for _ in range(200)]
    device.publish("reading", 5)
    if not unread:
        for _ in range(5):
            collector.next(mqtt5.PublishPacket)
    time.sleep(0.3)  # the five are in the collector's socket
    broker.send_signal(signal.SIGSTOP)
    if live:
        packet = mqtt5.PublishPacket("reading", payload=b"21.5", qos=mqtt5.QoS(1), packet_id=1)
        device.socket.sendall(packet.write())
    time.sleep(0.1)
    collector.socket.sendall(b"".join(mqtt5.PubAckPacket(number).write() for number in known))
    collector.leave()
    time.sleep(0.1)
    broker.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    delivered = Session(port, "collector").messages()
    assert len(delivered) >= 5, "what was not acknowledged did not come"
    return len(set(known) & set(delivered))

with mosquitto("max_inflight_messages 1000") as (broker, port):
    found = {(unread, live): again(port, broker, unread, live) for unread in (False, True) for live in (False, True)}
for (unread, live), count in found.items():
    print(f"unread at the close {unread}, a message on its way {live}: {count} of 200 come again")
assert found.pop((True, True)) > 100, "it has changed: say so here"
assert set(found.values()) == {0}
PYTHON
