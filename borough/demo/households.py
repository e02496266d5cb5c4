"""The demo's households: homes, tenancies and consents for the fleet's meters. None of them exists."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime

from borough.demo.care import homes_of
from borough.errors import Failure
from devices.device import Device
from devices.homes import HomeDetails, HomeRow, Register, Tariff
from store import homes_import
from store.connect import Connection

#: All of the demo's households moved in long before the fleet's first reading.
_MOVED_IN = date(2019, 4, 1)
_FIRST = ("Ada", "Bilal", "Carys", "Dmitri", "Esi", "Farah", "Grace", "Hamish", "Iris", "Jun", "Kofi", "Leila", "Maeve")
_LAST = ("Abbott", "Begum", "Clarke", "Dixon", "Evans", "Fofana", "Gill", "Hughes", "Iqbal", "Jones", "Khan", "Lowe")
#: Every so-many-th household pays by its own known price, had not agreed to be compared, needs large print.
_OWN_PRICE, _NO_CONSENT, _LARGE_PRINT = 3, 23, 17


def demo_homes(devices: Sequence[Device]) -> Iterator[HomeRow]:
    """One household for each smart meter, from what the simulator knows of its home."""
    numbers: dict[str, int] = {}
    watched = iter(homes_of(devices))
    for place, device in enumerate(device for device in devices if device.family == "smart-meter"):
        known, own = device.attributes, next(watched, [])
        street = known["street"]
        numbers[street] = numbers.get(street, 0) + 1
        assert device.lon is not None
        assert device.lat is not None
        yield HomeRow(
            where=device.id,
            # no property has such a number
            uprn=f"999{place + 1:09d}",
            address=(f"{numbers[street]} {street}", "Demo Borough", f"DB{len(numbers)} 1AA"),
            lon=device.lon,
            lat=device.lat,
            details=HomeDetails(
                dwelling=known["dwelling"],
                heating=known["heating"],
                heat_network="Dock Street" if known["heating"] == "heat-network" else None,
                floor_area=float(known["floor_area"]),
                bedrooms=int(known["bedrooms"]),
                tenure=("owner", "private-rent", "council-rent")[place % 3],
            ),
            from_day=_MOVED_IN,
            to_day=None,
            name=f"{_FIRST[place % len(_FIRST)]} {_LAST[place % len(_LAST)]}",
            occupants=int(known["occupants"]),
            electric_vehicle=None,
            medical_equipment=None,
            large_print=place % _LARGE_PRINT == _LARGE_PRINT - 1,
            meters=(device.id,),
            sensors=[(sensor.id, sensor.attributes["room"]) for sensor in own],
            consents={
                **({} if place % _NO_CONSENT == _NO_CONSENT - 1 else {"comparison": _MOVED_IN}),
                "evaluation": _MOVED_IN,
                "messages": _MOVED_IN,
                **({"care": _MOVED_IN} if own else {}),
            },
            tariffs=_tariffs(known.get("payment", "credit")) if place % _OWN_PRICE == 0 else (),
        )


def _tariffs(payment: str) -> Sequence[Tariff]:
    how = "prepayment" if payment == "prepayment" else "direct-debit"
    night = (Register("night", 14.2, 30, 450, utc=True), Register("day", 29.8))
    return (
        Tariff("electricity", _MOVED_IN, "Demo Night Saver", how, 52.0, night),
        Tariff("gas", _MOVED_IN, "Demo Gas", how, 30.0, (Register("all day", 6.9),)),
    )


def move_in(connection: Connection, devices: Sequence[Device], left: Collection[str] = ()) -> int:
    """Import the households, if they are not there already, and commit; how many homes are new.

    ``left``: meters of those that have left for good.

    Raises Failure where they do not fit what the demo's folder holds, psycopg.Error.
    """
    rows = [home for home in demo_homes(devices) if home.where not in left]
    plan = homes_import.import_rows(connection, rows, datetime.now(UTC))
    if plan.problems:
        raise Failure(f"the demo's homes cannot be imported: {plan.problems[0]}; borough demo --reset starts anew")
    connection.commit()
    return len(plan.homes)
