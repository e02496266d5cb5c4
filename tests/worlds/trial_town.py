"""A town whose homes can be drawn for a trial, written straight into the tables: use of sixteen months, by day.

All of it follows from the seed. ``ODD`` homes cannot be members, one for each reason, and live beside the others.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.trial import runner
from analytics.trial.eligibility import BEFORE
from devices.trials import Arm
from store import daily, trials
from store.connect import Connection
from store.daily import DailyUse
from store.times import next_month
from store.trials import Design, Trial

ZONE: Final = ZoneInfo("Europe/London")
HOMES: Final = 200
#: Why each of the odd homes cannot be a member, and one that does not live there on the first day.
ODD: Final = ("simulated", "no-comparison", "no-evaluation", "short", "hardship", "moved")
#: Months of a trial in the past that have settled.
SETTLED: Final = 4
_FIRST_HOME, _FIRST_TENANCY = 10_000_000_000_000, 20_000_000_000_000


class Town(NamedTuple):
    """``begins``: the first day of a trial that lies `SETTLED` months in the past; ``after``: the first day of next
    month; ``tenancies``: those that can be members of the one, rising; ``odd`` by its word;
    ``watt_hours`` (homes, days) from ``first`` on, as stored, -1 not known."""

    begins: date
    after: date
    first: date
    tenancies: list[int]
    odd: dict[str, int]
    watt_hours: NDArray[np.int64]

    @property
    def before(self) -> datetime:
        """An instant ten days before the past trial's first day."""
        return datetime.combine(self.begins - timedelta(days=10), datetime.min.time(), UTC)

    @property
    def newest(self) -> date:
        """The first day of the newest month that has settled."""
        return runner.months_on(self.begins, SETTLED - 1)

    @property
    def newest_end(self) -> date:
        """The day after that month."""
        return runner.months_on(self.begins, SETTLED)


def build(connection: Connection, today: date, seed: int = 7, homes: int = HOMES) -> Town:
    """Write a town inside the running transaction; the newest settled month is the last before that of ``today``."""
    chance = np.random.default_rng(seed)
    this = today.replace(day=1)
    begins = runner.months_on(this, -SETTLED)
    first = runner.months_on(begins, -BEFORE)
    days = (this - first).days
    level = np.exp(np.log(8_000) + 0.5 * chance.standard_normal((homes + len(ODD), 1)))
    inside = np.arange(days) * (BEFORE + SETTLED) // days
    moving = 0.15 * chance.standard_normal((len(level), BEFORE + SETTLED))[:, inside]
    used = np.round(level * np.exp(moving + 0.2 * chance.standard_normal((len(level), days)))).astype(np.int64)
    used[chance.random(used.shape) < 0.02] = daily.NONE
    odd = {word: homes + place for place, word in enumerate(ODD)}
    used[odd["short"], : (begins - first).days - 5 * 31] = daily.NONE
    numbers = range(len(level))
    details = [
        (_FIRST_HOME + n, ("gas", "electric")[n % 2], ("owner", "private-rent", "council-rent")[n % 3], 1 + n % 10)
        for n in numbers
    ]
    moved = {odd["moved"]: begins - timedelta(days=3)}
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into personal.home (id, uprn, lon, lat) values (%s, %s, 0, 51.5)",
            [(_FIRST_HOME + n, str(100_000_000 + n)) for n in numbers],
        )
        cursor.executemany(
            "insert into personal.home_details (home_id, valid_from, dwelling, heating, tenure, deprivation_decile,"
            " source) values (%s, '2020-01-01', 'flat', %s, %s, %s, 'import')",
            details,
        )
        cursor.executemany(
            "insert into personal.tenancy (id, home_id, from_day, to_day) values (%s, %s, '2020-01-01', %s)",
            [(_FIRST_TENANCY + n, _FIRST_HOME + n, moved.get(n)) for n in numbers],
        )
        cursor.executemany(
            "insert into personal.consent (tenancy_id, purpose, given_at, channel)"
            " values (%s, %s, '2020-01-02', 'page')",
            [
                (_FIRST_TENANCY + n, purpose)
                for n in numbers
                for purpose in ("comparison", "evaluation")
                if n != odd.get(f"no-{purpose}")
            ],
        )
        cursor.executemany(
            "insert into personal.device (id, family, model, origin, personal) values (%s, 'smart-meter', 'native', %s,"
            " true)",
            [(f"meter-{n}", "simulated" if n == odd["simulated"] else "real") for n in numbers],
        )
        cursor.executemany(
            "insert into personal.home_meter (device_id, from_day, home_id) values (%s, '2020-01-01', %s)",
            [(f"meter-{n}", _FIRST_HOME + n) for n in numbers],
        )
    daily.keep_zone(connection, ZONE)
    minutes = np.where(used >= 0, 1440, 0).astype(np.int16)
    ids = _FIRST_HOME + np.arange(len(level), dtype=np.int64)
    daily.write_days(connection, "electricity", DailyUse(ids, first, used, minutes))
    for month in range(BEFORE + SETTLED):
        start = runner.months_on(first, month)
        connection.execute(
            "insert into personal.comparison_run (kind, from_day, to_day, fuel, quarter, program, published_at,"
            " settled_at) values ('month', %s, %s, 'electricity', %s, 'test', now(), now())",
            (start, next_month(start), start),
        )
    connection.execute(
        "insert into personal.comparison (tenancy_id, kind, from_day, fuel, home_id, estimated_days, missing_days,"
        " state, reason) values (%s, 'month', %s, 'electricity', %s, 0, 0, 'neutral', 'under-heated')",
        (_FIRST_TENANCY + odd["hardship"], runner.months_on(begins, -1), _FIRST_HOME + odd["hardship"]),
    )
    return Town(
        begins, next_month(this), first, [_FIRST_TENANCY + n for n in range(homes)],
        {word: _FIRST_TENANCY + place for word, place in odd.items()}, used,
    )  # fmt: skip


def design(town: Town, name: str = "winter", begins: date | None = None) -> Design:
    """A trial of three arms in this town."""
    return Design(
        name, "real", "electricity", (Arm.NOTHING, Arm.ZONE, Arm.COMPARISON), (1, 1, 1), begins or town.begins, 12, 2.0,
        120_000, (0, 300, 420),
    )  # fmt: skip


def assigned(connection: Connection, town: Town, seed: str = "a-seed", name: str = "winter") -> Trial:
    """A trial that was designed and assigned ten days before its first day, in the past."""
    number = trials.add(connection, design(town, name), town.before)
    assert number is not None
    trial = trials.one(connection, number)
    assert trial is not None
    listed = runner.listed(connection, "electricity", town.begins, town.before, ZONE)
    trials.assign(connection, number, runner.drawn(trial, listed, seed), town.before, town.before.date())
    found = trials.one(connection, number)
    assert found is not None
    return found


def told(connection: Connection, tenancy: int, text: str) -> None:
    """A running trial `winter` with one member, whose seed, program and strata say ``text``."""
    connection.execute(
        "insert into personal.trial (name, origin, fuel, arms, shares, begins, months, target, arm_costs, designed_at,"
        " seed, program, strata, eligible, eligible_hash, erased, assigned_at)"
        " values ('winter', 'real', 'electricity', '{nothing,zone}', '{1,1}', '2026-01-01', 12, 2, '{0,0}', now(),"
        " %s, %s, %s, 1, repeat('0', 64), '{0,0}', now())",
        (text, text, [text]),
    )
    connection.execute(
        "insert into personal.trial_member (trial_id, tenancy_id, number, arm, listed, stratum, block)"
        " select id, %s, 1, 'zone', 0, 0, 0 from personal.trial",
        (tenancy,),
    )
