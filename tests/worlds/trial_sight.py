"""A trial that runs, in as few rows as it can: for tests of what its members may see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from devices.trials import ARMS, Arm
from store import trials
from store.connect import Connection

_DRAW = (
    "update personal.trial set seed = 's', program = 'test', strata = '{all}', eligible = 0,"
    " eligible_hash = repeat('0', 64), assigned_at = now() where id = %s"
)
_MEMBER = (
    "insert into personal.trial_member (trial_id, tenancy_id, number, arm, listed, stratum, block)"
    " values (%s, %s, %s, %s, 0, 0, 0)"
)


def begin(connection: Connection, arms: Mapping[int, Arm], begins: date, name: str = "t") -> int:
    """A trial with these members by tenancy; its number. ``begins``: the first of a month."""
    design = trials.Design(
        name, "real", "electricity", ARMS, (1,) * len(ARMS), begins, 12, 2.0, 0, (0,) * len(ARMS)
    )  # fmt: skip
    number = trials.add(connection, design, datetime.now(UTC))
    assert number is not None
    connection.execute(_DRAW, (number,))
    with connection.cursor() as cursor:
        cursor.executemany(
            _MEMBER, [(number, tenancy, place, str(arm)) for place, (tenancy, arm) in enumerate(arms.items(), 1)]
        )
    return number


def end(connection: Connection, trial: int, today: date) -> None:
    """End it on a local day."""
    trials.end(connection, trial, today, datetime.now(UTC))
