"""Hostile requests to every route in every role: no answer of 5xx, no body that breaks off, no traceback in the log.

A real site over real households on TimescaleDB, asked over sockets, for no client of HTTP sends what is sent here.
``/home/leave``, ``/data-protection/erase`` and the exports of everything are asked like all others; what they start is
a list of ours in place of the erasure, so the households are there to the end. Sign-outs end sessions of their own.
"""

from __future__ import annotations

import json
import logging
import random
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from urllib.parse import quote, quote_from_bytes, urlsplit

import pytest

from dashboard.roles import ROLES
from dashboard.web import limits
from scripts.parts import prepare
from store.connect import connect
from tests.tools import site
from tests.tools.servers import TIMESCALE_SETTINGS, Cluster, own_cluster
from tests.worlds.resident_world import World, living

#: Names under which routes take values, and some that none takes.
_NAMES = (
    "fuel", "family", "period", "date", "from", "to", "before", "below", "cursor", "limit", "net", "refresh", "month",
    "done", "next", "kind", "sure", "number", "again", "code", "purpose", "give", "understood", "everywhere", "name",
    "standing", "rate", "night_rate", "night_from", "night_to", "from-day", "from-month", "from-year", "payment",
    "dwelling", "heating", "floor_area", "bedrooms", "epc", "tenure", "occupants", "letters", "state", "error", "x",
)  # fmt: skip
_VALUES: tuple[str, ...] = (
    "", "electricity", "gas", "heat", "export", "smart-meter", "week", "month", "yes", "no", "true", "2026-10-01",
    "2026-W40", "4w-2026-W40", "2026-10", "\x00", "gas\x00", "-1", "0", "1", "50", "101", "9223372036854775807",
    "9223372036854775808", "9" * 400, "1e400", "NaN", "1_0", "\u0663", "\u00b2", "0001-01-01", "9999-12-31",
    "2200-01-01", "1900-01-01", "2199-12-31", "2026-02-30", "0001-W01", "9999-W52", "9999-12", "2026-W54",
    "4w-0001-W01", "\u202eabc", "\x1b[2J", "\ufeff", "\U000e0041", "\u0131\u0130\u00df", "<script>", "{{ 7 * 7 }}",
    "';--", "../../etc/passwd", "//evil.example", "/\\evil.example", "http://[", "javascript:alert(1)", "x" * 5_000,
    "MjAyNg", "gIA", "w6k", "=====", "\u0660\u0661", "a,b;c", "%s%n", "\r\nX-Injected: 1", "2026-10-01T00:00:00Z",
    "24:00", "12.5", ",", ".", "BCDF-GHJK-LMNP", "comparison", "20000000000001", "\ud800",
)  # fmt: skip
#: Forms as people send them: with one value changed they go furthest.
_FORMS: dict[str, dict[str, str]] = {
    "/home/tariff": {
        "fuel": "electricity", "name": "Standard", "from-day": "1", "from-month": "4", "from-year": "2026",
        "payment": "direct-debit", "standing": "50", "rate": "25.1", "night_rate": "12", "night_from": "00:30",
        "night_to": "04:30",
    },
    "/home/tariff/remove": {"fuel": "electricity", "from": "2026-04-01"},
    "/home/details": {
        "dwelling": "flat", "heating": "gas", "floor_area": "60", "bedrooms": "2", "epc": "C", "tenure": "social",
        "occupants": "2", "electric_vehicle": "no", "medical_equipment": "", "letters": "yes",
    },
    "/home/consents": {"purpose": "evaluation", "give": "yes"},
    "/home/leave": {"understood": "yes"},
    "/data-protection/tenancy": {"number": "20000000000001", "below": "5"},
    "/data-protection/export": {"number": "20000000000001"},
    "/data-protection/erase": {"number": "20000000000001", "again": "20000000000001"},
    "/assist/slip": {"code": "BCDF-GHJK-LMNP"},
    "/sign-in/code": {"code": "BCDF-GHJK-LMNP"},
}  # fmt: skip
_METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW", "get")
_ORIGINS = ("null", "http://[", "http://[::1", "//", "", "http://127.0.0.1:99999999", "https://evil.example", "\xff")
_HOSTS = (
    "127.0.0.1", "127.0.0.1:99999999", "127.0.0.1:[x]", "127.0.0.1:1", "[::1", "[::1]:80", "evil.example", "", "\xff",
    "127.0.0.1:@evil.example", "localhost", "LOCALHOST:80",
)  # fmt: skip
_ODD_HEADERS = (
    ("If-None-Match", '*, W/"x", ,"\xff"'), ("If-None-Match", "x" * 3_000), ("If-None-Match", '"'),
    ("Range", "bytes=0-1"), ("Range", "bytes=-9999999999999999999"), ("Range", "bytes=5-1,1-2,x"),
    ("If-Modified-Since", "yesterday"), ("If-Range", "\xff"),
    ("X-Forwarded-For", "\xff, ,,"), ("X-Forwarded-For", "::ffff:1.2.3.4, [::1]:x"), ("X-Forwarded-For", "fe80::1%a"),
    ("X-Forwarded-Proto", "javascript"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
    ("Accept", "\xff"), ("Accept-Encoding", "gzip;q=x"), ("Sec-Fetch-Site", "\xff"), ("X-CSRF-Token", "\xff\xfe"),
    ("Upgrade", "websocket"), ("Expect", "100-continue"), ("Authorization", "Basic \xff"), ("Content-Encoding", "gzip"),
)  # fmt: skip
_COOKIES = (
    "borough=\xff\xfe",
    "borough",
    "borough=;borough=x",
    'borough="\\303\\251"',
    "borough-sign-in=e30=.x.y",
    ";=",
)
_CHARSETS = ("utf-8", "utf-16", "unicode_escape", "idna", "hex", "undefined", "punycode", "utf-7", "nonsense")
_BROKEN_TYPES = ("application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "\xff")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who asks: a role in words and a session's cookie, None for nobody."""

    role: str
    cookie: str | None


@dataclass(frozen=True, slots=True)
class Route:
    """A route with the names of the values that it takes."""

    method: str
    path: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it goes over the wire."""

    method: str
    target: str
    role: str
    raw: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.target[:200]!r} as {self.role}"


class _Errors(logging.Handler):
    """Log records that have a traceback, or say that a page failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info or "Traceback" in text or "a page failed" in text or record.levelno >= logging.ERROR:
            where = f": {record.exc_info[1]!r}" if record.exc_info else ""
            self.found.append(f"{record.name}: {text[-1_500:]}{where}")


def run(seed: int, count: int, say: Callable[[str], None]) -> list[str]:
    """Send ``count`` requests made of ``seed`` to a site of our own; what was wrong, one sentence each.

    ``say`` gets one line with how many answers there were of each status. Raises PartsError without TimescaleDB.
    """
    with closing(own_cluster("apache", prepare().postgres, TIMESCALE_SETTINGS)) as cluster:
        return against(cluster, seed, count, say)


def against(cluster: Cluster, seed: int, count: int, say: Callable[[str], None]) -> list[str]:
    """The same on a given server."""
    chance = random.Random(seed)
    faults: list[str] = []
    statuses: Counter[int] = Counter()
    with ExitStack() as stack:
        log = stack.enter_context(_logged())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for kind in limits.RATES:  # what is refused for its number meets no handler
            patch.setitem(limits.RATES, kind, (limits.Rate(10**6, 1), limits.Rate(10**6, 1)))
        world = stack.enter_context(living(cluster))
        routes = _routes()
        visitors = _visitors(world)
        server = urlsplit(world.url)
        for number in range(count):
            route = routes[number % len(routes)]  # every route in every role before any twice
            visitor = visitors[number // len(routes) % len(visitors)]
            if route.path == "/sign-out":
                visitor = _fresh(world, visitor)
            asked = make(chance, route, visitor, server.netloc)
            before = len(log.found)
            try:
                status, fault = _ask(server.hostname or "", server.port or 0, asked)
            except (OSError, HTTPException) as error:
                status, fault = 0, f"no whole answer ({type(error).__name__})"
            statuses[status] += 1
            if status >= 500:
                fault = f"answered {status}"
            if fault:
                faults.append(f"{asked}: {fault}")
            faults += [f"{asked}: {line}" for line in log.found[before:]]
    told = ", ".join(f"{status or 'none'} {times:,}" for status, times in sorted(statuses.items()))
    say(f"{count:,} requests, {len(routes)} routes, {len(visitors)} roles, seed {seed}; answers: {told}")
    return faults


@contextmanager
def _logged() -> Iterator[_Errors]:
    handler = _Errors()
    logging.getLogger().addHandler(handler)
    try:
        yield handler
    finally:
        logging.getLogger().removeHandler(handler)


def _routes() -> list[Route]:
    named = [
        Route(method, one.path, [field.alias for field in (*one.dependant.query_params, *one.dependant.body_params)])
        for one in site.routes()
        for method in one.methods or ()
    ]
    others = ("/static/style.css", "/api/v1/openapi.json", "/nowhere", "/home/")
    return [*sorted(named, key=lambda one: (one.path, one.method)), *(Route("GET", path, ()) for path in others)]


def _visitors(world: World) -> list[Visitor]:
    with connect(world.database, autocommit=True) as connection:
        staff = [Visitor(role, site.make_session(connection, None, [role])) for role in ROLES if role != "resident"]
        nobody = Visitor("an account without a role", site.make_session(connection))
    people = [Visitor(who, world.cookies[who]) for who in ("ann", "former", "new", "empty")]
    return [*people, Visitor("nobody", None), nobody, *staff]


def _fresh(world: World, visitor: Visitor) -> Visitor:
    with connect(world.database, autocommit=True) as connection:
        return Visitor(visitor.role, visitor.cookie and site.make_session(connection))


def make(chance: random.Random, route: Route, visitor: Visitor, host: str) -> Asked:
    """A request made by chance: more often nearly right than wholly wrong, for that goes furthest."""
    path = re.sub(r"\{[^}]*\}", lambda _: _quoted(chance, _value(chance), safe=""), route.path)
    if chance.random() < 0.03:
        path += chance.choice(("/", "//", "%00", "/..%2f", "%ff", "?", "#", "%", "%zz"))
    pairs = [(_name(chance, route.names), _value(chance)) for _ in range(chance.choice((0, 1, 1, 2, 4)))]
    if route.path.startswith("/api/") and chance.random() < 0.7:
        pairs.append(("fuel", "electricity"))  # without it most of the API goes no further
    query = "&".join(f"{name}={_quoted(chance, value)}" for name, value in pairs)
    target = f"{path}?{query}" if query else path
    method = chance.choice(_METHODS) if chance.random() < 0.1 else route.method
    headers: list[tuple[str, str]] = [("Host", chance.choice(_HOSTS) if chance.random() < 0.04 else host)]
    if visitor.cookie is not None and chance.random() < 0.97:
        headers.append(("Cookie", f"{site.COOKIE}={visitor.cookie}"))
    elif chance.random() < 0.5:
        headers.append(("Cookie", chance.choice(_COOKIES)))
    if chance.random() < 0.05:
        headers.append(("Origin", chance.choice(_ORIGINS)))
    if chance.random() < 0.15:
        headers.append(chance.choice(_ODD_HEADERS))
    body = b""
    if method not in ("GET", "HEAD"):
        kind, body = _body(chance, route, "" if visitor.cookie is None else site.csrf(visitor.cookie))
        headers += [("Content-Type", kind), ("Content-Length", str(len(body)))]
    headers.append(("Connection", "close"))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    raw = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace")
    return Asked(method, target, visitor.role, raw + body)


def _name(chance: random.Random, own: Sequence[str]) -> str:
    return chance.choice(own) if own and chance.random() < 0.8 else chance.choice(_NAMES)


def _value(chance: random.Random) -> str:
    if chance.random() < 0.05:
        return "".join(chr(chance.randrange(0x250)) for _ in range(chance.randrange(1, 30)))
    return chance.choice(_VALUES)


def _quoted(chance: random.Random, value: str, safe: str = "/") -> str:
    if chance.random() < 0.03:
        return quote_from_bytes(bytes(chance.randrange(256) for _ in range(6)), safe)
    return quote(value.encode("utf-8", "surrogatepass"), safe)


def _body(chance: random.Random, route: Route, token: str) -> tuple[str, bytes]:
    """Type and content of what a form sends; its token is right most of the time."""
    if chance.random() < 0.1:
        token = chance.choice(("", "x", "\u00fc" * 9, "\x00"))
    if route.path in _FORMS and chance.random() < 0.7:
        right = dict(_FORMS[route.path])
        if chance.random() < 0.9:
            right[chance.choice(list(right))] = _value(chance)
        pairs = [("csrf", token), *right.items()]
    else:
        pairs = [("csrf", token), *((_name(chance, route.names), _value(chance)) for _ in range(chance.randrange(12)))]
    if chance.random() < 0.1:
        pairs += pairs
    how = chance.random()
    if how < 0.75:
        text = "&".join(f"{quote(name)}={_quoted(chance, value)}" for name, value in pairs)
        return "application/x-www-form-urlencoded", text.encode()
    if how < 0.9:
        line = "borough-fuzz"
        parts = [
            f'--{line}\r\nContent-Disposition: form-data; name="{name}"'
            f"{'; filename=x' if chance.random() < 0.1 else ''}\r\n\r\n".encode()
            + (value if chance.random() < 0.9 else r"\ud800").encode("utf-8", "surrogatepass")
            + b"\r\n"
            for name, value in pairs
        ]
        charset = f"; charset={chance.choice(_CHARSETS)}" if chance.random() < 0.5 else ""
        return f"multipart/form-data; boundary={line}{charset}", b"".join(parts) + f"--{line}--\r\n".encode()
    if how < 0.95:
        return chance.choice(_BROKEN_TYPES), json.dumps(dict(pairs)).encode()
    return "application/x-www-form-urlencoded", bytes(chance.randrange(256) for _ in range(chance.choice((9, 70_000))))


def _ask(host: str, port: int, asked: Asked) -> tuple[int, str]:
    """Status and what is wrong with the body; a body that breaks off raises http.client.HTTPException."""
    with socket.create_connection((host, port), timeout=60) as wire:
        try:
            wire.sendall(asked.raw)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was too much to be read; the answer stands in the socket
        answer = HTTPResponse(wire, method=asked.method)
        answer.begin()
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("text/event-stream") and asked.method == "GET":
            # it goes on for ever: what it says first is enough, and it is left in the middle
            return answer.status, "" if answer.read1() else "an empty stream"
        body = answer.read()
        if "json" in kind and body:
            try:
                json.loads(body)
            except ValueError:
                return answer.status, "the body is no JSON"
        return answer.status, "a header of ours was split" if answer.headers.get("X-Injected") else ""
