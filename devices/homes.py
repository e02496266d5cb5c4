"""The words of homes and those who live in them. Pure: what a home is, not where it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Self

DWELLINGS = ("flat", "maisonette", "terraced", "semi-detached", "detached", "bungalow", "other")
HEATING = ("gas", "electric", "heat-pump", "heat-network", "oil", "other")
TENURES = ("owner", "private-rent", "council-rent", "housing-association", "other")
EPC_BANDS = ("A", "B", "C", "D", "E", "F", "G")
PAYMENTS = ("direct-debit", "on-receipt", "prepayment")
PURPOSES = ("comparison", "evaluation", "messages", "finer-storage", "care")
#: How a consent, a change of details or a sign-in came to us.
CHANNELS = ("import", "page", "paper", "assist", "telephone")
#: What a home uses; ``export`` is what it gives back to the grid and is never compared.
FUELS = ("electricity", "gas", "heat", "export")
COMPARED = ("electricity", "gas", "heat")


class _Word(StrEnum):
    """Words that arrays hold by their place; -1 is none."""

    @property
    def place(self) -> int:
        """Its place among the words."""
        return tuple(type(self)).index(self)

    @classmethod
    def at(cls, place: int) -> Self | None:
        """The word of a place, None of -1. Raises IndexError beyond the last."""
        return None if place < 0 else tuple(cls)[place]


class State(_Word):
    """What a household is told of its use in a period, beside that of its neighbours."""

    GREAT = "great"  # no more than the fifth that uses least
    GOOD = "good"  # no more than the average
    MORE = "more"
    ABOVE_ZONE = "above-zone"  # more than the fifth that uses least; of who sees that figure alone, for a trial
    NEUTRAL = "neutral"  # the home looks like hardship: no praise, no advice, nothing about others
    SUPPRESSED = "suppressed"  # nothing of others may be shown


class Reason(_Word):
    """Why a comparison is neutral (the first three) or suppressed."""

    EMPTY = "empty"
    DISCONNECTED = "disconnected"
    UNDER_HEATED = "under-heated"
    NO_CONSENT = "no-consent"
    COVERAGE = "coverage"  # too few days of the period have a value
    NO_CELL = "no-cell"
    FEW_HOMES = "few-homes"
    DOMINATED = "dominated"  # one home has too large a part of the sum
    OTHER_ORIGIN = "other-origin"  # a simulated or replayed home among measured ones, or the reverse
    TRIAL = "trial"  # the household takes part in a trial and sees its own use alone
    NOT_COUNTED = "not-counted"  # the home itself does not count; the comparison stores one of the others instead


#: What low use can be a sign of; a home that shows one is told ``neutral``.
HARDSHIPS = (Reason.EMPTY, Reason.DISCONNECTED, Reason.UNDER_HEATED)
#: States that say how a use stands beside that of others.
JUDGED = frozenset((State.GREAT, State.GOOD, State.MORE, State.ABOVE_ZONE))


@dataclass(frozen=True, slots=True)
class HomeDetails:
    """What a home is. ``floor_area`` [m2]; None is not known. Dwelling and heating decide who its neighbours are."""

    dwelling: str
    heating: str
    heat_network: str | None = None
    floor_area: float | None = None
    bedrooms: int | None = None
    epc: str | None = None
    tenure: str | None = None
    deprivation_decile: int | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """A home: ``id`` is its pseudonym (14 digits), ``address`` lines of an envelope.

    ``uprn``: up to 12 digits; homes that were stored long ago may have leading zeros.

    ``lon``, ``lat`` in degrees, WGS 84.
    """

    id: int
    uprn: str
    address: Sequence[str]
    lon: float
    lat: float
    details: HomeDetails


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Who lives in a home from ``from_day`` to ``to_day`` (not included; None: still there). ``id``: 14 digits."""

    id: int
    home_id: int
    from_day: date
    to_day: date | None = None
    name: str | None = None
    occupants: int | None = None
    electric_vehicle: bool | None = None
    medical_equipment: bool | None = None
    large_print: bool = False
    letters: bool = True


@dataclass(frozen=True, slots=True)
class Consent:
    """One purpose that a tenancy agreed to; ``withdrawn_at`` None while it lasts."""

    tenancy_id: int
    purpose: str
    given_at: datetime
    channel: str
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HomeMeter:
    """A meter measures a home from ``from_day`` to ``to_day`` (not included; None: still)."""

    device_id: str
    home_id: int
    from_day: date
    to_day: date | None = None


@dataclass(frozen=True, slots=True)
class HomeSensor:
    """A movement sensor hangs in a home from ``from_day`` to ``to_day`` (not included; None: still).

    ``room``: in the household's words; "" where only the device says it, if anything.
    """

    device_id: str
    home_id: int
    from_day: date
    to_day: date | None = None
    room: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """One rate of a tariff [pence/kWh]; ``start``, ``end`` are minutes of the local day, equal: all day.

    ``utc``: they are minutes of the UTC day, as smart meters keep them that are not put forward in summer.
    """

    name: str
    rate: float
    start: int = 0
    end: int = 0
    utc: bool = False


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a fuel costs from a day on. ``standing_charge`` [pence/day]; of ``registers`` the first that fits counts.

    ``own`` False: a reference price, which is never a bill.
    """

    fuel: str
    from_day: date
    name: str
    payment: str
    standing_charge: float
    registers: Sequence[Register]
    own: bool = True


@dataclass(frozen=True, slots=True)
class HomeRow:
    """One line of a homes file: a home, its tenancy, meters, consents and tariffs, without ids. None: not said.

    ``sensors``: movement sensors and the room that each hangs in, "" where none is given.
    """

    where: str
    uprn: str
    address: Sequence[str]
    lon: float
    lat: float
    details: HomeDetails
    from_day: date
    to_day: date | None
    name: str | None
    occupants: int | None
    electric_vehicle: bool | None
    medical_equipment: bool | None
    large_print: bool | None
    meters: Sequence[str]
    consents: Mapping[str, date] = field(default_factory=dict)
    tariffs: Sequence[Tariff] = ()
    sensors: Sequence[tuple[str, str]] = ()
