"""The form of a household's prices as it is typed, made what the tables hold."""

from __future__ import annotations

from datetime import date

from dashboard.web.forms import Form
from devices import lengths
from devices.homes import PAYMENTS, Register, Tariff


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
    start, end = form.clock("night_from", "when the other rate begins"), form.clock("night_to", "when it ends")
    if start is not None and start == end:
        form.errors["night_to"] = "The other rate must end at another time than it begins"
    utc = form.text("night_gmt") == "yes"
    return (Register("other rate", other, start or 0, end or 0, utc), Register("all other hours", rate or 0.0))
