"""Trials, for the programme officer: what was designed, drawn, seen and reported. Groups alone, never a home.

No page works anything out: looks are shown as they were noted, and a report as it was made by ``borough trial report``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from fastapi import APIRouter, HTTPException, Request, Response

from analytics.trial.facts import noted_looks
from analytics.trial.report_document import DocumentError, read
from analytics.trial.report_facts import Noted
from analytics.trial.report_rows import LEAST_HOMES, Report
from dashboard.labels import FUEL_WORDS
from dashboard.staff import trial_report
from dashboard.staff import trial_words as words
from dashboard.staff.trial_effects import looks_of
from dashboard.staff.trial_parts import Table
from dashboard.web.site import Site
from dashboard.web.values import Whole
from devices.trials import Arm
from store import trials
from store.trials import Event, Trial

_EVENTS: Mapping[str, str] = {
    "designed": "Designed",
    "assigned": "Homes drawn for its arms",
    "looked": "Looked at",
    "ended": "Ended",
    "reported": "Reported",
    "exported": "Panel exported without names",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One trial in the list."""

    id: int
    name: str
    state: str
    fuel: str
    arms: str
    simulated: bool


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/programme/trials")
    def every(request: Request) -> Response:
        """All trials, and the worked example."""
        with site.connection() as connection:
            found = [_line(one, site.today()) for one in trials.all_trials(connection)]
        ready = site.options.example is not None and site.options.example() is not None
        context = {"page": "trials", "lines": found, "example": site.options.example is not None, "ready": ready}
        return site.page(request, "staff/trials.html", context)

    @routes.get("/programme/trials/example/report")
    def example(request: Request) -> Response:
        """The report of the worked example, which says that it is simulated."""
        return _report(request, _example(), "/programme/trials/example", None)

    @routes.get("/programme/trials/example/report.html")
    def example_file() -> Response:
        """The same as a file to keep."""
        return _file(_example(), "trial-example")

    @routes.get("/programme/trials/example/report.json")
    def example_document() -> Response:
        """The same for programs."""
        return _document(_given(), "trial-example")

    @routes.get("/programme/trials/{trial}")
    def one(request: Request, trial: Whole) -> Response:
        """One trial: arms and their members, looks as they were noted, what was done and when."""
        today = site.today()
        with site.connection() as connection:
            found = _found(trials.one(connection, trial))
            arms = trials.members_by_arm(connection, found, today)
            events = trials.events(connection, trial)
        looks, unread = _looks(events)
        pictures, table = looks_of(looks, [str(arm) for arm in found.design.arms])
        context = {
            "page": "trials",
            "trial": found,
            "state": _state(found, today),
            "fuel": FUEL_WORDS.get(found.design.fuel, found.design.fuel),
            "arms": _arms(found, arms),
            "events": [(one.at.astimezone(site.zone), _EVENTS[one.what]) for one in events],
            "pictures": pictures,
            "looks": table,
            "unread": unread,
            "reported": any(one.what == "reported" for one in events),
            "begins": words.day(found.design.begins),
        }
        return site.page(request, "staff/trial.html", context)

    @routes.get("/programme/trials/{trial}/report")
    def report(request: Request, trial: Whole) -> Response:
        """The newest report of a trial."""
        at, given = _reported(trial)
        return _report(request, _read(given), f"/programme/trials/{trial}", at)

    @routes.get("/programme/trials/{trial}/report.html")
    def report_file(trial: Whole) -> Response:
        """The same as a file to keep and share: it asks nothing of anybody."""
        return _file(_read(_reported(trial)[1]), f"trial-{trial}")

    @routes.get("/programme/trials/{trial}/report.json")
    def report_document(trial: Whole) -> Response:
        """The same for programs."""
        return _document(_reported(trial)[1], f"trial-{trial}")

    def _reported(trial: int) -> tuple[datetime, Mapping[str, Any]]:
        with site.connection() as connection:
            _found(trials.one(connection, trial))
            events = [one for one in trials.events(connection, trial) if one.what == "reported"]
        if not events:
            raise HTTPException(404)
        return events[-1].at, events[-1].detail

    def _given() -> Mapping[str, Any]:
        given = None if site.options.example is None else site.options.example()
        if given is None:
            raise HTTPException(404)
        return given

    def _example() -> Report:
        return _read(_given())

    def _report(request: Request, found: Report, path: str, at: datetime | None) -> Response:
        context = {
            "page": "trials",
            "shown": trial_report.show(found),
            "path": path,
            "made": None if at is None else at.astimezone(site.zone),
        }
        return site.page(request, "staff/trial_report.html", context)

    return routes


def _file(found: Report, name: str) -> Response:
    # kept and then opened: on the site its own style would not be taken
    headers = {"Content-Disposition": f'attachment; filename="{name}.html"'}
    return Response(trial_report.html(found), 200, headers, "text/html")


def _document(given: Mapping[str, Any], name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return Response(orjson.dumps(given, option=orjson.OPT_INDENT_2), 200, headers, "application/json")


def _found(trial: Trial | None) -> Trial:
    if trial is None:
        raise HTTPException(404)
    return trial


def _read(given: Mapping[str, Any]) -> Report:
    try:
        return read(given)
    except DocumentError:
        # what was noted by another version is not shown half
        raise HTTPException(410, "other-report") from None


def _looks(events: Sequence[Event]) -> tuple[list[Noted], int]:
    """Every look as it was noted, of one month looked at again the last; and how many cannot be read any more."""
    noted, unread = noted_looks(events)
    found = {(one.month, one.arm): one for one in noted}
    return sorted(found.values(), key=lambda one: one.month), unread


def _line(trial: Trial, today: date) -> Line:
    design = trial.design
    return Line(
        id=trial.id,
        name=design.name,
        state=_state(trial, today),
        fuel=FUEL_WORDS.get(design.fuel, design.fuel),
        arms=", ".join(words.ARM_WORDS[arm] for arm in design.arms),
        simulated=design.origin != "real",
    )


def _state(trial: Trial, today: date) -> str:
    if trial.ended_on is not None:
        return f"ended on {words.day(trial.ended_on)}"
    if trial.assigned_at is None:
        return "designed; no home is drawn yet"
    begins = words.day(trial.design.begins)
    return f"runs since {begins}" if trial.design.begins <= today else f"drawn; begins on {begins}"


def _arms(trial: Trial, arms: Mapping[Arm, trials.InArm]) -> Table:
    rows = [
        # drawn, as the command and the report tell it: those that are left would tell how many were erased
        [words.ARM_WORDS[arm], words.ARM_LONG[arm],
         *map(_homes, (one.members + one.erased, one.withdrew, one.moved, one.erased))]
        for arm, one in arms.items()
    ]  # fmt: skip
    head = ("Arm", "What its homes get", "Homes drawn", "Withdrew consent", "Moved out", "Erased")
    return Table(f"Homes of the trial {trial.design.name} by arm", head, rows, words_in=1)


def _homes(count: int) -> str:
    return words.homes(None if 0 < count < LEAST_HOMES else count)
