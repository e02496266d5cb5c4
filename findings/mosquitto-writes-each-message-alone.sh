#!/bin/sh
# Mosquitto writes each message to the socket alone, also where it has thousands for one client at hand.
#
# Field: a collector that comes back to a queue, at tens of thousands of messages a second.
# Versions: mosquitto 2.0.11 of Debian 12, spoken to by mqtt5 0.8.0, Linux (its count of system calls that write).
# Seen: 2,000 queued messages, all within the client's receive maximum, are at least 2,000 writes. A client that reads
# whenever there is something to read therefore makes about one read and one turn of its loop a message.
# What we do: the socket is read once every so often, not whenever there is something (docs/decisions/004).
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

def writes(broker: subprocess.Popen) -> int:
    """The broker's system calls that write, so far."""
    lines = Path(f"/proc/{broker.pid}/io").read_text(encoding="utf-8").splitlines()
    return int(dict(line.split(": ") for line in lines)["syscw"])

with mosquitto("max_inflight_messages 5000", "max_queued_messages 5000") as (broker, port):
    session = Session(port, "collector")
    session.subscribe("reading")
    session.leave()
    Session(port, "device", clean_start=True, expiry=0).publish("reading", 2_000)
    before = writes(broker)
    delivered = len(Session(port, "collector").messages())
    made = writes(broker) - before
print(f"{delivered} messages, {made} writes")
assert delivered == 2_000
assert made >= delivered, "it has changed: say so here"
PYTHON
