"""What differs between two runs by nature, replaced by fixed words: the present, codes, ports, durations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

#: A run's own times lie between its begin and the ends of what it begins: sessions, and codes of letters.
_BEFORE = timedelta(minutes=2)
_AFTER = timedelta(hours=3)

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)([T ])(\d\d(?::|%3A)\d\d(?:(?::|%3A)\d\d(?:\.\d+)?)?)(Z|(?:\+|%2B|-)\d\d(?::?\d\d)?)?"
)
_SAID = re.compile(r"(\d{1,2} [A-Z][a-z]+ \d{4}),? (?:at )?(\d\d:\d\d)(?::\d\d)?")
#: Of the element of a time that is the present, what people read.
_SHOWN = re.compile(r"(?<=datetime=\"<now>\">)[^<]+")
#: Whatever is random or a duration: pattern, and what stands in its place.
_ALWAYS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"(name=\"(?:csrf|code)\" value=\")[^\"]*", r"\1<token>"),
        (r"(/static/[a-z_.-]+\?)[0-9a-f]{12}", r"\1<hash>"),
        (r"([?&](?:state|nonce|code|code_challenge)=)[\w.~%-]+", r"\1<random>"),
        (r"(\"(?:seconds|started|uptime)\": ?)[\d.]+", r"\1<duration>"),
        (r"(\"expires_at\": ?)\"[^\"]*\"", r"\1<later>"),
        (r"^[\d,]+ of [\d,]+ letters\n", ""),  # how far it is, every few seconds
        (r"\bin \d+(?:\.\d+)? s\b", "in <duration> s"),
        # of the doctor's disks
        (r"(the database has |grows by |; )\d+(?:\.\d+)? [kMGT]B(?: of \d+(?:\.\d+)? [kMGT]B)?", r"\1<size>"),
        (r"are free, which is [\w, ]+", "are free, which is <long>"),
        (r"\bprocess \[\d+\]", "process [<number>]"),
        (r"As of \d\d:\d\d:\d\d UTC", "As of <now> UTC"),
        (r"^((?:borough_start_time_seconds|\w+_seconds_(?:sum|bucket\{[^}]*\})) ).*$", r"\1<duration>"),
        (r"^((?:python|process)_\w+(?:\{[^}]*\})? ).*$", r"\1<of the process>"),
    )
    for pattern in (f"(?m){pattern}",)
)


class FixedWords:
    """The words of one run. ``places``: text that is another in each run (ports, folders) -> what it is called."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.begun = datetime.now(UTC)
        self.zone = zone
        self.places: dict[str, str] = {}

    def name(self, places: Mapping[str, str]) -> None:
        """Call further text by fixed words."""
        self.places.update(places)

    def __call__(self, text: str) -> str:
        """The text in fixed words."""
        for found in sorted(self.places, key=len, reverse=True):
            text = text.replace(found, self.places[found])
        for pattern, instead in _ALWAYS:
            text = pattern.sub(instead, text)
        text = _SAID.sub(self._said, _INSTANT.sub(self._instant, text))
        return _SHOWN.sub("<now>", text)

    def _instant(self, match: re.Match[str]) -> str:
        day, _, clock, offset = match.groups()
        text = f"{day}T{clock}{offset or ''}".replace("%3A", ":").replace("%2B", "+").replace("Z", "+00:00")
        return self._now(match[0], lambda: datetime.fromisoformat(text))

    def _said(self, match: re.Match[str]) -> str:
        return self._now(match[0], lambda: datetime.strptime(f"{match[1]} {match[2]}", "%d %B %Y %H:%M"))  # noqa: DTZ007

    def _now(self, text: str, read: Callable[[], datetime]) -> str:
        try:
            moment = read()
        except ValueError:
            return text
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=self.zone)
        return "<now>" if self.begun - _BEFORE <= aware <= self.begun + _AFTER else text


def log_words(log: str) -> str:
    """Level and message of each line of a service's log; what is no log line (a traceback) counts whole."""
    return "\n".join(_log_line(line) for line in log.splitlines())


def _log_line(line: str) -> str:
    try:
        record = json.loads(line)
    except ValueError:
        return line
    return f"{record.get('level')} {re.sub(r'[0-9]+ ms$', '<duration> ms', str(record.get('message')))}"
