"""What the API of a household answers, by field: the shape that its description (OpenAPI) publishes."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from devices.homes import State as Word

Fuel = Literal["electricity", "gas", "heat", "export"]
Kind = Literal["week", "month", "four-weeks"]
State = Literal[Word.GREAT, Word.GOOD, Word.MORE, Word.ABOVE_ZONE, Word.NEUTRAL, Word.SUPPRESSED]


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


class Details(BaseModel):
    """What is known of the home and the household; null where it is not known."""

    dwelling: str
    heating: str
    heat_network: str | None
    floor_area_m2: float | None
    bedrooms: int | None
    epc: str | None
    tenure: str | None
    occupants: int | None
    electric_vehicle: bool | None
    medical_equipment: bool | None
    large_print: bool
    letters: bool


class Home(BaseModel):
    """Whose data these are: days, fuels, details. ``to`` is the last day, null while they live there."""

    from_: Annotated[dt.date, Field(alias="from", description="First day that is theirs")]
    to: dt.date | None
    time_zone: str
    fuels: list[Fuel]
    details: Annotated[Details | None, Field(description="Null once they have moved out")]

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "from": "2024-03-01",
                "to": None,
                "time_zone": "Europe/London",
                "fuels": ["electricity", "gas"],
                "details": {
                    "dwelling": "flat",
                    "heating": "gas",
                    "heat_network": None,
                    "floor_area_m2": 64.0,
                    "bedrooms": 2,
                    "epc": "C",
                    "tenure": "private-rent",
                    "occupants": 2,
                    "electric_vehicle": False,
                    "medical_equipment": None,
                    "large_print": False,
                    "letters": True,
                },
            }
        },
    )


class Neighbours(BaseModel):
    """Figures of similar homes, as they are shown: rounded, and nothing finer exists outside.

    A home that takes part in a trial of the efficiency zone has ``efficient_kwh`` alone.
    """

    homes: Annotated[int | None, Field(description="About how many, to tens")]
    average_kwh: Annotated[float | None, Field(description="Two significant figures")]
    efficient_kwh: Annotated[float | None, Field(description="Mean of the fifth that uses least, two figures")]
    difference_kwh: Annotated[float | None, Field(description="own_kwh less average_kwh")]
    tenths_used_less: Annotated[int | None, Field(ge=0, le=10)]


class Cost(BaseModel):
    """Pounds and pence of the period; ``own_tariff`` false: a guide price, not a bill."""

    pence: int
    tariff: str
    own_tariff: bool


class Action(BaseModel):
    """One thing to do, with an estimate."""

    title: str
    text: str
    estimate: str


class Comparison(BaseModel):
    """One period of one fuel, with the words of the page. ``to`` is its last day."""

    fuel: Fuel
    kind: Kind
    period: Annotated[str, Field(description="2026-W07, 2026-02 or 4w-2026-W07")]
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date
    state: State
    reason: str | None
    own_kwh: float | None
    before_kwh: float | None
    estimated_days: int
    missing_days: int
    neighbours: Neighbours | None
    cost: Cost | None
    carbon_g: int | None
    headline: str
    sentences: list[str]
    actions: list[Action]
    revision: int
    settled: bool

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "fuel": "electricity",
                "kind": "week",
                "period": "2026-W07",
                "from": "2026-02-09",
                "to": "2026-02-15",
                "state": "good",
                "reason": None,
                "own_kwh": 52.3,
                "before_kwh": 55.1,
                "estimated_days": 0,
                "missing_days": 0,
                "neighbours": {
                    "homes": 110,
                    "average_kwh": 58.0,
                    "efficient_kwh": 36.0,
                    "difference_kwh": -5.7,
                    "tenths_used_less": 4,
                },
                "cost": {"pence": 1766, "tariff": "price cap", "own_tariff": False},
                "carbon_g": 9257,
                "headline": "Good: your home used less electricity than the average",
                "sentences": ["Well done, you are on the right track."],
                "actions": [],
                "revision": 1,
                "settled": True,
            }
        },
    )


class Comparisons(BaseModel):
    """Comparisons, the newest first; ``next`` is the cursor of the next page, null on the last."""

    items: list[Comparison]
    next: str | None


class Day(BaseModel):
    """Use of one local day; ``kwh`` null: too little was measured to say; net below zero: more was given than taken."""

    day: dt.date
    kwh: Annotated[
        float | None,
        Field(description="Of the whole day; at the same rate where half of it or more, and not all, was measured"),
    ]
    minutes_measured: int
    measured_kwh: Annotated[
        float | None, Field(description="Of the half-hours that were measured; null for net figures")
    ] = None
    measured_until: Annotated[
        dt.datetime | None,
        PlainSerializer(_iso, return_type=str | None, when_used="json"),
        Field(description="Where not the whole day was measured: when the last half-hour that was measured ends"),
    ] = None


class Days(BaseModel):
    """Days of a fuel in order; ``net``: less what was given to the grid."""

    fuel: Fuel
    net: bool = False
    items: list[Day]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "fuel": "electricity",
                "net": False,
                "items": [
                    {
                        "day": "2026-02-09",
                        "kwh": 7.412,
                        "minutes_measured": 1440,
                        "measured_kwh": 7.412,
                        "measured_until": None,
                    },
                    {
                        "day": "2026-02-10",
                        "kwh": None,
                        "minutes_measured": 600,
                        "measured_kwh": 2.118,
                        "measured_until": "2026-02-10T10:00:00+00:00",
                    },
                ],
            }
        }
    )


class HalfHour(BaseModel):
    """Energy of the half-hour from ``start`` on; null: not measured."""

    start: Annotated[dt.datetime, PlainSerializer(dt.datetime.isoformat, return_type=str, when_used="json")]
    kwh: float | None


class HalfHours(BaseModel):
    """Half-hours of whole local days in order; 46 or 50 on the days on which the clocks change."""

    fuel: Fuel
    items: list[HalfHour]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "fuel": "electricity",
                "items": [{"start": "2026-02-09T00:00:00+00:00", "kwh": 0.061}],
            }
        }
    )


class WeatherMonth(BaseModel):
    """A month's use and what the weather would have made of it, by the year before; of days of which both are known."""

    month: Annotated[dt.date, Field(description="Its first day")]
    days: int
    kwh: float
    expected_kwh: float
    percent: Annotated[float, Field(description="How much more, or below zero less, was used than expected")]
    chance_kwh: Annotated[float, Field(description="So far apart the two may lie by chance alone, at 95 %")]


class WeatherMonths(BaseModel):
    """The last months that are over and of which this can be said, in order."""

    fuel: Fuel
    items: list[WeatherMonth]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "fuel": "gas",
                "items": [
                    {
                        "month": "2026-01-01",
                        "days": 31,
                        "kwh": 1204.512,
                        "expected_kwh": 1310.227,
                        "percent": -8.1,
                        "chance_kwh": 74.03,
                    }
                ],
            }
        }
    )


class DayShape(BaseModel):
    """When electricity is used, from the half-hours of two weeks; null where too little of them is known.

    ``parts``: shares of use by part of the day, 0 to 1: night (midnight to 06:00), morning (to 10:00), day (to 16:00),
    peak (to 19:00), evening.
    """

    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date
    background_watts: float | None
    peak_share: Annotated[float | None, Field(description="From 16:00 to 19:00, 0 to 1")]
    parts: dict[str, float] | None
    days: Annotated[int, Field(description="Whole days with somebody at home")]
    days_away: Annotated[int, Field(description="Whole days on which nobody seems to have been there; left out")]

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "from": "2026-02-01",
                "to": "2026-02-14",
                "background_watts": 94.0,
                "peak_share": 0.21,
                "parts": {"night": 0.14, "morning": 0.17, "day": 0.24, "peak": 0.21, "evening": 0.24},
                "days": 13,
                "days_away": 1,
            }
        },
    )


class Consent(BaseModel):
    """One consent; ``withdrawn_at`` null while it lasts."""

    purpose: Literal["comparison", "evaluation", "messages", "finer-storage", "care"]
    given_at: dt.datetime
    withdrawn_at: dt.datetime | None
    channel: str


class Consents(BaseModel):
    """Everything that was ever agreed to, the earliest first."""

    items: list[Consent]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [
                    {
                        "purpose": "comparison",
                        "given_at": "2025-10-01T09:30:00Z",
                        "withdrawn_at": None,
                        "channel": "page",
                    }
                ]
            }
        }
    )


class Look(BaseModel):
    """One look at the home's data or change of it, in the words of the page."""

    at: dt.datetime
    who: str
    action: str
    detail: str | None


class Looks(BaseModel):
    """Who looked, the newest first; ``next`` is the cursor of the next page, null on the last."""

    items: list[Look]
    next: str | None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [
                    {
                        "at": "2026-02-16T18:02:11Z",
                        "who": "You",
                        "action": "looked at the comparison",
                        "detail": "Electricity, week of 9 to 15 February 2026",
                    }
                ],
                "next": None,
            }
        }
    )
