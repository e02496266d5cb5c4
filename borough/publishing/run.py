"""A run of ``borough publish``: what is public no more is withdrawn, what is due is made, what changed is made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from borough.publishing import placing
from borough.publishing.making import Order, make
from dashboard.open_data import shelf
from dashboard.open_data.datasets import BY_ID, PUBLISHED, Dataset
from dashboard.open_data.shelf import Part, Shelf, Snapshot, Withdrawal, month_bounds
from store import open_data, session_lock, snapshots
from store.connect import Connection
from store.times import instant, next_month

#: How long the reading of one month may take [s].
_MONTH_SECONDS = 6 * 3_600.0
CLOSED = "Data in it are not open any more."
OTHER_ORIGIN = "It holds data of another origin than what is published here."


@dataclass(frozen=True, slots=True)
class Rules:
    """``after``: how long a month waits for late readings; ``retention``: days that readings are kept, by family."""

    after: timedelta
    retention: Mapping[str, int]


@dataclass(slots=True)
class Report:
    """What a run did. ``unchanged``: months that were written to and say the same; ``past``: months that were written
    to and stay as they are, for some of their readings are deleted by now; ``broken``: what cannot be read."""

    made: list[Snapshot] = field(default_factory=list)
    withdrawn: list[Snapshot] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    past: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def publish(
    connection: Connection, url: str, order: Order, rules: Rules, now: datetime, told: Callable[[str], None]
) -> Report:
    """Bring the folder to what the database says. ``connection`` commits each statement; ``url`` is of the same
    database, for states that are read. ``told`` is called with what is being made.

    Raises session_lock.Busy where another is at it, psycopg.Error, OSError: what was placed by then stays.
    """
    report = Report()
    with session_lock.alone(connection, snapshots.LOCK):
        placing.ready(order.folder)
        placing.clear(order.folder)
        for dataset, _ in PUBLISHED:
            # of an installation from before, and of a run that was killed before it noted what it had made
            snapshots.know(connection, dataset.id, _revisions(order, dataset))
        known = shelf.read(order.folder)
        report.broken += known.broken
        for one in known.snapshots:
            if one.withdrawn is not None:
                placing.delete_data(one)
        for dataset, family in PUBLISHED:
            _withdraw(connection, order, dataset, family, known, now, report)
        known = shelf.read(order.folder)
        for dataset, family in PUBLISHED:
            _make(connection, url, order, rules, dataset, family, known, now, report, told)
    return report


def withdraw(connection: Connection, snapshot: Snapshot, reason: str, now: datetime) -> None:
    """Withdraw one snapshot for a reason that people will read. Raises session_lock.Busy, psycopg.Error, OSError."""
    with session_lock.alone(connection, snapshots.LOCK):
        dataset = BY_ID.get(snapshot.manifest.dataset)
        _take_back(connection, None if dataset is None else dataset.family, snapshot, Withdrawal(now, reason))


def due(connection: Connection, family: str, order: Order, rules: Rules, known: Shelf, dataset: str,
        now: datetime) -> Iterator[str]:  # fmt: skip
    """Months that should have a snapshot and have none, the oldest first. Raises psycopg.Error."""
    series = [one.id for one in open_data.open_series(connection, family, origin=order.origin)]
    there = {one.manifest.month for one in known.current(dataset)}
    for month in _months(connection, series, rules, family, now):
        if month not in there and snapshots.any_between(connection, series, *month_bounds(month)):
            yield month


def _withdraw(
    connection: Connection, order: Order, dataset: Dataset, family: str, known: Shelf, now: datetime, report: Report
) -> None:
    """Withdraw the snapshots that hold a series which is not open any more, or that are of another origin."""
    there = [one for one in reversed(known.of(dataset.id)) if one.withdrawn is None]
    if not there:
        return
    opened = {one.id for one in open_data.open_series(connection, family, origin=order.origin)}
    for one in there:
        held = _contents(one)
        if one.manifest.origin != order.origin:
            _take_back(connection, family, one, Withdrawal(now, OTHER_ORIGIN))
            report.withdrawn.append(one)
        elif held is None:
            report.broken.append(f"{dataset.id}/{one.folder.name}: {shelf.SERIES} cannot be read")
        elif held.keys() - opened:
            _take_back(connection, family, one, Withdrawal(now, CLOSED))
            report.withdrawn.append(one)


def _take_back(connection: Connection, family: str | None, snapshot: Snapshot, withdrawal: Withdrawal) -> None:
    """Withdraw a snapshot, and have its month looked at again: an older revision may be left that lacks what came late.

    The note first: whoever is killed after it has a month looked at for nothing.
    """
    if family is not None:
        snapshots.note(connection, family, snapshot.manifest.begin.date())
    placing.withdraw(snapshot, withdrawal)


def _make(
    connection: Connection,
    url: str,
    order: Order,
    rules: Rules,
    dataset: Dataset,
    family: str,
    known: Shelf,
    now: datetime,
    report: Report,
    told: Callable[[str], None],
) -> None:
    """Make what is due of a dataset, and anew what was written to late or has a series that was not open before."""
    # before any state is read: what is noted after that is of the next run
    late = snapshots.late(connection, family)
    series = [one.id for one in open_data.open_series(connection, family, origin=order.origin)]
    current = {one.manifest.month: one for one in known.current(dataset.id)}
    for month in _months(connection, series, rules, family, now):
        before, first = current.get(month), date.fromisoformat(f"{month}-01")
        if before is None:
            wanted = snapshots.any_between(connection, series, *month_bounds(month))
        elif (held := _contents(before)) is None:
            continue  # it is told as broken already, and what changed is still noted
        else:
            wanted = first in late.months or _opened(connection, [one for one in series if one not in held], before)
        if wanted:
            told(f"{dataset.id} {month}")
            revision = snapshots.revision(connection, dataset.id, first) + 1
            with open_data.one_state(url, seconds=_MONTH_SECONDS) as state:
                made = make(state, order, dataset, family, month, revision, before)
            if made is not None:
                snapshots.know(connection, dataset.id, [(first, revision)])
                report.made.append(made)
            elif before is not None:
                report.unchanged.append(f"{dataset.id} {month}")
        snapshots.forget(connection, late.months.get(first, ()))
    kept = _kept_from(rules, family, now)
    for first, notes in late.months.items():
        if kept is not None and first < kept:
            if f"{first:%Y-%m}" in current:
                report.past.append(f"{dataset.id} {first:%Y-%m}")
            snapshots.forget(connection, notes)


def _opened(connection: Connection, fresh: list[int], before: Snapshot) -> bool:
    """Whether a series that is not in a month's snapshot has readings in the month. Raises psycopg.Error."""
    return bool(fresh) and snapshots.any_between(connection, fresh, before.manifest.begin, before.manifest.end)


def _contents(snapshot: Snapshot) -> dict[int, Part] | None:
    try:
        return snapshot.contents()
    except (OSError, ValueError):
        return None


def _revisions(order: Order, dataset: Dataset) -> list[tuple[date, int]]:
    """Months and revisions that have a folder, also those that cannot be read."""
    found = (shelf.month_and_revision(path.name) for path in (order.folder / dataset.id).glob("*.*"))
    return [one for one in found if one is not None and one[1] > 0]


def _months(connection: Connection, series: list[int], rules: Rules, family: str, now: datetime) -> Iterator[str]:
    """Months that are over for long enough and whose readings are all kept, from the first reading on."""
    span = snapshots.span(connection, series) if series else None
    if span is None:
        return
    day = instant(span[0]).date().replace(day=1)
    kept = _kept_from(rules, family, now)
    if kept is not None and day < kept:
        day = kept
    while month_bounds(f"{day:%Y-%m}")[1] + rules.after <= now:
        yield f"{day:%Y-%m}"
        day = next_month(day)


def _kept_from(rules: Rules, family: str, now: datetime) -> date | None:
    """The first month of which retention has deleted nothing; None where nothing is ever deleted."""
    days = rules.retention.get(family)
    if days is None:
        return None
    return next_month((now - timedelta(days=days)).date())
