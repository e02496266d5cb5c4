"""What people type into the forms of their own details and prices, read with kind words where it cannot be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from devices import lengths
from devices.homes import DWELLINGS, EPC_BANDS, HEATING, PAYMENTS, TENURES, HomeDetails, Register, Tariff, Tenancy

_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)\Z")


@dataclass(slots=True)
class Form:
    """What was typed, by field, and what is wrong with it: ``errors`` has a sentence by field, in the order found."""

    typed: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """What stands in a field, without spaces around it."""
        return self.typed.get(name, "").strip()

    def line(self, name: str, longest: int, what: str, missing: str) -> str:
        """A line of text that must be there; ``what`` is its name at the start of a sentence."""
        found = self.text(name)
        wrong = lengths.refusal(found, longest)
        if not found:
            self.errors[name] = missing
        elif wrong is not None:
            self.errors[name] = f"{what} {wrong}"
        return found

    def choice(self, name: str, words: tuple[str, ...], wrong: str) -> str:
        """One of ``words``."""
        found = self.text(name)
        if found not in words:
            self.errors[name] = wrong
        return found

    def maybe(self, name: str, words: tuple[str, ...], wrong: str) -> str | None:
        """One of ``words``, or None where nothing is chosen."""
        return None if not self.text(name) else self.choice(name, words, wrong)

    def whole(self, name: str, least: int, most: int, what: str) -> int | None:
        """A whole number, or None where the field is empty."""
        text = self.text(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            self.errors[name] = f"{what} must be a whole number from {least} to {most:,}"
            return None
        return int(text)

    def number(self, name: str, least: float, most: float, what: str, unit: str) -> float | None:
        """A number with a dot or comma, or None where the field is empty."""
        text = self.text(name).replace(",", ".")
        if not text:
            return None
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) or not least <= float(text) <= most:
            self.errors[name] = f"{what} must be a number from {least:g} to {most:,g} {unit}, such as 12.5"
            return None
        return float(text)

    def day(self, name: str, what: str) -> date | None:
        """A date of three fields; None with an error where it is none."""
        parts = [self.text(f"{name}-{part}") for part in ("day", "month", "year")]
        if not all(parts):
            self.errors[f"{name}-day"] = f"Enter {what} as day, month and year, such as 1 4 2026"
            return None
        try:
            if not all(part.isascii() and part.isdigit() for part in parts):
                raise ValueError
            return date(int(parts[2]), int(parts[1]), int(parts[0]))
        except (ValueError, OverflowError):
            self.errors[f"{name}-day"] = f"{what[0].upper()}{what[1:]} must be a real date, such as 1 4 2026"
            return None

    def clock(self, name: str, what: str) -> int | None:
        """Minutes of the local day, or None with an error."""
        found = _CLOCK.match(self.text(name))
        if found is None:
            self.errors[name] = f"Enter {what} as hours and minutes, such as 00:30"
            return None
        return int(found[1]) * 60 + int(found[2])


_YES = {"yes": True, "no": False, "": None}


def read_details(form: Form, known: HomeDetails, tenancy: Tenancy) -> tuple[HomeDetails, Tenancy]:
    """A home's and a household's details as typed; what no field asks for stays.

    They are right only where ``form`` has no errors.
    """
    dwelling = form.choice("dwelling", DWELLINGS, "Choose what kind of home it is")
    heating = form.choice("heating", HEATING, "Choose how your home is heated")
    details = replace(
        known,
        dwelling=dwelling,
        heating=heating,
        heat_network=known.heat_network if heating == known.heating else None,
        floor_area=form.number("floor_area", 5, 5_000, "Floor area", "square metres"),
        bedrooms=form.whole("bedrooms", 0, 50, "The number of bedrooms"),
        epc=form.maybe("epc", EPC_BANDS, "Choose an energy rating from A to G"),
        tenure=form.maybe("tenure", TENURES, "Choose one of the answers"),
    )
    for name, wrong in (("electric_vehicle", "an electric vehicle"), ("medical_equipment", "medical equipment")):
        if form.text(name) not in _YES:
            form.errors[name] = f"Choose yes or no, or leave open whether you have {wrong}"
    household = replace(
        tenancy,
        occupants=form.whole("occupants", 0, 50, "The number of people"),
        electric_vehicle=_YES.get(form.text("electric_vehicle")),
        medical_equipment=_YES.get(form.text("medical_equipment")),
        large_print=form.text("large_print") == "yes",
        letters=form.text("letters") == "yes",
    )
    return details, household


def read_tariff(form: Form, first: date) -> Tariff | None:
    """A price as typed; None where ``form`` has errors. It may begin years before ``first``, but not in 1066."""
    fuel = form.choice("fuel", ("electricity", "gas", "heat"), "Choose what the price is for")
    missing = f"Enter the name of the tariff as on your bill, up to {lengths.TARIFF} letters"
    name = form.line("name", lengths.TARIFF, "The name of the tariff", missing)
    begin = form.day("from", "the day from which the price counts")
    if begin is not None and not date(first.year - 5, 1, 1) <= begin <= date(first.year + 50, 1, 1):
        form.errors["from-day"] = f"The day must be after {first.year - 6}"
    payment = form.choice("payment", PAYMENTS, "Choose how you pay")
    standing = form.number("standing", 0, 1_000, "The standing charge", "pence a day")
    if standing is None and "standing" not in form.errors:
        form.errors["standing"] = "Enter the standing charge in pence a day, or 0 if there is none"
    rate = form.number("rate", 0, 1_000, "The unit rate", "pence a kWh")
    if rate is None and "rate" not in form.errors:
        form.errors["rate"] = "Enter the unit rate in pence a kWh"
    registers = _registers(form, rate)
    if form.errors or begin is None or standing is None:
        return None
    return Tariff(fuel, begin, name, payment, standing, registers)


def _registers(form: Form, rate: float | None) -> tuple[Register, ...]:
    """One rate for all hours, or a cheaper one between two times before it."""
    other = form.number("night_rate", 0, 1_000, "The other rate", "pence a kWh")
    if other is None:
        if form.text("night_from") or form.text("night_to"):
            form.errors.setdefault("night_rate", "Enter the rate that counts between the two times, or leave all empty")
        return (Register("all hours", rate or 0.0),)
    start, stop = form.clock("night_from", "when the other rate begins"), form.clock("night_to", "when it ends")
    if start is not None and start == stop:
        form.errors["night_to"] = "The other rate must end at another time than it begins"
    return (Register("other rate", other, start or 0, stop or 0), Register("all other hours", rate or 0.0))
