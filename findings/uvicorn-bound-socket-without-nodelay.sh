#!/bin/sh
# An answer of uvicorn in more than one piece takes 40 ms longer where uvicorn was given a socket than where it made its
# own.
#
# Field: pages and streams that are sent in pieces, by a server whose socket is bound first so that several processes
# share it.
# Version: uvicorn 0.54.0 on CPython 3.11.7, Linux. Its Config.bind_socket() is also what --workers and --reload use.
# Seen: a connection to the server's own socket has TCP_NODELAY, one to the bound socket has not; there the second piece
# waits for the client's delayed acknowledgement (0.4 ms became 41 to 48 ms an answer). asyncio sets the option only on
# sockets that were made with IPPROTO_TCP by name, accepted ones take after the listener, and bind_socket() leaves the
# protocol to the kernel.
# What follows: whoever makes a listening socket for asyncio says IPPROTO_TCP.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0
"$folder/venv/bin/python" - <<'PYTHON'
import http.client
import platform
import socket
import statistics
import threading
import time

import uvicorn


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await send({"type": "http.response.body", "body": b"cd"})


def serve(bound: bool) -> tuple[bool, float]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([config.bind_socket()] if bound else None,))
    thread.start()
    while not server.started:
        assert thread.is_alive(), "it does not start"
        time.sleep(0.01)
    client = http.client.HTTPConnection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
    took = []
    for _ in range(20):
        begun = time.perf_counter()
        client.request("GET", "/")
        assert client.getresponse().read() == b"abcd"
        took.append(time.perf_counter() - begun)
    (connection,) = server.server_state.connections
    peer = connection.transport.get_extra_info("socket")
    nodelay = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    server.should_exit = True
    client.close()
    thread.join()
    return nodelay, statistics.median(took) * 1000


own, bound = serve(False), serve(True)
print(f"uvicorn {uvicorn.__version__}, Python {platform.python_version()}")
for name, (nodelay, took) in (("its own socket", own), ("bound before", bound)):
    print(f"{name}: TCP_NODELAY {nodelay}, median of 20 answers {took:.1f} ms")
assert (own[0], bound[0]) == (True, False), "it has changed: say so here"
PYTHON
