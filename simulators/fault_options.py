"""The table ``[faults]`` of a fleet file: which faults there are, how often and how strong.

``docs/reference/fleet-file.md`` says the same for those who write fleet files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Fault of a device -> its parameters with their defaults. A device has one of them at most; `gateway` comes before its
#: own, and its share is of the gateways.
DEVICE_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "outage": {"hours": 2.0},
    "clock_skew": {"seconds": -120.0},
    "clock_drift": {"seconds_per_day": 20.0},
    "clock_lost": {"to": ["1980-01-06", "2099-01-01"]},
    "stuck": {},
    "battery": {"days": 1.0},
    "silent": {},
    "units": {},
    "summer_time": {"zone": "Europe/London"},
    "gateway": {"hours": 6.0},
}
#: Fault of a message -> its parameters with their defaults. A message has one of them at most.
MESSAGE_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "loss": {},
    "duplicate": {"seconds": 5.0},
    "out_of_order": {"seconds": 600.0},
    "spike": {},
    "not_a_number": {},
    "malformed": {},
    "missed_departure": {},
}
#: The order is that of the bits of a row's faults.
FAULTS = (*DEVICE_FAULTS, *MESSAGE_FAULTS)

_MAXIMUM = {"hours": 24 * 14.0, "seconds": 14 * 86_400.0, "seconds_per_day": 3_600.0, "days": 3_660.0}


class FaultError(ValueError):
    """The table [faults] is wrong. The text says which key and what would be right."""


@dataclass(frozen=True, slots=True)
class FaultOptions:
    """``share``: fault -> share of the devices or messages; ``parameters``: fault -> name -> value. Times in seconds,
    hours and days as their names say; ``to`` [us since the Unix epoch]."""

    share: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def get(self, fault: str, name: str) -> Any:
        """A parameter, its default where the file does not say."""
        return self.parameters[fault][name]


def read_options(table: Mapping[str, Any]) -> FaultOptions:
    """Read a table [faults]: ``loss = 0.01`` or ``loss = { share = 0.01 }`` a fault. Raises FaultError."""
    share: dict[str, float] = {}
    parameters: dict[str, dict[str, Any]] = {}
    for fault, entry in table.items():
        if fault not in FAULTS:
            raise FaultError(f"[faults] {fault}: there is no such fault; one of {', '.join(FAULTS)}")
        given = dict(entry) if isinstance(entry, Mapping) else {"share": entry}
        if "share" not in given:
            raise FaultError(f"[faults] {fault}: needs a share, from 0 to 1")
        share[fault] = _number(given.pop("share"), f"[faults] {fault}: share", 0.0, 1.0)
        known = {**DEVICE_FAULTS, **MESSAGE_FAULTS}[fault]
        parameters[fault] = dict(known)
        for name, value in given.items():
            if name not in known:
                others = ", ".join(("share", *known))
                raise FaultError(f"[faults] {fault}: unknown key {name!r}; known are {others}")
            parameters[fault][name] = _parameter(value, f"[faults] {fault}: {name}", name)
        if fault == "clock_lost":
            parameters[fault]["to"] = [_instant(value, fault) for value in parameters[fault]["to"]]
    for what, names in (("devices", DEVICE_FAULTS), ("messages", MESSAGE_FAULTS)):
        total = sum(share.get(name, 0.0) for name in names)
        if total > 1 + 1e-9:
            raise FaultError(f"[faults]: the shares of {what} add up to {total:g}; each has one fault at most")
    return FaultOptions(share, parameters)


def _parameter(value: Any, where: str, name: str) -> Any:
    if name == "zone":
        try:
            ZoneInfo(value)
        except (TypeError, ValueError, ZoneInfoNotFoundError):
            raise FaultError(f"{where}: {value!r} is no time zone such as Europe/London") from None
        return value
    if name == "to":
        dates = value if isinstance(value, list) else [value]
        if not dates:
            raise FaultError(f"{where}: needs a date")
        return dates
    low = -_MAXIMUM[name] if name in ("seconds", "seconds_per_day") and "clock" in where else 0.0
    return _number(value, where, low, _MAXIMUM[name])


def _number(value: Any, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise FaultError(f"{where}: {value!r} is no number from {low:g} to {high:g}")
    return float(value)


def _instant(value: Any, fault: str) -> int:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day) if isinstance(moment, date) else None  # noqa: DTZ001
        assert moment is not None
    except (ValueError, AssertionError):
        raise FaultError(f"[faults] {fault}: to: {value!r} is no date such as 1980-01-06") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if moment.year < 1979:
        raise FaultError(f"[faults] {fault}: to: {value!r} is before 1979: SenML takes such times as relative to now")
    return round(moment.timestamp()) * 1_000_000
