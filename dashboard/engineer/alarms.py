"""The system's alarms for engineers: what is wrong now, what was, who was told, what each rule means and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from analytics.alarms.rules import BY_KEY, CALM, RULES
from dashboard.labels import age
from dashboard.web.csv import Row, csv_file
from dashboard.web.site import Site
from dashboard.web.values import Whole
from devices.counts import counted
from devices.text import visible
from store import alarms
from store.alarms import Told
from store.connect import Connection

#: Alarms of one page of the history, and those that are open at most: more than there are rules and families by far.
PAGE, OPEN = 20, 500
#: Nobody looks where nobody did for so long.
UNWATCHED = timedelta(minutes=3)
COLUMNS = ("alarm", "rule", "subject", "severity", "text", "begun_at", "ended_at", "log", "webhook")
SEVERITY_WORDS = {"urgent": "Urgent", "soon": "Within the day"}
_WAYS = {"log": "log", "webhook": "webhook"}


@dataclass(frozen=True, slots=True)
class Shown:
    """An alarm as the page has it; ``told``: a sentence a way and event."""

    alarm: Told
    title: str
    severity: str
    lasted: str
    told: list[str]


def router(site: Site) -> APIRouter:
    """The page and its table as CSV."""
    routes = APIRouter()

    @routes.get("/engineer/alarms")
    def page(request: Request, before: Whole | None = None) -> Response:
        """Open alarms, and the newest that have ended (``before``: older ones)."""
        now = datetime.now(UTC)
        with site.connection() as connection:
            looked = alarms.looked_at(connection)
            current = alarms.history(connection, is_open=True, limit=OPEN)
            past = alarms.history(connection, is_open=False, before=before, limit=PAGE + 1)
        context = {
            "page": "alarms",
            "looked": None if looked is None else _clock(site, looked),
            "unwatched": looked is None or now - looked > UNWATCHED,
            "age": None if looked is None else _lasted(looked, now),
            "open": [shown(one, now) for one in current],
            "past": [shown(one, now) for one in past[:PAGE]],
            "older": past[PAGE - 1].id if len(past) > PAGE else None,
            "before": before,
            "rules": RULES,
            "severity_words": SEVERITY_WORDS,
            "calm": CALM // timedelta(minutes=1),
            "clock": lambda moment: _clock(site, moment),
        }
        return site.page(request, "engineer/alarms.html", context)

    @routes.get("/engineer/alarms.csv")
    @site.lane.work
    def table() -> Response:
        """All of them, the newest first."""
        return csv_file(site, "alarms", COLUMNS, _all(site))

    return routes


def shown(one: Told, now: datetime) -> Shown:
    """An alarm in words."""
    rule = BY_KEY.get(one.rule)
    return Shown(
        one,
        one.rule if rule is None else rule.title,
        SEVERITY_WORDS[one.severity],
        _lasted(one.begun_at, one.ended_at or now),
        told(one.notices),
    )


def told(notices: Sequence[dict[str, Any]]) -> list[str]:
    """Who was told, in a sentence, and one for each who was not."""
    done = [notice for notice in notices if notice["told_at"] is not None]
    found = []
    for event, words in (("begun", "Told by"), ("ended", "Its end by")):
        if ways := [_WAYS[notice["way"]] for notice in done if notice["event"] == event]:
            found.append(f"{words} {' and '.join(ways)}")
    return found + [_told(notice) for notice in notices if notice["told_at"] is None]


def _told(notice: dict[str, Any]) -> str:
    event, way = ("Beginning" if notice["event"] == "begun" else "End"), _WAYS[str(notice["way"])]
    if notice["told_at"] is not None:
        return f"{event}: told by {way}"
    said = "" if notice["problem"] is None else f" ({visible(str(notice['problem']))})"
    if notice["given_up_at"] is not None:
        return f"{event}: {way} given up after {counted(notice['tries'], 'try', 'tries')}{said}"
    return f"{event}: {way} not yet told{said}"


def _all(site: Site) -> Iterator[Row]:
    before = None
    while rows := _some(site, before):
        for one in rows:
            ways = {way: "; ".join(_told(n) for n in one.notices if n["way"] == way) for way in _WAYS}
            ended = "" if one.ended_at is None else one.ended_at.isoformat()
            yield (
                one.id, one.rule, one.subject, one.severity, one.text, one.begun_at.isoformat(), ended,
                ways["log"], ways["webhook"],
            )  # fmt: skip
        before = rows[-1].id


def _some(site: Site, before: int | None) -> list[Told]:
    with site.lane.connection() as connection:
        return _read(connection, before)


def _read(connection: Connection, before: int | None) -> list[Told]:
    return alarms.history(connection, before=before, limit=OPEN)


def _lasted(start: datetime, end: datetime) -> str:
    return age(max(end - start, timedelta(0)) // timedelta(microseconds=1))


def _clock(site: Site, moment: datetime) -> str:
    return f"{moment.astimezone(site.zone):%-d %b %Y %H:%M %Z}"
