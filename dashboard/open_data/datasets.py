"""The datasets that are open, each once: what it is, in which forms it is to be had, what its columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from devices.csvw import Column, words
from devices.families import FAMILIES
from devices.homes import COMPARED

#: How often new data come: as they arrive, each day, each month, each year.
Frequency = Literal["continuous", "daily", "monthly", "annual"]
#: What is told of the time and place of its data: readings of a family, zones' days, bays, or neither.
Extent = Literal["readings", "zones", "bays", "none"]

CSV, PARQUET, GEOJSON, JSON = "text/csv", "application/vnd.apache.parquet", "application/geo+json", "application/json"
#: What people call a form.
FORM_WORDS = {CSV: "CSV", PARQUET: "Parquet", GEOJSON: "GeoJSON", JSON: "JSON"}


@dataclass(frozen=True, slots=True)
class Form:
    """One way to have a dataset. ``route`` is the site's (as its router has it), ``path`` the address where it differs.

    ``columns``: of a table in CSV; its metadata stand at the same address with ``-metadata.json`` behind it.
    """

    title: str
    media_type: str
    route: str
    path: str = ""
    columns: Sequence[Column] = ()

    @property
    def address(self) -> str:
        """The path to ask for."""
        return self.path or self.route

    @property
    def words(self) -> str:
        """The kind of file, for people."""
        return FORM_WORDS[self.media_type]


@dataclass(frozen=True, slots=True)
class Dataset:
    """An open dataset. ``family``: whose readings it holds, and then it has snapshots; ``theme``: of the EU's list."""

    id: str
    title: str
    summary: str
    about: str
    keywords: Sequence[str]
    theme: str
    frequency: Frequency
    extent: Extent
    forms: Sequence[Form]
    family: str | None = None

    @property
    def describes(self) -> str:
        """What it is and, of readings, the unit of each property."""
        return self.about if self.family is None else f"{self.about} {units(self.family)}"


@dataclass(frozen=True, slots=True)
class Service:
    """An interface that programs ask: ``route`` must be there; ``endpoint`` and its ``description`` are paths."""

    id: str
    title: str
    about: str
    route: str
    endpoint: str
    description: str
    datasets: Sequence[str]


READING_COLUMNS = (
    Column("series", {"base": "integer", "minimum": 1}, "Number of the series: one property of one device.", key=True),
    Column("device", "string", "The device. An identifier, not a number: zeros at its beginning count."),
    Column("property", "string", "What is measured; the description of the file says the unit of each."),
    Column(
        "time", "dateTimeStamp", "When it was measured, or when the interval that is measured begins (UTC).", key=True
    ),
    Column("value", "double", "What was measured. Empty: the device said that it does not know.", required=False),
)
_SECONDS = {"base": "integer", "minimum": 0}
_ZONE_COLUMNS = (
    Column("zone", "string", "Parking zone.", key=True),
    Column("start", "dateTimeStamp", "When the quarter of an hour begins (UTC).", key=True),
    Column("bays", _SECONDS, "Bays of the zone that have a sensor."),
    Column("occupied_seconds", _SECONDS, "Bay-seconds in which a vehicle stood there."),
    Column("free_seconds", _SECONDS, "Bay-seconds in which none did."),
    Column("suspended_seconds", _SECONDS, "Bay-seconds of bays that were suspended."),
    Column("unknown_seconds", _SECONDS, "Bay-seconds of which nothing is known: not free, and not taken."),
    Column("arrivals", _SECONDS, "Vehicles that came."),
)
_ENERGY_COLUMNS = (
    Column("month", "gYearMonth", "Local month.", key=True),
    Column("fuel", words(*COMPARED), "What was used.", key=True),
    Column("homes", {"base": "integer", "minimum": 0}, "Homes that are counted, to tens."),
    Column("total_kwh", "decimal", "What they used together [kWh], to two significant figures."),
    Column("average_kwh", "decimal", "What a home used on average [kWh], to two significant figures."),
    Column("all_kinds_of_home", words("yes", "no"), "no: a kind of home is not in it, for it may not be shown."),
)


def units(family: str) -> str:
    """The properties of a family with their UCUM units, in a sentence."""
    listed = "; ".join(f"{one.name} [{one.unit}]" for one in FAMILIES[family].properties.values())
    return f"Properties and their units (UCUM): {listed}."


def _readings(family: str) -> tuple[Form, ...]:
    route = "/open-data/exports/{family}"
    return tuple(
        Form(title, media_type, f"{route}.{ending}", f"/open-data/exports/{family}.{ending}", columns)
        for title, media_type, ending, columns in (
            ("Readings", CSV, "csv", READING_COLUMNS),
            ("Readings", PARQUET, "parquet", ()),
            ("Devices and their newest values", GEOJSON, "geojson", ()),
        )
    )


DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "air-readings",
        "Air quality: readings of monitors",
        "Every reading of the borough's air monitors: particles, nitrogen dioxide, ozone and more.",
        "Readings of the air monitors in streets and public places, as they arrive: nothing is averaged, filled or left"
        " out. Many monitors are small sensors whose values are indicative. Monitors at homes are not among them.",
        ("air quality", "air pollution", "particulate matter", "nitrogen dioxide", "ozone", "sensors"),
        "ENVI",
        "continuous",
        "readings",
        _readings("air-monitor"),
        "air-monitor",
    ),
    Dataset(
        "parking-bay-readings",
        "Parking: readings of bay sensors",
        "When bays were taken and left, as their sensors say, without bays of households.",
        "Readings of the sensors in parking bays: occupied is 1 while a vehicle stands there and 0 while none does."
        " Between two readings of a silent sensor nothing is known. Bays of one household are not among them.",
        ("parking", "parking bays", "occupancy", "kerbside", "sensors"),
        "TRAN",
        "continuous",
        "readings",
        _readings("parking-bay"),
        "parking-bay",
    ),
    Dataset(
        "car-park-readings",
        "Parking: counts of car parks",
        "Free and taken spaces of car parks, as they are counted.",
        "Counts of whole car parks. They are made at the gates and drift: a car park can report a few spaces below"
        " none.",
        ("parking", "car parks", "occupancy", "sensors"),
        "TRAN",
        "continuous",
        "readings",
        _readings("car-park"),
        "car-park",
    ),
    Dataset(
        "parking-zones",
        "Parking: occupancy of zones",
        "How many bays of each zone were taken, by quarter of an hour, without bays of households.",
        "How zones are used by quarter of an hour of the local day, from the stays that sensors tell. What is not known"
        " is not counted as free.",
        ("parking", "parking zones", "occupancy", "turnover"),
        "TRAN",
        "daily",
        "zones",
        (Form("Zones by quarter of an hour", CSV, "/open-data/exports/zones.csv", columns=_ZONE_COLUMNS),),
    ),
    Dataset(
        "parking-bays",
        "Parking: bays and how they are now",
        "Parking places with their kind and hours, and whether they are free now.",
        "The register of parking places on and off the street, and their state now: GeoJSON for maps, DATEX II for"
        " traffic systems. Bays of one household are not among them.",
        ("parking", "parking bays", "kerbside", "DATEX II"),
        "TRAN",
        "continuous",
        "bays",
        (
            Form("Bays and how they are now", GEOJSON, "/open-data/exports/bays.geojson"),
            Form("Zones and bays in DATEX II", JSON, "/parking/feed/datex.json"),
            Form("How bays are now, in DATEX II", JSON, "/parking/feed/datex-status.json"),
        ),
    ),
    Dataset(
        "parking-spaces",
        "Parking: controlled spaces",
        "How many controlled parking spaces there are, as the Transparency Code asks.",
        "Controlled parking spaces on and off the street, marked out or estimated, as the Local Government Transparency"
        " Code 2015 asks.",
        ("parking", "parking spaces", "transparency code"),
        "TRAN",
        "daily",
        "bays",
        (Form("Controlled spaces today", CSV, "/open-data/parking/spaces.csv"),),
    ),
    Dataset(
        "parking-account",
        "Parking: the parking account",
        "Income and expenditure of the parking account, year by year.",
        "Income and expenditure of the parking account and what a surplus was spent on, as the Local Government"
        " Transparency Code 2015 asks.",
        ("parking", "parking account", "spending", "transparency code"),
        "GOVE",
        "annual",
        "none",
        (Form("Parking account", CSV, "/open-data/parking/account.csv"),),
    ),
    Dataset(
        "energy-totals",
        "Energy: homes that take part, together",
        "What the homes that take part use together in a month: never a home or a few of them.",
        "Energy of all kinds of home that may be shown, month by month and by fuel, from averages of at least 15 homes"
        " that are rounded to two figures. No figure of a home enters it that is not shown elsewhere.",
        ("energy", "electricity", "gas", "homes"),
        "ENER",
        "monthly",
        "none",
        (Form("Months and fuels", CSV, "/open-data/exports/energy.csv", columns=_ENERGY_COLUMNS),),
    ),
)

SERVICES: tuple[Service, ...] = (
    Service(
        "air-api",
        "Air quality: interface for programs",
        "Monitors with their index now, their hourly means and their days, as JSON.",
        "/api/v1/air/monitors",
        "/api/v1/air/monitors",
        "/api/v1/openapi.json",
        ("air-readings",),
    ),
    Service(
        "sensorthings",
        "All open devices: OGC SensorThings API",
        "Devices, where they are and all their readings, by 1.1 and 2.0 of the Open Geospatial Consortium.",
        "/sta/v1.1",
        "/sta/v1.1",
        "/sta",
        ("air-readings", "parking-bay-readings", "car-park-readings"),
    ),
)

BY_ID = {one.id: one for one in DATASETS}
#: Those that have snapshots, with the family whose readings they hold.
PUBLISHED = tuple((one, one.family) for one in DATASETS if one.family is not None)
assert len(BY_ID) == len(DATASETS)
