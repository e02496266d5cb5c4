"""``borough correct --table``: better values of readings from a table, such as a supplier's settled half-hours.

Nothing is changed unless every row is good: each problem is said with its file and line, and quotes no cell. What was
erased does not come back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from borough.errors import UsageError
from borough.replay.observations import TableSource
from borough.replay.table_mapping import TableMapping
from devices.counts import counted
from devices.device import Device
from devices.families import FAMILIES
from ingest.correct import Corrected, CorrectionBusy, Request
from ingest.options import CollectorOptions
from ingest.series_cache import FAMILY_NAMES, FAMILY_NUMBER, keep_rule
from ingest.suppressions import Suppressions
from store import corrections, registry, series
from store.connect import Connection, connect
from store.corrections import Key, Rows, Tally
from store.session_lock import given_back
from store.times import instant
from store.tombstones import Stale

#: Most readings of one correction, which are held in memory.
READINGS = 1_000_000
#: Problems that are said; the others are counted.
_TOLD = 100
#: Readings that are corrected in one transaction.
_BATCH = 20_000
_DAY = 86_400_000_000


class _Value(NamedTuple):
    """What the file says of one reading, and where."""

    value: float
    path: Path
    line: int


@dataclass(slots=True)
class _Problems:
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, path: Path, line: int, what: str) -> None:
        self.count += 1
        if len(self.lines) < _TOLD:
            self.lines.append(f"{path.name}, line {line}: {what}")

    def fail(self) -> None:
        if self.count:
            rest = self.count - len(self.lines)
            more = [f"and {counted(rest, 'other')}"] if rest else []
            raise UsageError("nothing was changed; mend the file, the mapping or the registry:", [*self.lines, *more])


@dataclass(slots=True)
class BetterValues:
    """Values by (device id, property, time [us]), with their line; ``repeated``: rows that say one of them again."""

    values: Mapping[tuple[str, str, int], _Value]
    devices: Mapping[str, Device]
    repeated: int


def correct_from_table(
    options: CollectorOptions, mapping: TableMapping, paths: Sequence[Path], request: Request
) -> Corrected:
    """Supersede what is stored by what the tables say, within the request's period.

    Raises UsageError with every problem; MappingError; CorrectionBusy; store.tombstones.WrongKey; psycopg.Error.
    """
    with connect(options.database_url, "borough correct") as connection, given_back(connection):
        if not corrections.lock(connection):
            raise CorrectionBusy
        while True:
            suppressions = Suppressions(options.tombstone_key)
            with connection.transaction():
                suppressions.read(connection)
                devices = {device.id: device for device in registry.load(connection)[0]}
            found = _read(TableSource(mapping, paths), devices, suppressions, options, request)
            try:
                return _correct(connection, options, found, mapping, paths, request, suppressions.version)
            except Stale:
                connection.rollback()  # somebody was erased meanwhile: look again who


def _read(
    source: TableSource,
    devices: Mapping[str, Device],
    suppressions: Suppressions,
    options: CollectorOptions,
    request: Request,
) -> BetterValues:
    problems = _Problems()
    family, restates = source.mapping.family, source.mapping.restates
    latest = time.time_ns() // 1000 + round(options.ahead * 1_000_000)
    values: dict[tuple[str, str, int], _Value] = {}
    known: dict[str, Device] = {}
    repeated = 0
    for path, line, observation in source.by_line(problems.add):
        name = source.devices[observation.device]
        device = devices.get(name)
        refused = _refused(device, name, family, observation.time, suppressions)
        if request.device not in (None, name):
            continue
        if refused:
            problems.add(path, line, refused)
            continue
        assert device is not None
        if not options.earliest <= observation.time <= latest:
            problems.add(path, line, "its time is before the earliest that is taken, or ahead of the clock")
            continue
        if not request.start <= observation.time < request.end:
            continue
        known[name] = device
        for prop, value in observation.values.items():
            bounds = FAMILIES[family].properties[prop]
            if not bounds.low <= value <= bounds.high:
                problems.add(path, line, f"{prop} is outside {bounds.low:g} to {bounds.high:g}")
                continue
            key = (name, prop, observation.time)
            before = values.get(key)
            if before is not None:
                repeated += 1
                if before.value != value and not restates:
                    problems.add(path, line, f"{prop} {_elsewhere(path, before)}")
                    continue
            elif len(values) >= READINGS:
                raise UsageError(f"these files hold more than {counted(READINGS, 'reading')}; correct them in parts")
            values[key] = _Value(float(value), path, line)
    problems.fail()
    return BetterValues(values, known, repeated)


def _elsewhere(path: Path, before: _Value) -> str:
    where = f"line {before.line}" if before.path == path else f"{before.path.name}, line {before.line}"
    return f"has another value in {where}; where later rows restate earlier ones, the mapping says restates = true"


def _refused(device: Device | None, name: str, family: str, moment: int, suppressions: Suppressions) -> str:
    """Why a device's value cannot be taken; empty where it can. The file is the reader's, so no id is quoted."""
    suppression = suppressions.of(name)
    if suppression is not None and suppression.covers(moment):
        return "its readings of that time were erased, or are refused"
    if device is None:
        return "its device is not registered; see: borough devices add"
    if device.family != family:
        return f"its device is registered as {device.family}, and the mapping is of {family}"
    return ""


def _correct(
    connection: Connection,
    options: CollectorOptions,
    found: BetterValues,
    mapping: TableMapping,
    paths: Sequence[Path],
    request: Request,
    tombstone: int,
) -> Corrected:
    source = ", ".join(path.name for path in paths)
    done = Corrected(Tally())
    number, progress = None, 0
    if not request.dry_run:
        key = Key(
            request.author,
            request.reason,
            instant(request.start),
            instant(request.end),
            f"table {source}",
            f"mapping {mapping.name}",
            request.family,
            request.device,
        )
        number, _, progress = corrections.begin(connection, key, {path.name: 1 for path in paths})
        done.resumed = progress > 0
    now = time.time_ns() // 1000
    touched: set[tuple[str, int]] = set()
    beside = Tally(readings=found.repeated, repeated=found.repeated)
    for count, rows in enumerate(_batches(connection, options, found, now, f"table {source}", request), 1):
        if number is None:
            changed, new, _, tally = corrections.diff(connection, rows)
            connection.rollback()
            touched.update((mapping.family, day) for day in np.unique(rows.time[changed | new] // _DAY).tolist())
            tally.add(beside)
        elif count <= progress:
            continue
        else:
            tally = corrections.apply(connection, number, rows, beside, count, tombstone)
        done.tally.add(tally)
        beside = Tally()
    if number is None:
        done.days = [(family, instant(day * _DAY).date()) for family, day in sorted(touched)]
    else:
        days = corrections.days(connection, number)
        done.correction = corrections.finish(connection, number)
        done.days = days if done.correction is not None else []
        if done.correction is not None:
            done.tally = Tally(*done.correction[-8:])
    done.published = corrections.published(connection, done.days)
    connection.rollback()
    return done


def _batches(
    connection: Connection, options: CollectorOptions, found: BetterValues, now: int, source: str, request: Request
) -> Iterator[Rows]:
    """The values as rows, in the order of (series, time)."""
    pairs = sorted({(device, prop) for device, prop, _ in found.values})
    if request.dry_run:
        known = corrections.known_series(connection, pairs)
        connection.rollback()
        numbers = {
            pair: -place if one is None else one for place, (pair, one) in enumerate(zip(pairs, known, strict=True), 1)
        }
    else:
        states = series.resolve(connection, pairs)
        connection.commit()
        numbers = {pair: state.series for pair, state in zip(pairs, states, strict=True)}
    keep = {pair: keep_rule(found.devices[pair[0]], pair[1], options.keep) for pair in pairs}
    keys = sorted(found.values, key=lambda key: (numbers[key[:2]], key[2]))
    filled: set[tuple[int, int]] = set()
    for start in range(0, len(keys), _BATCH):
        some = keys[start : start + _BATCH]
        first = []
        for device, prop, moment in some:
            period = keep[device, prop]
            place = (numbers[device, prop], moment // period if period else moment)
            first.append(place not in filled)
            filled.add(place)
        count = len(some)
        yield Rows(
            np.array([numbers[key[:2]] for key in some], np.int32),
            np.array([key[2] for key in some], np.int64),
            np.array([found.values[key].value for key in some], np.float64),
            np.full(count, FAMILY_NUMBER[found.devices[some[0][0]].family], np.uint8),
            np.array([keep[key[:2]] for key in some], np.int64),
            np.full(count, now, np.int64),
            np.array(first, bool),
            FAMILY_NAMES,
            np.ones(count, bool),
            source,
        )
