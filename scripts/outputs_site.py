"""The site's part of `scripts.outputs`: ``borough serve`` in every role, and households signed in by an issuer."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, timedelta
from typing import Any

import httpx
import psycopg

from borough.postgres_server import free_port
from scripts.fixed_words import log_words
from scripts.outputs_asked import Asked

Household = tuple[str, int, list[str]]
"""UPRN, tenancy, and keys of some periods, the newest first."""

#: One household of each state and reason, of each fuel; who left; whom no comparison is of.
_HOUSEHOLDS = """
select h.uprn, t.id from personal.tenancy t join personal.home h on h.id = t.home_id
where t.id in (select min(tenancy_id) from personal.comparison group by fuel, kind, state, reason)
    or t.id in (select min(id) from personal.tenancy where to_day is not null)
    or t.id = (select min(id) from personal.tenancy s
        where not exists (select from personal.comparison c where c.tenancy_id = s.id))
order by h.uprn, t.from_day limit 16
"""
_PERIODS = """
select distinct on (kind) kind, from_day from personal.comparison where tenancy_id = %s order by kind, from_day desc
"""
_NEWEST = "select max(time) from public.latest where time <= now()"
ROLES = ("assist", "parking-ops", "carer", "engineer", "programme", "data-protection")
ANYBODY = (
    "/", "/accessibility", "/privacy", "/health/live", "/health/ready", "/sign-in", "/sign-in/code", "/sign-out/done",
    "/sign-in/demo/ABCD", "/left", "/overview", "/overview?family=air-monitor", "/overview?family=nonsense", "/home",
    "/programme", "/programme?month=2026-10", "/programme?month=nonsense", "/programme/trials",
    "/data-protection", "/assist", "/nonsense",
    "/static/style.css", "/static/nothing.css", "/api/v1/openapi.json", "/api/v1/home", "/api/v1/nothing",
)  # fmt: skip
#: ``{newest}``: the day of the newest reading, often one of which only a part was measured.
RESIDENT = (
    "/home", "/home/", "/home?fuel=gas", "/home?fuel=nonsense", "/home?period=2026-W01", "/home?period=x",
    "/home/neighbours", "/home/year", "/home/year?fuel=gas", "/home/year?fuel=heat",
    "/home/year?fuel=electricity&net=true", "/home/day", "/home/day?fuel=gas", "/home/day?day=2026-10-25",
    "/home/day?day={newest}", "/home/day?day={newest}&fuel=gas", "/home/day?day=2019-01-01",
    "/home/day?day=tomorrow", "/home/details", "/home/tariff", "/home/tariff?fuel=gas", "/home/consents",
    "/home/leave", "/home/leave?sure=true", "/home/data", "/home/data/days.csv", "/home/data/days.csv?fuel=gas",
    "/home/data/days.csv?net=true", "/home/data/months.csv", "/home/data/months.csv?net=true",
    "/home/data/half-hours.csv?fuel=electricity&from=2026-10-24&to=2026-10-26", "/home/data/comparisons.csv",
    "/home/data/half-hours.csv?from={before}&to={newest}", "/home/data/comparisons.csv?fuel=gas",
    "/home/data/all.json",
    "/api/v1/home/comparisons", "/api/v1/home/comparisons?fuel=gas&kind=week&limit=2",
    "/api/v1/home/comparisons?limit=0",
    "/api/v1/home/comparisons/electricity/2026-W01", "/api/v1/home/comparisons/x/y", "/api/v1/home/days",
    "/api/v1/home/days?fuel=gas&from=2026-10-24&to={newest}", "/api/v1/home/days?fuel=export",
    "/api/v1/home/days?fuel=electricity&net=true", "/api/v1/home/days?fuel=gas&net=true", "/api/v1/home/days?from=x",
    "/api/v1/home/half-hours?fuel=electricity&from=2026-10-24&to=2026-10-26",
    "/api/v1/home/half-hours?fuel=gas&from={before}&to={newest}", "/api/v1/home/half-hours?fuel=heat",
    "/api/v1/home/half-hours?from=2026-01-01&to=2026-11-01", "/api/v1/home/consents",
)  # fmt: skip
#: Who looked comes last: then all that was asked stands in it.
LOOKS = ("/home/access", "/api/v1/home/access", "/api/v1/home/access?limit=3")
#: Forms with mistakes: they change nothing.
WRONG_FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/home/details", {"dwelling": "castle", "floor_area": "many"}),
    ("/home/tariff", {"fuel": "electricity", "from": "someday"}),
    ("/home/tariff/remove", {"fuel": "electricity", "from": "2000-01-01"}),
    ("/home/consents", {"purpose": "nonsense", "give": "true"}),
    ("/sign-in/code", {"code": "AAAA-AAAA-AAAA"}),
    ("/assist/slip", {"code": "AAAA-AAAA-AAAA"}),
    ("/data-protection/tenancy", {"number": "1"}),
    ("/data-protection/tenancy", {"number": "{tenancy}"}),
    ("/data-protection/export", {"number": "{tenancy}"}),
    ("/data-protection/erase", {"number": "{tenancy}", "again": "1"}),
    ("/nonsense", {}),
)
_HEADERS = (
    "allow", "cache-control", "content-disposition", "content-language", "content-security-policy", "content-type",
    "etag", "link", "location", "permissions-policy", "referrer-policy", "retry-after", "set-cookie", "vary",
    "www-authenticate", "x-content-type-options", "x-frame-options",
)  # fmt: skip


def households(database: str) -> list[Household]:
    """Whom the outputs are of."""
    with psycopg.connect(database) as connection:
        found = connection.execute(_HOUSEHOLDS).fetchall()
        return [
            (uprn, tenancy, [_key(*row) for row in connection.execute(_PERIODS, [tenancy]).fetchall()])
            for uprn, tenancy in found
        ]


def newest_day(database: str) -> date:
    """The day of the newest reading. Raises LookupError where there is none."""
    with psycopg.connect(database) as connection:
        row = connection.execute(_NEWEST).fetchone()
    if row is None or row[0] is None:
        raise LookupError("the database has no readings")
    found: date = row[0].astimezone(UTC).date()
    return found


def _key(kind: str, day: date) -> str:
    if kind == "month":
        return f"{day:%Y-%m}"
    last = day + timedelta(days=21) if kind == "four-weeks" else day
    return f"{'4w-' if kind == 'four-weeks' else ''}{last:%G-W%V}"


def ask_site(asked: Asked, chosen: Sequence[Household]) -> None:
    """Every role and every household. Raises RuntimeError where the site does not start."""
    from tests.tools.issuer import authorize, issuer  # needs the tests' libraries

    people: list[dict[str, Any]] = [
        {"sub": "nobody"},
        *({"sub": role, "borough_roles": [role]} for role in ROLES),
        {"sub": "all-roles", "borough_roles": list(ROLES)},
        *({"sub": f"home-{uprn}-{tenancy}", "borough_tenancy": str(tenancy)} for uprn, tenancy, _ in chosen),
        {"sub": "helper-at-home", "borough_tenancy": str(chosen[0][1]), "borough_roles": ["assist"]},
    ]
    periods = {f"home-{uprn}-{tenancy}": keys for uprn, tenancy, keys in chosen}
    newest = newest_day(asked.database)
    days = {"newest": str(newest), "before": str(newest - timedelta(days=1))}
    usual = [path.format_map(days) for path in RESIDENT]
    with issuer(people) as port, _served(asked, port) as url:
        with _browser(url, 0) as web:
            _look(asked, web, "anybody", ANYBODY)
        for number, person in enumerate(people):
            name = person["sub"]
            with _browser(url, number + 1) as web:
                location = web.get("/sign-in/start").headers["location"]
                back = authorize(location, name)
                landed = web.get(back.removeprefix(url))
                if not landed.has_redirect_location:
                    raise RuntimeError(f"{name} cannot sign in: {landed.status_code}")
                _keep(asked, f"site/{name}/landed", landed)
                _look(asked, web, name, ANYBODY)
                if "borough_tenancy" in person:
                    shown = [path for key in periods.get(name, ()) for path in _of_period(key)]
                    _look(asked, web, name, (*usual, *shown))
                _forms(asked, web, name, str(chosen[0][1]))
                if "borough_tenancy" in person:
                    _look(asked, web, name, LOOKS)


def _of_period(key: str) -> Iterator[str]:
    for fuel in ("electricity", "gas", "heat"):
        yield f"/home?fuel={fuel}&period={key}"
        yield f"/api/v1/home/comparisons/{fuel}/{key}"
    yield f"/home/data/comparisons.csv?period={key}"


@contextmanager
def _served(asked: Asked, issuer_port: int) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    secret = asked.work / "secret"
    secret.write_text("of-the-outputs-" * 4, encoding="utf-8")
    secret.chmod(0o600)
    log = asked.work / "serve.log"
    asked.words.name({f"127.0.0.1:{port}": "<site>", f"127.0.0.1:{issuer_port}": "<issuer>",
                      f"127.0.0.1%3A{port}": "<site>"})  # fmt: skip
    settings = {
        "BOROUGH_WEB_PORT": str(port),
        "BOROUGH_WEB_URL": url,
        "BOROUGH_WEB_SECRET_FILE": str(secret),
        "BOROUGH_WEB_PROXIES": "127.0.0.1",
        "BOROUGH_OIDC_ISSUER": f"http://127.0.0.1:{issuer_port}",
        "BOROUGH_OIDC_CLIENT_ID": "outputs",
        "BOROUGH_OIDC_CLIENT_SECRET_FILE": str(secret),
    }
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "borough", "serve"],
            env={**asked.environment, **settings}, cwd=asked.work, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"borough serve did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(60)
    # an answer's line comes once it is out, which may be after the next request's
    asked.keep("site/log", "\n".join(sorted(log_words(log.read_text(encoding="utf-8")).splitlines())))


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live").status_code == 200
    except httpx.HTTPError:
        return False


def _browser(url: str, number: int) -> httpx.Client:
    """From an address of its own, so that nobody uses up another's tries."""
    return httpx.Client(base_url=url, headers={"X-Forwarded-For": f"198.51.100.{number + 1}"}, timeout=60)


def _look(asked: Asked, web: httpx.Client, name: str, paths: Sequence[str]) -> None:
    for path in paths:
        _keep(asked, f"site/{name}{path if path != '/' else '/start'}", web.get(path))


def _forms(asked: Asked, web: httpx.Client, name: str, tenancy: str) -> None:
    """Without the token of a form first, then with it where there is one."""
    token = re.search(r'name="csrf" value="([^"]+)"', web.get("/").text)
    for number, (path, fields) in enumerate(WRONG_FORMS):
        form = {key: value.replace("{tenancy}", tenancy) for key, value in fields.items()}
        if token is not None:
            form["csrf"] = token[1]
        _keep(asked, f"site/{name}/forms/{number}{path}", web.post(path, data=form))


def _keep(asked: Asked, name: str, answer: httpx.Response) -> None:
    body = answer.content.decode("utf-8", "backslashreplace")
    headers = []
    for header in _HEADERS:
        for value in answer.headers.get_list(header):
            text = re.sub(r"^([\w-]+)=[^;]+", r"\1=<cookie>", value) if header == "set-cookie" else value
            if header == "etag" and asked.words(body) != body:
                text = "<of what is not fixed>"
            if header == "etag" and "/static/" in name:
                text = "<of the file's time>"
            headers.append(f"{header}: {text}")
    asked.keep(name, "\n".join([f"{answer.status_code}", *headers, "", body]))
