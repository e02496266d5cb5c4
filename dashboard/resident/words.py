"""Days, periods and amounts as they are said on a resident's pages."""

from __future__ import annotations

from datetime import date, timedelta

from analytics.periods import Period

FUEL_WORDS = {"electricity": "Electricity", "gas": "Gas", "heat": "Heat", "export": "Given to the grid"}
KIND_WORDS = {"week": "Last week", "month": "Last month", "four-weeks": "Last four weeks"}
DWELLING_WORDS = {
    "flat": "Flat",
    "maisonette": "Maisonette",
    "terraced": "Terraced house",
    "semi-detached": "Semi-detached house",
    "detached": "Detached house",
    "bungalow": "Bungalow",
    "other": "Another kind of home",
}
HEATING_WORDS = {
    "gas": "Gas boiler",
    "electric": "Electric heating",
    "heat-pump": "Heat pump",
    "heat-network": "Heat network (one heat source for many homes)",
    "oil": "Oil",
    "other": "Another kind of heating",
}
TENURE_WORDS = {
    "owner": "Owned",
    "private-rent": "Rented privately",
    "council-rent": "Rented from the council",
    "housing-association": "Rented from a housing association",
    "other": "Another way",
}
CHANNEL_WORDS = {
    "import": "when you joined",
    "page": "on this website",
    "paper": "on paper",
    "assist": "with a council helper",
    "telephone": "by telephone",
}


def day_words(day: date, *, weekday: bool = False) -> str:
    """``9 February 2026``, or with its weekday ``Monday 9 February 2026``."""
    return f"{day:%A} {day.day} {day:%B %Y}" if weekday else f"{day.day} {day:%B %Y}"


def month_words(day: date) -> str:
    """``February 2026``."""
    return f"{day:%B %Y}"


def span_words(first: date, stop: date) -> str:
    """``9 to 15 February 2026``; ``stop`` is not included."""
    last = stop - timedelta(days=1)
    if first == last:
        return day_words(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day_words(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%B} to {day_words(last)}"
    return f"{day_words(first)} to {day_words(last)}"


def period_words(period: Period) -> str:
    """A period by its days; a month by its name."""
    return month_words(period.start) if period.kind == "month" else span_words(period.start, period.stop)


def kwh(watt_hours: float) -> str:
    """An amount of energy [Wh] as ``8.4 kWh``; from 100 kWh on whole ones."""
    return f"{number(watt_hours / 1000)} kWh"


def number(value: float) -> str:
    """One decimal below 100, none above, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:,.1f}"


def watts(value: float) -> str:
    """Power [W] as ``120 W`` or from 10 kW on ``12.3 kW``."""
    return f"{value / 1000:,.1f} kW" if value >= 10_000 else f"{value:,.0f} W"


def pounds(pence: float) -> str:
    """Money [pence] as ``£12.34``."""
    return f"£{pence / 100:,.2f}"
