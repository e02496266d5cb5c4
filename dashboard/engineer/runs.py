"""Runs that are over or under way as documents: two of them side by side, and one as a page to keep and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse
from markupsafe import Markup

from dashboard.engineer import job_words
from dashboard.figures import Cell, Figure
from dashboard.replays import Replays
from dashboard.web.site import Site
from dashboard.web.values import Whole
from devices.counts import counted
from store import jobs
from store.connect import Connection
from store.jobs import Job

#: Jobs that a comparison offers.
_OFFERED = 200
#: Stands where a run has no such thing.
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of two runs. ``same`` False: they differ in it; ``worse``: 0 or 1 for the run that is worse, -1."""

    name: str
    values: tuple[str, str]
    same: bool
    difference: str = ""
    worse: int = -1


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a comparison."""

    key: str
    title: str
    lines: Sequence[Line]


def router(site: Site) -> APIRouter:
    """Comparison, report and JSON."""
    routes = APIRouter()

    @routes.get("/engineer/jobs/compare")
    def compare(request: Request, a: Whole | None = None, b: Whole | None = None) -> Response:
        """Two runs side by side, with what differs marked; without two of them the form to choose them."""
        with site.connection() as connection:
            found = [_scored(connection, one) for one in (a, b) if one is not None]
            offered = [one for one in jobs.find(connection, limit=_OFFERED) if one.score]
        context: dict[str, Any] = {"page": "jobs", "offered": offered, "a": a, "b": b, "words": job_words}
        if len(found) == 2:
            first, second = found
            context |= {
                "pair": [(one, job_words.KINDS[one.kind], job_words.scored(one.score)) for one in found],
                "tables": comparison(first, second),
                "figure": bad_figure(first, second),
            }
        return site.page(request, "engineer/compare.html", context)

    @routes.get("/engineer/jobs/{job}/report.html")
    def report(request: Request, job: Whole) -> Response:
        """A page to keep and share: one file, without a script, that asks nothing of anybody."""
        with site.connection() as connection:
            found = _scored(connection, job)
        context = {
            "job": found,
            "kind": job_words.KINDS[found.kind],
            "standing": job_words.standing(found, datetime.now(UTC)),
            "score": job_words.scored(found.score),
            "asked": job_words.options_of(found),
            "words": job_words,
            "made": datetime.now(UTC),
        }
        answer = site.page(request, "engineer/report.html", context)
        # kept and then opened: on the site its own style would not be taken
        answer.headers["Content-Disposition"] = f'attachment; filename="job-{found.id}.html"'
        return answer

    @routes.get("/engineer/jobs/{job}/charts.html")
    def charts(job: Whole) -> Response:
        """The page that the worker wrote at the end, with charts: one file with their script in it."""
        with site.connection() as connection:
            there = jobs.get(connection, job) is not None
        path = charts_of(site.options.replays, job) if there else None
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, media_type="text/html", filename=f"job-{job}-charts.html")

    @routes.get("/engineer/jobs/{job}/report.json")
    def document(job: Whole) -> Response:
        """The same for programs."""
        with site.connection() as connection:
            found = _scored(connection, job)
        said = {
            "job": found.id,
            "kind": found.kind,
            "name": found.name,
            "state": found.state,
            "options": found.options,
            "files": found.files,
            "asked_at": found.asked_at,
            "started_at": found.started_at,
            "ended_at": found.ended_at,
            "progress": found.progress,
            "score": found.score,
        }
        headers = {"Content-Disposition": f'attachment; filename="job-{found.id}.json"'}
        return Response(orjson.dumps(said, option=orjson.OPT_INDENT_2), 200, headers, "application/json")

    return routes


def charts_of(replays: Replays | None, job_id: int) -> Path | None:
    """The page with charts that a worker leaves behind at the end of a job; None where there is none (yet)."""
    if replays is None:
        return None
    path = replays.folder / "runs" / str(job_id) / "report.html"
    return path if path.is_file() else None


def comparison(first: Job, second: Job) -> list[Table]:
    """What two runs are and became, thing by thing."""
    return [
        Table("asked", "What was asked for", _asked(first, second)),
        Table("counts", "Readings", _counts(first.score or {}, second.score or {})),
        Table("lags", "Lateness (99 % of series, from sending to the commit)", _lags(first, second)),
        Table("planted", "Planted and found", _planted(first, second)),
        Table("speed", "How it went", _went(first, second)),
    ]


def bad_figure(first: Job, second: Job) -> Figure | None:
    """What is not as it should be, of both runs, as bars to one scale; None where nothing is."""
    rows = []
    for key, words, bad in job_words.COUNTS:
        values = [_number((one.score or {}).get(key)) for one in (first, second)]
        if bad and any(values):
            rows.append((words, values))
    if not rows:
        return None
    totals = [sum(values[place] for _, values in rows) for place in (0, 1)]
    names = [f"Job {one.id}" for one in (first, second)]
    if totals[0] == totals[1]:
        headline = f"Not as it should be: {counted(totals[0], 'reading')} in both runs"
    else:
        worse = int(totals[1] > totals[0])
        headline = (
            f"Not as it should be: {counted(totals[worse], 'reading')} in {names[worse].lower()},"
            f" {totals[1 - worse]:,} in {names[1 - worse].lower()}"
        )
    return Figure(
        name="bad",
        headline=headline,
        drawing=_bars(rows, names),
        caption="Readings that are not as they should be",
        columns=["What", *names],
        rows=[[Cell(words), *(Cell(f"{value:,}", value) for value in values)] for words, values in rows],
        unit="",
    )


def _bars(rows: Sequence[tuple[str, list[int]]], names: Sequence[str]) -> Markup:
    """Two bars a row, to one scale; each has its number beside it, so that no colour says anything alone."""
    most = max(max(values) for _, values in rows)
    height, lines = 4.6, []
    for place, (words, values) in enumerate(rows):
        top = place * height
        lines.append(Markup('<text x="0" y="{}em">{}</text>').format(f"{top + 1.1:.1f}", words))
        for number, (name, value) in enumerate(zip(names, values, strict=True)):
            y = top + 1.5 + 1.4 * number
            lines.append(
                Markup(
                    '<rect class="{}" x="0" y="{}em" width="{}%" height="1.1em"/><text x="{}%" y="{}em">{}</text>'
                ).format(
                    f"run-{'ab'[number]}",
                    f"{y:.1f}",
                    f"{60 * value / most:.2f}",
                    f"{60 * value / most + 1:.2f}",
                    f"{y + 0.9:.1f}",
                    f" {name}: {value:,}",
                )
            )
    label = "; ".join(
        f"{words}: {', '.join(f'{name} {value:,}' for name, value in zip(names, values, strict=True))}"
        for words, values in rows
    )
    return Markup('<svg class="runs" role="img" aria-label="{}" width="100%" height="{}em">{}</svg>').format(
        label, f"{height * len(rows):.1f}", Markup("").join(lines)
    )


def _scored(connection: Connection, job_id: int) -> Job:
    found = jobs.get(connection, job_id)
    if found is None or not found.score:
        raise HTTPException(404)
    return found


def _asked(first: Job, second: Job) -> list[Line]:
    known = [dict(job_words.options_of(one)) for one in (first, second)]
    lines = [_line("Kind", job_words.KINDS[first.kind], job_words.KINDS[second.kind])]
    names = dict.fromkeys([*known[0], *known[1]])
    lines += [_line(name, known[0].get(name, _NONE), known[1].get(name, _NONE)) for name in names]
    versions = [str(one.progress.get("version") or _NONE) for one in (first, second)]
    return [*lines, _line("Version", *versions)] if versions != [_NONE, _NONE] else lines


def _counts(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Line]:
    families = sorted({*(first.get("families") or {}), *(second.get("families") or {})})
    lines = []
    for family in families:
        counts = [(one.get("families") or {}).get(family, {}) for one in (first, second)]
        for key, words, bad in job_words.COUNTS:
            values = [_number(one.get(key)) for one in counts]
            if any(values):
                lines.append(_numbers(f"{family}: {words.lower()}", values, bad=bad))
    return lines


def _lags(first: Job, second: Job) -> list[Line]:
    known = [(one.score or {}).get("families") or {} for one in (first, second)]
    lines = []
    for family in sorted({*known[0], *known[1]}):
        found = [(one.get(family, {}).get("lag") or {}).get("p99") for one in known]
        if any(value is not None for value in found):
            said = tuple(_NONE if value is None else f"{value:.3f} s" for value in found)
            difference, worse = "", -1
            if found[0] is not None and found[1] is not None and said[0] != said[1]:
                difference, worse = f"{found[1] - found[0]:+.3f} s", int(found[1] > found[0])
            lines.append(Line(family, (said[0], said[1]), said[0] == said[1], difference, worse))
    return lines


def _planted(first: Job, second: Job) -> list[Line]:
    lines = []
    for key, title in (("stays", "Stays"), ("overstays", "Overstays")):
        counts = [((one.score or {}).get("bays") or {}).get(key) or {} for one in (first, second)]
        for word in job_words.BAY_COLUMNS:
            if any(counts):
                values = [_number(one.get(word)) for one in counts]
                lines.append(_numbers(f"{title}: {word}", values, bad=word in ("missed", "invented")))
    return lines


def _went(first: Job, second: Job) -> list[Line]:
    now = datetime.now(UTC)
    lines = [_line("State", *(job_words.STATES[one.state] for one in (first, second)))]
    sent = [_number(one.progress.get("sent")) for one in (first, second)]
    lines.append(_numbers("Messages sent", sent, bad=False))
    took = [
        job_words.span(((one.ended_at or now) - one.started_at).total_seconds()) if one.started_at else _NONE
        for one in (first, second)
    ]
    return [*lines, _line("Has taken", *took)]


def _line(name: str, one: str, other: str) -> Line:
    return Line(name, (one, other), one == other)


def _numbers(name: str, values: Sequence[int], *, bad: bool) -> Line:
    one, other = values
    worse = int(other > one) if bad and one != other else -1
    return Line(name, (f"{one:,}", f"{other:,}"), one == other, "" if one == other else f"{other - one:+,}", worse)


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0
