"""What people choose from and what is stored, in words. Numbers and dates are said by `analytics.report.words`."""

from __future__ import annotations

from datetime import date, timedelta

from analytics.report import labels
from analytics.report import words as report_words
from devices.counts import counted

FUEL_WORDS = labels.on_page(labels.FUELS)
KIND_WORDS = {"week": "Last week", "month": "Last month", "four-weeks": "Last four weeks"}
#: The newest that there is, where it is not the last that is over.
NEWEST_WORDS = {"week": "Newest week", "month": "Newest month", "four-weeks": "Newest four weeks"}
EARLIER_WORDS = {"week": "Earlier weeks", "month": "Earlier months", "four-weeks": "Earlier four weeks"}
DWELLING_WORDS = labels.on_page(labels.DWELLINGS)
HEATING_WORDS = labels.on_page(labels.HEATING)
TENURE_WORDS = labels.on_page(labels.TENURES)
CHANNEL_WORDS = {
    "import": "when you joined",
    "page": "on this website",
    "paper": "on paper",
    "assist": "with a council helper",
    "telephone": "by telephone",
}
#: What a complaint is about.
COMPLAINT_WORDS = {
    "energy": "Energy use of a home: meters, comparisons, letters",
    "parking": "Parking bays",
    "air": "Air monitors and messages about air",
    "movement": "Movement sensors in a home, or carers",
    "other": "Something else",
}
#: Who may park in a bay of a kind.
BAY_WORDS = {
    "resident-permit": "Residents with a permit",
    "pay": "Paid parking",
    "limited-waiting": "Limited waiting",
    "disabled": "Disabled (Blue Badge)",
    "loading": "Loading",
    "electric": "Electric vehicles",
    "taxi": "Taxis",
    "motorcycle": "Motorcycles",
    "car-club": "Car club",
    "unrestricted": "Anybody",
}
#: What is under way changes on a screen in steps of a minute [us].
MINUTE = 60_000_000
#: From Monday on.
DAYS = report_words.DAYS
PAYMENT_WORDS = {
    "direct-debit": "Direct debit",
    "on-receipt": "When the bill comes",
    "prepayment": "In advance, with a key, card or app",
}


def month_words(day: date) -> str:
    """``February 2026``."""
    return report_words.period_name("month", day, day + timedelta(days=1))


def amount(watt_hours: int) -> str:
    """A use [Wh], rounded as it is shown."""
    return report_words.kwh(report_words.shown(watt_hours))


def watts(value: float) -> str:
    """Power [W] as ``120 W``, from 10 kW on ``12.3 kW``."""
    return f"{value / 1000:,.1f} kW" if value >= 10_000 else f"{value:,.0f} W"


def age(microseconds: int) -> str:
    """How long something has held, such as ``4 min``, ``2 h 10 min`` or ``3 days``."""
    minutes = max(0, microseconds) // MINUTE
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 2_880:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return counted(minutes // 1_440, "day")


def distance(metres: float) -> str:
    """A distance between bays and places as it is said: to ten metres, from a kilometre on to a hundred."""
    return f"{metres / 1000:.1f} km" if metres >= 995 else f"{max(10, round(metres, -1)):.0f} m"
