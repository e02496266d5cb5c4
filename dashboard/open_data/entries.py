"""What the catalogue lists now: the datasets of which there is something, where and when their data are from.

It is looked up at the database once in ten minutes for everybody, for it needs the first and the last reading of every
series; what is on the shelf of snapshots is looked at each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from analytics.neighbours import programme
from dashboard.open_data.datasets import BY_ID, DATASETS, SERVICES, Dataset, Form, Service
from dashboard.open_data.shelf import Shelf, Snapshot, read
from dashboard.web.site import Site
from store import open_data, snapshots
from store.connect import Connection
from store.snapshots import Box
from store.times import begin_of, instant, next_month

#: How long what was found serves everybody [s].
KEPT = 600.0


@dataclass(frozen=True, slots=True)
class Found:
    """Of a dataset: ``begin`` and ``end`` of the time that its data are of, None where that means nothing; ``box``
    around the places of its devices; ``modified``: when something of it changed last."""

    dataset: Dataset
    begin: datetime | None
    end: datetime | None
    box: Box | None
    modified: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A dataset as the catalogue lists it. ``forms``: those that this site has; ``current``: its snapshots, of each
    month the newest revision, the newest month first; ``issued``: when the first of all was made."""

    dataset: Dataset
    begin: datetime | None
    end: datetime | None
    box: Box | None
    modified: datetime
    forms: Sequence[Form]
    current: Sequence[Snapshot]
    issued: datetime | None


class Entries:
    """The datasets of a site. One look at the database at a time; others wait for it, for it is short."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._found: tuple[float, list[Found]] | None = None

    def shelf(self) -> Shelf:
        """All snapshots."""
        return read(self._site.options.open_data.folder)

    def all(self) -> list[Entry]:
        """Every dataset of which there is something, in the order of `DATASETS`. Raises psycopg.Error."""
        shelf = self.shelf()
        known = {one.dataset.id: one for one in self._known()}
        found = (known.get(dataset.id) or self._published(dataset, shelf) for dataset in DATASETS)
        return [self._entry(one, shelf) for one in found if one is not None]

    def services(self, listed: Sequence[Entry]) -> list[Service]:
        """Interfaces for programs that this site has and that serve something that is listed; of theirs, what is."""
        there = {one.dataset.id for one in listed}
        found = [one for one in SERVICES if one.route in self._site.paths]
        serving = [replace(one, datasets=[each for each in one.datasets if each in there]) for one in found]
        return [one for one in serving if one.datasets]

    def _entry(self, one: Found, shelf: Shelf) -> Entry:
        origin = self._site.options.open_origin
        of = [snapshot for snapshot in shelf.of(one.dataset.id) if snapshot.manifest.origin == origin]
        return Entry(
            one.dataset,
            one.begin,
            one.end,
            one.box,
            max((one.modified, *(snapshot.manifest.made_at for snapshot in of))),
            [form for form in one.dataset.forms if form.route in self._site.paths],
            self._current(one.dataset, shelf),
            min((snapshot.manifest.made_at for snapshot in of), default=None),
        )

    def _current(self, dataset: Dataset, shelf: Shelf) -> list[Snapshot]:
        origin = self._site.options.open_origin
        return [snapshot for snapshot in shelf.current(dataset.id) if snapshot.manifest.origin == origin]

    def _published(self, dataset: Dataset, shelf: Shelf) -> Found | None:
        """A dataset whose readings are all past their retention: its months stay; None where it has none."""
        months = [snapshot.manifest for snapshot in self._current(dataset, shelf)]
        if not months:
            return None
        return Found(dataset, months[-1].begin, months[0].end, None, max(month.made_at for month in months))

    def _known(self) -> list[Found]:
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > KEPT:
                with self._site.connection() as connection:
                    found = [made for one in DATASETS if (made := self._look(connection, one)) is not None]
                self._found = (time.monotonic(), found)
            return self._found[1]

    def _look(self, connection: Connection, dataset: Dataset) -> Found | None:
        """What there is of a dataset; None where there is nothing. Raises psycopg.Error."""
        if dataset.family is not None:
            return self._readings(connection, dataset, dataset.family)
        return _LOOKS[dataset.id](self._site, connection)

    def _readings(self, connection: Connection, dataset: Dataset, family: str) -> Found | None:
        origin = self._site.options.open_origin
        series = [one.id for one in open_data.open_series(connection, family, origin=origin)]
        span = snapshots.span(connection, series) if series else None
        if span is None:
            return None
        begin, end = (instant(one) for one in span)
        return Found(dataset, begin, end, snapshots.extent(connection, family, origin), end)


def _zones(site: Site, connection: Connection) -> Found | None:
    days = snapshots.zone_days(connection, site.options.open_origin)
    if days is None:
        return None
    begin, end = (begin_of(one, site.zone) for one in days)
    return Found(BY_ID["parking-zones"], begin, end, _bay_box(site, connection), end)


def _bays(name: str, site: Site, connection: Connection) -> Found | None:
    box = _bay_box(site, connection)
    today = begin_of(site.today(), site.zone)
    return None if not box.places else Found(BY_ID[name], today, None, box, today)


def _account(site: Site, _: Connection) -> Found | None:
    accounts = site.options.parking_accounts
    if not accounts:
        return None
    begin, end = begin_of(accounts[0].first_day, site.zone), begin_of(accounts[-1].last_day, site.zone)
    return Found(BY_ID["parking-account"], begin, end, None, end)


def _energy(site: Site, connection: Connection) -> Found | None:
    """Where the homes are is not told: a rectangle around them has a home at each of its sides."""
    months: list[date] = [one.from_day for one in programme.altogether(connection, site.options.open_origin)]
    if not months:
        return None
    begin, end = begin_of(min(months), site.zone), begin_of(next_month(max(months)), site.zone)
    return Found(BY_ID["energy-totals"], begin, end, None, min(end, datetime.now(UTC)))


def _bay_box(site: Site, connection: Connection) -> Box:
    return snapshots.bays(connection, site.today(), site.options.open_origin)


_LOOKS = {
    "parking-zones": _zones,
    "parking-bays": lambda site, connection: _bays("parking-bays", site, connection),
    "parking-spaces": lambda site, connection: _bays("parking-spaces", site, connection),
    "parking-account": _account,
    "energy-totals": _energy,
}
assert {one.id for one in DATASETS if one.family is None} == set(_LOOKS)
