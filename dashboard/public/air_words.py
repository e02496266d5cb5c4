"""Air in words, as the pages, files and the API for anybody say it. What is not known is a word, never a zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from analytics.air.index import LABELS, band
from analytics.report import words as report_words
from dashboard.labels import age
from store.air import INDEXED, POLLUTANTS, Monitor, Now
from store.times import microseconds

#: A pollutant where there is room, and where there is little.
NAMES = {
    "pm2_5": "Fine particles (PM2.5)",
    "pm10": "Particles (PM10)",
    "no2": "Nitrogen dioxide (NO2)",
    "o3": "Ozone (O3)",
    "so2": "Sulphur dioxide (SO2)",
    "co": "Carbon monoxide (CO)",
    "pm1": "Very fine particles (PM1)",
}
SHORT = {
    "pm2_5": "PM2.5", "pm10": "PM10", "no2": "NO2", "o3": "ozone", "so2": "SO2", "co": "CO", "pm1": "PM1",
}  # fmt: skip
UNITS = {name: "mg/m³" if name == "co" else "µg/m³" for name in POLLUTANTS}
#: As UCUM codes, in files and the API.
UCUM = {name: "mg/m3" if name == "co" else "ug/m3" for name in POLLUTANTS}
#: Where there is no index.
NO_INDEX = "No index"
NOT_KNOWN = "not known"
_HOUR = timedelta(hours=1)


def index_words(index: int) -> str:
    """An index with its band: ``3, Low``; ``No index`` for 0."""
    found = band(index)
    return NO_INDEX if found is None else f"{index}, {LABELS[found]}"


def band_words(index: int) -> str:
    """The band of an index: ``Low``; ``No index`` for 0."""
    found = band(index)
    return NO_INDEX if found is None else LABELS[found]


def concentration(value: float) -> str:
    """A mean [the pollutant's unit] as it is read: three signs and no more; ``not known`` for NaN."""
    if math.isnan(value):
        return NOT_KNOWN
    # -0.04 is said as none, not as less than none
    said = f"{value:.0f}" if abs(value) >= 99.5 else f"{value:.1f}"
    return said.removeprefix("-") if not float(said) else said.replace("-", "\N{MINUS SIGN}")


def amount(value: float, unit: str) -> str:
    """A mean with its unit; ``not known`` for NaN."""
    return NOT_KNOWN if math.isnan(value) else f"{concentration(value)} {unit}"


def listed(pollutants: Sequence[str]) -> str:
    """Short names: ``PM2.5, NO2 and ozone``."""
    said = [SHORT[one] for one in pollutants]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}" if said else ""


def rests_on(one: Now) -> str:
    """What an index rests on: ``Rests on PM2.5 (3) and ozone (2)``, the worst first."""
    worst = sorted(one.by_pollutant, key=lambda name: (-one.by_pollutant[name], INDEXED.index(name)))
    said = [f"{SHORT[name]} ({one.by_pollutant[name]})" for name in worst]
    together = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}" if said else ""
    return f"Rests on {together}" if together else ""


def missing(one: Now) -> str:
    """What an index says nothing of: ``not known: NO2 and SO2``; "" where nothing is missing."""
    return f"not known: {listed(one.missing)}" if one.missing else ""


def hour_words(start: datetime, zone: ZoneInfo) -> str:
    """An hour of a local day: ``13:00 to 14:00``."""
    begin, end = start.astimezone(zone), (start + _HOUR).astimezone(zone)
    said = f"{begin:%H:%M} to {end:%H:%M}"
    # the hour that comes twice, the first time
    return (
        f"{said}, before the clocks went back"
        if begin.utcoffset() != end.utcoffset() and begin.hour == end.hour
        else said
    )


def day_and_time(at: datetime, zone: ZoneInfo) -> str:
    """A local instant: ``14:00 on 28 November 2026``."""
    local = at.astimezone(zone)
    return f"{local:%H:%M} on {report_words.day(local.date())}"


def heard(monitor: Monitor, at: datetime, zone: ZoneInfo) -> str:
    """When a monitor was last heard: ``Last heard 13:42 on 28 November 2026, 3 days ago``."""
    if monitor.heard is None:
        return "Never heard yet"
    ago = age(microseconds(at) - microseconds(monitor.heard))
    return f"Last heard {day_and_time(monitor.heard, zone)}, {ago} ago"


def kind(monitor: Monitor) -> str:
    """What its values are good for: ``Indicative`` or ``Reference instrument``."""
    return "Indicative" if monitor.indicative else "Reference instrument"
