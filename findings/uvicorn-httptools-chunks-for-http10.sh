#!/bin/sh
# A streamed answer goes to an HTTP/1.0 client in chunks, which that client does not know, where uvicorn reads with
# httptools; with h11 it does not.
#
# Field: live streams and files of unknown length behind a proxy that asks by HTTP/1.0, as nginx does unless it is told.
# Version: uvicorn 0.54.0 with httptools 0.9.0 and h11 0.16.0, CPython 3.11.7.
# Seen: the same application without a content-length, asked by HTTP/1.0: httptools' answer says "transfer-encoding:
# chunked" and its body has lengths between its pieces; h11's says "connection: close" and has the body alone.
# What follows: we read with h11. Whoever takes httptools answers HTTP/1.0 with a length, or ends the connection himself.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0
"$folder/venv/bin/python" - <<'PYTHON'
import platform
import socket
import threading
import time

import uvicorn


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await send({"type": "http.response.body", "body": b"cd"})


def answer(parser: str) -> tuple[bool, bytes]:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="error", lifespan="off", loop="asyncio", http=parser
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "it does not start"
        time.sleep(0.01)
    with socket.create_connection(server.servers[0].sockets[0].getsockname()) as client:
        client.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        client.settimeout(20)
        found = b""
        while part := client.recv(4096):
            found += part
    server.should_exit = True
    thread.join()
    head, _, body = found.partition(b"\r\n\r\n")
    return b"transfer-encoding: chunked" in head.lower(), body


found = {parser: answer(parser) for parser in ("httptools", "h11")}
print(f"uvicorn {uvicorn.__version__}, Python {platform.python_version()}")
for parser, (chunked, body) in found.items():
    print(f"{parser}: in chunks {chunked}, body {body!r}")
chunks = b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"
assert found == {"httptools": (True, chunks), "h11": (False, b"abcd")}, "it has changed: say so here"
PYTHON
