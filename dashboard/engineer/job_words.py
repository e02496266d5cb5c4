"""A job in words and numbers of a page: how it stands, how far it is, what its score says. All of it is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devices.counts import counted
from store.jobs import Job

STATES = {
    "waiting": "Waiting for a worker",
    "running": "Running",
    "paused": "Paused",
    "done": "Done",
    "stopped": "Stopped",
    "failed": "Failed",
}
#: What a worker is at, in its words and ours.
PHASES = {
    "starting": "starting",
    "sending": "sending",
    "scoring": "waiting until all is stored, and scoring it",
    "over": "ending",
}
#: After which somebody should see whether a worker runs [s].
LONG = 30
KINDS = {"replay": "Replay", "simulation": "Simulation"}
#: Words of a score that the pages show, in readings: key, heading, and whether any of it is bad.
COUNTS = (
    ("published", "Published", False),
    ("stored", "Stored", False),
    ("open", "Under way", False),
    ("duplicates", "Duplicates", False),
    ("restated", "Restated", False),
    ("thinned", "Thinned", False),
    ("ignored", "Ignored", False),
    ("unsent", "Never sent", False),
    ("rejected", "Rejected as meant", False),
    ("rejected_unexpectedly", "Rejected wrongly", True),
    ("lost", "Lost", True),
    ("wrong_value", "Wrong value", True),
    ("wrong_time", "Wrong time", True),
    ("unexpected", "Not expected", False),
)
BAD = tuple(key for key, _, bad in COUNTS if bad)
#: Lags of a family, from publication to commit [s].
LAGS = (("p50", "Median"), ("p95", "95 %"), ("p99", "99 %"), ("max", "Longest"))
_BAYS = (("stays", "Stays"), ("overstays", "Overstays"))
BAY_COLUMNS = ("true", "found", "altered", "missed", "invented")
#: What a fleet's truth may hold and no analysis of this version looks for yet.
_NOT_LOOKED_FOR = ("Emergencies of carers' homes", "Episodes of bad air")
_OPTIONS = {
    "seed": "Seed",
    "start": "Begins",
    "hours": "Simulated hours",
    "speed": "Speed",
    "from": "Only from",
    "until": "Only before",
    "shift": "Times moved by",
    "mapping": "Mapping",
    "format": "Format",
    "pack": "Readings in a message",
    "connections": "Connections",
    "register": "Devices registered first",
    "faults": "Faults",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a job is. ``percent`` None where nobody knows of how much."""

    state: str
    sentence: str
    percent: int | None
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of counts: its name, and (text, whether it is bad) by column."""

    name: str
    cells: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Scored:
    """A score for a page. ``verdict`` is its finding; ``good`` None while it forms and nothing is wrong so far."""

    verdict: str
    good: bool | None
    so_far: bool
    headings: Sequence[str]
    families: Sequence[Row]
    lags: Sequence[Row]
    planted: Sequence[Row]
    faults: Sequence[Row]
    fault_headings: Sequence[str]
    not_looked_for: Sequence[str]


def standing(job: Job, now: datetime) -> Standing:
    """How a job stands."""
    progress = job.progress
    sent, total = _whole(progress.get("sent")), progress.get("total")
    part = progress.get("fraction")
    if not isinstance(part, int | float):
        part = sent / total if isinstance(total, int | float) and total > 0 else None
    # what is under way is never shown as whole: the score is waited for
    percent = 100 if job.state == "done" else None if part is None else min(99, int(100 * part))
    facts = [("Messages sent", f"{sent:,}" + (f" of {total:,.0f}" if isinstance(total, int | float) and total else ""))]
    live = job.state == "running" and not job.silent
    if live and isinstance(rate := progress.get("rate"), int | float):
        facts.append(("Rate", f"{counted(round(rate), 'message')} a second"))
    if progress.get("at"):
        facts.append(("Has come to", moment(progress["at"])))
    if live and isinstance(left := progress.get("remaining"), int | float):
        facts.append(("Remaining", f"about {span(left)}"))
    if live and (phase := str(progress.get("phase") or "")):
        facts.append(("Now", PHASES.get(phase, phase)))
    if job.started_at is not None:
        facts.append(("Has taken", span(((job.ended_at or now) - job.started_at).total_seconds())))
    if unheard := _whole(progress.get("unheard")):
        facts.append(("Nobody was subscribed to", counted(unheard, "message") + ", which the broker dropped"))
    if job.attempts > 1:
        facts.append(("Taken by a worker", counted(job.attempts, "time")))
    return Standing(job.state, _sentence(job, now), percent, facts)


def _sentence(job: Job, now: datetime) -> str:
    if job.silent:
        return "Its worker has fallen silent. The next worker goes on where it was."
    if job.wish == "pause":
        return "Running; it will pause in a moment."
    if job.wish == "stop":
        return "Running; it will stop in a moment."
    if job.state == "waiting":
        waited = (now - job.asked_at).total_seconds()
        if job.started_at is None and waited >= LONG:
            return f"Waiting for a worker for {span(waited)}. Is borough work running?"
        return STATES["waiting"] + (", to go on" if job.started_at is not None else "") + "."
    return f"{STATES[job.state]}."


def scored(score: Mapping[str, Any] | None) -> Scored | None:
    """A score as tables; None where there is none yet."""
    if not score:
        return None
    families: Mapping[str, Mapping[str, Any]] = score.get("families") or {}
    shown = [
        (key, words, bad)
        for key, words, bad in COUNTS
        if key in ("published", "stored", *BAD) or any(_whole(counts.get(key)) for counts in families.values())
    ]
    rows = [(name, counts) for name, counts in sorted(families.items())]
    if len(rows) > 1:
        rows.append(("All", {key: sum(_whole(counts.get(key)) for _, counts in rows) for key, _, _ in shown}))
    so_far = bool(score.get("so_far"))
    wrong = [(words, _whole(score.get(key))) for key, words, bad in COUNTS if bad and _whole(score.get(key))]
    fault_words = sorted({word for counts in (score.get("faults") or {}).values() for word in counts})
    return Scored(
        verdict=_verdict(score, wrong, so_far=so_far),
        good=False if wrong else (None if so_far else True),
        so_far=so_far,
        headings=[words for _, words, _ in shown],
        families=[
            Row(name, [(f"{_whole(counts.get(key)):,}", bad and _whole(counts.get(key)) > 0) for key, _, bad in shown])
            for name, counts in rows
        ],
        lags=[
            Row(name, [(f"{lag[key]:.3f} s", False) for key, _ in LAGS])
            for name, counts in sorted(families.items())
            if (lag := counts.get("lag"))
        ],
        planted=_planted(score.get("bays") or {}),
        faults=[
            Row(
                name.replace("_", " "),
                [
                    (f"{_whole(counts.get(word)):,}", word in ("missing", *BAD) and bool(counts.get(word)))
                    for word in fault_words
                ],
            )
            for name, counts in (score.get("faults") or {}).items()
        ],
        fault_headings=[word.replace("_", " ") for word in fault_words],
        not_looked_for=_NOT_LOOKED_FOR if score.get("bays") is not None or "movement-sensor" in families else (),
    )


def _verdict(score: Mapping[str, Any], wrong: Sequence[tuple[str, int]], *, so_far: bool) -> str:
    published = counted(_whole(score.get("published")), "reading")
    if wrong:
        said = ", ".join(f"{words.lower()} {count:,}" for words, count in wrong)
        return f"Of {published}{' so far' if so_far else ''}: {said}."
    return f"Of {published}{' so far' if so_far else ''} nothing is lost and nothing is wrong."


def _planted(bays: Mapping[str, Any]) -> list[Row]:
    found = []
    for key, words in _BAYS:
        counts = bays.get(key)
        if counts:
            found.append(
                Row(
                    words,
                    [
                        (f"{_whole(counts.get(word)):,}", word in ("missed", "invented") and bool(counts.get(word)))
                        for word in BAY_COLUMNS
                    ],
                )
            )
    return found


def options_of(job: Job) -> list[tuple[str, str]]:
    """What was asked for, in words."""
    found = [("Files", ", ".join(file.removeprefix("shipped:").rsplit("/", 1)[-1] for file in job.files))]
    for key, words in _OPTIONS.items():
        value = job.options.get(key)
        if value in (None, "", False):
            continue
        found.append((words, _option(key, value)))
    return found


def _option(key: str, value: Any) -> str:
    if value is True:
        return "yes"
    if key == "mapping":
        return str(value).rsplit("/", 1)[-1]
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_share(share)}" for name, share in value.items()) or "none"
    return str(value)


def _share(value: Any) -> str:
    return f"{value.get('share', 0):g}" if isinstance(value, Mapping) else f"{value:g}"


def span(seconds: float) -> str:
    """A length of time, to two parts."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 172_800:
        return f"{whole // 3_600} h {whole % 3_600 // 60} min"
    return f"{counted(whole // 86_400, 'day')} {whole % 86_400 // 3_600} h"


def moment(value: Any) -> str:
    """An instant of a job's progress: RFC 3339 text, or microseconds."""
    if isinstance(value, str):
        try:
            return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC"
        except ValueError:
            return value
    return str(value)


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0
