"""How many exports are made and open at once, and what each is made from: one state of the database.

An export has a connection and a transaction of its own while it is made, at our pace and not at its reader's: about a
second a million readings. For so long the database keeps what others delete, and nobody drops a table that it reads;
so few are made at once, and each ends by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from fastapi import HTTPException, Request, Response

from dashboard.open_data.answer import Export
from dashboard.open_data.spool import Spool
from dashboard.web.api import has_already
from dashboard.web.connections import connection_of
from dashboard.web.lane import PATIENCE, Turns
from dashboard.web.limits import address
from dashboard.web.site import Site
from dashboard.web.visitor import Visitor
from devices.device import Origin
from store import open_data
from store.connect import Connection

#: Exports that are made at once, and that are open at once, until their readers have them; of one account or address.
MAKING, OPEN, SHARE = 2, 8, 2
#: How long making one may take [s].
SECONDS = 600.0
#: What must be free on the disk of temporary files before one more is begun [bytes].
ROOM = 1 << 30
#: Changes with the form of an export, so that nobody takes an old one for the same.
_FORM = "1"

#: Makes pieces of what a connection of `store.open_data.one_state` reads. Raises HTTPException for what there is not.
Begin = Callable[[Connection], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class File:
    """What an export is called, without its ending, and of which type it is; ``metadata``: where its columns are
    described, served or not."""

    name: str
    ending: str
    media_type: str
    metadata: str | None = None


class Exports:
    """The exports of one site."""

    def __init__(self, site: Site) -> None:
        processes = site.options.workers
        self._site = site
        self._making = Turns(max(1, MAKING // processes), 1)
        self._open = Turns(max(1, OPEN // processes), SHARE)

    @property
    def origin(self) -> Origin:
        """Whose data are open here."""
        return self._site.options.open_origin

    async def answer(self, request: Request, visitor: Visitor, file: File, begin: Begin, told: object = "") -> Response:
        """Wait for a turn, begin, and answer with what is made then.

        ``told``: what it depends on beside its address and the database, such as the days that "newest" means today.

        Raises TooOften where there are too many for too long, what ``begin`` raises, psycopg.Error.
        """
        self._site.limit(request, "export", visitor)
        key: Hashable = visitor.account_id if visitor.account_id is not None else address(request)
        await self._site.lane.hold(request, self._open, key)
        connection = connection_of(request.scope)
        await self._making.enter(key, PATIENCE, None if connection is None else connection.gone)
        loop = asyncio.get_running_loop()
        beginning = asyncio.ensure_future(self._site.lane.run(lambda: self._begin(request, begin, told)))
        try:
            begun = await asyncio.shield(beginning)
        except BaseException:
            beginning.add_done_callback(self._drop)
            self._making.leave(key)
            raise
        headers = self._headers(file)
        if isinstance(begun, str):
            self._making.leave(key)
            return Response(status_code=304, headers={**headers, "ETag": begun})
        tag, spool = begun
        spool.when_made(lambda: _in_loop(loop, lambda: self._making.leave(key)))
        return Export(request, self._site.lane, spool, tag, {**headers, "Content-Type": file.media_type})

    def _begin(self, request: Request, begin: Begin, told: object) -> tuple[str, Spool] | str:
        """The export's tag and what makes it; the tag alone where the client has it."""
        if shutil.disk_usage(tempfile.gettempdir()).free < ROOM:
            raise HTTPException(503, "export-room", {"Retry-After": "300"})
        with ExitStack() as held:
            connection = held.enter_context(open_data.one_state(self._site.options.database_url, seconds=SECONDS))
            seen = open_data.state(connection)
            asked = "|".join((_FORM, request.url.path, request.url.query, str(told), seen))
            tag = f'"{hashlib.sha256(asked.encode()).hexdigest()[:32]}"'
            if has_already(request, tag):
                return tag
            spool = Spool(begin(connection))
            spool.when_made(held.pop_all().close)
        return tag, spool

    def _drop(self, beginning: asyncio.Future[tuple[str, Spool] | str]) -> None:
        """Nobody waits for it any more."""
        if beginning.cancelled() or beginning.exception() is not None:
            return
        begun = beginning.result()
        if not isinstance(begun, str):
            self._site.lane.soon(begun[1].close)

    def _headers(self, file: File) -> dict[str, str]:
        headers = {
            "Content-Disposition": f'attachment; filename="{file.name}.{file.ending}"',
            # kept, but asked about each time: readings come late and are corrected
            "Cache-Control": "public, no-cache",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "ETag, Link, Content-Range, Accept-Ranges",
        }
        if file.metadata is not None and file.metadata in self._site.paths:
            described = f"{file.name}.{file.ending}-metadata.json"
            headers["Link"] = f'<{described}>; rel="describedby"; type="application/csvm+json"'
        return headers


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    if not loop.is_closed():  # else the site has ended, and nobody waits for a turn
        loop.call_soon_threadsafe(call)
