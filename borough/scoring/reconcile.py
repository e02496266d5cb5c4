"""A ledger against the store: what was published, and what became of it.

The ledger is read in parts of whole devices, so that memory stays near one part however long it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.pipeline import score
from analytics.pipeline.score import MATCHED, MISSING, WRONG_TIME, WRONG_VALUE, Float64, Int64, Stored, Wanted
from borough.scoring.columns import groups, place_of, what_counts
from borough.scoring.result import WORDS, Score
from simulators import ledger
from simulators.ledger import NO_TIME
from simulators.stream import EXPECTATIONS
from store import accounting, scoring
from store.arrays import stream_series
from store.batch import Counts
from store.connect import Connection
from store.times import instant

#: Rows of one part, more or less.
PART = 2_000_000
#: The collector's clock may be so far behind the publisher's [us].
_CLOCKS_APART = 2_000_000
#: Batches of several collectors are committed so far out of order [us].
_UNDER_WAY = 10_000_000
#: What became of a row that may be on its way; the others are those of `analytics.pipeline.score`.
_OPEN = 4
_BECAME = ("", "wrong_value", "wrong_time", "missing", "open")

_STORED, _DUPLICATE, _REJECTED, _THINNED, _IGNORED, _UNSENT, _RESTATED = range(len(EXPECTATIONS))


@dataclass(slots=True)
class Survey:
    """What a first look at a ledger tells: its devices with their families, its span, how much of it went out."""

    devices: dict[str, int] = field(default_factory=dict)
    families: list[str] = field(default_factory=list)
    family_of: list[int] = field(default_factory=list)
    rows: int = 0
    first: int | None = None
    last: int | None = None


def survey(paths: Sequence[Path]) -> Survey:
    """Look a ledger through once. Raises LedgerError."""
    found = Survey()
    for rows in ledger.read(paths):
        family = np.zeros(len(rows.devices), np.int32)
        family[rows.device] = rows.family
        for device, of in zip(rows.devices, family.tolist(), strict=True):
            if device not in found.devices:
                found.devices[device] = len(found.devices)
                name = rows.families[of]
                if name not in found.families:
                    found.families.append(name)
                found.family_of.append(found.families.index(name))
        out = rows.published != NO_TIME
        found.rows += int(out.sum())
        if out.any():
            low, high = int(rows.published[out].min()), int(rows.published[out].max())
            found.first = low if found.first is None else min(found.first, low)
            found.last = high if found.last is None else max(found.last, high)
    return found


def reconcile(
    connection: Connection,
    paths: Sequence[Path],
    found: Survey,
    part: int = PART,
    *,
    so_far: bool = False,
    resent: bool = False,
) -> Score:
    """Score a ledger that was published (``found.first`` is set). Raises LedgerError, psycopg.Error.

    ``so_far``: it is the beginning of one whose run goes on. What is missing and went out after, or little before, the
    last that is stored may be on its way: it is open, not lost. ``resent``: some of it went out twice, as after a crash
    of whoever sent it, and what is to be rejected may have been rejected twice.
    """
    assert found.first is not None
    result = Score(first=found.first, last=found.last, open={} if so_far else None)
    for name in found.families:
        result.families[name] = dict.fromkeys(WORDS, 0)
    parts = max(1, -(-found.rows // part))
    names = list(found.devices)
    for number in range(parts):
        _Part(connection, found, result, names, resent=resent).score(_collect(paths, found, number, parts))
    _account(result, accounting.totals(connection, instant(found.first // 60_000_000 * 60_000_000)))
    return result


@dataclass(slots=True)
class _Columns:
    """One part's rows: whole devices, in the order of publication. Codes index the lists beside them."""

    device: Int64
    property: Int64
    message: Int64
    time: Int64
    value: Float64
    expect: Int64
    fault: Int64
    reason: Int64
    published: Int64
    stored_time: Int64
    stored_value: Float64
    tolerance: Int64
    properties: list[str]
    faults: list[str]
    reasons: list[str]


def _collect(paths: Sequence[Path], found: Survey, number: int, parts: int) -> _Columns:
    """The rows of every ``parts``-th device from ``number`` on."""
    lists: dict[str, list[str]] = {"property": [], "fault": [], "reason": []}
    codes: dict[str, dict[str, int]] = {name: {} for name in lists}
    pieces: dict[str, list[Any]] = {}
    for rows in ledger.read(paths):
        device = np.array([found.devices[name] for name in rows.devices], np.int64)[rows.device]
        mine = device % parts == number
        of_list = {"property": rows.properties, "fault": rows.faults, "reason": rows.reasons}
        columns: dict[str, Any] = {"device": device[mine]}
        for name, words in of_list.items():
            for word in words:
                if word not in codes[name]:
                    codes[name][word] = len(lists[name])
                    lists[name].append(word)
            columns[name] = np.array([codes[name][word] for word in words], np.int64)[getattr(rows, name)[mine]]
        for name in ("message", "time", "value", "expect", "published", "stored_time", "stored_value", "tolerance"):
            columns[name] = getattr(rows, name)[mine]
        for name, column in columns.items():
            pieces.setdefault(name, []).append(column)
    columns = {name: np.concatenate(parts_) for name, parts_ in pieces.items()}
    order = np.argsort(columns["published"], kind="stable")
    return _Columns(
        **{name: column[order] for name, column in columns.items()},
        properties=lists["property"],
        faults=lists["fault"],
        reasons=lists["reason"],
    )


class _Part:
    """The score of one part."""

    def __init__(
        self, connection: Connection, found: Survey, result: Score, names: Sequence[str], *, resent: bool
    ) -> None:
        self.connection, self.found, self.result, self.names = connection, found, result, names
        self.family_of = np.array(found.family_of, np.int64)
        self._so_far, self._resent = result.open is not None, resent

    def score(self, rows: _Columns) -> None:
        out = rows.published != NO_TIME
        self._count("unsent", rows.device[(rows.expect == _UNSENT) & ~out])
        sent = np.flatnonzero(out & (rows.expect != _UNSENT))
        self._count("published", rows.device[sent])
        self._minutes(rows.published[sent])
        for word, code in (("thinned", _THINNED), ("ignored", _IGNORED)):
            self._count(word, rows.device[sent[rows.expect[sent] == code]])
        need = sent[np.isin(rows.expect[sent], (_STORED, _DUPLICATE, _RESTATED))]
        fate = np.full(len(rows.device), MATCHED, np.uint8)
        series, pairs = self._series(rows)
        value = what_counts(rows.expect[need], series[need], rows.stored_time[need], rows.stored_value[need])
        wanted = Wanted(series[need], rows.stored_time[need], value, rows.tolerance[need])
        ids, stored = self._stored(pairs, wanted)
        found = score.match(wanted, stored)
        late = self._late(rows, need, found.fate)
        became = np.where(np.isin(found.fate, (MISSING, WRONG_TIME)) & late[need], _OPEN, found.fate)
        fate[need] = became
        self._leave_open(rows.device[need[became == _OPEN]])
        for word, code in (("stored", _STORED), ("duplicates", _DUPLICATE), ("restated", _RESTATED)):
            self._count(word, rows.device[need[(became == MATCHED) & (rows.expect[need] == code)]])
        self._count("wrong_value", rows.device[need[became == WRONG_VALUE]])
        self._count("wrong_time", rows.device[need[became == WRONG_TIME]])
        missing = need[became == MISSING]
        # what is stored and the ledger does not know may be of messages whose rows come later
        unclaimed = {} if self._so_far else self._unclaimed(pairs, stored, found.claimed)
        self._rejections(rows, sent, missing, unclaimed, late)
        self._lags(rows, need, became, series, ids)
        self._faults(rows, sent, fate)
        self._examples(rows, np.flatnonzero((fate != MATCHED) & (fate != _OPEN)), fate)

    def _late(self, rows: _Columns, need: Int64, fate: Any) -> NDArray[np.bool_]:
        """Which rows, ``(rows,)``, went out so late that what is not there may be on its way."""
        if not self._so_far:
            return np.zeros(len(rows.device), np.bool_)
        stored = rows.published[need[fate == MATCHED]]
        late: NDArray[np.bool_] = rows.published >= (stored.max(initial=0) - _UNDER_WAY)
        return late

    def _series(self, rows: _Columns) -> tuple[Int64, list[tuple[str, str]]]:
        key = rows.device * len(rows.properties) + rows.property
        distinct, series = np.unique(key, return_inverse=True)
        device, prop = np.divmod(distinct, len(rows.properties))
        pairs = [
            (self.names[one], rows.properties[other]) for one, other in zip(device.tolist(), prop.tolist(), strict=True)
        ]
        return series.astype(np.int64), pairs

    def _stored(self, pairs: Sequence[tuple[str, str]], wanted: Wanted) -> tuple[Int64, Stored]:
        """The store's rows of these series in the span of what is wanted."""
        ids = scoring.series_ids(self.connection, pairs)
        known = np.flatnonzero(ids >= 0)
        if not len(wanted.time) or not len(known):
            none = np.empty(0, np.int64)
            return ids, Stored(none, none, np.empty(0))
        low = int((wanted.time - wanted.tolerance).min())
        high = int((wanted.time + wanted.tolerance).max()) + 1
        series, times, values = [], [], []
        for block in stream_series(self.connection, ids[known], low, high):
            series.append(np.repeat(known[block.places], np.diff(block.offsets)))
            times.append(block.times)
            values.append(block.values)
        if not series:
            none = np.empty(0, np.int64)
            return ids, Stored(none, none, np.empty(0))
        columns = np.concatenate(series), np.concatenate(times), np.concatenate(values)
        order = np.argsort(columns[0], kind="stable")
        return ids, Stored(columns[0][order], columns[1][order], columns[2][order])

    def _unclaimed(self, pairs: Sequence[tuple[str, str]], stored: Stored, claimed: Any) -> dict[str, int]:
        """By device, stored rows that no row of the ledger explains."""
        places, counts = np.unique(stored.series[~claimed], return_counts=True)
        result: dict[str, int] = {}
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            result[pairs[place][0]] = result.get(pairs[place][0], 0) + count
        return result

    def _rejections(
        self, rows: _Columns, sent: Int64, missing: Int64, unclaimed: Mapping[str, int], late: NDArray[np.bool_]
    ) -> None:
        """Rejections as intended, and those that explain what is missing; the rest of that is lost.

        Where a rejection is absent and a row is stored that nothing explains, the value was taken: it is wrong there.
        """
        refused = sent[rows.expect[sent] == _REJECTED]
        devices = np.unique(rows.device)
        names = [self.names[place] for place in devices.tolist()]
        assert self.found.first is not None
        since = self.found.first - _CLOCKS_APART
        table = scoring.rejections(self.connection, names, since)
        counted = scoring.only_counted(self.connection, names, since)
        readings, messages = self._wanted_rejections(rows, refused)
        allotment = score.allot(readings, messages, table, counted, resent=self._resent)
        assert self.found.last is not None
        # of messages that were sent after the ledger's end: what it says nothing of is no fault of it
        later = scoring.rejections(self.connection, names, self.found.last)
        more = score.without_later(allotment.more, later)
        on_the_way = np.bincount(rows.device[refused[late[refused]]], minlength=len(self.names))
        repeats = np.bincount(rows.device[self._repeated(rows, refused)], minlength=len(self.names))
        by_device = np.bincount(rows.device[missing], minlength=len(self.names)) if len(missing) else None
        for place in devices.tolist():
            name = self.names[place]
            family = self.found.families[int(self.family_of[place])]
            self.result.add(family, "rejected", allotment.found.get(name, 0))
            absent = allotment.absent.get(name, 0)
            # the repeat of a conflict is another one or, in the same batch, a duplicate: the account has it either way
            again = min(absent, int(repeats[place]))
            self.result.add(family, "duplicates", again)
            absent -= again
            if self._so_far:
                waiting = min(absent, int(on_the_way[place]))
                self.result.leave_open(family, waiting)
                absent -= waiting
            taken = min(absent, unclaimed.get(name, 0))
            gone = 0 if by_device is None else int(by_device[place])
            self.result.add(family, "wrong_value", taken)
            self.result.add(family, "unexpected", unclaimed.get(name, 0) - taken)
            self.result.add(family, "lost", absent - taken + gone)
        self._explain(rows, missing, more)

    def _repeated(self, rows: _Columns, refused: Int64) -> Int64:
        """Conflicts that repeat an earlier one exactly."""
        conflicts = refused[rows.reason[refused] == place_of(rows.reasons, "conflict")]
        keys = rows.value[conflicts], rows.time[conflicts], rows.property[conflicts], rows.device[conflicts]
        order = np.lexsort(keys)
        same = np.ones(max(len(order) - 1, 0), bool)
        for key in keys:
            same &= key[order][1:] == key[order][:-1]
        found: Int64 = conflicts[order[1:][same]]
        return found

    def _wanted_rejections(
        self, rows: _Columns, refused: Int64
    ) -> tuple[dict[tuple[str, str | None, str], int], dict[tuple[str, str], list[int]]]:
        readings: dict[tuple[str, str | None, str], int] = {}
        messages: dict[tuple[str, str], list[int]] = {}
        keys = np.stack((rows.device[refused], rows.property[refused], rows.reason[refused]))
        for (device, prop, reason), count in zip(*groups(keys), strict=True):
            readings[self.names[device], rows.properties[prop], rows.reasons[reason]] = count
        keys = np.stack((rows.device[refused], rows.reason[refused], rows.message[refused]))
        for (device, reason, _), count in zip(*groups(keys), strict=True):
            messages.setdefault((self.names[device], rows.reasons[reason]), []).append(count)
        return readings, messages

    def _explain(self, rows: _Columns, missing: Int64, more: Mapping[tuple[str, str | None], int]) -> None:
        """Rejections that nobody wanted: they explain missing readings of their device, which are then not lost."""
        waiting: dict[tuple[str, str], int] = {}
        sizes: dict[str, list[int]] = {}
        for (device, prop), count in zip(
            *groups(np.stack((rows.device[missing], rows.property[missing]))), strict=True
        ):
            waiting[self.names[device], rows.properties[prop]] = count
        for (device, _), count in zip(*groups(np.stack((rows.device[missing], rows.message[missing]))), strict=True):
            sizes.setdefault(self.names[device], []).append(count)
        for (name, what), count in more.items():
            family = self.found.families[int(self.family_of[self.found.devices[name]])]
            explained = sum(sizes.get(name, [])[:count]) if what is None else min(count, waiting.get((name, what), 0))
            self.result.add(family, "rejected_unexpectedly", max(count, explained))
            counts = self.result.families[family]
            counts["lost"] -= min(explained, counts["lost"])

    def _lags(self, rows: _Columns, need: Int64, fate: Any, series: Int64, ids: Int64) -> None:
        """From publication to commit, of the newest reading of each series: the store knows no other arrival."""
        good = need[fate == MATCHED]
        if not len(good):
            return
        order = good[np.lexsort((rows.stored_time[good], series[good]))]
        last = order[np.append(series[order][1:] != series[order][:-1], True)]
        newest = scoring.newest(self.connection, ids[series[last]])
        for row in last.tolist():
            known = newest.get(int(ids[series[row]]))
            if known is not None and abs(known[0] - int(rows.stored_time[row])) <= rows.tolerance[row]:
                family = self.found.families[int(self.family_of[rows.device[row]])]
                lag = (known[1] - int(rows.published[row])) / 1e6
                self.result.lags.setdefault(family, []).append(np.array([lag]))

    def _faults(self, rows: _Columns, sent: Int64, fate: Any) -> None:
        keys = np.stack((rows.fault[sent], rows.expect[sent].astype(np.int64), fate[sent].astype(np.int64)))
        for (fault, expect, became), count in zip(*groups(keys), strict=True):
            counts = self.result.faults.setdefault(rows.faults[fault] or "none", {})
            word = EXPECTATIONS[expect] if became == MATCHED else _BECAME[became]
            counts[word] = counts.get(word, 0) + count

    def _examples(self, rows: _Columns, bad: Int64, fate: Any) -> None:
        for row in bad[: max(0, 20 - len(self.result.examples))].tolist():
            self.result.examples.append(
                {
                    "message": int(rows.message[row]),
                    "device": self.names[int(rows.device[row])],
                    "property": rows.properties[int(rows.property[row])],
                    "fault": rows.faults[int(rows.fault[row])],
                    "stored_time": instant(int(rows.stored_time[row])),
                    "stored_value": float(rows.stored_value[row]),
                    "became": _BECAME[int(fate[row])],
                }
            )

    def _minutes(self, published: Int64) -> None:
        for minute, count in zip(*np.unique(published // 60_000_000, return_counts=True), strict=True):
            self.result.minutes[int(minute)] = self.result.minutes.get(int(minute), 0) + int(count)

    def _leave_open(self, device: Int64) -> None:
        for place, count in enumerate(np.bincount(self.family_of[device], minlength=len(self.found.families)).tolist()):
            if count:
                self.result.leave_open(self.found.families[place], count)

    def _count(self, word: str, device: Int64) -> None:
        for family, count in enumerate(
            np.bincount(self.family_of[device], minlength=len(self.found.families)).tolist()
        ):
            if count:
                self.result.add(self.found.families[family], word, count)


def _account(result: Score, totals: Mapping[str, Counts]) -> None:
    """The collectors' account must have seen as many repeats and thinned readings as the ledger has; what it has not
    seen never arrived. It may well have seen more: others publish too, and messages are delivered again."""
    for family, counts in result.families.items():
        seen = totals.get(family, Counts())
        short = counts["duplicates"] + counts["thinned"] - seen.readings_duplicates - seen.readings_thinned
        short -= counts["unexpected"]  # stored instead of thinned: not as it should be, but there
        for word in ("duplicates", "thinned"):
            gone = min(max(short, 0), counts[word])
            counts[word] -= gone
            if result.open is None:
                counts["lost"] += gone
            else:
                result.leave_open(family, gone)
            short -= gone
