"""Words of parking: bays, what holds in them when, and which sensor lies in which (docs/decisions/010-parking.md).

Days are local dates, minutes those of the local day; intervals are half-open; None as an end: still.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from devices.device import Origin

#: Who may park there, in the words of British signs.
KINDS = (
    "resident-permit", "pay", "limited-waiting", "disabled", "loading", "electric", "taxi", "motorcycle", "car-club",
    "unrestricted",
)  # fmt: skip

#: An id of a bay: as a device's.
BAY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}\Z")
DAY_MINUTES = 1_440
#: What settings say where nobody says otherwise: time over that is no overstay yet, and how long a bay is known after a
#: reading of a sensor without a heartbeat.
GRACE, SILENCE = timedelta(minutes=5), timedelta(hours=25)

BankHolidays = Literal["as-usual", "off", "only"]
EventDays = Literal["any", "only", "not"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Hours in which a bay may be used in one way.

    ``days``: bit 0 is Monday; ``start`` and ``end`` [minutes of the local day, 0 to 1,440], ``end`` above ``start``:
    one beyond midnight is two. ``maximum_stay`` and ``no_return`` [min], None without a limit. ``bank_holidays``:
    whether it holds on them as on other days, not, or on them alone; ``event_days`` likewise.
    """

    days: int
    start: int
    end: int
    maximum_stay: int | None = None
    no_return: int | None = None
    bank_holidays: BankHolidays = "as-usual"
    event_days: EventDays = "any"
    from_day: date | None = None
    to_day: date | None = None

    def holds_on(self, day: date, *, holiday: bool, event: bool) -> bool:
        """Whether it holds at all on a local day; ``holiday``: a bank holiday, ``event``: an event day of the zone."""
        if not self.days >> day.weekday() & 1:
            return False
        if (self.from_day is not None and day < self.from_day) or (self.to_day is not None and day >= self.to_day):
            return False
        if self.bank_holidays != "as-usual" and holiday != (self.bank_holidays == "only"):
            return False
        return self.event_days == "any" or event == (self.event_days == "only")


@dataclass(frozen=True, slots=True)
class Bay:
    """One marked space, or ``spaces`` of them without a mark between.

    ``lon`` and ``lat`` [degrees, WGS 84] are its middle; ``geometry`` is a GeoJSON geometry or None; ``length`` [m].
    ``personal``: of one household, that of the home ``uprn`` where it is known. No two ``restrictions`` hold at once.
    """

    id: str
    street: str
    zone: str
    kind: str
    lon: float
    lat: float
    spaces: int = 1
    off_street: bool = False
    length: float | None = None
    geometry: Mapping[str, Any] | None = None
    personal: bool = False
    uprn: str | None = None
    origin: Origin = "real"
    from_day: date | None = None
    to_day: date | None = None
    restrictions: tuple[Restriction, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SensorLink:
    """A sensor lies in a bay between two instants. No bay has two at once, no sensor two bays."""

    bay: str
    device: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Suspension:
    """A bay that nobody may use between two instants. ``reason`` is shown."""

    bay: str
    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Permit:
    """A bay whose restrictions do not hold for who stands there, between two instants. ``kind`` in plain words."""

    bay: str
    start: datetime
    end: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class EventDay:
    """A local day on which a zone's event restrictions hold."""

    zone: str
    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Register:
    """All that is known of bays, each list in the order of its bays (zones), then of time."""

    bays: Sequence[Bay] = ()
    sensors: Sequence[SensorLink] = ()
    suspensions: Sequence[Suspension] = ()
    permits: Sequence[Permit] = ()
    events: Sequence[EventDay] = ()
