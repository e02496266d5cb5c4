"""A form with a file, read piece by piece: what is held in memory does not grow with the file.

The form's token stands first, and is checked before the file's first byte is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from dashboard.engineer.shelf import Incoming, Refused, shown_name
from dashboard.web.connections import connection_of

#: Bytes that are written to the disk at once: at least so many have to come in the time that a body has.
PIECE = 1 << 20
#: Parts of a form, bytes of a small field, bytes around a file.
_PARTS, _FIELD, _AROUND = 10, 200, 8_192
#: A refused body is read on for a moment, so that a browser that sends still sees the answer [bytes, s].
_DRAIN, _DRAIN_SECONDS = 64 << 20, 5.0


async def receive(request: Request, into: Incoming, check: Callable[[str | None], None]) -> str:
    """Read the one file of a request into ``into``; the name that it came with.

    ``check`` gets the form's token, None where the form has none before the file, and raises where that is not right.
    Raises Refused, HTTPException 400 where this is no such form, ClientDisconnect, OSError.
    """
    kind, values = parse_options_header(request.headers.get("content-type", ""))
    boundary = values.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise HTTPException(400)
    form = _Form(check)
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]  # a mapping of its own kind
        said = request.headers.get("content-length", "")
        if said.isdigit():
            await run_in_threadpool(into.room, max(0, int(said) - _AROUND))
        connection = connection_of(request.scope)
        async for data in request.stream():
            parser.write(data)
            if len(form.waiting) >= PIECE:
                await run_in_threadpool(into.write, form.take())
                if connection is not None:
                    connection.goes_on()
        if not form.whole:
            raise HTTPException(400)  # it was cut off: what is there of the file may be half of it
        await run_in_threadpool(into.write, form.take())
    except (FormParserError, ValueError):
        raise HTTPException(400) from None
    if form.file is None or not (form.file or into.size):
        raise Refused(400, "No file was chosen. Choose one, and send the form again.")
    return shown_name(form.file)


async def drain(request: Request) -> None:
    """Read what a client goes on to send, and forget it, for a moment."""
    read = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for data in request.stream():
                read += len(data)
                if read > _DRAIN:
                    return
    except TimeoutError:
        return  # whoever still sends then does not see the answer
    except RuntimeError:
        return  # all of it had been read


class _Form:
    """What the parser tells, part by part."""

    def __init__(self, check: Callable[[str | None], None]) -> None:
        self._check = check
        self._parts = 0
        self._header = bytearray()
        self._value = bytearray()
        self._place: dict[bytes, bytes] = {}
        self._checked = False
        self._field: bytearray | None = None
        self._name = b""
        #: the name that the file came with
        self.file: str | None = None
        #: bytes of the file that were not taken yet
        self.waiting = bytearray()
        self._in_file = False
        #: whether the form's end has come
        self.whole = False

    def callbacks(self) -> dict[str, Callable[..., None]]:
        """As the parser wants them."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add(self._header, data[start:end]),
            "on_header_value": lambda data, start, end: self._add(self._value, data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._whole,
        }

    def take(self) -> bytes:
        """The bytes that wait; from then on they do not."""
        data = bytes(self.waiting)
        self.waiting.clear()
        return data

    def _add(self, to: bytearray, data: bytes) -> None:
        to += data
        if len(to) > _AROUND:
            raise HTTPException(400)

    def _whole(self) -> None:
        self.whole = True

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            raise Refused(400, "Send one file, and nothing else beside it.")
        self._place = {}

    def _header_end(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._place = parse_options_header(bytes(self._value))[1]
        self._header.clear()
        self._value.clear()

    def _headers(self) -> None:
        self._name = self._place.get(b"name", b"")
        self._in_file = b"filename" in self._place
        if not self._in_file:
            self._field = bytearray()
            return
        if not self._checked:
            self._check(None)
            self._checked = True  # the header had it
        if self.file is not None:
            raise Refused(400, "Send one file at a time.")
        self.file = self._place[b"filename"].decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.waiting += memoryview(data)[start:end]
        elif self._field is not None:
            self._field += data[start:end]
            if len(self._field) > _FIELD:
                raise HTTPException(400)

    def _end(self) -> None:
        if self._field is not None and self._name == b"csrf":
            self._check(self._field.decode("latin-1"))
            self._checked = True
        self._field = None
        self._in_file = False
