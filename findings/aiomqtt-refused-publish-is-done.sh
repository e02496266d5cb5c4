#!/bin/sh
# A broker that refuses a message says so in its PUBACK (MQTT 5, reason 0x87: not authorized). aiomqtt's publish() returns
# as if it were published; paho-mqtt, which it is built on, tells the reason to whoever asks it.
#
# Field: a publisher that must not lose what its account may not publish: Mosquitto answers so where an acl_file forbids.
# Version: aiomqtt 2.5.1 with paho-mqtt 2.1.0.
# Seen: publish(..., qos=1) returns without an error; paho's on_publish gets "Not authorized" for the same answer.
# What we do: observations are published by a publisher of our own, which reads the reasons; what was refused stays queued.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiomqtt==2.5.1 paho-mqtt==2.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import os
from importlib.metadata import version

import aiomqtt
import paho.mqtt.client as paho


async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A broker that lets everybody in and refuses every message."""
    while len(head := await reader.read(2)) == 2:
        body = await reader.readexactly(head[1])
        if head[0] >> 4 == 1:
            writer.write(bytes((0x20, 3, 0, 0, 0)))
        elif head[0] >> 4 == 3:
            at = 2 + int.from_bytes(body[:2])
            writer.write(bytes((0x40, 3)) + body[at : at + 2] + b"\x87")
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(refusing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop, told = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_publish = lambda *given: loop.call_soon_threadsafe(told.set_result, given[3])
    await asyncio.to_thread(client.connect, "127.0.0.1", port)
    client.loop_start()
    client.publish("v1.1/Observations", b"{}", qos=1)
    reason = await asyncio.wait_for(told, 20)
    client.loop_stop()
    print(f"paho-mqtt {version('paho-mqtt')}: {reason}")
    if reason.value != 0x87:
        raise SystemExit("paho does not tell the reason any more: say so here")
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as connected:
        try:
            await connected.publish("v1.1/Observations", b"{}", qos=1)
        except aiomqtt.MqttError as error:
            raise SystemExit(f"aiomqtt tells it now ({error}): say so here") from None
        print(f"aiomqtt {version('aiomqtt')}: published, as far as it says", flush=True)
        os._exit(0)  # this broker knows no DISCONNECT


asyncio.run(main())
PYTHON
