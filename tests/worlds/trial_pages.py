"""Trials in a database as the programme's pages meet them: designed, drawn and begun, looked at, ended and reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from analytics.trial.report_document import document, plain_looks
from devices.trials import Arm
from store import trials
from store.connect import Connection
from store.trials import Design, Drawn
from tests.worlds import trial_report

AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
#: Homes of each arm of `running`: one arm has too few to be told.
HOMES = (40, 20, 7)
ARMS = (Arm.NOTHING, Arm.ZONE, Arm.COMPARISON)


def design(connection: Connection, name: str, begins: date = date(2026, 2, 1), **given: object) -> int:
    """Design a trial; its number."""
    made = Design(name, "simulated", "electricity", ARMS, (2, 1, 1), begins, 12, 2.0, 0, (0, 100, 100), **given)  # type: ignore[arg-type]  # notes and power
    found = trials.add(connection, made, AT)
    assert found is not None
    return found


def draw(connection: Connection, trial: int, homes: Sequence[int] = HOMES) -> list[int]:
    """Members in the trial's arms, without any use; their tenancies."""
    arm = np.repeat(np.arange(len(homes), dtype=np.int32), homes)
    number = np.arange(1, len(arm) + 1, dtype=np.int32)
    tenancy = 15_000_000_000_000 + 1_000 * trial + number.astype(np.int64)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into personal.home (id, uprn, lon, lat) values (%s, %s, 0, 51.5)",
            [(one + 1_000_000, uprn(one)) for one in tenancy.tolist()],
        )
        cursor.executemany(
            "insert into personal.tenancy (id, home_id, from_day) values (%s, %s, date '2024-01-01')",
            [(one, one + 1_000_000) for one in tenancy.tolist()],
        )
        nothing = np.zeros_like(arm)
        drawn = Drawn("s", "borough", ["all"], "0f" * 32, {}, tenancy, number, arm, nothing, nothing, nothing)
        trials.assign(connection, trial, drawn, AT, AT.date())
    found: list[int] = tenancy.tolist()
    return found


def uprn(tenancy: int) -> str:
    """The UPRN of the home of a tenancy of `draw`."""
    return f"9{tenancy % 10**11:011d}"


def look(connection: Connection, trial: int, at: datetime = AT) -> None:
    """Note the looks of the report's world, those of the arms that the trial has."""
    noted = [one for one in trial_report.full().looks if one.arm in ARMS]
    trials.note(connection, trial, "looked", {"looks": plain_looks(noted)}, at)


def report(connection: Connection, trial: int, name: str = "winter-2025") -> None:
    """Note two reports: the newer one counts."""
    for number, made in enumerate((trial_report.empty(), trial_report.full(name=name))):
        trials.note(connection, trial, "reported", document(made), AT + timedelta(days=number))
