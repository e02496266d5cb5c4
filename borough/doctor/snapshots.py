"""Snapshots of open data: whether months are overdue, and whether the files are what was published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from borough.doctor.finding import Finding, ill, well
from borough.publishing import placing
from borough.publishing.making import Order
from borough.publishing.run import Rules, due
from borough.settings.collector import retention_days
from borough.settings.open_data import origin
from borough.settings.settings import Settings, variable
from dashboard.open_data import shelf
from dashboard.open_data.datasets import PUBLISHED
from devices.counts import counted
from store import open_data
from store.connect import Connection

#: Days after which a run is missed: it is a daily one.
_MISSED = 2
#: So many bytes are read for their hashes, the newest snapshots first; `borough publish --check` reads all.
_READ = 1 << 30


def snapshots(connection: Connection, settings: Settings, now: datetime) -> Iterator[Finding]:
    """What is overdue, not open any more, or not what was published. Raises psycopg.Error."""
    folder = settings.open_data_folder
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        yield ill("snapshots-broken", f"{variable('open_data_folder')}: {folder} is no folder")
        return
    known = shelf.read(folder)
    order = Order(folder, settings.council_name, settings.open_data_licence, origin(settings), "")
    rules = Rules(timedelta(days=settings.open_data_after + _MISSED), retention_days(settings))
    overdue, closed, unknown = [], [], []
    for dataset, family in PUBLISHED:
        overdue += [f"{dataset.id} {month}" for month in due(connection, family, order, rules, known, dataset.id, now)]
        opened = {one.id for one in open_data.open_series(connection, family, origin=order.origin)}
        for one in known.of(dataset.id):
            if one.withdrawn is None:
                try:
                    foreign = one.manifest.origin != order.origin
                    closed += ["/".join(map(str, one.key))] if foreign or one.contents().keys() - opened else []
                except (OSError, ValueError):
                    unknown.append("/".join(map(str, one.key)))
    if overdue:
        yield ill("snapshots-overdue", f"not published: {_some(overdue)}")
    if closed:
        yield ill("snapshots-closed", f"published, and not open any more: {_some(closed)}")
    wrong, unread = _flaws(known)
    wrong = [*known.broken, *wrong, *(one for one in unknown if not any(one in line for line in wrong))]
    if wrong:
        yield ill("snapshots-broken", _some(wrong))
    if not (overdue or closed or wrong):
        public = sum(one.withdrawn is None for one in known.snapshots)
        rest = f"; hashes of {counted(unread, 'older one')} were not looked at" if unread else ""
        yield well("snapshots", f"{public} of them, none is overdue, all as published{rest}")


def _flaws(known: shelf.Shelf) -> tuple[list[str], int]:
    """What is wrong with files, a line a snapshot; and how many snapshots were looked at without their hashes."""
    left, unread, found = _READ, 0, []
    for one in sorted(known.snapshots, key=lambda one: one.manifest.made_at, reverse=True):
        if one.withdrawn is not None:
            continue
        left -= sum(file.bytes for file in one.manifest.files)
        unread += left < 0
        if (wrong := placing.flaw(one, hashes=left >= 0)) is not None:
            found.append(f"{'/'.join(map(str, one.key))}: {wrong}")
    return found, unread


def _some(lines: list[str]) -> str:
    rest = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    return "; ".join(lines[:5]) + rest
