"""What stands between OGC's suite and a site: the suite knows numbers alone as ids, and makes its entities by POST.

Ids of ours get numbers, in answers and back again in addresses; nothing else of an answer is changed. A POST or PATCH
of the suite's filter class is loaded into the database as a borough would: two parking sensors with their readings, two
bays, and the day on which the sensors changed places. What else would change something goes to the site as it is.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote, unquote

import httpx

from devices.device import Device
from store import registry, series
from store.connect import connect
from store.times import microseconds
from store.writer import Writer
from tests.tools.batches import make
from tests.tools.site import NO_CERTIFICATES
from tests.worlds.parking_register import import_bays

_SETS = "Things|Locations|HistoricalLocations|Datastreams|Sensors|ObservedProperties|Observations|FeaturesOfInterest"
_NAMED = re.compile(rf"({_SETS})\('((?:[^']|'')*)'\)")
_NUMBERED = re.compile(rf"({_SETS})\(([0-9]+)\)")
#: What the suite takes for an entity that is not there.
_NOBODY = 2**63 - 1


class Loader(Protocol):
    """Takes what the suite makes; each answers with the set and id of what was made, or None: not of its kind."""

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[str, str | int] | None: ...

    def patch(self, path: str, body: Mapping[str, Any]) -> bool: ...


class Numbers:
    """A number for each id of ours that is none, kept for as long as the suite runs."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._ids: dict[tuple[str, int], str] = {}
        self._lock = threading.Lock()

    def of(self, name: str, id_: str) -> int:
        """The number of an id of a set."""
        with self._lock:
            number = self._numbers.setdefault((name, id_), len(self._numbers) + 1)
            self._ids[name, number] = id_
            return number

    def id(self, name: str, number: int) -> str | None:
        """The id of a number of a set; None where nobody was given it."""
        return self._ids.get((name, number))

    def to_ours(self, path: str) -> str:
        """An address of the suite with our ids; a number that nobody was given stays a number."""

        def ours(found: re.Match[str]) -> str:
            id_ = self.id(found[1], int(found[2]))
            if id_ is None:
                return found[0]
            return f"{found[1]}('{quote(id_.replace(chr(39), chr(39) * 2))}')"

        return _NUMBERED.sub(ours, path)

    def to_theirs(self, answer: Any) -> Any:
        """An answer with numbers in place of ids, in links as in ``@iot.id``."""
        if isinstance(answer, list):
            return [self.to_theirs(item) for item in answer]
        if isinstance(answer, dict):
            link = answer.get("@iot.selfLink")
            found = _NAMED.search(str(link).rpartition("/")[2] if link else "")
            made = {name: self.to_theirs(value) for name, value in answer.items()}
            if found is not None and isinstance(answer.get("@iot.id"), str):
                made["@iot.id"] = self.of(found[1], answer["@iot.id"])
            return made
        if isinstance(answer, str) and answer.startswith("http"):
            return _NAMED.sub(
                lambda found: f"{found[1]}({self.of(found[1], unquote(found[2]).replace(chr(39) * 2, chr(39)))})",
                answer,
            )
        return answer


class Borough:
    """The filter class's world in our tables. Its bodies name what they link to by the numbers of ``numbers``."""

    #: Our properties in the order in which the suite's are named, and the models of its two Things.
    PROPERTIES = ("temperature", "battery", "occupied")
    MODELS = ("native", "lorawan")
    #: When the sensors began to lie in their bays, before all results, and when they changed places, after them.
    BEGAN, MOVED = "2015-01-01 00:00+00:00", "2015-10-14 21:30+00:00"

    def __init__(self, url: str, numbers: Numbers) -> None:
        self._url, self._numbers = url, numbers
        self._properties: dict[str, str] = {}
        self._bays: list[dict[str, str]] = []
        self._lies: dict[str, str] = {}
        self._moves: dict[str, str] = {}
        self._batch = 0

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[str, str | int] | None:
        """A Thing with its Location and Datastreams, or an Observation of a Datastream."""
        if path == "Things":
            return "Things", self._thing(body)
        found = re.fullmatch(r"Datastreams\((\d+)\)/Observations", path)
        return None if found is None else ("Observations", self._observation(int(found[1]), body))

    def patch(self, path: str, body: Mapping[str, Any]) -> bool:
        """A Thing is at another Location. A bay holds one sensor, so the two moves are loaded together."""
        found = re.fullmatch(r"Things\((\d+)\)", path)
        if found is None or set(body) != {"Locations"}:
            return False
        device = self._numbers.id("Things", int(found[1]))
        place = self._numbers.id("Locations", int(body["Locations"][0]["@iot.id"]))
        assert device is not None, "the suite moves what it never read"
        assert place is not None, "the suite moves to where it never looked"
        self._moves[device] = place.removeprefix("bay~")
        if len(self._moves) == len(self._lies):
            self._import()
        return True

    def _thing(self, body: Mapping[str, Any]) -> str:
        number = len(self._lies)
        device, (place,) = f"sensor-{number + 1}", body["Locations"]
        lon, lat = place["location"]["coordinates"]
        words = {**body["properties"], "name": body["name"], "description": body["description"]}
        bay = place["name"].replace(" ", "-")
        self._bays.append({"id": bay, "street": place["name"], "lon": str(lon), "lat": str(lat)})
        self._lies[device] = bay
        with connect(self._url) as connection:
            made = Device(device, "parking-bay", self.MODELS[number], None, None, attributes=words)
            registry.upsert(connection, [made])
        self._import()
        with connect(self._url) as connection:
            for stream in body["Datastreams"]:
                series.resolve(connection, [(device, self._property(stream["ObservedProperty"]))])
        return device

    def _property(self, named: Mapping[str, Any]) -> str:
        if "@iot.id" in named:
            found = self._numbers.id("ObservedProperties", int(named["@iot.id"]))
            assert found is not None, "the suite links to what it never read"
            return found
        return self._properties.setdefault(named["name"], self.PROPERTIES[len(self._properties)])

    def _observation(self, datastream: int, body: Mapping[str, Any]) -> str:
        moment = datetime.fromisoformat(body["phenomenonTime"]).astimezone(UTC)
        self._batch += 1
        writer = Writer(self._url)
        writer.write(make([(datastream, microseconds(moment), float(body["result"]))], self._batch))
        writer.close()
        return f"{datastream}-{microseconds(moment)}"

    def _import(self) -> None:
        """The register of bays, as its file; where a sensor begins to lie elsewhere it ends where it lay before."""
        lies = [{"device": device, "bay": bay, "from": self.BEGAN} for device, bay in self._lies.items()]
        lies += [{"device": device, "bay": bay, "from": self.MOVED} for device, bay in self._moves.items()]
        with connect(self._url) as connection:
            plan = import_bays(connection, self._bays, sensors=lies)
            assert not plan.problems, plan.problems


class Shim:
    """Serves while the block lasts; ``root`` is what the suite is given. ``site`` is set before the first request."""

    def __init__(self, path: str, loader: Callable[[Numbers], Loader] | None = None) -> None:
        self.numbers = Numbers()
        self.site = ""
        self._path = path
        self._loader = None if loader is None else loader(self.numbers)
        self._client = httpx.Client(timeout=60, verify=NO_CERTIFICATES)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address: the site's public one, as far as the suite knows."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def root(self) -> str:
        """The service root that the suite is given."""
        return f"{self.url}{self._path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """One request of the suite: status, body, headers."""
        path = target.removeprefix(f"{self._path}/")
        if self._loader is not None and method == "POST":
            made = self._loader.post(path, json.loads(body))
            if made is not None:
                name, id_ = made
                number = id_ if isinstance(id_, int) else self.numbers.of(name, id_)
                return 201, b"", {"Location": f"{self.root}/{name}({number})"}
        if self._loader is not None and method == "PATCH" and self._loader.patch(path, json.loads(body)):
            return 200, b"", {}
        asked = self._client.request(
            method, f"{self.site}{self.numbers.to_ours(target)}", content=body or None,
            headers={"Host": self.url.partition("://")[2], "Content-Type": "application/json"},
        )  # fmt: skip
        answer = asked.content
        if asked.headers.get("content-type", "").startswith("application/json"):
            answer = json.dumps(self.numbers.to_theirs(asked.json())).encode()
        kind = asked.headers.get("content-type", "text/plain")
        return asked.status_code, answer, {"Content-Type": kind}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shim = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer, headers = shim.answer(self.command, self.path, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        return Handler
