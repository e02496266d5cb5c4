"""The routes of SensorThings: anybody reads, nobody writes. Every answer is made in the lane, beside the pages."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import psycopg
from fastapi import APIRouter, Request, Response

from dashboard.sensorthings import addresses, series_page, service
from dashboard.sensorthings.addresses import PATH, NotFound, encoded, root_of
from dashboard.sensorthings.answers import JSON, Answer, Asked, answer, end_of
from dashboard.sensorthings.collections import Collections
from dashboard.sensorthings.forms import dumps
from dashboard.sensorthings.options import parse
from dashboard.web.api import has_already
from dashboard.web.errors import problem
from dashboard.web.guard import takes_any_form
from dashboard.web.site import Site
from dashboard.web.values import Rest
from store import sta_count, sta_series
from store.chunks import KnownChunks
from store.connect import connect
from store.sta_entities import VERSIONS, Version, model, parameters
from store.sta_functions import FUNCTIONS
from store.sta_functions_geo import GEO
from store.sta_query import Query, QueryRefused
from store.sta_read import BUDGET, TooCostly, one_state

log = logging.getLogger(__name__)

_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}
#: What a filter may call.
_FUNCTIONS = sorted({*FUNCTIONS, *GEO, "any", "cast"})
_METHODS = "GET, HEAD, OPTIONS"
_WRITES = ["POST", "PUT", "PATCH", "DELETE"]
_MOST_OPTIONS = 50
#: Bytes of a query that is kept as it was read.
_SHORT = 400
#: How long days are counted after an answer that found some missing [s]: a thread of the lane is at it.
_KEEPING = 1.0
#: How long the number of readings is taken to be about what it was [s].
_ABOUT = 60.0


def router(site: Site) -> APIRouter:
    """Both versions of the service."""
    routes = APIRouter(include_in_schema=False)
    rooms = {version: _Room(site, version) for version in VERSIONS}

    @routes.get(PATH)
    def versions(request: Request) -> Response:
        """Where the versions are."""
        value = [{"name": f"v{version}", "url": rooms[version].root(request)} for version in VERSIONS]
        return _sent(request, Answer(dumps({"value": value})))

    def serve(version: Version) -> None:
        room = rooms[version]

        @routes.get(f"{PATH}/v{version}", name=f"sensorthings_{version}_root")
        def root(request: Request) -> Response:
            """The service itself."""
            return _sent(request, room.service(request))

        @routes.get(f"{PATH}/v{version}/{{path:path}}", name=f"sensorthings_{version}")
        @site.lane.work
        def read(request: Request, path: Rest) -> Response:
            """Entities."""
            return room.read(request, path)

    for version in VERSIONS:
        serve(version)

    @routes.api_route(f"{PATH}/{{path:path}}", methods=_WRITES)
    @takes_any_form
    def write() -> Response:
        """Nothing is written here."""
        words = "SensorThings is read here and not written: readings come by the broker, devices by their register."
        return problem(405, "Nothing is changed here", words, {"Allow": _METHODS, **_CORS})

    @routes.options(f"{PATH}/{{path:path}}")
    def options() -> Response:
        """What scripts of other sites may do."""
        allowed = {
            "Allow": _METHODS,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": "*",
            "Access-Control-Max-Age": "86400",
        }
        return Response(status_code=204, headers={**_CORS, **allowed})

    return routes


class _Room:
    """One version of the service at one site."""

    def __init__(self, site: Site, version: Version) -> None:
        self._site = site
        self._version: Version = version
        self._model = model(version)
        self._origin: sta_count.Origin = "simulated" if site.options.demo else "real"
        self._endpoints: Sequence[str] = site.options.observation_endpoints
        self._readings, self._looked = 0, 0.0
        self._counting = threading.Lock()
        self._chunks = KnownChunks()

    def root(self, request: Request) -> str:
        """The address that all others begin with."""
        return root_of(self._site.url(request, ""), self._version)

    def service(self, request: Request) -> Answer:
        """What the service says of itself."""
        return Answer(dumps(service.root_document(self._model, self.root(request), _FUNCTIONS, self._endpoints)))

    def read(self, request: Request, path: str) -> Response:
        """The answer to a request, or why there is none."""
        try:
            if path.strip("/") == "":
                return _sent(request, self.service(request))
            if path == "$metadata" and self._version == "2.0":
                return _sent(request, Answer(dumps(service.schema(self._model))))
            return _sent(request, self._answer(request, path))
        except NotFound as error:
            return problem(404, "There is no such thing", str(error), _CORS)
        except QueryRefused as error:
            title = "This is not served" if error.status == 501 else "The query is not answered"
            return problem(error.status, title, f"{error}.", _CORS)
        except TooCostly:
            return problem(503, "The query takes too long", _TOO_LONG, {**_CORS, "Retry-After": "60"})

    def _answer(self, request: Request, path: str) -> Answer:
        resource = addresses.read(self._model, path)
        items, metadata, query = _question(
            self._version, end_of(resource, self._model).name, request.scope["query_string"]
        )
        root = self.root(request)
        asked = Asked(resource, query, f"{root}/{encoded(path)}", items, metadata)
        found = self._short(asked, root)
        if found is not None:
            return found
        own = parameters(self._origin, root)
        with self._site.lane.connection() as connection, one_state(connection, own, BUDGET) as reader:
            collections = Collections(
                self._model,
                root,
                reader,
                self._origin,
                self._about(connection),
                self._behind,
                annotations=metadata == "full",
            )
            return answer(asked, collections)

    def _short(self, asked: Asked, root: str) -> Answer | None:
        """The answer by the short way, None where the question or what it finds is not for that."""
        page = series_page.page(asked)
        if page is None:
            return None
        try:
            with self._site.planned.connection() as connection:
                found = sta_series.read(connection, self._origin, page.read, self._chunks.chunks(connection))
        except sta_series.Held:
            return None
        if found is None:
            raise NotFound("There is no such Datastream.")
        return None if found.interval else series_page.written(asked, page, root, self._version, found)

    def _about(self, connection: Any) -> int:
        now = time.monotonic()
        if not self._looked or now - self._looked > _ABOUT:
            self._readings, self._looked = sta_count.estimate(connection), now
        return self._readings

    def _behind(self) -> None:
        """Have days counted that are over, without anybody waiting for it; one at a time."""
        if self._counting.acquire(blocking=False):
            self._site.lane.soon(self._keep)

    def _keep(self) -> None:
        try:
            with connect(self._site.options.database_url, "borough dashboard counts", autocommit=True) as connection:
                sta_count.keep(connection, _KEEPING)
        except psycopg.Error as error:
            # the next count that finds days missing tries again
            log.warning("days were not counted: %s", type(error).__name__)
        finally:
            self._counting.release()


_TOO_LONG = (
    f"The database was stopped after {BUDGET:g} seconds. Ask for less: the Observations of one Datastream, a bound of"
    " phenomenonTime in $filter, no $orderby but phenomenonTime, a smaller $top in $expand."
)


def _question(version: Version, entity: str, text: bytes) -> tuple[list[tuple[str, str]], str, Query]:
    """The options as they came, how much is to be said of the data, and the query. Raises QueryRefused."""
    return (_kept if len(text) <= _SHORT else _read)(version, entity, text)


def _read(version: Version, entity: str, text: bytes) -> tuple[list[tuple[str, str]], str, Query]:
    items = _items(text)
    rest, metadata = _format(version, items)
    query = parse(model(version), entity, rest)
    if version == "1.1" and query.result_format not in (None, "dataArray"):
        raise QueryRefused("$resultFormat is dataArray or not given", status=501)
    return items, metadata, query


#: What many ask alike is read once; it is short, so that nobody fills the memory with it.
_kept = lru_cache(maxsize=512)(_read)


def _items(query: bytes) -> list[tuple[str, str]]:
    """The options as they came: a plus is a space. Raises QueryRefused where there are too many."""
    text = query.decode("latin-1")
    if text.count("&") >= _MOST_OPTIONS:
        raise QueryRefused(f"An address has at most {_MOST_OPTIONS} options")
    return parse_qsl(text, keep_blank_values=True)


def _format(version: Version, items: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, str]], str]:
    """The options without ``$format``, and how much is to be said of the data. Raises QueryRefused."""
    found = [text for name, text in items if name == "$format"]
    rest = [(name, text) for name, text in items if name != "$format"]
    if not found:
        return rest, "full"
    kind, _, parameter = found[-1].partition(";")
    kind, parameter = kind.strip().lower(), parameter.strip().lower()
    if kind not in ("json", JSON):
        raise QueryRefused(f"$format is json or {JSON}: no other is served", status=501)
    if parameter in ("", "metadata=full"):
        return rest, "full"
    if version == "2.0" and parameter in ("metadata=minimal", "metadata=none"):
        return rest, parameter.removeprefix("metadata=")
    raise QueryRefused("The parameter of $format is metadata=full, metadata=minimal or metadata=none")


def _sent(request: Request, made: Answer) -> Response:
    etag = f'"{hashlib.sha256(made.body).hexdigest()[:32]}"'
    headers = {**_CORS, "ETag": etag, "Cache-Control": "no-cache"}
    if has_already(request, etag):
        return Response(status_code=304, headers=headers)
    media_type = made.media_type if made.body else None
    return Response(made.body, made.status, headers, media_type=media_type)
