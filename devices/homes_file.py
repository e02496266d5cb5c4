"""The homes file: CSV in, homes with their tenancies, meters, consents and tariffs out.

Pure. A file is taken whole or not at all, so every problem in it is collected and told at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

from devices.cells import Cells
from devices.device import DEVICE_ID
from devices.homes import (
    COMPARED,
    DWELLINGS,
    EPC_BANDS,
    HEATING,
    PAYMENTS,
    PURPOSES,
    TENURES,
    HomeDetails,
    HomeRow,
    Register,
    Tariff,
)
from devices.lengths import HEAT_NETWORK, NAME, ROOM, TARIFF, address_refusal, refusal
from devices.registry import Problem, RegistryError, Row, csv_rows

_PRICE = ("tariff", "tariff_from", "payment", "rate", "standing")
REQUIRED = ("uprn", "address", "lon", "lat", "dwelling", "heating", "from", "meters")
OPTIONAL = (
    "heat_network", "floor_area", "bedrooms", "epc", "tenure", "deprivation_decile",
    "sensors", "to", "name", "occupants", "electric_vehicle", "medical_equipment", "large_print",
    *(f"consent_{purpose.replace('-', '_')}" for purpose in PURPOSES),
    *(f"{fuel}_{word}" for fuel in COMPARED for word in _PRICE),
    "electricity_night_rate", "electricity_night",
)  # fmt: skip

_NIGHT = re.compile(
    r"([01]\d|2[0-3]):([0-5]\d)\s*(Z?)\s*[-\u2013]\s*([01]\d|2[0-3]):([0-5]\d)\s*(UTC|GMT|Z|local|local time|)\Z",
    re.ASCII | re.IGNORECASE,
)
#: Columns whose text is shown to people as it is, with how long it may be.
_TEXTS = {"name": NAME, "heat_network": HEAT_NETWORK, **{f"{fuel}_tariff": TARIFF for fuel in COMPARED}}


def read_homes(data: bytes) -> list[HomeRow]:
    """Read a homes file (UTF-8 CSV), one line a tenancy, or several that differ in their prices alone and become one.

    Raises RegistryError with every problem and its line.

    ``address`` has its lines separated by semicolons, ``meters`` device ids separated by semicolons or blanks,
    ``sensors`` id=room separated by semicolons; dates are YYYY-MM-DD, local, ``to`` not included; a consent is the day
    on which it was given; prices are pence with tax.
    """
    homes: list[HomeRow] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, date], int] = {}
    for row in csv_rows(data, REQUIRED, _bad_name):
        if isinstance(row, Problem):
            problems.append(row)
            continue
        reader = _Cells(row)
        home = reader.home()
        problems += [Problem(row.where, text) for text in reader.wrong]
        if home is None:
            continue
        place = seen.setdefault((home.uprn, home.from_day), len(homes))
        if place == len(homes):
            homes.append(home)
        elif problem := _further(homes[place], home):
            problems.append(Problem(row.where, problem))
        else:
            homes[place] = replace(homes[place], tariffs=(*homes[place].tariffs, *home.tariffs))
    problems += _overlaps(homes)
    if problems:
        raise RegistryError(problems)
    return homes


def _further(first: HomeRow, line: HomeRow) -> str | None:
    """Why a further line of a tenancy adds no prices to its first one; None where it does."""
    given = f"this home's tenancy from {first.from_day} is already given in {first.where}"
    if replace(line, where=first.where, tariffs=first.tariffs) != first:
        return f"{given}, and more than its prices differ"
    if not line.tariffs:
        return given
    for tariff in line.tariffs:
        if any((one.fuel, one.from_day) == (tariff.fuel, tariff.from_day) for one in first.tariffs):
            return f"{given}, and so is its {tariff.fuel} price from {tariff.from_day}; say {tariff.fuel}_tariff_from"
    return None


class _Cells(Cells):
    """One line of the file."""

    def __init__(self, row: Row) -> None:
        # a home whose sensors are listed may have no meter of ours
        needed = [name for name in REQUIRED if name != "meters" or "sensors" not in row.cells]
        super().__init__(row, needed, _TEXTS, free=("address",))

    def home(self) -> HomeRow | None:
        uprn = self.uprn()
        lon, lat = self.number("lon", -180, 180), self.number("lat", -90, 90)
        from_day, to_day = self.day("from"), self.day("to")
        if from_day and to_day and to_day <= from_day:
            self.wrong.append(f"to {to_day} is not after from {from_day}")
        details = self._details()
        meters = tuple(dict.fromkeys(part for part in re.split(r"[;\s]+", self.cells.get("meters", "")) if part))
        self.wrong += [f"meter {meter!r} is no device id" for meter in meters if not DEVICE_ID.match(meter)]
        sensors = self._sensors()
        consents = {
            purpose: given
            for purpose in PURPOSES
            if (given := self.day(f"consent_{purpose.replace('-', '_')}")) is not None
        }
        tariffs = tuple(tariff for fuel in COMPARED if (tariff := self._tariff(fuel, from_day)) is not None)
        address = tuple(line.strip() for line in self.cells.get("address", "").split(";") if line.strip())
        if "address" in self.cells:
            wrong = address_refusal(address) if address else "has no line"
            self.wrong += [] if wrong is None else [f"address {wrong}"]
        occupants = self.whole("occupants", 0, 50)
        vehicle, equipment = self.yes("electric_vehicle"), self.yes("medical_equipment")
        large_print = self.yes("large_print")
        if self.wrong or uprn is None or lon is None or lat is None or from_day is None:
            return None
        return HomeRow(
            where=self.where,
            uprn=uprn,
            address=address,
            lon=lon,
            lat=lat,
            details=details,
            from_day=from_day,
            to_day=to_day,
            name=self.cells.get("name"),
            occupants=occupants,
            electric_vehicle=vehicle,
            medical_equipment=equipment,
            large_print=large_print,
            meters=meters,
            consents=consents,
            tariffs=tariffs,
            sensors=sensors,
        )

    def _sensors(self) -> tuple[tuple[str, str], ...]:
        """Movement sensors and their rooms: ``hall-1=hall; door-1=front door``."""
        found: dict[str, str] = {}
        for part in self.cells.get("sensors", "").split(";"):
            device, _, room = (word.strip() for word in part.partition("="))
            if not device and not room:
                continue
            if not DEVICE_ID.match(device):
                self.wrong.append(f"sensor {device!r} is no device id; say id=room, separated by semicolons")
            elif device in found:
                self.wrong.append(f"sensor {device} is given twice")
            elif wrong := refusal(room, ROOM):
                self.wrong.append(f"the room of sensor {device} {wrong}")
            found[device] = room
        return tuple(found.items())

    def _details(self) -> HomeDetails:
        heating = self.word("heating", HEATING) or "other"
        network = self.cells.get("heat_network")
        if network is not None and "heating" in self.cells and heating != "heat-network":
            self.wrong.append(f"heat_network is given, but heating is {heating}")
        return HomeDetails(
            dwelling=self.word("dwelling", DWELLINGS) or "other",
            heating=heating,
            heat_network=network,
            floor_area=self.number("floor_area", 5, 5_000),
            bedrooms=self.whole("bedrooms", 0, 50),
            epc=self.word("epc", EPC_BANDS),
            tenure=self.word("tenure", TENURES),
            deprivation_decile=self.whole("deprivation_decile", 1, 10),
        )

    def _tariff(self, fuel: str, from_day: date | None) -> Tariff | None:
        given = [name for word in _PRICE for name in (f"{fuel}_{word}",) if name in self.cells]
        rate, standing = self.number(f"{fuel}_rate", 0, 1_000), self.number(f"{fuel}_standing", 0, 10_000)
        start = self.day(f"{fuel}_tariff_from") or from_day
        payment = self.word(f"{fuel}_payment", PAYMENTS) or PAYMENTS[0]
        registers = [] if rate is None else [Register("all day", rate)]
        if fuel == "electricity":
            registers = self._night() + registers
        if not given or start is None:
            return None
        if rate is None or standing is None:
            self.wrong.append(f"{given[0]} is given, but {fuel}_rate or {fuel}_standing is not")
            return None
        name = self.cells.get(f"{fuel}_tariff", "own tariff")
        return Tariff(fuel, start, name, payment, standing, tuple(registers))

    def _night(self) -> list[Register]:
        rate, hours = self.number("electricity_night_rate", 0, 1_000), self.cells.get("electricity_night")
        if rate is None and hours is None:
            return []
        if rate is None or hours is None:
            self.wrong.append("electricity_night_rate and electricity_night (such as 00:30-07:30) belong together")
            return []
        found = _NIGHT.match(hours)
        utc = found is not None and found[6].upper() in ("UTC", "GMT", "Z")
        if found is None or (found[3] and not utc):
            self.wrong.append(
                "electricity_night is neither local time, such as 00:30-07:30, nor the same all year, such as "
                "00:30-07:30 UTC"
            )
            return []
        start, end = int(found[1]) * 60 + int(found[2]), int(found[4]) * 60 + int(found[5])
        if start == end:
            self.wrong.append("electricity_night begins when it ends")
            return []
        return [Register("night", rate, start, end, utc)]


def _overlaps(homes: Sequence[HomeRow]) -> list[Problem]:
    """Tenancies of one home that overlap; an open one ends by itself where the next begins."""
    by_home: dict[str, list[HomeRow]] = {}
    for home in homes:
        by_home.setdefault(home.uprn, []).append(home)
    problems = []
    for rows in by_home.values():
        ordered = sorted(rows, key=lambda row: row.from_day)
        problems += [
            Problem(later.where, f"begins before the tenancy in {earlier.where} ends")
            for earlier, later in pairwise(ordered)
            if earlier.to_day is not None and earlier.to_day > later.from_day
        ]
    return problems


def _bad_name(name: str) -> str | None:
    if name and name not in REQUIRED and name not in OPTIONAL:
        return f"names the column {name!r}, which a homes file does not have; see docs/reference/homes-file.md"
    return None


def by_uprn(homes: Sequence[HomeRow]) -> Mapping[str, list[HomeRow]]:
    """Rows by home, each home's by the day on which its tenancy began."""
    found: dict[str, list[HomeRow]] = {}
    for home in sorted(homes, key=lambda row: row.from_day):
        found.setdefault(home.uprn, []).append(home)
    return found
