#!/bin/sh
# Mochi refuses a SUBSCRIBE because its packet id is that of a message of its own that is not acknowledged yet.
#
# Field: a collector subscribes after each connect, as packet 1; what it had not acknowledged comes again at that moment.
# Versions: mochi-mqtt/server 2.7.9, asked by the packets of mqtt5 0.8.0.
# Seen: ten messages delivered with the packet ids 1 to 10 and not acknowledged; after the reconnect SUBSCRIBE with id 1
# is answered by 0x91, "packet identifier in use", with id 60000 it is granted. By the standard the ids of either
# direction have nothing to do with each other.
# What we do: SUBSCRIBE again with other ids.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > main.go <<'GO'
package main

import (
	"log/slog"
	"io"
	"os"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

func main() {
	server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		panic(err)
	}
	listener := listeners.NewTCP(listeners.Config{ID: "tcp", Address: "127.0.0.1:" + os.Args[1]})
	if err := server.AddListener(listener); err != nil {
		panic(err)
	}
	if err := server.Serve(); err != nil {
		panic(err)
	}
	select {}
}
GO
go mod init example.test/broker 2> /dev/null
go get github.com/mochi-mqtt/server/v2@v2.7.9 2> /dev/null
go build -o broker .
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mqtt5==0.8.0
venv/bin/python - <<'PYTHON'
import socket
import subprocess
import time

import mqtt5


class Client:
    """A connection with a session that outlives it; it answers nothing by itself."""

    def __init__(self, port: int, name: str) -> None:
        self.line = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.held = b""
        self.send(mqtt5.ConnectPacket(name, session_expiry_interval=600, receive_max=60_000))

    def send(self, packet) -> None:
        self.line.sendall(packet.write())

    def next(self, seconds: float = 10.0):
        """The next packet; None where none comes."""
        self.line.settimeout(seconds)
        while True:
            try:
                packet, size = mqtt5.read(memoryview(self.held))
            except IndexError:
                try:
                    data = self.line.recv(65_536)
                except TimeoutError:
                    return None
                if not data:
                    return None
                self.held += data
                continue
            self.held = self.held[size:]
            return packet

    def wait(self, kind: type):
        while not isinstance(packet := self.next(), kind):
            assert packet is not None, f"no {kind.__name__}"
        return packet

    def subscribe(self, packet_id: int):
        topic = mqtt5.TopicFilter("site/1", max_qos=mqtt5.QoS.AT_LEAST_ONCE)
        self.send(mqtt5.SubscribePacket(packet_id, [topic]))
        return self.wait(mqtt5.SubAckPacket).reason_codes[0]


def publish(port: int, numbers: range, pause: float = 0.0) -> None:
    """Each acknowledged before the next is sent."""
    sender = Client(port, "sender")
    sender.wait(mqtt5.ConnAckPacket)
    for number in numbers:
        payload = str(number).encode()
        sender.send(mqtt5.PublishPacket("site/1", payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1 + number % 60_000))
        sender.wait(mqtt5.PubAckPacket)
        time.sleep(pause)
    sender.line.close()


with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
broker = subprocess.Popen(["./broker", str(port)])
try:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    reader = Client(port, "reader")
    reader.wait(mqtt5.ConnAckPacket)
    assert int(reader.subscribe(1)) == 1
    publish(port, range(10))
    ids = [reader.wait(mqtt5.PublishPacket).packet_id for _ in range(10)]
    reader.line.close()
    reader = Client(port, "reader")
    assert reader.wait(mqtt5.ConnAckPacket).session_present
    first, second = int(reader.subscribe(1)), int(reader.subscribe(60_000))
finally:
    broker.terminate()
    broker.wait()
print(f"packet ids of messages: {ids}; SUBSCRIBE with 1: 0x{first:02X}, with 60000: 0x{second:02X}")
assert 1 in ids
assert second == 1
assert first == 0x91, "it has changed: say so here"
PYTHON
