"""The energy file: prices, carbon factors, calorific values and typical use, read from TOML and checked key by key."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from devices.files import read_text
from devices.homes import COMPARED, PAYMENTS
from devices.lengths import SOURCE, TARIFF, refusal
from devices.toml import TomlError, parse


class EnergyError(ValueError):
    """An energy file is wrong. The text names the file, the key and the reason."""


@dataclass(frozen=True, slots=True)
class Price:
    """A reference price from ``start`` to ``end`` (not included). ``rate`` [pence/kWh], ``standing`` [pence/day]."""

    fuel: str
    payment: str
    start: date
    end: date
    rate: float
    standing: float
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Factor:
    """Carbon of a fuel in a year: ``value`` [kgCO2e/kWh]."""

    fuel: str
    year: int
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Calorific:
    """Energy in a cubic metre of gas from a day on: ``value`` [MJ/m3]."""

    start: date
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Typical:
    """What a home uses in a year [kWh]; ``meter`` is single-rate or multi-rate; None is not known."""

    fuel: str
    meter: str
    start: date
    low: float | None
    medium: float
    high: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Tables:
    """All entries of an energy file, each kind in the order of its dates."""

    prices: tuple[Price, ...]
    factors: tuple[Factor, ...]
    calorific: tuple[Calorific, ...]
    typical: tuple[Typical, ...]


_METERS = ("single-rate", "multi-rate")
_KEYS = {
    "price": {"fuel", "payment", "from", "to", "rate", "standing_charge", "name", "source"},
    "carbon": {"fuel", "year", "factor", "source"},
    "calorific": {"from", "value", "source"},
    "typical": {"fuel", "meter", "from", "low", "medium", "high", "source"},
}


def read_tables(path: Path) -> Tables:
    """Read and check an energy file. Raises EnergyError."""
    try:
        text = read_text(path)
    except OSError as error:
        raise EnergyError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise EnergyError(f"{path}: is not UTF-8 text") from None
    return parse_tables(text, str(path))


def parse_tables(text: str, where: str) -> Tables:
    """Check an energy file's text; ``where`` is its name in errors. Raises EnergyError."""
    try:
        document = parse(text)
    except TomlError as error:
        raise EnergyError(f"{where}: {error}") from None
    return _Reader(where).tables(document)


class _Reader:
    """Turns parsed TOML into tables; holds the file's name and the present entry for the errors."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.entry = ""

    def fail(self, key: str, reason: str) -> NoReturn:
        raise EnergyError(f"{self.where}: {self.entry}{'.' if self.entry and key else ''}{key}: {reason}")

    def tables(self, document: dict[str, Any]) -> Tables:
        for key in document:
            if key not in _KEYS:
                self.fail(key, f"is none of {', '.join(_KEYS)}")
        prices = [self._price(entry) for entry in self._entries(document, "price")]
        factors = [self._factor(entry) for entry in self._entries(document, "carbon")]
        calorific = [self._calorific(entry) for entry in self._entries(document, "calorific")]
        typical = [self._typical(entry) for entry in self._entries(document, "typical")]
        self.entry = ""
        if not calorific:
            self.fail("calorific", "is missing: meters that count cubic metres need a value")
        prices.sort(key=lambda price: (price.fuel, price.payment, price.start))
        for one, two in pairwise(prices):
            if (one.fuel, one.payment) == (two.fuel, two.payment) and two.start < one.end:
                self.fail("price", f"two of {one.fuel}, {one.payment} cover {two.start}")
        factors.sort(key=lambda factor: (factor.fuel, factor.year))
        calorific.sort(key=lambda value: value.start)
        typical.sort(key=lambda value: (value.fuel, value.meter, value.start))
        self._once("carbon", [(factor.fuel, factor.year) for factor in factors])
        self._once("calorific", [(value.start,) for value in calorific])
        self._once("typical", [(value.fuel, value.meter, value.start) for value in typical])
        return Tables(tuple(prices), tuple(factors), tuple(calorific), tuple(typical))

    def _once(self, kind: str, keys: list[tuple[Any, ...]]) -> None:
        for one, two in pairwise(keys):
            if one == two:
                self.fail(kind, f"{', '.join(str(part) for part in one)} is there twice")

    def _entries(self, document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        found = document.get(kind, [])
        self.entry = ""
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            self.fail(kind, f"is written as [[{kind}]], once for each entry")
        checked = []
        for number, entry in enumerate(found, 1):
            self.entry = f"{kind} {number}"
            for key in entry:
                if key not in _KEYS[kind]:
                    self.fail(str(key), f"is none of {', '.join(sorted(_KEYS[kind]))}")
            checked.append({**entry, "_entry": self.entry})
        return checked

    def _price(self, entry: dict[str, Any]) -> Price:
        self.entry = entry["_entry"]
        start, end = self._day(entry, "from"), self._day(entry, "to")
        if end <= start:
            self.fail("to", "is not after from (the day itself is not included)")
        return Price(
            self._word(entry, "fuel", COMPARED),
            self._word(entry, "payment", PAYMENTS),
            start,
            end,
            self._number(entry, "rate", 0, 1_000),
            self._number(entry, "standing_charge", 0, 10_000),
            self._text(entry, "name", TARIFF),
            self._text(entry, "source"),
        )

    def _factor(self, entry: dict[str, Any]) -> Factor:
        self.entry = entry["_entry"]
        year = entry.get("year")
        if not isinstance(year, int) or isinstance(year, bool) or not 1990 <= year <= 2200:
            self.fail("year", "is no year such as 2025")
        value = self._number(entry, "factor", 0, 5)
        return Factor(self._word(entry, "fuel", COMPARED), year, value, self._text(entry, "source"))

    def _calorific(self, entry: dict[str, Any]) -> Calorific:
        self.entry = entry["_entry"]
        # outside of it the value would be in another unit, kWh/m3 say
        value = self._number(entry, "value", 30, 50)
        return Calorific(self._day(entry, "from"), value, self._text(entry, "source"))

    def _typical(self, entry: dict[str, Any]) -> Typical:
        self.entry = entry["_entry"]
        low = self._number(entry, "low", 0, 1e6) if "low" in entry else None
        medium = self._number(entry, "medium", 0, 1e6)
        high = self._number(entry, "high", 0, 1e6) if "high" in entry else None
        if (low is not None and low > medium) or (high is not None and high < medium):
            self.fail("medium", "is not between low and high")
        fuel, meter = self._word(entry, "fuel", COMPARED), self._word(entry, "meter", _METERS)
        return Typical(fuel, meter, self._day(entry, "from"), low, medium, high, self._text(entry, "source"))

    def _text(self, entry: dict[str, Any], key: str, longest: int = SOURCE) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fail(key, "is missing, or no line of text")
        wrong = refusal(value.strip(), longest)
        if wrong is not None:
            self.fail(key, wrong)
        return value.strip()

    def _word(self, entry: dict[str, Any], key: str, words: tuple[str, ...]) -> str:
        value = entry.get(key)
        if value not in words:
            self.fail(key, f"is none of {', '.join(words)}")
        return str(value)

    def _number(self, entry: dict[str, Any], key: str, low: float, high: float) -> float:
        value = entry.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            self.fail(key, "is missing, or no number")
        if not low <= value <= high:
            self.fail(key, f"{value} is not between {low:g} and {high:g}")
        return float(value)

    def _day(self, entry: dict[str, Any], key: str) -> date:
        value = entry.get(key)
        if not isinstance(value, date) or isinstance(value, datetime):
            self.fail(key, "is missing, or no date such as 2026-01-01 (without quotes)")
        return value
