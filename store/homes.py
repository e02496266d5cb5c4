"""Homes, who lives in them, what they agreed to, their meters and tariffs: looked up and changed one at a time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from devices.homes import Consent, Home, HomeDetails, HomeMeter, Register, Tariff, Tenancy
from devices.uprn import spellings
from store.connect import Connection
from store.queries import queries

_SQL = queries("homes")

#: Prices that a household may tell us, of all fuels: one a month for twenty years.
MOST_TARIFFS = 240


class TooManyTariffs(Exception):
    """A household has told us as many prices as one may."""


def new_id() -> int:
    """A new pseudonym: 14 random digits, so that it fits an int64 and is no UPRN."""
    return 10**13 + secrets.randbelow(9 * 10**13)


def home(connection: Connection, home_id: int) -> Home | None:
    """A home by its pseudonym, as it is known today. Raises psycopg.Error."""
    row = connection.execute(_SQL["home"], (home_id,)).fetchone()
    return None if row is None else _home(row)


def by_uprn(connection: Connection, uprn: str) -> Home | None:
    """A home by its UPRN, with leading zeros or without. Raises psycopg.Error."""
    row = connection.execute(_SQL["by_uprn"], (spellings(uprn),)).fetchone()
    return None if row is None else _home(row)


def tenancy(connection: Connection, tenancy_id: int) -> Tenancy | None:
    """A tenancy. Raises psycopg.Error."""
    row = connection.execute(_SQL["tenancy"], (tenancy_id,)).fetchone()
    return None if row is None else Tenancy(*row)


def tenancies(connection: Connection, home_id: int) -> list[Tenancy]:
    """All tenancies of a home, the earliest first. Raises psycopg.Error."""
    return [Tenancy(*row) for row in connection.execute(_SQL["tenancies"], (home_id,)).fetchall()]


def current_tenancy(connection: Connection, home_id: int, day: date) -> Tenancy | None:
    """Who lives in a home on a local day. Raises psycopg.Error."""
    row = connection.execute(_SQL["current_tenancy"], (home_id, day, day)).fetchone()
    return None if row is None else Tenancy(*row)


def meters(connection: Connection, home_id: int) -> list[HomeMeter]:
    """The meters of a home, by their days. Raises psycopg.Error."""
    return [HomeMeter(*row) for row in connection.execute(_SQL["meters"], (home_id,)).fetchall()]


def consents(connection: Connection, tenancy_id: int) -> list[Consent]:
    """All that a tenancy ever agreed to, the earliest first. Raises psycopg.Error."""
    return [Consent(*row) for row in connection.execute(_SQL["consents"], (tenancy_id,)).fetchall()]


def give_consent(connection: Connection, tenancy_id: int, purpose: str, channel: str, at: datetime) -> bool:
    """Note that a tenancy agrees to a purpose; False where it does already or is being erased. Raises psycopg.Error."""
    return connection.execute(_SQL["give_consent"], (tenancy_id, purpose, at, channel)).rowcount == 1


def withdraw_consent(connection: Connection, tenancy_id: int, purpose: str, at: datetime) -> bool:
    """End a consent; False where there is none. Raises psycopg.Error."""
    return connection.execute(_SQL["withdraw_consent"], (at, tenancy_id, purpose)).rowcount == 1


def change_details(connection: Connection, home_id: int, details: HomeDetails, source: str, at: datetime) -> bool:
    """Note what a home is from now on; False where nothing changed. Neighbours change with the next quarter.

    ``source``: import, resident or assist. Raises psycopg.Error.
    """
    known = home(connection, home_id)
    if known is None or known.details == details:
        return False
    return connection.execute(_SQL["change_details"], details_row(home_id, details, source, at)).rowcount == 1


def change_tenancy(connection: Connection, changed: Tenancy) -> bool:
    """Change what a household says of itself (its home and its days stay); False where nothing changed.

    Raises psycopg.Error.
    """
    if tenancy(connection, changed.id) == changed:
        return False
    return (
        connection.execute(
            _SQL["change_tenancy"],
            (changed.name, changed.occupants, changed.electric_vehicle, changed.medical_equipment, changed.large_print,
             changed.letters, changed.id),
        ).rowcount
        == 1
    )  # fmt: skip


def tariffs(connection: Connection, tenancy_id: int) -> list[Tariff]:
    """The prices that a tenancy told us, by fuel, the newest last. Raises psycopg.Error."""
    return [tariff_of(row) for row in connection.execute(_SQL["tariffs"], (tenancy_id,)).fetchall()]


def set_tariff(connection: Connection, tenancy_id: int, tariff: Tariff) -> bool:
    """Note a price from its day on, in place of another from that very day; False where it is known already.

    Raises TooManyTariffs, psycopg.Error.
    """
    known = tariffs(connection, tenancy_id)
    if tariff in known:
        return False
    replaced = any((one.fuel, one.from_day) == (tariff.fuel, tariff.from_day) for one in known)
    if len(known) >= MOST_TARIFFS and not replaced:
        raise TooManyTariffs
    return connection.execute(_SQL["set_tariff"], tariff_row(tenancy_id, tariff)).rowcount == 1


def remove_tariff(connection: Connection, tenancy_id: int, fuel: str, from_day: date) -> bool:
    """Take a price away; False where there is none from that day. Raises psycopg.Error."""
    return connection.execute(_SQL["remove_tariff"], (tenancy_id, fuel, from_day)).rowcount == 1


def details_row(home_id: int, details: HomeDetails, source: str, at: datetime) -> tuple[Any, ...]:
    """The parameters of the query ``change_details``."""
    return (
        home_id, at, details.dwelling, details.heating, details.heat_network, details.floor_area, details.bedrooms,
        details.epc, details.tenure, details.deprivation_decile, source,
    )  # fmt: skip


def tariff_row(tenancy_id: int, tariff: Tariff) -> tuple[Any, ...]:
    """The parameters of the query ``set_tariff``."""
    registers = [
        {"name": one.name, "rate": one.rate}
        | ({} if one.start == one.end else {"from": _clock(one.start), "to": _clock(one.end)})
        | ({"utc": True} if one.utc else {})
        for one in tariff.registers
    ]
    return (
        tenancy_id, tariff.fuel, tariff.from_day, tariff.name, tariff.payment, tariff.standing_charge,
        json.dumps(registers),
    )  # fmt: skip


def _home(row: tuple[Any, ...]) -> Home:
    return Home(row[0], row[1], tuple(row[2]), row[3], row[4], details_of(row[5:13]))


def details_of(columns: tuple[Any, ...]) -> HomeDetails:
    """Details from their eight columns."""
    return HomeDetails(*columns)


def tariff_of(row: tuple[Any, ...]) -> Tariff:
    """A tariff from its six columns."""
    return Tariff(row[0], row[1], row[2], row[3], row[4], tuple(_register(one) for one in row[5]))


def _register(one: Mapping[str, Any]) -> Register:
    return Register(
        one["name"],
        float(one["rate"]),
        _minutes(one.get("from", "00:00")),
        _minutes(one.get("to", "00:00")),
        bool(one.get("utc", False)),
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
