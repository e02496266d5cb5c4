#!/bin/sh
# After a connect that timed out aiomqtt has left its "async with", and its socket is still open.
#
# Field: a watcher that tries again every few seconds against a broker that takes connections and answers nothing.
# Version: aiomqtt 2.5.1 with paho-mqtt 2.1.0.
# Seen: the client raises MqttError after its time-out; two seconds later the other end has still seen no end of the
# connection (paho's keep-alive closes it, after a minute if nothing else is said).
# What we do: the keep-alive of our watcher is the collector's, 30 s unless set otherwise.
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


async def main() -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        ended.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with aiomqtt.Client("127.0.0.1", port, timeout=1):
            raise SystemExit("it connected to a broker that answers nothing")
    except aiomqtt.MqttError as error:
        print(f"aiomqtt {version('aiomqtt')}: {error}")
    try:
        await asyncio.wait_for(ended.wait(), 2)
    except TimeoutError:
        print("two seconds later its socket is still open", flush=True)
    else:
        raise SystemExit("the socket is closed now: say so here")
    os._exit(0)  # its socket keeps the loop from ending quietly


asyncio.run(main())
PYTHON
