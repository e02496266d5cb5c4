"""The table [time] of a mapping file of tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from borough.replay.table_mapping import RowTime, TimeHeadings
from borough.replay.words import Words

_KEYS = {
    "path", "paths", "columns", "zone", "pattern", "patterns", "epoch", "stamp", "start", "step", "check", "headings",
    "until",
}  # fmt: skip
_CHECKS = ("hour", "hour_ending", "month")
_MICROSECOND = timedelta(microseconds=1)


class TimeWords(Words):
    """Reads [time]."""

    def read(self, entry: dict[str, Any]) -> tuple[RowTime, list[dict[str, Any]]]:
        """The time of a row, and the rules for its text as a message's mapping has them (none: rows are numbered)."""
        self.only("time", entry, _KEYS)
        if ("start" in entry) != ("step" in entry) or ("check" in entry and "start" not in entry):
            self.fail("time", "start and step go together, and check with them")
        if "start" in entry:
            if len(ways := sorted(entry.keys() - {"start", "step", "check", "stamp"})) != 0:
                self.fail(f"time, {ways[0]}", "does not go with start and step")
            if "stamp" in entry:
                self.fail("time, stamp", "does not go with start and step")
            return self._numbered(entry), []
        rule: dict[str, Any] = {key: entry[key] for key in ("zone", "epoch") if key in entry}
        for key in ("path", "paths"):
            if key in entry:
                rule[key] = _stripped(entry[key])
        columns = self._columns(entry)
        patterns = self._patterns(entry)
        if columns:
            if "path" in rule or "paths" in rule:
                self.fail("time, columns", "does not go with path or paths")
            if not patterns:
                self.fail("time, columns", "needs a pattern; the columns' texts are joined by one blank each")
            rule["path"] = "time"
        time = RowTime(
            columns=columns,
            stamp_end=self._stamp(entry) // _MICROSECOND,
            until=self.heading(entry, "until", "time, until"),
        )
        if "headings" in entry:
            time = replace(time, headings=self._headings(entry))
        return time, [{**rule, "pattern": pattern} for pattern in patterns] or [rule]

    def _columns(self, entry: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
        value = entry.get("columns", [])
        names: list[Any] = (
            [[item] if isinstance(item, str) else item for item in value] if isinstance(value, list) else [""]
        )
        if not all(isinstance(item, list) and item and all(isinstance(name, str) for name in item) for item in names):
            self.fail("time, columns", "is no list of texts")
        return tuple(tuple(name.strip() for name in item) for item in names)

    def _patterns(self, entry: dict[str, Any]) -> tuple[Any, ...]:
        if "patterns" not in entry:
            return (entry["pattern"],) if "pattern" in entry else ()
        if "pattern" in entry:
            self.fail("time, patterns", "does not go with pattern")
        patterns = self.texts(entry, "patterns", "time, patterns")
        if not patterns:
            self.fail("time, patterns", "is empty")
        return patterns

    def _stamp(self, entry: dict[str, Any]) -> timedelta:
        stamp = self.one_text(entry, "stamp", "time, stamp") or "start"
        if stamp == "start":
            return timedelta()
        word, _, length = stamp.partition(" ")
        if word != "end":
            self.fail("time, stamp", 'is "start", or "end" and the interval\'s length: "end PT1H"')
        return self.length(length, "time, stamp")

    def _headings(self, entry: dict[str, Any]) -> TimeHeadings:
        where = "time, headings"
        value = entry["headings"]
        words = {"at": value} if isinstance(value, str) else value
        if not isinstance(words, dict) or words.get("at") not in ("start", "end", "number"):
            self.fail(where, 'is "start", "end" or "number", or { at = "end", step = "PT30M", like = "HH*" }')
        self.only(where, words, {"at", "step", "like"})
        for key in ("stamp", "until", "epoch"):
            if key in entry:
                self.fail(f"time, {key}", "does not go with headings, which say whether they are start or end")
        if "zone" not in entry:
            self.fail(where, "needs a zone beside it; UTC or Etc/GMT-10, say, where the clocks never change")
        step = self.length(words["step"], where) if "step" in words else timedelta()
        if step > timedelta(days=1):
            self.fail(where, "a step is a day at most")
        like = self.one_text(words, "like", where) or "*"
        return TimeHeadings(words["at"], step // _MICROSECOND, like)

    def _numbered(self, entry: dict[str, Any]) -> RowTime:
        start = entry["start"]
        if isinstance(start, str):
            try:
                start = datetime.fromisoformat(start)
            except ValueError:
                self.fail("time, start", f"{start!r} is no date and time")
        if not isinstance(start, datetime) or start.tzinfo is None:
            self.fail("time, start", "needs date, time and offset: 2016-07-31T23:00:00-08:00")
        checks = self.pairs(entry, "check", "time, check")
        for column, word in checks.items():
            if word not in _CHECKS:
                self.fail("time, check", f"{column} = {word!r} is none of {', '.join(_CHECKS)}")
        step = self.length(entry["step"], "time, step")
        return RowTime(start=start, step=step, checks=checks)  # type: ignore[arg-type]


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    return [_stripped(item) for item in value] if isinstance(value, list) else value
