"""The judgement of a batch, message by message and by the words of the design: what sealing is compared with."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from devices.decoding import PACK, STATUS, Flaw, Reason, Rejection, Relative
from devices.families import FAMILIES
from ingest.series_cache import FAMILY_NAMES
from store.batch import Batch
from tests.tools.ingest import (
    DEVICES,
    EARLIEST,
    KEEP,
    MINUTE,
    NOW,
    SECOND,
    text,
)

FAMILY_OF = {device.id: device.family for device in DEVICES}
MODEL_OF = {device.id: device.model for device in DEVICES}


# -- messages: what is sent, and what it means -----------------------------------------------------------------------


class When(NamedTuple):
    """A time as it is sent, and the instant [us] that it means for a message that arrives at ``NOW``; None: none."""

    sent: Any
    at: int | None
    relative: bool = False


#: Few instants, so that they meet: in two half-hours, in minutes, spelled in two ways.
TIMES = [
    When(sent, NOW + minute * MINUTE)
    for minute in (-70, -65, -62, -40, -35, -31, -30, -29, -5, -4, -3, -2, -1, 0, 1, 4)
    for sent in (text(NOW + minute * MINUTE), (NOW + minute * MINUTE) / SECOND)
]
ENDS = [
    *(When(text(at), at) for at in (EARLIEST, EARLIEST - 1, NOW + 300 * SECOND, NOW + 301 * SECOND)),
    *map(When, ("yesterday", "", True, float("nan"), {}), repeat(None)),
]
RELATIVE = [When(Relative(-60 * minute), NOW - minute * MINUTE, True) for minute in (0, 1, 30, 31)]

GOOD_VALUES = [0, 1, True, 1.0, 0.5, -0.0]
BAD_VALUES = [-60, 100.00001, 1e9, -1e9, float("nan"), float("inf"), 10**400, None, "1", Flaw(Reason.BAD_UNIT, "")]
VALUES = [*GOOD_VALUES, *GOOD_VALUES, *GOOD_VALUES, *BAD_VALUES]

NAMES = {
    "smart-meter": ["import_register", "export_register", "power", "import_register", "export_register", "unheard_of"],
    "parking-bay": ["occupied", "temperature", "occupied", "temperature", "occupied", "unheard_of"],
    "air-monitor": ["no2", "no2", "no2", "co", "co", "unheard_of"],
}
SENDERS = ["m1", "g1", "g1", "b1", "a1", "stranger"]
FORMS = ["plain", "plain", "plain", "pack", "pack", "pack", "status", "refused"]


class Sent(NamedTuple):
    """One message: its device, its records (property, time, value), and how it is put together."""

    device: str
    records: tuple[tuple[str, When, Any], ...]
    form: str

    def answer(self) -> Any:
        """What the decoder says."""
        match self.form:
            case "status":
                return STATUS
            case "refused":
                return Rejection(Reason.UNREADABLE, "not read")
            case "pack":
                return PACK, [(name, when.sent, value) for name, when, value in self.records], None
            case _:
                return self.records[0][1].sent, {name: value for name, _, value in self.records}, None


def messages(times: list[When]) -> st.SearchStrategy[list[Sent]]:
    """Lists of messages with these times. A record is one drawn number, which keeps hypothesis quick."""
    record = st.integers(0, 6 * len(times) * len(VALUES) - 1)
    number = st.integers(0, len(SENDERS) * len(FORMS) - 1)

    def make(drawn: tuple[int, list[int]]) -> Sent:
        sender, form = divmod(drawn[0], len(FORMS))
        names = NAMES[FAMILY_OF.get(SENDERS[sender], "smart-meter")]
        records: list[tuple[str, When, Any]] = []
        for code in drawn[1]:
            rest, name = divmod(code, 6)
            value, time = divmod(rest, len(times))
            records.append((names[name], times[time], VALUES[value]))
        if FORMS[form] == "plain":
            when = records[0][1]
            records = [(name, when, value) for name, value in {name: value for name, _, value in records}.items()]
        return Sent(SENDERS[sender], tuple(records), FORMS[form])

    return st.lists(st.tuples(number, st.lists(record, min_size=1, max_size=4)).map(make), max_size=12)


# -- the reference ---------------------------------------------------------------------------------------------------


def instant(when: When, place: int) -> int | None:
    """Messages that are read at once are a microsecond apart where their arrival counts."""
    return when.at + place if when.relative and when.at is not None else when.at


class Reference:
    """The rules for readings (docs/reference/collector.md), one after another, and the table that results."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, int], float] = {}
        self.latest: dict[tuple[str, str], tuple[int, float]] = {}
        self.last: dict[tuple[str, str], tuple[int, float]] = {}
        self.newest_kept: dict[tuple[str, str], int] = {}
        self.accounts: dict[str, Counter[str]] = {}
        self.rejections: Counter[tuple[str, str | None, str]] = Counter()

    def restart(self) -> None:
        """The collector starts anew and knows what the store's ``latest`` says."""
        self.last = dict(self.latest)
        self.newest_kept = {
            series: time // round(keep * SECOND)
            for series, (time, _) in self.latest.items()
            if 0 < (keep := self.keep(series)) < float("inf")
        }

    @staticmethod
    def keep(series: tuple[str, str]) -> float:
        """The keep rule of a series [s]."""
        device, name = series
        return KEEP.get(MODEL_OF[device], {}).get(name, 0.0)

    def reject(self, account: Counter[str], device: str, name: str | None, reason: str) -> None:
        self.rejections[device, name, reason] += 1
        account["messages_rejected" if name is None else "readings_rejected"] += 1

    def take(self, messages: list[Sent]) -> None:
        """One batch."""
        fresh: dict[tuple[str, str], dict[int, float]] = {}
        for place, message in enumerate(messages):
            family = FAMILY_OF.get(message.device, "unknown")
            account = self.accounts.setdefault(family, Counter())
            account["messages_received"] += 1
            whole = instant(message.records[0][1], place)
            if family == "unknown":
                self.reject(account, message.device, None, "unknown_device")
            elif message.form == "refused":
                self.reject(account, message.device, None, "unreadable")
            elif message.form == "status":
                account["messages_ignored"] += 1
            elif message.form == "plain" and whole is None:
                self.reject(account, message.device, None, "bad_time")
            elif message.form == "plain" and whole is not None and not EARLIEST <= whole <= NOW + 300 * SECOND:
                self.reject(account, message.device, None, "time_out_of_range")
            else:
                account["messages_decoded"] += 1
                for name, when, value in message.records:
                    account["readings_decoded"] += 1
                    self.reading(account, fresh, message.device, name, instant(when, place), value)
        for series, found in fresh.items():
            self.settle(series, found)

    def reading(
        self,
        account: Counter[str],
        fresh: dict[tuple[str, str], dict[int, float]],
        device: str,
        name: str,
        at: int | None,
        value: Any,
    ) -> None:
        """One reading: rejected, a duplicate, or a candidate."""
        known = FAMILIES[FAMILY_OF[device]].properties.get(name)
        if isinstance(value, Flaw):
            return self.reject(account, device, name, value.reason)
        if known is None:
            return self.reject(account, device, name, "unknown_property")
        if value is None or isinstance(value, str):
            return self.reject(account, device, name, "bad_value")
        if at is None:
            return self.reject(account, device, name, "bad_time")
        if not EARLIEST <= at <= NOW + 300 * SECOND:
            return self.reject(account, device, name, "time_out_of_range")
        if not abs(value) <= 1e308:
            return self.reject(account, device, name, "bad_value")
        if not known.low <= value <= known.high:
            return self.reject(account, device, name, "out_of_range")
        series = (device, name)
        met = fresh.setdefault(series, {})
        if self.last.get(series) == (at, value) or (at in met and met[at] == value):
            account["readings_duplicates"] += 1
        elif at in met and self.keep(series):
            account["readings_thinned"] += 1
        elif at in met:
            self.reject(account, device, name, "conflict")
        else:
            met[at] = float(value)
        return None

    def settle(self, series: tuple[str, str], found: dict[int, float]) -> None:
        """Candidates of one series, each instant once: the keep rule, then the table."""
        account = self.accounts[FAMILY_OF[series[0]]]
        keep = self.keep(series)
        if found and (series not in self.last or max(found) > self.last[series][0]):
            self.last[series] = (max(found), found[max(found)])
        if found and (series not in self.latest or max(found) > self.latest[series][0]):
            self.latest[series] = (max(found), found[max(found)])
        newest = self.newest_kept.get(series)
        tried: set[int] = set()
        conflict = False
        for at, value in sorted(found.items()):
            if keep == float("inf"):
                account["readings_thinned"] += 1
                continue
            period = at // round(keep * SECOND) if keep else None
            if period is not None:
                if period in tried or period == newest:
                    account["readings_thinned"] += 1
                    continue
                tried.add(period)
                self.newest_kept[series] = max(period, self.newest_kept.get(series, period))
            stored = self.rows.get((*series, at))
            if stored == value:
                account["readings_duplicates"] += 1
            elif stored is not None and period is None:
                self.reject(account, *series, "conflict")
                conflict = True
            elif period is not None and any(
                (device, name) == series and other // round(keep * SECOND) == period
                for device, name, other in self.rows
            ):
                account["readings_thinned"] += 1
            else:
                account["readings_stored"] += 1
                self.rows[(*series, at)] = value
        if conflict:
            self.last.pop(series)


def check_form(batch: Batch) -> None:
    """What ``store.batch`` promises of every batch."""
    keys = list(zip(batch.series.tolist(), batch.time.tolist(), strict=True))
    assert keys == sorted(set(keys)), "rows sorted by (series, time) and unique by it"
    latest = batch.latest_series.tolist()
    assert len(latest) == len(set(latest))
    assert {len(column) for column in (batch.time, batch.value, batch.family, batch.thin, batch.message)} == {len(keys)}
    kinds = (batch.series, batch.time, batch.value, batch.family, batch.thin, batch.message, batch.latest_series)
    assert [column.dtype for column in kinds] == ["int32", "int64", "float64", "uint8", "int64", "int32", "int32"]
    assert np.isfinite(batch.value).all()
    assert batch.minute % MINUTE == 0
    assert batch.families == FAMILY_NAMES
    rows = list(zip(batch.family.tolist(), batch.time.tolist(), batch.series.tolist(), strict=True))
    if (later := batch.restating) is not None:
        rows += zip(later.family.tolist(), later.time.tolist(), later.series.tolist(), strict=True)
    days: dict[tuple[str, date], set[int]] = {}
    for family, time, number in rows:
        day = date(1970, 1, 1) + timedelta(days=time // (1440 * MINUTE))
        days.setdefault((batch.families[family], day), set()).add(number)
    assert sorted((one.family, one.day) for one in batch.touched) == sorted(days)
    for one in batch.touched:
        touched = days[one.family, one.day]
        if one.family != "smart-meter":
            assert one.series is None, "nobody asks whose they were"
        elif one.series is not None:
            assert list(one.series) == sorted(touched)
        else:
            assert len(rows) > 256, "few are named"
