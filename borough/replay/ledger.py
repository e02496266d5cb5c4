"""The ledger of a replay: what was sent, and what should become of each reading."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from borough.replay.messages import Outgoing, Reading
from devices.decoding import Reason
from devices.families import FAMILIES
from ingest.subscriptions import Subscription
from simulators.ledger import NO_TIME, Rows
from simulators.stream import EXPECTATIONS

_STORED, _DUPLICATE, _REJECTED, _THINNED, _IGNORED, _RESTATED = (
    EXPECTATIONS.index(word) for word in ("stored", "duplicate", "rejected", "thinned", "ignored", "restated")
)
_SECOND = 1_000_000
#: Readings that wait for a row group of the ledger.
_HELD = 10_000
#: Readings that are remembered in memory; more go to a temporary file.
_REMEMBERED = 1_000_000
#: How far the arrival of a message without a time may be from its publication [us].
_TOLERANCE = 60 * _SECOND

Series = tuple[str, str]


class ExpectedOutcome:
    """Tells what should become of each reading of a replay into a store that does not have it yet.

    ``ordered``: every series comes in the order of time, so one remembered reading a series tells repeats; otherwise
    all are remembered. ``earliest`` [us] and ``ahead`` [s] are the collector's bounds for times, ``subscriptions``
    say on which topics another value restates. ``counts`` has the sums by expectation.
    """

    def __init__(
        self, *, ordered: bool, earliest: int, ahead: float, subscriptions: Sequence[Subscription] = ()
    ) -> None:
        self._patterns = [(item.pattern(), item.restates) for item in subscriptions]
        self._any_restates = any(item.restates for item in subscriptions)
        self._ordered = ordered
        self._earliest = earliest
        self._ahead = round(ahead * _SECOND)
        self._last: dict[Series, tuple[int, float]] = {}
        self._all = _Remembered()
        self.counts: dict[str, int] = dict.fromkeys(EXPECTATIONS, 0)

    def restates(self, topic: str) -> bool:
        """Whether the subscription that takes a topic may restate."""
        if not self._any_restates:
            return False
        return next((may for pattern, may in self._patterns if pattern.fullmatch(topic)), False)

    def predict(self, reading: Reading, now: int, *, restates: bool = False) -> tuple[int, str]:
        """Its place in EXPECTATIONS, and why it should be rejected; ``now`` [us] is when it is sent.

        ``restates``: its topic's subscription may restate.
        """
        expect, reason = self._judge(reading, now, restates)
        self.counts[EXPECTATIONS[expect]] += 1
        return expect, reason

    def close(self) -> None:
        """Let go of the file that may remember readings."""
        self._all.close()

    def _judge(self, reading: Reading, now: int, restates: bool) -> tuple[int, str]:
        if reading.verdict:
            fixed = {"thinned": _THINNED, "ignored": _IGNORED}.get(reading.verdict)
            return (_REJECTED, reading.verdict) if fixed is None else (fixed, "")
        moment = now if reading.time is None else reading.time
        if not self._earliest <= moment <= now + self._ahead:
            return _REJECTED, Reason.TIME_OUT_OF_RANGE
        prop = FAMILIES[reading.family].properties[reading.property]
        if not prop.low <= reading.value <= prop.high:
            return _REJECTED, Reason.OUT_OF_RANGE
        if reading.time is None:
            return _STORED, ""
        series = (reading.device, reading.property)
        known = self._known(series, moment, float(reading.value))
        if known is None:
            return _STORED, ""
        if known == reading.value:
            return _DUPLICATE, ""
        if not restates:
            return _REJECTED, Reason.CONFLICT
        if self._ordered:
            self._last[series] = (moment, float(reading.value))
        else:
            self._all.replace(series, moment, float(reading.value))
        return _RESTATED, ""

    def _known(self, series: Series, time: int, value: float) -> float | None:
        """The value that is stored for this key already; None where this reading is the first."""
        if not self._ordered:
            return self._all.first(series, time, value)
        last = self._last.get(series)
        if last is not None and last[0] == time:
            return last[1]
        self._last[series] = (time, value)
        return None


class _Remembered:
    """The first value of each series and time, however many there are."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, int], float] = {}
        self._numbers: dict[Series, int] = {}
        self._file: sqlite3.Connection | None = None

    def first(self, series: Series, time: int, value: float) -> float | None:
        """The value that was given first for this key; None where this is the first one."""
        key = (self._numbers.setdefault(series, len(self._numbers)), time)
        known = self._values.get(key)
        if known is None and self._file is not None:
            row = self._file.execute("select value from seen where series = ? and time = ?", key).fetchone()
            known = None if row is None else float(row[0])
        if known is not None:
            return known
        if len(self._values) >= _REMEMBERED:
            self._spill()
        self._values[key] = value
        return None

    def replace(self, series: Series, time: int, value: float) -> None:
        """Another value counts for this key from now on."""
        self._values[self._numbers[series], time] = value

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spill(self) -> None:
        if self._file is None:
            # a database without a name is a temporary file, which ends with the connection
            self._file = sqlite3.connect("", isolation_level=None)
            self._file.execute(
                "create table seen (series integer, time integer, value real, primary key (series, time)) without rowid"
            )
        rows = ((*key, value) for key, value in sorted(self._values.items()))
        self._file.execute("begin")
        self._file.executemany("insert or replace into seen values (?, ?, ?)", rows)
        self._file.execute("commit")
        self._values.clear()


class LedgerParts(Protocol):
    """What takes rows and is ended as a context manager: `simulators.ledger.LedgerWriter`, or parts of a ledger."""

    def append(self, rows: Rows) -> None:
        """Add rows at the end. Raises OSError."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it. Raises OSError."""


class ReplayLedger:
    """Writes the ledger of a replay; without a writer it only counts. Use as a context manager, which ends the writer
    and closes ``fates`` too. ``covered``: so many messages have their rows in an earlier part. Raises OSError."""

    def __init__(self, writer: LedgerParts | None, fates: ExpectedOutcome, covered: int = 0) -> None:
        self.fates = fates
        self.readings = 0
        self._writer = writer
        self._covered = covered
        self._columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self._names: dict[str, dict[str, int]] = {name: {} for name in ("family", "device", "property", "reason")}

    def append(self, number: int, messages: Iterable[Outgoing], published: Iterable[int]) -> None:
        """Add acknowledged messages, the first of which has that number; ``published`` [us] is when each was sent.

        In a dry run that is ``NO_TIME``; they are then judged as if they were sent now.
        """
        columns, predict = self._columns, self.fates.predict
        today = time.time_ns() // 1000
        for count, (message, sent) in enumerate(zip(messages, published, strict=True), number):
            restates = self.fates.restates(message.topic)
            for reading in message.readings:
                self.readings += 1
                expect, reason = predict(reading, today if sent == NO_TIME else sent, restates=restates)
                if self._writer is None or count < self._covered:
                    continue
                own = reading.time
                held = expect in (_STORED, _DUPLICATE, _RESTATED)
                columns["message"].append(count)
                columns["family"].append(self._code("family", reading.family))
                columns["device"].append(self._code("device", reading.device))
                columns["property"].append(self._code("property", reading.property))
                columns["reason"].append(self._code("reason", reason))
                columns["time"].append(NO_TIME if own is None else own)
                columns["value"].append(float(reading.value))
                columns["due"].append(message.due)
                columns["published"].append(sent)
                columns["expect"].append(expect)
                columns["stored_time"].append(NO_TIME if not held else sent if own is None else own)
                columns["stored_value"].append(float(reading.value) if held else np.nan)
                columns["tolerance"].append(_TOLERANCE if own is None else 0)
            if len(columns["message"]) >= _HELD:
                self.flush()

    def _code(self, kind: str, name: str) -> int:
        names = self._names[kind]
        return names.setdefault(name, len(names))

    def flush(self) -> None:
        """Hand all rows to the writer. Raises OSError."""
        if self._writer is None or not self._columns["message"]:
            return
        arrays: Mapping[str, Any] = {name: np.array(self._columns[name], dtype) for name, dtype in _COLUMNS.items()}
        self._writer.append(
            Rows(
                families=list(self._names["family"]),
                devices=list(self._names["device"]),
                properties=list(self._names["property"]),
                faults=("",),
                reasons=list(self._names["reason"]),
                fault=np.zeros(len(arrays["message"]), np.int32),
                **arrays,
            )
        )
        for column in self._columns.values():
            column.clear()
        for names in self._names.values():
            names.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.flush()
            if self._writer is not None:
                self._writer.__exit__(kind, error, trace)
        finally:
            self.fates.close()


_COLUMNS: Mapping[str, type[Any]] = {
    "message": np.int64,
    "family": np.int32,
    "device": np.int32,
    "property": np.int32,
    "time": np.int64,
    "value": np.float64,
    "due": np.int64,
    "published": np.int64,
    "expect": np.uint8,
    "reason": np.int32,
    "stored_time": np.int64,
    "stored_value": np.float64,
    "tolerance": np.int64,
}
