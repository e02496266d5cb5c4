"""Households with a settled month, who are told of it or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from analytics.periods import Period, month_of
from borough.delivery import nudges
from borough.delivery.triggers import TriggerOptions
from devices.device import Device, Origin
from store import contacts, homes, nudge_ways, registry
from store.connect import Connection, connect
from store.nudges import Told, of_tenancy
from tests.tools.servers import Cluster
from tests.worlds import residents
from tests.worlds.outbox import LONDON, SITE
from tests.worlds.residents import Resident

#: A day on which February is settled, and not long over.
NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
FEBRUARY = month_of(date(2026, 2, 1))
OPTIONS = TriggerOptions(LONDON, SITE, "Testing Council", "020 7946 0123", "real")


@dataclass
class World:
    """A database with households in it, looked at when ``look`` is called."""

    url: str
    own: Connection
    now: datetime = NOON
    _made: int = 0
    people: list[Resident] = field(default_factory=list)

    def household(
        self,
        state: str | None = "good",
        *,
        month: Period = FEBRUARY,
        agrees: bool = True,
        origin: Origin = "real",
        to_day: date | None = None,
        **row: Any,
    ) -> Resident:
        """One more, that agreed to messages a year ago and has a row of a month."""
        self._made += 1
        one = residents.make_resident(self.own, self._made, to_day=to_day)
        registry.upsert(self.own, [Device(one.device, "smart-meter", "native", origin=origin, personal=True)])
        self.own.execute(
            "insert into personal.home_meter (device_id, from_day, home_id) values (%s, '2020-01-01', %s)",
            (one.device, one.home_id),
        )
        if agrees:
            homes.give_consent(self.own, one.tenancy_id, "messages", "page", self.now - timedelta(days=365))
        if state is not None:
            residents.compare(self.own, one, month, state, **row)
        self.people.append(one)
        return one

    def email(self, one: Resident, address: str = "") -> int:
        """An address of theirs that they confirmed."""
        contact = contacts.email(
            self.own, address or f"home-{one.number}@home.example", origin="real", tenancy=one.tenancy_id
        )
        assert contact is not None
        with self.own.transaction():
            code = nudge_ways.ask_email(self.own, one.tenancy_id, contact, self.now)
            assert nudge_ways.enter_code(self.own, one.tenancy_id, code, self.now)
        return contact

    def letter(self, one: Resident) -> int:
        """They want letters."""
        contact = contacts.letter(self.own, origin="real", tenancy=one.tenancy_id)
        assert contact is not None
        assert nudge_ways.add_letter(self.own, one.tenancy_id, contact, self.now)
        return contact

    def trial(self, arms: dict[str, Resident], begins: date = date(2026, 1, 1), fuel: str = "electricity") -> int:
        """A running trial with these members by arm, as `borough trial assign` writes one."""
        named = ["nothing", *sorted(set(arms) - {"nothing"} or {"comparison"})]
        (found,) = self.own.execute(
            "insert into personal.trial (name, origin, fuel, arms, shares, begins, months, target, arm_costs,"
            " designed_at, erased, seed, program, strata, eligible, eligible_hash, assigned_at)"
            " values (%s, 'real', %s, %s, %s, %s, 12, 2, %s, now(), %s, 'x', 'test', '{all}', 10, repeat('0', 64),"
            " now())"
            " returning id",
            (
                f"trial-{self._made}-{len(arms)}", fuel, named, [1] * len(named), begins, [0] * len(named),
                [0] * len(named),
            ),
        ).fetchall()  # fmt: skip
        columns = {row[0] for row in self.own.execute(
            "select column_name from information_schema.columns where table_name = 'trial_member'"
        )}  # fmt: skip
        for number, (arm, one) in enumerate(arms.items(), 1):
            values: dict[str, Any] = {
                "trial_id": found[0], "tenancy_id": one.tenancy_id, "arm": arm, "stratum": 0, "block": 0,
                "number": number, "listed": 0,
            }  # fmt: skip
            given = {name: value for name, value in values.items() if name in columns}
            marks = ", ".join(["%s"] * len(given))
            self.own.execute(
                f"insert into personal.trial_member ({', '.join(given)}) values ({marks})".encode(),
                list(given.values()),
            )
        return int(found[0])

    def look(self, **options: Any) -> None:
        """What `borough deliver` does each minute."""
        nudges.look(self.own, replace(OPTIONS, **options), self.now)

    def told(self, one: Resident) -> list[Told]:
        """What a household was told, the newest first."""
        return of_tenancy(self.own, one.tenancy_id)

    def rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return self.own.execute(query.encode(), given).fetchall()

    def empty(self) -> None:
        """Without households, at the first day again."""
        self.own.execute("delete from personal.trial_member")
        self.own.execute("delete from personal.trial")
        self.own.execute("delete from public.publication")
        self.own.execute("delete from personal.comparison_run")
        self.own.execute("delete from personal.home_meter")
        self.own.execute("delete from personal.tenancy")
        self.own.execute("delete from personal.home")
        self.people.clear()
        self.now = NOON


@contextmanager
def running(timescale: Cluster) -> Iterator[World]:
    """A database with nobody in it."""
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as own:
        yield World(timescale.url(name), own)
    timescale.drop(name)
