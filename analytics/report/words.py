"""Numbers, dates and names of things as a resident reads them, on the page and in the letter: plain British English."""

from __future__ import annotations

from datetime import date, timedelta

from analytics.report import labels
from devices.homes import HomeDetails

#: What a fuel is called in a sentence: "your electricity", "you used 5 kWh of heat".
FUEL = labels.in_sentence(labels.FUELS)

_DWELLINGS = labels.in_sentence(labels.DWELLINGS)
_HEATING = labels.in_sentence(labels.HEATING)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def shown(watt_hours: int) -> int:
    """A home's own use as it is shown [Wh]: to 0.1 kWh below 100 kWh, above to 1 kWh, half up; below 1 kWh finer.

    Averages have two significant figures, which is never finer: whoever is at or below one is shown at or below it.
    """
    step = 1 if watt_hours < 100 else 10 if watt_hours < 1_000 else 100 if watt_hours < 99_950 else 1_000
    return (watt_hours + step // 2) // step * step


def kwh(watt_hours: int) -> str:
    """An amount that is already rounded, without zeros that say nothing: ``52 kWh``, ``5.2 kWh``, ``1,200 kWh``."""
    whole, rest = divmod(watt_hours, 1_000)
    return f"{whole:,}{f'.{rest:03d}'.rstrip('0') if rest else ''} kWh"


def pounds(pence: int) -> str:
    """``£13.61``; below a pound ``61p``."""
    return f"{pence}p" if pence < 100 else f"£{pence // 100:,}.{pence % 100:02d}"


def about_pounds(pence: float) -> str:
    """An estimate: whole pounds from £2 on, below to ten pence."""
    if pence >= 195:
        return f"£{int(pence / 100 + 0.5):,}"
    tens = int(pence / 10 + 0.5) * 10
    return f"£{tens // 100}.{tens % 100:02d}" if tens >= 100 else f"{tens}p"


def kilograms(grams: int) -> str:
    """``850 g``, ``9.2 kg``, ``120 kg``."""
    if grams < 1_000:
        return f"{grams} g"
    if grams < 99_950:
        tenths = (grams + 50) // 100
        return f"{tenths // 10}.{tenths % 10} kg".replace(".0 ", " ")
    return f"{(grams + 500) // 1_000:,} kg"


def percent(part: int, whole: int) -> int:
    """So many per cent of the whole, half up, without sign."""
    return (200 * abs(part) + whole) // (2 * whole) if whole > 0 else 0


def count(number: int, one: str, many: str) -> str:
    """``one day``, ``three days``, ``12 days``."""
    return f"{_COUNTS[number] if number < len(_COUNTS) else number} {one if number == 1 else many}"


def hours(half_hours: int) -> str:
    """``half an hour``, ``one hour``, ``1.5 hours``, ``12 hours``."""
    if half_hours == 1:
        return "half an hour"
    return count(half_hours // 2, "hour", "hours") if half_hours % 2 == 0 else f"{half_hours / 2:g} hours"


def sentence(text: str) -> str:
    """The same with a capital at the beginning."""
    return text[:1].upper() + text[1:]


def day(when: date, *, year: bool = True, weekday: bool = False) -> str:
    """``Monday 9 February 2026``."""
    return (
        f"{f'{DAYS[when.weekday()]} ' if weekday else ''}{when.day} {_MONTHS[when.month - 1]}"
        f"{f' {when.year}' if year else ''}"
    )


def days(start: date, end: date) -> str:
    """The days from ``start`` to ``end`` (not included): ``9 to 15 February 2026``, ``29 December 2025 to …``."""
    last = end - timedelta(days=1)
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day} to {day(last)}"
    return f"{day(start, year=start.year != last.year)} to {day(last)}"


def period_name(kind: str, start: date, end: date) -> str:
    """What stands above a report: ``week of 9 to 15 February 2026``, ``February 2026``, ``four weeks, 19 …``."""
    if kind == "month":
        return f"{_MONTHS[start.month - 1]} {start.year}"
    return f"{'week of' if kind == 'week' else 'four weeks,'} {days(start, end)}"


def period_word(kind: str, first: date) -> str:
    """A period within a sentence, once its dates have been said: ``that week``, ``February``, ``those four weeks``."""
    return {"week": "that week", "four-weeks": "those four weeks"}.get(kind, _MONTHS[first.month - 1])


def before_word(kind: str, first: date) -> str:
    """The period before one: ``the week before``, ``January``, ``the four weeks before``."""
    words = {"week": "the week before", "four-weeks": "the four weeks before"}
    return words.get(kind, _MONTHS[(first - timedelta(days=1)).month - 1])


def quarter_name(first: date) -> str:
    """``January to March 2026``."""
    return f"{_MONTHS[first.month - 1]} to {_MONTHS[first.month + 1]} {first.year}"


def homes_like(details: HomeDetails) -> str:
    """What is compared with what: ``flats with gas heating``."""
    dwelling = _DWELLINGS.get(details.dwelling, "homes of the same kind")
    return f"{dwelling} {_HEATING.get(details.heating, 'with the same heating')}"


def distance(metres: float) -> str:
    """``600 metres``, ``1.5 kilometres``: the next hundred metres, from one kilometre on the next half."""
    if metres <= 900:
        return f"{max(1, -(-int(metres + 0.5) // 100)) * 100} metres"
    halves = max(2, -(-int(metres + 0.5) // 500))
    return f"{halves / 2:g} {'kilometre' if halves == 2 else 'kilometres'}"
