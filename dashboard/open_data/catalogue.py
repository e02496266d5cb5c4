"""The catalogue: for people a page of all datasets and one of each, for harvesters DCAT-AP and ``data.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Request, Response

from dashboard.open_data import dcat, metadata_exchange, schema_org
from dashboard.open_data.datasets import BY_ID, CSV
from dashboard.open_data.dcat import Publisher
from dashboard.open_data.entries import Entries, Entry
from dashboard.open_data.shelf import Snapshot
from dashboard.web.api import has_already
from dashboard.web.site import Site
from dashboard.web.values import Cursor, Text, cursor_of
from devices.csvw import OPEN_GOVERNMENT_LICENCE, described, metadata_name

#: Snapshots on a page of the catalogue for harvesters, and months on a page of a dataset.
MEMBERS, MONTHS = 200, 24
#: How long a catalogue may be kept [s].
_KEPT = 600
FREQUENCY_WORDS = {
    "continuous": "as they arrive",
    "daily": "each day",
    "monthly": "each month",
    "annual": "each year",
}

After = Annotated[Cursor | None, Query(alias="cursor", description="As the Link to the next page has it")]


def router(site: Site) -> APIRouter:
    """The catalogue in its forms."""
    routes = APIRouter()
    entries = Entries(site)

    @routes.get("/open-data")
    def everything(request: Request) -> Response:
        """All datasets."""
        found = entries.all()
        publisher = publisher_of(site, request)
        return site.page(
            request,
            "open_data/catalogue.html",
            {
                "entries": found,
                "services": entries.services(found),
                "frequencies": FREQUENCY_WORDS,
                "licence": licence_words(site),
                "json_ld": schema_org.script(schema_org.catalogue(found, publisher)),
            },
        )

    @routes.get("/open-data/about/{dataset}")
    def one(request: Request, dataset: Text, after: After = None) -> Response:
        """One dataset, with its snapshots."""
        entry = _entry(entries.all(), dataset)
        months, following = page_of(list(entry.current), after, MONTHS)
        return site.page(
            request,
            "open_data/dataset.html",
            {
                "entry": entry,
                "months": months,
                "following": following,
                "later": after is not None,
                "columns": next((form.columns for form in entry.dataset.forms if form.columns), ()),
                "frequency": FREQUENCY_WORDS[entry.dataset.frequency],
                "licence": licence_words(site),
                "json_ld": schema_org.script(schema_org.dataset(entry, publisher_of(site, request))),
                "csv_media_type": CSV,
                "metadata_name": metadata_name,
            },
        )

    @routes.get("/open-data/catalogue.jsonld", include_in_schema=False)
    def linked(request: Request, after: After = None) -> Response:
        """The catalogue in DCAT-AP; what does not fit on a page is behind its Link to the next one."""
        found = entries.all()
        members = [(entry, snapshot) for entry in found for snapshot in entry.current]
        keys = {_key(snapshot): place for place, (_, snapshot) in enumerate(members, 1)}
        begin = 0 if after is None else keys.get(after, len(members))
        shown = members[begin : begin + MEMBERS]
        following = None
        if begin + MEMBERS < len(members):
            cursor = cursor_of(_key(shown[-1][1]))
            following = site.url(request, f"/open-data/catalogue.jsonld?cursor={cursor}")
        document = dcat.catalogue(
            found,
            shown,
            entries.services(found),
            publisher_of(site, request),
            whole=after is None,
            following=following,
        )
        headers = {} if following is None else {"Link": f'<{following}>; rel="next"'}
        return answer(request, document, "application/ld+json", headers)

    @routes.get("/open-data/data.json", include_in_schema=False)
    def exchanged(request: Request) -> Response:
        """The datasets by the UK Cross-Government Metadata Exchange Model."""
        found = entries.all()
        publisher = publisher_of(site, request)
        named = site.options.open_data.organisation
        document = metadata_exchange.document(found, entries.services(found), publisher, named)
        return answer(request, document, "application/json", {})

    @routes.get("/open-data/exports/{name}.csv-metadata.json", include_in_schema=False)
    def meaning(request: Request, name: Text) -> Response:
        """What the columns of an export mean."""
        for dataset in BY_ID.values():
            for form in dataset.forms:
                if form.columns and form.address == f"/open-data/exports/{name}.csv":
                    text = described(
                        f"{name}.csv",
                        dataset.title,
                        dataset.describes,
                        form.columns,
                        publisher=site.options.council_name,
                        licence=site.options.open_data.licence,
                    )
                    return kept(request, text, "application/csvm+json", {})
        raise HTTPException(404)

    return routes


def publisher_of(site: Site, request: Request) -> Publisher:
    """Who publishes, as the settings say, at the address that people know."""
    open_data = site.options.open_data
    return Publisher(site.options.council_name, site.url(request, ""), open_data.licence, open_data.contact)


def licence_words(site: Site) -> str:
    """What people call the licence."""
    licence = site.options.open_data.licence
    return "Open Government Licence v3.0" if licence == OPEN_GOVERNMENT_LICENCE else licence


def page_of(snapshots: Sequence[Snapshot], after: str | None, most: int) -> tuple[list[Snapshot], str | None]:
    """Those behind a cursor's place, ``most`` of them, and the next cursor; behind a place that is gone is nothing."""
    keys = [_key(one) for one in snapshots]
    begin = 0 if after is None else keys.index(after) + 1 if after in keys else len(keys)
    shown = list(snapshots[begin : begin + most])
    return shown, cursor_of(_key(shown[-1])) if begin + most < len(snapshots) else None


def answer(request: Request, document: Any, media_type: str, headers: dict[str, str]) -> Response:
    """A document for programs, with its ETag; 304 where it is had already."""
    return kept(request, orjson.dumps(document, option=orjson.OPT_INDENT_2), media_type, headers)


def kept(request: Request, text: bytes, media_type: str, headers: dict[str, str], seconds: int = _KEPT) -> Response:
    """A text that anybody may keep for so long [s]."""
    etag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    headers = {
        **headers,
        "ETag": etag,
        "Cache-Control": f"public, max-age={seconds}",
        "Access-Control-Allow-Origin": "*",
    }
    if has_already(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type=media_type)


def _key(snapshot: Snapshot) -> str:
    return "/".join(map(str, snapshot.key))


def _entry(found: Sequence[Entry], dataset: str) -> Entry:
    entry = next((one for one in found if one.dataset.id == dataset), None)
    if entry is None:
        raise HTTPException(404)
    return entry
