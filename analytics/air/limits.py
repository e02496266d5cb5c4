"""Guidelines, limits and targets that a year of air is held against: dated data with their sources, out of TOML.

Those of WHO, the UK and the EU stand in `limits.toml` beside this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from analytics.air import POLLUTANTS
from devices.files import read_text
from devices.toml import TomlError, parse

#: What of a year's values is compared: its mean; means of days, hours and quarter hours; the highest running mean of 8
#: hours of each day; of ozone the mean of these in the worst six months that follow each other.
Averaging = Literal["year", "day", "hour", "quarter-hour", "highest-8-hours", "peak-season"]
AVERAGING: Final[tuple[Averaging, ...]] = ("year", "day", "hour", "quarter-hour", "highest-8-hours", "peak-season")
#: Of these there is one value a year, which may not be passed at all.
ONCE: Final = ("year", "peak-season")
_KEYS = {"pollutant", "body", "averaging", "value", "allowed", "from", "to", "source"}


class LimitsError(ValueError):
    """A file of limits is wrong. The text names the file, the entry and the reason."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One value [ug/m3, of co mg/m3] by one ``body``, which may be passed ``allowed`` times a year.

    It stands from ``start`` to ``end`` (not included; None: still).
    """

    pollutant: str
    body: str
    averaging: Averaging
    value: int
    allowed: int
    start: date
    end: date | None
    source: str

    def stands(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.start <= day and (self.end is None or day < self.end)


@cache
def limits() -> tuple[Limit, ...]:
    """The limits that come with the program, as they stand in its file."""
    return read_limits(Path(__file__).with_name("limits.toml"))


def read_limits(path: Path) -> tuple[Limit, ...]:
    """Read and check a file of limits. Raises LimitsError."""
    try:
        entries = parse(read_text(path))
    except OSError as error:
        raise LimitsError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LimitsError(f"{path}: is not UTF-8 text") from None
    except TomlError as error:
        raise LimitsError(f"{path}: {error}") from None
    found = entries.get("limit")
    if set(entries) != {"limit"} or not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise LimitsError(f"{path}: holds [[limit]], once for each, and nothing else")
    read = tuple(_limit(entry, f"{path}: limit[{number}]") for number, entry in enumerate(found, 1))
    for number, limit in enumerate(read, 1):
        for other in read[: number - 1]:
            if _same(limit, other):
                raise LimitsError(f"{path}: limit[{number}]: {limit.body}, {limit.pollutant}, {limit.averaging} of "
                                  f"{limit.value} is there twice for {max(limit.start, other.start)}")  # fmt: skip
    return read


def _same(one: Limit, other: Limit) -> bool:
    """Whether two say the same at one time: a stricter value that is to come may stand beside today's."""
    if (one.body, one.pollutant, one.averaging, one.value) != (
        other.body,
        other.pollutant,
        other.averaging,
        other.value,
    ):
        return False
    return (other.end is None or one.start < other.end) and (one.end is None or other.start < one.end)


def _limit(entry: dict[str, Any], where: str) -> Limit:
    def fail(key: str, reason: str) -> NoReturn:
        raise LimitsError(f"{where}.{key}: {reason}")

    for key in sorted(_KEYS - {"to"} - set(entry)):
        fail(key, "is missing")
    for key in entry:
        if key not in _KEYS:
            fail(key, f"is none of {', '.join(sorted(_KEYS))}")
    for key in ("body", "source"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            fail(key, "is a text")
    for key, least in (("value", 1), ("allowed", 0)):
        if type(entry[key]) is not int or entry[key] < least:
            fail(key, f"is a whole number, at least {least}: values are compared as whole ones")
    for key in ("from", "to"):
        if key in entry and (not isinstance(entry[key], date) or isinstance(entry[key], datetime)):
            fail(key, "is a date, such as 2030-01-01")
    if entry.get("to") is not None and entry["to"] <= entry["from"]:
        fail("to", "comes after from")
    if entry["pollutant"] not in POLLUTANTS:
        fail("pollutant", f"is one of {', '.join(POLLUTANTS)}")
    if entry["averaging"] not in AVERAGING:
        fail("averaging", f"is one of {', '.join(AVERAGING)}")
    if entry["averaging"] == "quarter-hour" and entry["pollutant"] != "so2":
        fail("averaging", "quarter hours are kept of so2 alone")
    if entry["averaging"] in ONCE and entry["allowed"]:
        fail("allowed", f"is 0: there is one {entry['averaging']} value a year")
    return Limit(
        entry["pollutant"], entry["body"], entry["averaging"], entry["value"], entry["allowed"], entry["from"],
        entry.get("to"), entry["source"],
    )  # fmt: skip
