"""The feed of revisions: what was published, published anew and withdrawn, the newest first. A page and Atom."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Query, Request, Response

from dashboard.open_data import shelf
from dashboard.open_data.catalogue import kept
from dashboard.open_data.shelf import Shelf, Snapshot
from dashboard.web.site import Site
from dashboard.web.values import Cursor, cursor_of
from devices.counts import counted

#: Events on a page and in a document of the feed.
PAGE = 100
#: How long the feed may be kept [s].
_KEPT = 300
#: Signs that no XML 1.0 document can hold, by whatever escape: names and reasons are people's.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATOM = "http://www.w3.org/2005/Atom"
_NAMES = uuid.UUID("6f1f0c9e-9a0e-5d0b-8b0a-0d3c1a5e7f24")

After = Annotated[Cursor | None, Query(alias="cursor", description="As the Link to the next page has it")]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a snapshot."""

    at: datetime
    kind: Literal["published", "revised", "withdrawn"]
    snapshot: Snapshot
    words: str

    @property
    def title(self) -> str:
        """What happened, in one line."""
        manifest = self.snapshot.manifest
        what = {
            "published": "published",
            "revised": f"revision {manifest.revision}",
            "withdrawn": f"revision {manifest.revision} withdrawn",
        }[self.kind]
        return f"{manifest.title}, {manifest.month}: {what}"

    @property
    def key(self) -> str:
        """What names it, the same for ever."""
        return f"{int(self.at.timestamp() * 1_000_000)}/{'/'.join(map(str, self.snapshot.key))}/{self.kind}"

    @property
    def urn(self) -> str:
        """What names it in a feed."""
        return uuid.uuid5(_NAMES, f"{self.key}/{self.snapshot.manifest.files[0].sha256}").urn


def events(known: Shelf) -> list[Event]:
    """All that happened, the newest first."""
    found = []
    for one in known.snapshots:
        manifest = one.manifest
        if not manifest.files:
            continue
        found.append(
            Event(manifest.made_at, "published" if manifest.revision == 1 else "revised", one, _made(manifest))
        )
        if one.withdrawn is not None:
            found.append(Event(one.withdrawn.at, "withdrawn", one, one.withdrawn.reason))
    return sorted(found, key=lambda event: (event.at, event.key), reverse=True)


def router(site: Site) -> APIRouter:
    """The page and the feed."""
    routes = APIRouter()

    @routes.get("/open-data/revisions")
    def page(request: Request, after: After = None) -> Response:
        """What was published and what became of it."""
        shown, following = _page(events(shelf.read(site.options.open_data.folder)), after)
        context = {"events": shown, "following": following, "later": after is not None}
        return site.page(request, "open_data/revisions.html", context)

    @routes.get("/open-data/revisions.atom", include_in_schema=False)
    def feed(request: Request, after: After = None) -> Response:
        """The same for programs."""
        shown, following = _page(events(shelf.read(site.options.open_data.folder)), after)
        here = site.url(request, "/open-data/revisions.atom")
        text = atom(shown, site.options.council_name, site.url(request, ""), here, after, following)
        headers = {} if following is None else {"Link": f'<{here}?cursor={following}>; rel="next"'}
        return kept(request, text, "application/atom+xml", headers, _KEPT)

    return routes


def atom(
    shown: Sequence[Event], publisher: str, url: str, here: str, after: str | None, following: str | None
) -> bytes:
    """A document of the feed (RFC 4287, RFC 5005). ``url`` of the site, ``here`` of the feed."""
    ET.register_namespace("", _ATOM)
    feed = ET.Element(f"{{{_ATOM}}}feed")
    _add(feed, "id", uuid.uuid5(_NAMES, here).urn)
    _add(feed, "title", f"Open data of {publisher}: snapshots and revisions")
    newest = shown[0].at if shown else datetime(2000, 1, 1, tzinfo=UTC)
    _add(feed, "updated", _instant(newest))
    _add(_add(feed, "author"), "name", publisher)
    _add(feed, "link", rel="self", type="application/atom+xml", href=here if after is None else _cursor(here, after))
    _add(feed, "link", rel="alternate", type="text/html", href=f"{url}/open-data/revisions")
    if after is not None:
        _add(feed, "link", rel="first", type="application/atom+xml", href=here)
    if following is not None:
        _add(feed, "link", rel="next", type="application/atom+xml", href=f"{here}?cursor={following}")
    for event in shown:
        entry = _add(feed, "entry")
        _add(entry, "id", event.urn)
        _add(entry, "title", event.title)
        _add(entry, "updated", _instant(event.at))
        _add(entry, "published", _instant(event.at))
        _add(entry, "link", rel="alternate", type="text/html", href=url + event.snapshot.path)
        _add(entry, "category", term=event.kind)
        _add(entry, "category", term=event.snapshot.manifest.dataset)
        if event.snapshot.withdrawn is None:
            for file in event.snapshot.manifest.files:
                _add(
                    entry,
                    "link",
                    rel="enclosure",
                    type=file.media_type,
                    length=str(file.bytes),
                    href=f"{url}{event.snapshot.path}/{file.name}",
                )
        _add(entry, "summary", event.words, type="text")
    text: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text


def _page(found: Sequence[Event], after: str | None) -> tuple[list[Event], str | None]:
    """Those behind a cursor's place, and the next cursor; new events come before all and move nothing."""
    begin = 0
    if after is not None:
        begin = next((place for place, event in enumerate(found, 1) if event.key == after), len(found))
    shown = list(found[begin : begin + PAGE])
    return shown, cursor_of(shown[-1].key) if begin + PAGE < len(found) else None


def _made(manifest: shelf.Manifest) -> str:
    """What a snapshot holds, and how it differs from the one before it."""
    held = f"{counted(manifest.rows, 'row')} of {counted(manifest.devices, 'device')}"
    changes = manifest.changes
    if changes is None:
        return f"{held}."
    parts = [
        f"{counted(number, 'series', 'series')} {said}"
        for number, said in (
            (changes.series_added, "added"),
            (changes.series_removed, "taken out"),
            (changes.series_changed, "with other readings"),
        )
        if number
    ]
    return f"{held}, before {changes.rows_before:,}: {', '.join(parts)}."


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = None if text is None else _NO_XML.sub("\ufffd", text)
    return element


def _cursor(here: str, key: str) -> str:
    return f"{here}?cursor={cursor_of(key)}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
