"""The truth of simulated bays against what is recorded of them: stays, overstays, occupancy, and why they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.parking.sources import HEARTBEATS
from analytics.parking.states import LONGEST
from devices.bays import GRACE
from simulators import bay_truth_file, ledger
from simulators.bay_truth import Intervals, held_time
from simulators.bay_truth_file import Told
from simulators.kerbside import FAMILY
from store import parking, scoring
from store.connect import Connection
from store.scoring import RecordedStays
from store.times import instant, local_day, microseconds, midnight

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

_SECOND = 1_000_000
_QUARTER = 900 * _SECOND
#: Faults that change neither what is stored of a reading nor when it was.
_HARMLESS = ("duplicate", "out_of_order", "outage")
#: A stay that lasted when the simulation began is looked for so far back: no longer is any believed.
_EARLIER = LONGEST
_NOTHING = np.empty(0, np.int64)
WORDS = ("true", "found", "altered", "missed", "invented")


@dataclass(slots=True)
class BayScore:
    """What was made of a fleet's bays. ``stays`` and ``overstays``: word -> number.

    ``found`` stays have the true arrival and the true departure, ``altered`` ones overlap the true one, ``invented``
    ones overlap none. ``causes``: fault -> stays that are not as they were, by word; ``none`` is nobody's fault.
    ``error`` is the mean absolute error of the occupancy of zones by quarter hour, of ``quarters`` of them [1].
    """

    stays: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WORDS, 0))
    overstays: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("true", "found", "missed", "invented"), 0))
    causes: dict[str, dict[str, int]] = field(default_factory=dict)
    swaps: int = 0
    quarters: int = 0
    error: float | None = None

    @property
    def unexplained(self) -> int:
        """Stays that are not as they were though nothing went wrong."""
        return sum(self.causes.get("none", {}).values())

    def document(self) -> dict[str, Any]:
        """The score as JSON."""
        return {
            "stays": self.stays,
            "overstays": self.overstays,
            "causes": dict(sorted(self.causes.items())),
            "swaps": self.swaps,
            "occupancy": {"quarters": self.quarters, "mean_absolute_error": self.error},
        }


class Faults(NamedTuple):
    """What went wrong with readings, sorted by (bay, time): place of the bay, when [us], which of the names."""

    bay: Int64
    time: Int64
    fault: Int64
    names: Sequence[str]


def score_bays(
    connection: Connection, paths: Sequence[Path], zone: ZoneInfo, grace: timedelta = GRACE
) -> BayScore | None:
    """Score the bays whose truth stands beside these ledgers; None where there is none, or nothing is recorded.

    ``zone``: whose local days the record has; ``grace``: by which it was computed. Raises TruthError, LedgerError,
    psycopg.Error.
    """
    told = [bay_truth_file.read(path) for path in map(bay_truth_file.beside, paths) if path.exists()]
    recorded_to = parking.recorded_to(connection) if told else None
    if recorded_to is None:
        return None
    newest = microseconds(recorded_to)
    result = BayScore()
    errors: list[Float64] = []
    for truth in told:
        recorded = scoring.recorded_stays(connection, truth.bays, truth.start - _EARLIER, truth.end)
        compare(result, truth, recorded, newest, _faults(paths, truth), grace)
        errors.append(_errors(connection, truth, min(newest, truth.end), zone))
    differences = np.concatenate(errors)
    result.quarters = len(differences)
    result.error = float(differences.mean()) if len(differences) else None
    return result


def compare(
    result: BayScore, truth: Told, recorded: RecordedStays, newest: int, faults: Faults, grace: timedelta = GRACE
) -> None:
    """Add the stays of one truth. ``newest`` [us]: up to where the record goes."""
    stays = truth.stays
    count = len(stays.bay)
    result.swaps += len(truth.sensors) - len(truth.bays)
    departure = np.where(recorded.lasts | (recorded.departure < 0), truth.end, recorded.departure)
    key = {
        (bay, arrival): place
        for place, (bay, arrival) in enumerate(zip(stays.bay.tolist(), stays.arrival.tolist(), strict=True))
    }
    same = np.array(
        [
            key.get((bay, arrival), -1)
            for bay, arrival in zip(recorded.bay.tolist(), recorded.arrival.tolist(), strict=True)
        ],
        np.int64,
    )
    if count:
        ends = stays.departure[same]
        exact = (same >= 0) & ((ends == departure) | (recorded.lasts & (ends >= newest)))
    else:
        exact = np.zeros(len(same), np.bool_)
    found = np.zeros(count, np.bool_)
    found[same[exact]] = True
    # of one that lasted when the simulation began the record may know more
    left = set(zip(recorded.bay.tolist(), departure.tolist(), strict=True))
    for place in np.flatnonzero(~found & ~stays.begun).tolist():
        found[place] = (int(stays.bay[place]), int(stays.departure[place])) in left
    # one that began after the record's end is not missing
    told = found | (stays.arrival < newest)
    true = Intervals(stays.bay, stays.arrival, stays.departure)
    said = Intervals(recorded.bay, recorded.arrival, departure)
    met, meets = _overlapped(true, said), _overlapped(said, true)
    groups = {
        "altered": (told & ~found & met, stays.bay, stays.arrival, stays.departure),
        "missed": (told & ~found & ~met, stays.bay, stays.arrival, stays.departure),
        "invented": (~exact & ~meets & (recorded.arrival >= truth.start), recorded.bay, recorded.arrival, departure),
    }
    result.stays["true"] += int(told.sum())
    result.stays["found"] += int(found.sum())
    # a sensor is silent after so long: so far around a stay its faults are looked for
    reach = truth.heartbeat * HEARTBEATS[0] // HEARTBEATS[1]
    for word, (which, bay, begin, end) in groups.items():
        result.stays[word] += int(which.sum())
        for cause, number in _causes(bay[which], begin[which], end[which], faults, reach).items():
            own = result.causes.setdefault(cause, {})
            own[word] = own.get(word, 0) + number
    _overstays(result, truth, recorded, departure, newest, grace // timedelta(microseconds=1))


def _overstays(
    result: BayScore, truth: Told, recorded: RecordedStays, departure: Int64, newest: int, grace: int
) -> None:
    stays = truth.stays
    # the record of a stay that lasts ends with the newest reading: what is over since then is in no record yet
    since = np.where(stays.lasts, truth.end - min(newest, truth.end), 0)
    over, sure = stays.over > grace, stays.over - since > grace
    judged = (recorded.over * _SECOND > grace) & (departure > truth.start)
    said = Intervals(recorded.bay[judged], recorded.arrival[judged], departure[judged])
    true = Intervals(stays.bay, stays.arrival, stays.departure)
    found = sure & _overlapped(true, said)
    invented = ~_overlapped(said, Intervals(stays.bay[over], stays.arrival[over], stays.departure[over]))
    for word, number in (
        ("true", sure.sum()),
        ("found", found.sum()),
        ("missed", (sure & ~found).sum()),
        ("invented", invented.sum()),
    ):
        result.overstays[word] += int(number)


def _overlapped(ones: Intervals, others: Intervals) -> Bool:
    """Which of these overlap one of the others, which do not overlap each other at a bay."""
    order = np.lexsort((others.start, others.bay))
    bay, start, end = others.bay[order], others.start[order], others.end[order]
    found = np.zeros(len(ones.bay), np.bool_)
    for one in np.unique(ones.bay).tolist():
        mine = ones.bay == one
        part = slice(*np.searchsorted(bay, (one, one + 1)).tolist())
        found[mine] = np.searchsorted(end[part], ones.start[mine], "right") < np.searchsorted(
            start[part], ones.end[mine], "left"
        )
    return found


def _faults(paths: Sequence[Path], truth: Told) -> Faults:
    """The faults of the ledgers by which states of these bays are missing or wrong."""
    place_of = dict(truth.sensors)
    names: dict[str, int] = {}
    parts: list[tuple[Int64, Int64, Int64]] = []
    for rows in ledger.read(paths):
        place = np.array([place_of.get(device, -1) for device in rows.devices], np.int64)[rows.device]
        causes = [next((part for part in name.split("+") if part not in _HARMLESS), "") for name in rows.faults]
        code = np.array([names.setdefault(name, len(names)) if name else -1 for name in causes], np.int64)[rows.fault]
        which = (place >= 0) & (code >= 0)
        which &= np.array([name == FAMILY for name in rows.families], np.bool_)[rows.family]
        which &= np.array([name == "occupied" for name in rows.properties], np.bool_)[rows.property]
        parts.append((place[which], rows.due[which], code[which]))
    bay, time, fault = (np.concatenate(column) for column in zip(*parts, strict=True)) if parts else [_NOTHING] * 3
    order = np.lexsort((time, bay))
    return Faults(bay[order], time[order], fault[order], list(names))


def _causes(bay: Int64, begin: Int64, end: Int64, faults: Faults, reach: int) -> Counter[str]:
    """What went wrong nearest to the ends of these stays, at most ``reach`` [us] beyond them; `none` where nothing."""
    found: Counter[str] = Counter()
    for one, first, last in zip(bay.tolist(), begin.tolist(), end.tolist(), strict=True):
        part = slice(*np.searchsorted(faults.bay, (one, one + 1)).tolist())
        time = faults.time[part]
        near = slice(*np.searchsorted(time, (first - reach, last + reach + 1)).tolist())
        if near.start >= near.stop:
            found["none"] += 1
            continue
        distance = np.minimum(np.abs(time[near] - first), np.abs(time[near] - last))
        found[faults.names[int(faults.fault[part][near][int(distance.argmin())])]] += 1
    return found


def _errors(connection: Connection, truth: Told, until: int, zone: ZoneInfo) -> Float64:
    """How far the recorded occupancy of zones is from the true one, by quarter hours in which both have one [1]."""
    first, last = local_day(instant(truth.start), zone), local_day(instant(until), zone)
    days = parking.zone_days(connection, first, last + timedelta(days=1), sorted(set(truth.zones)))
    parts = [np.empty(0)]
    for name, day, _, small, _ in days:
        quarters = small.astype(np.int64)
        edges = midnight(day, zone) + np.arange(len(quarters) + 1) * _QUARTER
        mine = np.array([own == name for own in truth.zones], np.bool_) & ~truth.personal
        occupied, free = held_time(truth.stays, truth.known, truth.suspended, mine, edges)
        known = quarters[:, 0] + quarters[:, 1]
        good = (edges[:-1] >= truth.start) & (edges[1:] <= until) & (known > 0) & (occupied + free > 0)
        said = quarters[good, 0] / known[good]
        parts.append(np.abs(said - occupied[good] / (occupied + free)[good]))
    return np.concatenate(parts)
