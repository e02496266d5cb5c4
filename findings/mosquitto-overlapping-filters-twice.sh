#!/bin/sh
# Two filters that overlap get a message once by MQTT 3.1.1 and twice by MQTT 5, from the same Mosquitto with
# "allow_duplicate_messages false".
#
# Field: a collector whose subscriptions are put together from several lists.
# Versions: mosquitto 2.0.11 of Debian 12, subscribed to by paho-mqtt 2.2.0.
# Seen: subscribed to site/# and site/+, one message to site/1: one copy by MQTT 3.1.1, two with packet ids of their own
# by MQTT 5. Either is allowed by MQTT; but the manual says of this setting that the message comes once, and by MQTT 5
# the setting changes nothing.
# What we do: what counts is the reading's key, not the copy; repeats are counted as duplicates.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download mosquitto=2.0.11-1.2+deb12u2 libmosquitto1=2.0.11-1.2+deb12u2 \
    libcjson1=1.7.15-1+deb12u4 libdlt2=2.18.8-6 libwrap0=7.6.q-32
for package in *.deb; do dpkg-deb -x "$package" .; done
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check paho-mqtt==2.2.0
venv/bin/python - <<'PYTHON'
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho


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


def copies(port: int, protocol: paho.MQTTProtocolVersion) -> list[int]:
    """The packet ids under which one message arrives."""
    found: list[int] = []
    connected, subscribed = threading.Event(), threading.Event()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=protocol)
    client.on_connect = lambda *_: connected.set()
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _, data, message: found.append(message.mid)
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert connected.wait(10)
    client.subscribe([("site/#", 1), ("site/+", 1)])
    assert subscribed.wait(10)
    client.publish("site/1", "21.5", qos=1).wait_for_publish(10)
    time.sleep(1)  # for one copy too many
    client.disconnect()
    client.loop_stop()
    return found


with mosquitto("allow_duplicate_messages false") as (_, port):
    old, new = copies(port, paho.MQTTv311), copies(port, paho.MQTTv5)
print(f"packet ids by MQTT 3.1.1: {old}, by MQTT 5: {new}")
assert len(old) == 1
assert len(set(new)) == len(new) == 2, "it has changed: say so here"
PYTHON
