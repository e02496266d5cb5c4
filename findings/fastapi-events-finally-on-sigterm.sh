#!/bin/sh
# A generator of server-sent events of FastAPI is not finished when uvicorn ends by SIGTERM; a plain stream's is.
#
# Field: live pages; what a stream holds is given back in the generator's "finally".
# Versions: fastapi 0.165.0 with starlette 1.10.0, uvicorn 0.54.0.
# Seen: with EventSourceResponse the "finally" runs when the client leaves and on SIGINT, and not on SIGTERM, which is
# what service managers send. With a StreamingResponse of the same kind it runs in all three cases. uvicorn cancels what
# is left and then takes SIGTERM's own end at once; the cancelled generator of events would need some more turns of the
# loop.
# What follows: streams are ended by an event of the application's own, before the server gives them up.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    fastapi==0.165.0 starlette==1.10.0 uvicorn==0.54.0
cd "$folder"
cat > streams.py <<'PYTHON'
import asyncio

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

app = FastAPI()


@app.get("/events", response_class=EventSourceResponse)
async def events():
    try:
        yield {"number": 0}
        await asyncio.sleep(600)
    finally:
        print("finished", flush=True)


@app.get("/stream")
async def stream():
    async def numbers():
        try:
            yield b"data: 0\n\n"
            await asyncio.sleep(600)
        finally:
            print("finished", flush=True)

    return StreamingResponse(numbers(), media_type="text/event-stream")
PYTHON
venv/bin/python - <<'PYTHON'
import http.client
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version


def finished(path: str, ending: signal.Signals | None) -> bool:
    """Whether the generator was finished; without a signal the client leaves."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--log-level", "critical", "--timeout-graceful-shutdown", "1"]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "streams:app", *options], stdout=subprocess.PIPE, text=True
    )
    client = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(300):
        try:
            client.connect()
            break
        except ConnectionRefusedError:
            assert server.poll() is None, "uvicorn does not start"
            time.sleep(0.1)
    client.request("GET", path)
    answer = client.getresponse()
    assert answer.readline() != b""
    if ending is None:
        answer.close()
        client.close()
        assert server.stdout.readline() == "finished\n"
        server.send_signal(signal.SIGTERM)
        server.communicate()
        return True
    server.send_signal(ending)
    return "finished" in server.communicate()[0]


print(f"fastapi {version('fastapi')}, uvicorn {version('uvicorn')}: is the generator finished?")
found = {}
for path in ("/events", "/stream"):
    for name, ending in (("client leaves", None), ("SIGINT", signal.SIGINT), ("SIGTERM", signal.SIGTERM)):
        found[path, name] = finished(path, ending)
        print(f"{path}, {name}: {found[path, name]}")
assert not found.pop(("/events", "SIGTERM")), "it has changed: say so here"
assert all(found.values())
PYTHON
