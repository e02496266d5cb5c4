"""The form of a household's details: its fields as they are, and what was typed made what the tables hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dashboard import labels as words
from dashboard.web.forms import Form
from dashboard.web.household import Household
from devices.homes import DWELLINGS, EPC_BANDS, HEATING, TENURES, HomeDetails, Tenancy
from store.times import next_quarter, quarter

_YES = {"yes": True, "no": False, "": None}
_YES_NO = {"yes": "Yes", "no": "No", "": "I would rather not say"}


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


def values(household: Household) -> dict[str, str]:
    """What the fields of the details say before anything is typed."""
    details, tenancy = household.home.details, household.tenancy
    plain: dict[str, Any] = {
        "dwelling": details.dwelling,
        "heating": details.heating,
        "floor_area": None if details.floor_area is None else f"{details.floor_area:g}",
        "bedrooms": details.bedrooms,
        "epc": details.epc,
        "tenure": details.tenure,
        "occupants": tenancy.occupants,
        "electric_vehicle": _yes(tenancy.electric_vehicle),
        "medical_equipment": _yes(tenancy.medical_equipment),
        "large_print": "yes" if tenancy.large_print else "",
        "letters": "yes" if tenancy.letters else "",
    }
    return {name: "" if value is None else str(value) for name, value in plain.items()}


def common(household: Household) -> dict[str, Any]:
    """What the pages of details and prices say beside their fields."""
    start = quarter(household.today)
    following = next_quarter(start)
    return {
        "household": household,
        "next_quarter": following,
        "dwellings": words.DWELLING_WORDS,
        "heatings": words.HEATING_WORDS,
        "tenures": {**words.TENURE_WORDS, "": "I would rather not say"},
        "epcs": {**{band: band for band in EPC_BANDS}, "": "I do not know"},
        "yes_no": _YES_NO,
        "payments": words.PAYMENT_WORDS,
        "fuels": {fuel: words.FUEL_WORDS[fuel] for fuel in ("electricity", "gas", "heat")},
    }


def _yes(answer: bool | None) -> str:
    return "" if answer is None else "yes" if answer else "no"
