"""Bank holidays of England and Wales, dated: ``bank_holidays.toml`` beside this module.

They are data and no rule: days are moved and added by proclamation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from devices.toml import parse


@cache
def bank_holidays() -> Mapping[date, str]:
    """Every bank holiday that is known, in order, with its name."""
    text = files("devices").joinpath("bank_holidays.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {date.fromisoformat(day): name for year in parse(text).values() for day, name in year.items()}
    )


@cache
def known_years() -> range:
    """The years whose bank holidays are all known; beyond them no day is one."""
    years = {day.year for day in bank_holidays()}
    return range(min(years), max(years) + 1)


def is_bank_holiday(day: date) -> bool:
    """Whether a local day is one. No day beyond `known_years` is."""
    return day in bank_holidays()
