"""Connections of clients that take nothing or leave: what is written to them ends with them."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from dashboard.web.connections import Connection, Patience, config, connection_of
from dashboard.web.lane import Lane
from dashboard.web.streams import Stream


@asynccontextmanager
async def asked(app: ASGIApp, stall: float) -> AsyncIterator[socket.socket]:
    """A client that asked for an answer of ``app`` over our connections, and takes in little by itself."""
    made = config(app, Patience(stall=stall))
    made.load()
    protocol: Any = made.http_protocol_class
    state, loop = ServerState(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(made, state, {}), "127.0.0.1", 0)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        await loop.sock_connect(client, server.sockets[0].getsockname())
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        yield client
    server.close()
    await server.wait_closed()


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

    async with asked(app, stall=0.2), asyncio.timeout(30):
        connection = await served
        assert connection.idle
        assert 0 < connection.transport.get_write_buffer_size() < 65_536
        await connection.gone


async def test_no_pieces_are_made_for_a_reader_that_has_left() -> None:
    closed = threading.Event()

    def pieces() -> Iterator[bytes]:
        try:
            while not closed.is_set():
                yield bytes(65_536)
        finally:
            closed.set()

    lane = Lane("postgresql://127.0.0.1/nothing")
    lane.open()
    endless = pieces()  # held here, so that nothing else than the answer closes it
    try:
        async with asked(Stream(lane, endless, media_type="text/plain", headers={}), stall=600) as client:
            assert await asyncio.get_running_loop().sock_recv(client, 12) == b"HTTP/1.1 200"
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            assert await asyncio.to_thread(closed.wait, 30)
    finally:
        closed.set()
        await asyncio.to_thread(lane.close)


async def test_a_reader_that_takes_a_little_all_the_time_is_cut_too() -> None:
    """Something moves in every span, but never as much as has to."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        assert connection is not None
        line: socket.socket = connection.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"400000")]})
        await send({"type": "http.response.body", "body": bytes(400_000)})

    taken = 0
    async with asked(app, stall=0.5) as client, asyncio.timeout(120):
        with suppress(ConnectionError):
            while part := await asyncio.get_running_loop().sock_recv(client, 2_048):
                taken += len(part)
                await asyncio.sleep(0.05)
    assert 4_096 < taken < 400_000
