"""Instants of rows: from texts by the mapping's rules, or by counting. A time that the clocks repeat stays two."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from borough.errors import UsageError
from borough.replay.table_mapping import RowTime, TableMapping
from devices.decoding import Reason, Rejection, Twice
from devices.mapping import TimeRule
from devices.mapping_time import ToTime, time_reader
from ingest.instants import BAD, instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Different times of one text are remembered up to this many and this long; the files of one place share theirs.
_REMEMBERED, _TIME_TEXT = 100_000, 64
_FORM = "the time does not have the form"
#: Midnight as the end of its day, in ISO 8601: date, what stands between, and what follows the time.
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d|\d{8})([Tt ])24:?00(?::?00(?:[.,]0+)?)?(.*)\Z", re.ASCII)
#: In a pattern, what 24:00 has in the place of the directives.
_HOURS = (("%T", "24:00:00"), ("%R", "24:00"), ("%H", "24"), ("%M", "00"), ("%S", "00"))
_QUOTED = 40
_CALENDAR = (
    "t|z|am|pm|utc|gmt|bst|cet|cest|jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun"
    "|january|february|march|april|june|july|august|september|october|november|december"
)
#: What may be quoted of a cell: digits in groups of eight at most, with what stands between those of a time.
_LIKE_A_TIME = re.compile(
    rf"(?!.*\d{{9}})(?:\d|[-+:.,/ ]|(?<![a-z])(?:{_CALENDAR})(?![a-z]))+\Z", re.ASCII | re.IGNORECASE
)


class Twofold(NamedTuple):
    """A time of the hour that the clocks repeat: both instants [us]."""

    first: int
    later: int


#: An instant [us], or two of which the order of the rows tells one.
Moment = int | Twofold


class RowTimes:
    """The times of a mapping's rows. ``columns``: for each column that the mapping names the one that a file has."""

    def __init__(self, mapping: TableMapping) -> None:
        self.rule: RowTime = mapping.time
        self._readers: list[tuple[TimeRule, ToTime]] = [(rule, time_reader(rule, None)) for rule in self.rule.rules]
        self._known: dict[Any, Moment] = {}

    def text(self, columns: Sequence[str]) -> Callable[[Mapping[str, Any]], Any]:
        """The function from a row of a table with these columns to its time as it stands there."""
        if self.rule.columns:
            names = [next((name for name in each if name in columns), each[0]) for each in self.rule.columns]
            return lambda row: " ".join([str(row.get(name, "")).strip() for name in names])
        names = [path[0] for path in self.rule.rules[0].paths] if self.rule.rules else []
        if len(names) == 1:
            only = names[0]
            return lambda row: row.get(only) or ""
        return lambda row: next((row[name] for name in names if row.get(name)), "")

    def columns(self, columns: Sequence[str]) -> list[str]:
        """The columns of a table that hold its times."""
        if self.rule.columns:
            names = [name for each in self.rule.columns for name in each]
        else:
            names = [path[0] for path in self.rule.rules[0].paths] if self.rule.rules else []
        return [name for name in names if name in columns]

    def moment(self, text: Any) -> Moment:
        """The instant of a row by its time, of both ends of an interval its start. Raises Rejection."""
        if type(text) is not str or len(text) > _TIME_TEXT:
            return self._moment(text)
        found = self._known.get(text)
        if found is None:
            found = self._moment(text)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = found
        return found

    def _moment(self, text: Any) -> Moment:
        found = self._read(text)
        end = self.rule.stamp_end
        first = instant(found)
        if type(found) is Twice:
            return Twofold(first - end, instant(found.later) - end)
        if first == BAD:
            raise Rejection(Reason.BAD_TIME, f"{quoted(text)} is no time, or one without offset and zone")
        return first - end

    def _read(self, text: Any) -> Any:
        fault = ""
        for rule, read in self._readers:
            for spelled in (text, _next_day(text, rule.pattern)):
                if spelled is None:
                    continue
                try:
                    found = read(spelled)
                except Rejection as error:
                    if not fault or not error.detail.startswith(_FORM):
                        fault = error.detail
                else:
                    if type(found) is not str or instant(found) != BAD:
                        return found
        if not fault:
            return text
        if fault.startswith(_FORM):
            patterns = " or ".join(repr(rule.pattern) for rule, _ in self._readers)
            fault = f"{_FORM} {patterns}"
        raise Rejection(Reason.BAD_TIME, f"{fault}: {quoted(text)}")

    def day(self, text: str) -> date:
        """The date in a row's text, where its headings are times of day. Raises Rejection."""
        shown = text.strip()
        for rule, _ in self._readers:
            try:
                if rule.pattern is not None:
                    return datetime.strptime(shown, rule.pattern).date()  # noqa: DTZ007 a date
                return datetime.fromisoformat(shown).date()
            except ValueError:
                continue
        patterns = " or ".join(repr(rule.pattern) for rule, _ in self._readers if rule.pattern is not None)
        form = f"does not have the form {patterns}" if patterns else "is no ISO 8601 date; it needs a pattern"
        raise Rejection(Reason.BAD_TIME, f"the date {form}: {quoted(text)}")

    def counted(self, row: Mapping[str, Any], index: int, place: str) -> int:
        """The instant of a row that has none, by its number from 0. Raises UsageError."""
        rule = self.rule
        assert rule.start is not None
        try:
            moment = rule.start + rule.step * index
        except OverflowError:
            raise UsageError(f"{place}: is beyond the calendar: the mapping's start and step do not fit") from None
        for column, word in rule.checks.items():
            due = {"hour": moment.hour, "hour_ending": moment.hour + 1, "month": moment.month}[word]
            if str(row.get(column, "")).strip() != str(due):
                # rows are counted: one that is missing would shift all that follow, so this ends the replay
                raise UsageError(f"{place}: row {index + 1} is {moment.isoformat()}, but its {column} is not {due}")
        return (moment - _EPOCH) // _MICROSECOND


def quoted(cell: Any) -> str:
    """A cell in words for a message: a time or number as it stands, cut off; any other text may be a person."""
    text = str(cell)
    if len(text) > _QUOTED * 4 or not _LIKE_A_TIME.match(text):
        return "an empty cell" if not text else f"a text of {len(text)} signs"
    return repr(text[:_QUOTED])


def _next_day(text: Any, pattern: str | None) -> str | None:
    """A time of 24:00 as 00:00 of the next day; None where it is none."""
    if type(text) is not str or "24" not in text:
        return None
    try:
        if pattern is None:
            match = _MIDNIGHT.match(text)
            if match is None:
                return None
            day = datetime.fromisoformat(match[1]) + timedelta(days=1)
            return f"{day.date()}{match[2]}00:00:00{match[3]}"
        hours = pattern
        for directive, digits in _HOURS:
            hours = hours.replace(directive, digits)
        if hours == pattern:
            return None
        return (datetime.strptime(text, hours) + timedelta(days=1)).strftime(pattern)  # noqa: DTZ007 the zone is the rule's
    except (ValueError, OverflowError):
        return None
