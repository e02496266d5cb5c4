"""Connections of clients that take nothing: the end of an answer is waited for no longer than its middle."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from dashboard.web.connections import Connection, Patience, config, connection_of


async def test_the_last_bytes_of_an_answer_have_to_be_taken_too() -> None:
    """They are too few to stop us from writing, and nobody writes behind them."""
    served: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        assert connection is not None
        line: socket.socket = connection.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"50000")]})
        await send({"type": "http.response.body", "body": bytes(50_000)})
        served.set_result(connection)

    made = config(app, Patience(stall=0.2))
    made.load()
    protocol: Any = made.http_protocol_class
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: protocol(made, state, {}), "127.0.0.1", 0)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, server.sockets[0].getsockname())
        await asyncio.get_running_loop().sock_sendall(client, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        async with asyncio.timeout(30):
            connection = await served
            assert connection.idle
            assert 0 < connection.transport.get_write_buffer_size() < 65_536
            await connection.gone
    server.close()
    await server.wait_closed()
