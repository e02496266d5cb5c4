"""Snapshots as they are served: a page of each, its files, their hashes.

A file never changes, so whoever has it may keep it for ever. Before one goes out it is made sure that all that is in
it is still open: a device that became a household's since takes its snapshots along at once, also before
`borough publish` has made new ones.
"""

from __future__ import annotations

import base64
import logging
import re
import threading
import time
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from dashboard.open_data import shelf
from dashboard.open_data.catalogue import kept, licence_words
from dashboard.open_data.datasets import BY_ID
from dashboard.open_data.shelf import Snapshot
from dashboard.web.api import has_already
from dashboard.web.lane import no_page
from dashboard.web.site import Site
from dashboard.web.values import Text, Whole
from devices.csvw import metadata_name
from store import open_data

log = logging.getLogger(__name__)

#: A file that never changes may be kept so long by whoever has it, and so long by caches that many share: those must
#: learn of it when a file is withdrawn [s].
_FOR_EVER, _SHARED = 31_536_000, 600
#: A part of a file: from a byte to a byte or to the end, or so many at the end.
_PART = re.compile(rb"(\d{1,19})-(\d{1,19})?|-\d{1,19}")
#: So long what is open serves everybody who asks for files [s].
_FRESH = 2.0

Dataset = Annotated[Text, Path(description="As the catalogue names it")]
Month = Annotated[Text, Path(description="Such as 2026-10")]


def router(site: Site) -> APIRouter:
    """Pages and files of snapshots."""
    routes = APIRouter(prefix="/open-data/snapshots/{dataset}/{month}/{revision}", include_in_schema=False)
    opened = Opened(site)

    @routes.get("")
    def page(request: Request, dataset: Dataset, month: Month, revision: Whole) -> Response:
        """What is in a snapshot, and what became of it."""
        known = shelf.read(site.options.open_data.folder)
        found = _found(known.find(dataset, month, revision))
        others = [one for one in known.of(dataset) if one.manifest.month == month and one is not found]
        gone = found.withdrawn is not None or not opened.still(found)
        return site.page(
            request,
            "open_data/snapshot.html",
            {
                "snapshot": found,
                "manifest": found.manifest,
                "others": others,
                "gone": gone,
                "licence": licence_words(site),
            },
            410 if gone else 200,
        )

    @routes.get("/manifest.json")
    def manifest(request: Request, dataset: Dataset, month: Month, revision: Whole) -> Response:
        """What a snapshot says of itself."""
        found = _found(shelf.read(site.options.open_data.folder).find(dataset, month, revision))
        return kept(request, shelf.encode(found.manifest), "application/json", {})

    @routes.get("/SHA256SUMS")
    def sums(request: Request, dataset: Dataset, month: Month, revision: Whole) -> Response:
        """The hashes of its files, as ``sha256sum --check`` reads them."""
        found = _found(shelf.read(site.options.open_data.folder).find(dataset, month, revision))
        text = "".join(f"{one.sha256}  {one.name}\n" for one in found.manifest.files)
        return kept(request, text.encode(), "text/plain; charset=utf-8", {})

    @routes.get("/{name}")
    def file(request: Request, dataset: Dataset, month: Month, revision: Whole, name: Text) -> Response:
        """One of its files, or a part of it."""
        found = _found(shelf.read(site.options.open_data.folder).find(dataset, month, revision))
        if found.withdrawn is not None and any(one.name == name for one in found.manifest.files):
            raise HTTPException(410)
        wanted = found.file(name)
        if wanted is None:
            raise HTTPException(404)
        if not opened.still(found):
            raise HTTPException(410)
        etag = f'"{wanted.sha256}"'
        headers = {
            "ETag": etag,
            "Cache-Control": f"public, max-age={_FOR_EVER}, s-maxage={_SHARED}, immutable",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag, Link, Repr-Digest",
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(wanted.sha256)).decode()}:",
        }
        if found.file(metadata_name(name)) is not None:
            headers["Link"] = f'<{metadata_name(name)}>; rel="describedby"; type="application/csvm+json"'
        if has_already(request, etag):
            return Response(status_code=304, headers=headers)
        return _send(request, found, wanted, headers)

    return routes


class Opened:
    """Which series are open, looked up for all requests of two seconds together."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, frozenset[int]]] = {}

    def still(self, snapshot: Snapshot) -> bool:
        """Whether every series of a snapshot is open now. Raises psycopg.Error.

        One whose list of series cannot be read is not sent: nobody knows what is in it.
        """
        dataset = BY_ID.get(snapshot.manifest.dataset)
        if dataset is None or dataset.family is None or snapshot.manifest.origin != self._site.options.open_origin:
            return False
        try:
            contents = snapshot.contents()
        except (OSError, ValueError) as error:
            log.error("snapshot %s is not served, its list of series cannot be read: %s", snapshot.path, error)
            return False
        return contents.keys() <= self._open(dataset.family)

    def _open(self, family: str) -> frozenset[int]:
        with self._lock:
            at, known = self._known.get(family, (0.0, frozenset()))
            if time.monotonic() - at > _FRESH or not at:
                with self._site.connection() as connection:
                    series = open_data.open_series(connection, family, origin=self._site.options.open_origin)
                known = frozenset(one.id for one in series)
                self._known[family] = (time.monotonic(), known)
            return known


def _found(snapshot: Snapshot | None) -> Snapshot:
    if snapshot is None:
        raise HTTPException(404)
    return snapshot


def _send(request: Request, snapshot: Snapshot, wanted: shelf.File, headers: dict[str, str]) -> Response:
    """The file; 410 where it went meanwhile."""
    path = snapshot.folder / wanted.name
    try:
        state = path.stat()
    except FileNotFoundError:
        raise HTTPException(410) from None
    if state.st_size != wanted.bytes:
        # what is shorter or longer than it says is none of what was published
        log.error("%s has %d bytes, its manifest says %d", path, state.st_size, wanted.bytes)
        raise HTTPException(500)
    media_type = f"{wanted.media_type}; charset=utf-8" if wanted.media_type.startswith("text/") else wanted.media_type
    if request.scope.get("borough.method") == "HEAD":
        said = {**headers, "Content-Length": str(wanted.bytes), "Accept-Ranges": "bytes"}
        return Response(None, headers=said, media_type=media_type)
    return Stored(path, headers=headers, media_type=media_type, filename=wanted.name, stat_result=state)


class Stored(FileResponse):
    """A file that, as RFC 9110 has it, comes whole where what is asked for is no range of bytes. On its way, which may
    take hours, it is no page that exports wait for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        no_page(scope)
        kept = [(name, value) for name, value in scope["headers"] if name != b"range" or _is_range(value)]
        await super().__call__({**scope, "headers": kept}, receive, send)


def _is_range(value: bytes) -> bool:
    """Whether it asks for bytes, in parts none of which ends before it begins."""
    unit, _, parts = value.partition(b"=")
    found = [_PART.fullmatch(part.strip()) for part in parts.split(b",") if part.strip()]
    return (
        unit.strip().lower() == b"bytes"
        and bool(found)
        and all(one is not None and (not (one[1] and one[2]) or int(one[1]) <= int(one[2])) for one in found)
    )
