"""What the API of air answers, by field: the shape that its description (OpenAPI) publishes."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

Pollutant = Literal["pm2_5", "pm10", "no2", "o3", "so2", "co", "pm1"]
Band = Literal["low", "moderate", "high", "very-high"]
Index = Annotated[int, Field(ge=1, le=10)]
_NOW: JsonDict = {
    "hour": "2026-02-09T13:00:00Z",
    "index": 3,
    "band": "low",
    "worst": "o3",
    "by_pollutant": {"o3": 3, "pm2_5": 2},
    "missing": ["pm10", "no2", "so2"],
    "humid": False,
}
_MONITOR: JsonDict = {
    "id": "air-001",
    "name": "Mill Lane",
    "lon": -0.099,
    "lat": 51.5004,
    "indicative": True,
    "simulated": False,
    "in_service": True,
    "measures": ["pm2_5", "o3"],
    "last_heard": "2026-02-09T13:50:00Z",
    "now": _NOW,
}


class Now(BaseModel):
    """The Daily Air Quality Index of the newest hour that is over, at most two hours old."""

    hour: Annotated[dt.datetime, Field(description="Beginning of the hour (UTC)")]
    index: Index
    band: Band
    worst: Annotated[Pollutant, Field(description="The pollutant that makes the index, the first of equals")]
    by_pollutant: Annotated[dict[str, int], Field(description="What the index rests on")]
    missing: Annotated[list[Pollutant], Field(description="What the index says nothing of")]
    humid: Annotated[bool, Field(description="Humidity over 85 %: particles may read too high")]

    model_config = ConfigDict(json_schema_extra={"example": _NOW})


class Monitor(BaseModel):
    """A monitor of no household. ``now`` is null where it has no index now: that is not known, and not clean air."""

    id: str
    name: str
    lon: float | None
    lat: float | None
    indicative: Annotated[bool, Field(description="No reference instrument")]
    simulated: bool
    in_service: bool
    measures: list[Pollutant]
    last_heard: dt.datetime | None
    now: Now | None

    model_config = ConfigDict(json_schema_extra={"example": _MONITOR})


class Monitors(BaseModel):
    """A page of monitors, by id; ``next`` is the cursor of the following one, null on the last."""

    items: list[Monitor]
    next: str | None

    model_config = ConfigDict(json_schema_extra={"example": {"items": [_MONITOR], "next": None}})


class Hour(BaseModel):
    """A pollutant's hour. ``mean`` is null below 75 % capture; ``running_mean`` belongs to its last hour."""

    start: dt.datetime
    pollutant: Pollutant
    mean: float | None
    readings: int
    running_mean: float | None
    running_hours: int
    index: Index | None


class Hours(BaseModel):
    """Hours of a monitor, by time and pollutant. Means in ug/m3, of carbon monoxide in mg/m3."""

    monitor: str
    items: list[Hour]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "monitor": "air-001",
                "items": [
                    {
                        "start": "2026-02-09T13:00:00Z",
                        "pollutant": "pm2_5",
                        "mean": 9.125,
                        "readings": 6,
                        "running_mean": 8.5,
                        "running_hours": 24,
                        "index": 1,
                    }
                ],
            }
        }
    )


class DayPart(BaseModel):
    """A pollutant's day: null where less than 75 % of its hours are known."""

    pollutant: Pollutant
    mean: float | None
    highest_hour: float | None
    highest_8_hours: Annotated[float | None, Field(description="Of ozone")]
    hours_known: int
    index: Index | None


class AirDay(BaseModel):
    """A local day of 23, 24 or 25 hours, with its daily index."""

    day: dt.date
    hours: int
    index: Index | None
    worst: Pollutant | None
    pollutants: list[DayPart]


class AirDays(BaseModel):
    """Local days of a monitor. Means in ug/m3, of carbon monoxide in mg/m3."""

    monitor: str
    time_zone: str
    items: list[AirDay]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "monitor": "air-001",
                "time_zone": "Europe/London",
                "items": [
                    {
                        "day": "2026-02-09",
                        "hours": 24,
                        "index": 2,
                        "worst": "pm2_5",
                        "pollutants": [
                            {
                                "pollutant": "pm2_5",
                                "mean": 12.5,
                                "highest_hour": 31.0,
                                "highest_8_hours": None,
                                "hours_known": 24,
                                "index": 2,
                            }
                        ],
                    }
                ],
            }
        }
    )
