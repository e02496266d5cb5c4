"""A homes file into the store: first what it would change, worked out against what is known, then the change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from devices.homes import Consent, Home, HomeDetails, HomeMeter, HomeRow, HomeSensor, Tariff, Tenancy
from devices.homes_file import by_uprn
from devices.registry import Problem
from devices.uprn import plain, spellings
from store import homes
from store.connect import Connection
from store.far import Far, far_homes
from store.queries import queries
from store.times import begin_of

_SQL = queries("homes")

_Said = TypeVar("_Said", HomeDetails, Tenancy)

#: Where a day begins first it is so far ahead of UTC (UTC+14).
_AHEAD = timedelta(hours=14)

#: UPRN and first day of a tenancy -> whether it was erased and must not come back.
Refused = Callable[[str, date], bool]


def nobody(_uprn: str, _from_day: date) -> bool:
    """Nobody was erased."""
    return False


@dataclass(slots=True)
class Plan:
    """What an import does."""

    homes: list[Home] = field(default_factory=list)
    moved: list[Home] = field(default_factory=list)
    #: Homes as they are now.
    details: list[Home] = field(default_factory=list)
    tenancies: dict[int, Tenancy] = field(default_factory=dict)
    changed: list[Tenancy] = field(default_factory=list)
    #: Tenancies that end where the next begins.
    ended: list[Tenancy] = field(default_factory=list)
    meters: list[HomeMeter] = field(default_factory=list)
    #: Links that end.
    meters_ended: list[HomeMeter] = field(default_factory=list)
    sensors: list[HomeSensor] = field(default_factory=list)
    #: Links of sensors that end or get another room, as they are from now on.
    sensors_changed: list[HomeSensor] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    tariffs: list[tuple[int, Tariff]] = field(default_factory=list)
    #: Rows of tenancies that were erased.
    refused: list[HomeRow] = field(default_factory=list)
    #: Rows of homes far from all others.
    far: list[Far] = field(default_factory=list)
    #: Tenancies of which all is known already.
    unchanged: int = 0
    #: Why it cannot be done; then nothing of it is.
    problems: list[Problem] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many of each, for the report."""
        return {
            "homes_new": len(self.homes),
            "homes_changed": len({home.id for home in (*self.moved, *self.details)}),
            "tenancies_new": len(self.tenancies),
            "tenancies_changed": len(self.changed),
            "tenancies_ended": len(self.ended),
            "meters_linked": len(self.meters),
            "meters_unlinked": len(self.meters_ended),
            "sensors_linked": len(self.sensors),
            "sensors_changed": len(self.sensors_changed),
            "consents_given": len(self.consents),
            "tariffs": len(self.tariffs),
            "refused": len(self.refused),
            "unchanged": self.unchanged,
        }


@dataclass(slots=True)
class _Known:
    """What the store knows of the homes and meters of a file."""

    homes: dict[str, Home]
    tenancies: dict[int, list[Tenancy]]
    consents: dict[int, list[Consent]]
    tariffs: dict[int, list[Tariff]]
    meters: dict[str, list[HomeMeter]]
    sensors: dict[str, list[HomeSensor]]
    devices: Mapping[str, str]


def plan_import(connection: Connection, rows: Sequence[HomeRow], now: datetime, refused: Refused = nobody) -> Plan:
    """What importing these rows would do. One import at a time: it holds a lock until the transaction ends.

    A consent of a day that has not begun anywhere at ``now`` is a problem: it would count at once, and after what a
    household withdraws until then. Raises psycopg.Error.
    """
    connection.execute(_SQL["lock_import"])
    known = _known(connection, rows)
    plan = Plan()
    taken: list[HomeRow] = []
    for row in rows:
        # an erased tenancy's meters went with it: whether they are registered is no question of its row
        (plan.refused if refused(row.uprn, row.from_day) else taken).append(row)
    today = (now.astimezone(UTC) + _AHEAD).date()
    for row in taken:
        plan.problems += [
            Problem(row.where, f"consent {purpose} is of {day}, which is still to come")
            for purpose, day in row.consents.items()
            if day > today
        ]
        for meter in row.meters:
            if meter not in known.devices:
                plan.problems.append(Problem(row.where, f"meter {meter} is not a registered device"))
            elif known.devices[meter] != "smart-meter":
                plan.problems.append(Problem(row.where, f"{meter} is no smart meter but a {known.devices[meter]}"))
        for sensor, _ in row.sensors:
            if sensor not in known.devices:
                plan.problems.append(Problem(row.where, f"sensor {sensor} is not a registered device"))
            elif known.devices[sensor] != "movement-sensor":
                plan.problems.append(
                    Problem(row.where, f"{sensor} is no movement sensor but a {known.devices[sensor]}")
                )
    planned = [one for uprn, own in by_uprn(taken).items() for one in _plan_home(plan, known, uprn, own)]
    # by day and not home by home: a meter that comes back has been elsewhere meanwhile
    for row, home_id, new in sorted(planned, key=lambda one: one[0].from_day):
        linked = [_plan_meter(plan, known, home_id, meter, row) for meter in row.meters]
        linked += [_plan_sensor(plan, known, home_id, sensor, room, row) for sensor, room in row.sensors]
        plan.unchanged += not (new or any(linked))
    plan.far = far_homes(connection, taken)
    return plan


def _known(connection: Connection, rows: Sequence[HomeRow]) -> _Known:
    devices = sorted({name for row in rows for name in (*row.meters, *(sensor for sensor, _ in row.sensors))})
    # a home that was stored with leading zeros is the same one; where it is there twice, the shortest counts
    spelt = sorted({one for row in rows for one in spellings(row.uprn)})
    found = {
        plain(row[1]): Home(row[0], row[1], tuple(row[2]), row[3], row[4], homes.details_of(row[5:13]))
        for row in connection.execute(_SQL["all_homes"], (spelt,)).fetchall()
    }
    ids = [home.id for home in found.values()]
    tenancies = [Tenancy(*row) for row in connection.execute(_SQL["all_tenancies"], (ids,)).fetchall()]
    tenancy_ids = [tenancy.id for tenancy in tenancies]
    known = _Known(found, {}, {}, {}, {}, {}, dict(connection.execute(_SQL["devices"], (devices,)).fetchall()))
    for tenancy in tenancies:
        known.tenancies.setdefault(tenancy.home_id, []).append(tenancy)
    for row in connection.execute(_SQL["all_consents"], (tenancy_ids,)).fetchall():
        known.consents.setdefault(row[0], []).append(Consent(*row))
    for row in connection.execute(_SQL["all_tariffs"], (tenancy_ids,)).fetchall():
        known.tariffs.setdefault(row[0], []).append(homes.tariff_of(row[1:]))
    for row in connection.execute(_SQL["all_meters"], (devices,)).fetchall():
        known.meters.setdefault(row[0], []).append(HomeMeter(*row))
    for row in connection.execute(_SQL["all_sensors"], (devices,)).fetchall():
        known.sensors.setdefault(row[0], []).append(HomeSensor(*row))
    return known


def _plan_home(plan: Plan, known: _Known, uprn: str, rows: Sequence[HomeRow]) -> list[tuple[HomeRow, int, bool]]:
    """The rows of a home with its number, and whether each says anything new, but for what is linked to it."""
    newest = rows[-1]
    home = known.homes.get(plain(uprn))
    wanted = Home(
        homes.new_id() if home is None else home.id,
        uprn if home is None else home.uprn,
        newest.address,
        newest.lon,
        newest.lat,
        newest.details if home is None else _details(newest.details, home.details),
    )
    if home is None:
        plan.homes.append(wanted)
    else:
        if (home.address, home.lon, home.lat) != (wanted.address, wanted.lon, wanted.lat):
            plan.moved.append(wanted)
        if home.details != wanted.details:
            plan.details.append(wanted)
    own = {tenancy.from_day: tenancy for tenancy in known.tenancies.get(wanted.id, [])}
    return [(row, wanted.id, _plan_tenancy(plan, known, wanted.id, row, own)) for row in rows]


def _details(given: HomeDetails, known: HomeDetails) -> HomeDetails:
    """Details of a file; what it does not say stays as it is known, but for the network of a home that has left it."""
    found = _completed(given, known, ("heat_network", "floor_area", "bedrooms", "epc", "tenure", "deprivation_decile"))
    return found if found.heating == "heat-network" else replace(found, heat_network=None)


def _completed(given: _Said, known: _Said, names: Sequence[str]) -> _Said:
    """What a file says, with what is known of these where it says nothing: a household may have said it since."""
    return replace(given, **{name: getattr(known, name) for name in names if getattr(given, name) is None})


def _plan_tenancy(plan: Plan, known: _Known, home_id: int, row: HomeRow, own: dict[date, Tenancy]) -> bool:
    """Whether the row says anything new of its tenancy."""
    tenancy = own.get(row.from_day)
    wanted = Tenancy(
        homes.new_id() if tenancy is None else tenancy.id,
        home_id,
        row.from_day,
        row.to_day,
        row.name,
        row.occupants,
        row.electric_vehicle,
        row.medical_equipment,
        bool(row.large_print) if tenancy is None or row.large_print is not None else tenancy.large_print,
        True if tenancy is None else tenancy.letters,
    )
    if tenancy is not None:
        # an open end in a file does not open again what ended since
        wanted = _completed(wanted, tenancy, ("to_day", "name", "occupants", "electric_vehicle", "medical_equipment"))
        if wanted != tenancy:
            plan.changed.append(wanted)
    else:
        open_ = [other for other in own.values() if other.to_day is None and other.from_day < row.from_day]
        for other in open_:
            ended = replace(other, to_day=row.from_day)
            own[other.from_day] = ended
            if other.id in plan.tenancies:
                plan.tenancies[other.id] = ended
            else:
                plan.ended.append(ended)
                # what the file corrects of it is written last, its end with it
                plan.changed = [ended if one.id == ended.id else one for one in plan.changed]
        plan.tenancies[wanted.id] = wanted
    if _clash(wanted, own.values()):
        plan.problems.append(Problem(row.where, "overlaps with another tenancy of this home that is already known"))
    own[row.from_day] = wanted
    consents = [
        Consent(wanted.id, purpose, given, "import")
        for purpose, day in row.consents.items()
        if not _held(known.consents.get(wanted.id, []), purpose, given := begin_of(day, UTC))
    ]
    tariffs = [(wanted.id, tariff) for tariff in row.tariffs if tariff not in known.tariffs.get(wanted.id, [])]
    plan.consents += consents
    plan.tariffs += tariffs
    return bool(wanted != tenancy or consents or tariffs)


def _held(consents: Sequence[Consent], purpose: str, given: datetime) -> bool:
    """Whether a consent is known; what a household withdrew since stays withdrawn."""
    return any(one.purpose == purpose and (one.withdrawn_at is None or one.withdrawn_at >= given) for one in consents)


def _clash(wanted: Tenancy, others: Iterable[Tenancy]) -> bool:
    return any(
        other.id != wanted.id
        and (other.to_day is None or other.to_day > wanted.from_day)
        and (wanted.to_day is None or wanted.to_day > other.from_day)
        for other in others
    )


def _plan_meter(plan: Plan, known: _Known, home_id: int, meter: str, row: HomeRow) -> bool:
    """Whether the meter is new in its home."""
    links = known.meters.setdefault(meter, [])
    for place, link in enumerate(links):
        if link.to_day is not None and link.to_day <= row.from_day:
            continue
        if link.home_id == home_id and link.from_day <= row.from_day:
            return False  # it hangs there already
        if link.home_id == home_id:
            plan.problems.append(
                Problem(
                    row.where, f"meter {meter} is linked to this home from {link.from_day} on, not from {row.from_day}"
                )
            )
            return False
        if link.from_day >= row.from_day:
            plan.problems.append(Problem(row.where, f"meter {meter} is linked to another home from {link.from_day} on"))
            return False
        links[place] = replace(link, to_day=row.from_day)
        if link in plan.meters:  # this file's own: it is added as it is now
            plan.meters[plan.meters.index(link)] = links[place]
        else:
            plan.meters_ended.append(links[place])
    new = HomeMeter(meter, home_id, row.from_day)
    links.append(new)
    plan.meters.append(new)
    return True


def _plan_sensor(plan: Plan, known: _Known, home_id: int, sensor: str, room: str, row: HomeRow) -> bool:
    """Whether the sensor is new in its home, or in this room of it. A room that is not given stays as it is known."""
    links = known.sensors.setdefault(sensor, [])
    for place, link in enumerate(links):
        if link.to_day is not None and link.to_day <= row.from_day:
            continue
        if link.home_id == home_id and link.from_day <= row.from_day:
            if room in ("", link.room):
                return False
            _change(plan, links, place, replace(link, room=room))
            return True
        whose = "this home" if link.home_id == home_id else "another home"
        if link.home_id == home_id or link.from_day >= row.from_day:
            said = f"sensor {sensor} is linked to {whose} from {link.from_day} on, not from {row.from_day}"
            plan.problems.append(Problem(row.where, said))
            return False
        _change(plan, links, place, replace(link, to_day=row.from_day))
    new = HomeSensor(sensor, home_id, row.from_day, None, room)
    links.append(new)
    plan.sensors.append(new)
    return True


def _change(plan: Plan, links: list[HomeSensor], place: int, changed: HomeSensor) -> None:
    if (old := links[place]) in plan.sensors:
        plan.sensors[plan.sensors.index(old)] = changed
    else:
        plan.sensors_changed = [one for one in plan.sensors_changed if one != old] + [changed]
    links[place] = changed


def import_rows(connection: Connection, rows: Sequence[HomeRow], now: datetime, *, refused: Refused = nobody) -> Plan:
    """Import rows inside the running transaction, all or, where there are problems, none; what was done.

    Raises psycopg.Error.
    """
    plan = plan_import(connection, rows, now, refused)
    if not plan.problems:
        apply(connection, plan, now)
    return plan


def apply(connection: Connection, plan: Plan, now: datetime) -> None:
    """Do what a plan without problems says, in the transaction that made it. Raises psycopg.Error."""
    homes_ = [(home.id, home.uprn, list(home.address), home.lon, home.lat) for home in plan.homes]
    details = [homes.details_row(home.id, home.details, "import", now) for home in (*plan.homes, *plan.details)]
    tenancies = [
        (one.id, one.home_id, one.from_day, one.to_day, one.name, one.occupants, one.electric_vehicle,
         one.medical_equipment, one.large_print, one.letters)
        for one in plan.tenancies.values()
    ]  # fmt: skip
    changes = [
        (one.name, one.occupants, one.electric_vehicle, one.medical_equipment, one.large_print, one.letters, one.id)
        for one in plan.changed
    ]
    steps: list[tuple[bytes, Sequence[tuple[Any, ...]]]] = [
        (_SQL["add_home"], homes_),
        (_SQL["move_home"], [(list(home.address), home.lon, home.lat, home.id) for home in plan.moved]),
        (_SQL["change_details"], details),
        (_SQL["end_tenancy"], [(one.to_day, one.id) for one in (*plan.ended, *plan.changed)]),
        (_SQL["change_tenancy"], changes),
        (_SQL["add_tenancy"], tenancies),
        (_SQL["end_meter"], [(one.to_day, one.device_id, one.from_day) for one in plan.meters_ended]),
        (_SQL["add_meter"], [(one.device_id, one.home_id, one.from_day, one.to_day) for one in plan.meters]),
        (_SQL["change_sensor"], [(one.to_day, one.room, one.device_id, one.from_day) for one in plan.sensors_changed]),
        (
            _SQL["add_sensor"],
            [(one.device_id, one.home_id, one.from_day, one.to_day, one.room) for one in plan.sensors],
        ),
        (_SQL["give_consent"], [(one.tenancy_id, one.purpose, one.given_at, one.channel) for one in plan.consents]),
        (_SQL["set_tariff"], [homes.tariff_row(tenancy, tariff) for tenancy, tariff in plan.tariffs]),
    ]
    with connection.cursor() as cursor:
        for query, parameters in steps:
            if parameters:
                cursor.executemany(query, parameters)


def count(connection: Connection, day: date) -> tuple[int, int, int]:
    """How many homes there are, tenancies on a local day, and meters linked on it. Raises psycopg.Error."""
    row = connection.execute(_SQL["count"], {"day": day}).fetchone()
    assert row is not None
    return row[0], row[1], row[2]
