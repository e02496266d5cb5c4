"""Homes with every kind of trace in the database, for the tests of erasure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from devices.device import Device
from devices.homes import HomeDetails, HomeRow, Register, Tariff
from store import connect, contacts, daily, homes_import, outbox, registry
from store.connect import Connection
from store.daily import DailyUse

ZONE = ZoneInfo("Europe/London")
KEY = b"a key of the tests, thirty-two bytes and more"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Household:
    """What a test knows of one tenancy. ``value`` [kWh] is read from its meter and nowhere else."""

    uprn: str
    meter: str
    name: str
    street: str
    value: float
    from_day: date
    to_day: date | None = None

    @property
    def watt_hours(self) -> int:
        """Its use of a day."""
        return round(self.value * 48_000)

    def row(self) -> HomeRow:
        """As a homes file has it."""
        prices = Tariff("electricity", self.from_day, f"Tariff of {self.name}", "direct-debit", 53.17,
                        [Register("all day", 27.31)])  # fmt: skip
        return HomeRow(
            where="line 2",
            uprn=self.uprn,
            address=(self.street, "Greenwich", "SE10 8XX"),
            lon=-0.0013,
            lat=51.4769,
            details=HomeDetails("flat", "gas", None, 61.25, 2),
            from_day=self.from_day,
            to_day=self.to_day,
            name=self.name,
            occupants=3,
            electric_vehicle=False,
            medical_equipment=False,
            large_print=False,
            meters=[self.meter],
            consents={"comparison": self.from_day, "messages": self.from_day},
            tariffs=[prices],
        )

    def words(self) -> list[str]:
        """What must not be found anywhere when it is erased."""
        return [self.uprn, self.meter, self.name, self.street, repr(self.value), f"Tariff of {self.name}"]


def device(household: Household) -> Device:
    """The meter of a household."""
    return Device(household.meter, "smart-meter", "native", personal=True)


def midnight(day: date) -> datetime:
    """When a local day begins."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def add(connection: Connection, household: Household) -> int:
    """Register the meter, import home and tenancy; the tenancy's number."""
    registry.add(connection, [device(household)])
    plan = homes_import.import_rows(connection, [household.row()], NOW)
    assert not plan.problems, plan.problems
    (tenancy,) = plan.tenancies
    return tenancy


def trace(connection: Connection, household: Household, tenancy: int, day: date) -> None:
    """All that the platform may hold about a tenancy, but for its readings: use, cells, comparisons and so on."""
    row = connection.execute("select home_id from personal.tenancy where id = %s", (tenancy,)).fetchone()
    assert row is not None
    home = row[0]
    use = DailyUse(
        np.array([home], np.int64),
        day,
        np.full((1, 3), household.watt_hours, np.int64),
        np.full((1, 3), 1440, np.int16),
    )
    daily.write_days(connection, "electricity", use)
    for statement, parameters in _traces(household, tenancy, home, day):
        connection.execute(statement, parameters)
    told(connection, household, tenancy, midnight(day))


def _traces(household: Household, tenancy: int, home: int, day: date) -> Iterator[tuple[bytes, tuple[object, ...]]]:
    at = midnight(day) + timedelta(hours=9)
    week = day - timedelta(days=day.weekday())
    quarter = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    yield (
        (b"insert into personal.cell_version (quarter, program, homes) values (%s, 'test', 30) on conflict do nothing"),
        (quarter,),
    )
    yield (
        (b"insert into personal.cell_member (quarter, home_id, tenancy_id, cell) values (%s, %s, %s, 1)"),
        (quarter, home, tenancy),
    )
    yield (
        (
            b"insert into personal.comparison_run (kind, from_day, to_day, fuel, quarter, program, published_at)"
            b" values ('week', %s, %s, 'electricity', %s, 'test', now()) on conflict do nothing"
        ),
        (week, week + timedelta(days=7), quarter),
    )
    yield (
        (
            b"insert into personal.comparison (tenancy_id, kind, from_day, fuel, home_id, own, estimated_days,"
            b" missing_days, state) values (%s, 'week', %s, 'electricity', %s, %s, 0, 0, 'good')"
        ),
        (tenancy, week, home, household.watt_hours * 7),
    )
    yield (
        (
            b"insert into personal.comparison_late (kind, from_day, fuel, home_id, was, would_be)"
            b" values ('week', %s, 'electricity', %s, %s, %s)"
        ),
        (week, home, household.watt_hours * 7, household.watt_hours * 6),
    )
    subject = f"subject-of-{household.meter}"
    yield (
        (
            b"with a as (insert into personal.account (issuer, subject, tenancy_id, bound_at, bound_by)"
            b" values ('https://issuer.test', %s, %s, %s, 'code') returning id)"
            b" insert into personal.session (token, account_id, roles, expires_at)"
            b" select sha256(%s::bytea), id, '{resident}', %s from a"
        ),
        (subject, tenancy, at, subject.encode(), at + timedelta(hours=1)),
    )
    yield (
        (
            b"insert into personal.sign_in_code (code, tenancy_id, purpose, expires_at) values (sha256(%s::bytea), %s,"
            b" 'bind', %s)"
        ),
        (household.name.encode(), tenancy, at),
    )
    yield (
        (b"insert into personal.access (at, tenancy_id, role, action, detail) values (%s, %s, 'assist', 'looked', %s)"),
        (at, tenancy, f"for {household.name}"),
    )
    yield (
        (
            b"insert into public.publication (kind, reference, family, first_day, last_day)"
            b" values ('letter', %s, 'smart-meter', %s, %s)"
        ),
        (f"letter {tenancy}", day, day),
    )
    yield (
        (b"insert into public.sequence (device, first, last, first_time, last_time) values (%s, 1, 9, %s, %s)"),
        (household.meter, at, at + timedelta(hours=8)),
    )


def told(connection: Connection, household: Household, tenancy: int, at: datetime) -> None:
    """Addresses of the household, of who signed in for it and of a carer; messages to them, and what they stopped."""
    (account,) = connection.execute("select id from personal.account where tenancy_id = %s", (tenancy,)).fetchall()
    # a hostile name makes no address: such a one is refused where it comes in
    name = "".join(
        sign for sign in household.name.replace(" ", ".") if sign.isascii() and (sign.isalnum() or sign in ".-")
    )
    carer = f"carer-{tenancy % 1000}@care.example"
    reached = (
        contacts.email(connection, f"{name}@home.example", origin="real", tenancy=tenancy, confirmed_at=at),
        contacts.email(connection, f"{name}@work.example", origin="real", account=account[0], confirmed_at=at),
        contacts.email(connection, carer, origin="real", confirmed_at=at),
    )
    assert reached[0] is not None
    nudged(connection, household, tenancy, reached[0], at)
    for number, contact in enumerate(reached):
        assert contact is not None
        message = outbox.put(
            connection, key=f"{household.meter}:{number}", contact=contact, kind="care-alert", origin="real",
            subject="A message", text=f"Of {household.name}'s home: {household.value}.", thread=household.meter,
            tenancy=tenancy if number == 2 else None, due_at=at,
        )  # fmt: skip
        assert message is not None
        contacts.stop(connection, contact, "care-alert", household.meter, at)
        connection.execute(
            "insert into personal.stop_token (token, contact_id, tenancy_id, kind, thread, made_at)"
            " values (sha256(%s::bytea), %s, %s, 'care-alert', %s, %s)",
            (f"{household.meter}{number}".encode(), contact, tenancy if number == 2 else None, household.meter, at),
        )
        connection.execute(
            "insert into personal.message_attempt (message_id, number, at, stage, code, answer)"
            " values (%s, 1, %s, 'recipient', 450, %s)",
            (message, at, f"450 {household.name} is busy"),
        )


def nudged(connection: Connection, household: Household, tenancy: int, contact: int, at: datetime) -> None:
    """What it was told of a month and by which way; the row by which a correction finds that."""
    month = at.date().replace(day=1)
    said = f"Of {household.name}: {household.value}."
    connection.execute(
        "with p as (insert into public.publication (kind, reference, family, first_day, last_day)"
        " values ('nudge', %s, 'smart-meter', %s, %s) returning id)"
        " insert into personal.nudge (tenancy_id, kind, from_day, to_day, fuel, facts, subject, text, html, actions,"
        " made_at, publication_id) select %s, 'own', %s, %s, 'electricity', %s, %s, %s, %s, %s, %s, id from p",
        (
            f"nudge 1 to {tenancy}", month, month, tenancy, month, month + timedelta(days=28),
            json.dumps({"own": household.watt_hours, "name": household.name, "value": repr(household.value)}),
            f"Energy of {household.name}", said, f"<p>{household.name}</p>", json.dumps([{"title": said}]), at,
        ),
    )  # fmt: skip
    connection.execute(
        "insert into personal.nudge_way (tenancy_id, channel, contact_id, asked_at, confirmed_at)"
        " values (%s, 'email', %s, %s, %s)",
        (tenancy, contact, at, at),
    )


def read(connection: Connection, household: Household, first: date, days: int) -> None:
    """Half-hourly readings of a meter, its newest in ``latest``, a correction of one of them."""
    made = connection.execute(
        "insert into personal.series (device_id, property, personal) values (%s, 'import_interval', true)"
        " on conflict (device_id, property) do update set personal = true returning id",
        (household.meter,),
    ).fetchone()
    assert made is not None
    start = midnight(first)
    count = (midnight(first + timedelta(days=days)) - start) // timedelta(minutes=30)
    for number in range(count):
        connection.execute(
            "insert into public.reading values (%s, %s, %s)",
            (made[0], start + number * timedelta(minutes=30), household.value),
        )
    newest = start + (count - 1) * timedelta(minutes=30)
    connection.execute(
        "insert into public.latest values (%s, %s, %s, now())"
        " on conflict (series_id) do update set time = excluded.time, value = excluded.value",
        (made[0], newest, household.value),
    )
    connection.execute(
        "with c as (insert into public.correction (author, reason, period_start, period_end, source, content, decoder,"
        " device, finished_at) values ('test', 'wrong', %s, %s, 'archive', '{}', 'x', %s, now()) returning id)"
        " insert into public.superseded select id, %s, %s, %s, 0 from c",
        (start, start + timedelta(days=1), household.meter, made[0], start, household.value),
    )


def reject(connection: Connection, household: Household, at: datetime, payload: bytes) -> None:
    """A rejection of a meter with its bytes."""
    connection.execute(
        "with r as (insert into public.rejected (arrival, topic, family, device, reason, detail)"
        " values (%s, %s, 'smart-meter', %s, 'bad_value', 'no number') returning id)"
        " insert into personal.rejected_bytes select id, %s from r",
        (at, f"borough/smart-meter/{household.meter}/reading", household.meter, payload),
    )
    connection.execute(
        "insert into public.rejected_flood (device, hour, reason, family, count)"
        " values (%s, date_trunc('hour', %s::timestamptz), 'unreadable', 'smart-meter', 1)"
        " on conflict (device, hour, reason) do update set count = public.rejected_flood.count + 1",
        (household.meter, at),
    )


def dump(url: str) -> dict[str, str]:
    """Every table of every schema of ours as text: rows as COPY writes them, in their order."""
    with connect.connect(url) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "select format('%I.%I', n.nspname, c.relname)"
                " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')"
                " and n.nspname !~ '^(pg_temp|pg_toast_temp)' order by 1"
            ).fetchall()
        ]
        found = {}
        for name in names:
            with connection.cursor().copy(f"copy (select * from {name}) to stdout".encode()) as copy:
                lines = b"".join(bytes(part) for part in copy).decode().splitlines()
            found[name] = "\n".join(sorted(lines))
        return found
