"""Trials of nudges: designs, members, what members may see, events (docs/decisions/013-nudges-trial.md).

A tenancy is a member of one running trial at most; the database holds that. Who withdrew the consent to evaluation or
moved out is a member up to that local day (`Members.left`): from then on nothing of it is read, and it may see what
all may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from devices.trials import ARMS, SIGHTS, Arm, Sight, sight
from store import daily
from store.batch import Int32, Int64
from store.cells import int8s
from store.connect import Connection
from store.copy import Int4s, Int8s, int4s
from store.queries import queries

_SQL = queries("trials")

What = Literal["designed", "assigned", "looked", "ended", "reported", "exported"]

#: `Members.left` of one that is still there [days since 1970-01-01].
THERE: Final = -1
#: Why a member left, by `Members.why`.
WHY: Final = ("", "withdrew", "moved")


class NotAssigned(Exception):
    """A trial cannot be assigned or ended as it stands. The text says why."""


@dataclass(frozen=True, slots=True)
class Design:
    """What is decided before anybody is drawn. Sequences by arm are in the order of ``arms``, the control first.

    ``origin``: real or simulated; ``shares``: homes of each arm in a block; ``begins``: the first day of a month;
    ``months``: how long it shall run; ``target``: the least saving that it shall find [percent]; ``fixed_cost``
    [pence]; ``arm_costs`` [pence a home and year]; ``notes``: what evaluators ask beside the figures, by its key;
    ``power``: what the power calculation said.
    """

    name: str
    origin: str
    fuel: str
    arms: tuple[Arm, ...]
    shares: tuple[int, ...]
    begins: date
    months: int
    target: float
    fixed_cost: int
    arm_costs: tuple[int, ...]
    notes: Mapping[str, str] = field(default_factory=dict)
    power: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as it stands. What the draw rests on is None until it is assigned; ``ended_on`` None: not ended.

    ``strata``: what the homes of each have in common, by number; ``eligible``: how many homes were, and the SHA-256 of
    their list; ``left_out``: others by reason; ``erased``: members erased since, by arm.
    """

    id: int
    design: Design
    designed_at: datetime
    seed: str | None
    program: str | None
    strata: Sequence[str]
    eligible: int | None
    eligible_hash: str | None
    left_out: Mapping[str, int]
    erased: tuple[int, ...]
    assigned_at: datetime | None
    ended_on: date | None


class Drawn(NamedTuple):
    """What a draw came to. Arrays ``(homes,)`` in one order.

    ``number``: the name of each in files of this trial, from 1; ``arm``: place in the trial's arms; ``listed``: its
    stratum in the list that was drawn from; ``stratum``, ``block``: those it was drawn in.
    """

    seed: str
    program: str
    strata: Sequence[str]
    digest: str
    left_out: Mapping[str, int]
    tenancy: Int64
    number: Int32
    arm: Int32
    listed: Int32
    stratum: Int32
    block: Int32


class Members(NamedTuple):
    """Members of a trial, ``(members,)``, by rising ``tenancy``. ``number``, ``arm``, ``listed``, ``stratum``,
    ``block``: as in `Drawn`; ``left``: the first local day that is not read [days since 1970-01-01] or `THERE`;
    ``why``: place in `WHY`."""

    tenancy: Int64
    number: Int32
    arm: Int32
    listed: Int32
    stratum: Int32
    block: Int32
    left: Int32
    why: Int32


def part(of: Members, which: NDArray[np.bool_]) -> Members:
    """Those ``which`` ``(members,)`` alone."""
    return Members(
        of.tenancy[which], of.number[which], of.arm[which], of.listed[which], of.stratum[which], of.block[which],
        of.left[which], of.why[which],
    )  # fmt: skip


class InArm(NamedTuple):
    """Households of an arm: ``members`` that there still are rows of, those of them that ``withdrew`` or ``moved``
    until today, and those ``erased``, of whom nothing else is known."""

    members: int
    withdrew: int
    moved: int
    erased: int


class Sights(NamedTuple):
    """``tenancy`` ``(members,)``, rising, and what each may see: ``sight``, its place in `SIGHTS`. All others: all."""

    tenancy: Int64
    sight: NDArray[np.int8]


class Membership(NamedTuple):
    """The running trial of a household, the first local day of it, and what it may see today."""

    trial: int
    arm: Arm
    begins: date
    sight: Sight


class Event(NamedTuple):
    """What was done with a trial, and what it came to, of groups alone."""

    at: datetime
    what: What
    detail: dict[str, Any]


def add(connection: Connection, design: Design, at: datetime) -> int | None:
    """Write a design and its event; its number, or None where there is a trial of that name.

    Raises ValueError, in words, on arms or sequences that make no trial; psycopg.Error.
    """
    if design.arms[:1] != (Arm.NOTHING,) or len(design.arms) < 2:
        raise ValueError(f"a trial has the arm {Arm.NOTHING}, its control, and another")
    if design.arms != tuple(arm for arm in ARMS if arm in design.arms):
        raise ValueError(f"arms stand once each, in the order {', '.join(ARMS)}")
    if not len(design.arms) == len(design.shares) == len(design.arm_costs):
        raise ValueError("each arm has a share and a cost")
    row = connection.execute(
        _SQL["add"],
        {
            "name": design.name, "origin": design.origin, "fuel": design.fuel, "arms": list(map(str, design.arms)),
            "shares": list(design.shares), "begins": design.begins, "months": design.months, "target": design.target,
            "fixed_cost": design.fixed_cost, "arm_costs": list(design.arm_costs), "notes": Jsonb(dict(design.notes)),
            "power": Jsonb(dict(design.power)), "at": at,
        },
    ).fetchone()  # fmt: skip
    if row is None:
        return None
    number: int = row[0]
    note(connection, number, "designed", {}, at)
    return number


def all_trials(connection: Connection) -> list[Trial]:
    """Every trial, the newest first. Raises psycopg.Error."""
    return [_trial(row) for row in connection.execute(_SQL["every"])]


def one(connection: Connection, trial: int) -> Trial | None:
    """A trial by its number. Raises psycopg.Error."""
    row = connection.execute(_SQL["one"], (trial,)).fetchone()
    return None if row is None else _trial(row)


def named(connection: Connection, name: str) -> Trial | None:
    """A trial by its name. Raises psycopg.Error."""
    row = connection.execute(_SQL["named"], (name,)).fetchone()
    return None if row is None else _trial(row)


def hold(connection: Connection) -> None:
    """Let nobody import, erase, compute days, agree or withdraw until the transaction ends; waits.

    Whoever assigns calls this before it reads who is eligible. Raises psycopg.Error.
    """
    # in the order in which an erasure takes them
    connection.execute(_SQL["hold_homes"])
    daily.lock_daily_use(connection)
    connection.execute(_SQL["hold_consents"])


def assign(connection: Connection, trial: int, drawn: Drawn, at: datetime, today: date) -> None:
    """Write members and what their draw rests on, inside the running transaction, once, before the first day.

    The list must have been read after `hold`: then no home of it is a member of another running trial. Raises
    NotAssigned where the trial is assigned already or has begun; psycopg.Error.
    """
    connection.execute(_SQL["hold_trial"], (trial,))
    known = one(connection, trial)
    if known is None:
        raise NotAssigned(f"there is no trial {trial}")
    require_unassigned(known, today)
    connection.execute(
        _SQL["record_draw"],
        {
            "trial": trial, "seed": drawn.seed, "program": drawn.program, "strata": list(drawn.strata),
            "eligible": len(drawn.tenancy), "eligible_hash": drawn.digest, "left_out": Jsonb(dict(drawn.left_out)),
            "at": at,
        },
    )  # fmt: skip
    connection.execute(
        _SQL["add_members"],
        {
            "trial": trial, "tenancy": Int8s(drawn.tenancy), "number": Int4s(drawn.number), "arm": Int4s(drawn.arm),
            "listed": Int4s(drawn.listed), "stratum": Int4s(drawn.stratum), "block": Int4s(drawn.block),
        },
    )  # fmt: skip
    note(connection, trial, "assigned", {"eligible": len(drawn.tenancy), "hash": drawn.digest}, at)


def require_unassigned(trial: Trial, today: date) -> None:
    """Raise NotAssigned where a trial is assigned already, or the local day is one on which it may not be any more."""
    if trial.assigned_at is not None:
        raise NotAssigned(f"the trial {trial.design.name} was assigned on {trial.assigned_at:%Y-%m-%d}, and is once")
    if today >= trial.design.begins:
        raise NotAssigned(
            f"the trial {trial.design.name} would have begun on {trial.design.begins}: who is in which arm must be"
            " written down before the first nudge. Design it anew with a later first day"
        )


def members(connection: Connection, trial: int) -> Members:
    """Members of a trial by rising tenancy, those that left too. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["members"], (trial,)).fetchone()
    assert row is not None
    tenancy, *others = (column or b"" for column in row)
    return Members(int8s(tenancy), *map(int4s, others))


def members_by_arm(connection: Connection, trial: Trial, today: date) -> dict[Arm, InArm]:
    """Households of each arm of a trial, in its order. Raises psycopg.Error."""
    rows = connection.execute(_SQL["by_arm"], {"trial": trial.id, "today": today}).fetchall()
    found = {arm: (drawn, withdrew, moved) for arm, drawn, withdrew, moved in rows}
    return {
        arm: InArm(*found.get(arm.value, (0, 0, 0)), erased)
        for arm, erased in zip(trial.design.arms, trial.erased, strict=True)
    }


def sights(connection: Connection, today: date) -> Sights:
    """What members of running trials may see on a local day; of whoever stands not in it all. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["sights"], {"sights": list(map(str, SIGHTS)), "today": today}).fetchone()
    assert row is not None
    return Sights(int8s(row[0] or b""), int4s(row[1] or b"").astype(np.int8))


def of_tenancy(connection: Connection, tenancy: int, today: date) -> Membership | None:
    """The running trial of a household on a local day; before its first day too. Raises psycopg.Error."""
    row = connection.execute(_SQL["of_tenancy"], {"tenancy": tenancy, "today": today}).fetchone()
    if row is None:
        return None
    trial, arm, begins = row
    return Membership(trial, Arm(arm), begins, sight(Arm(arm), begins, today))


def end(connection: Connection, trial: int, today: date, at: datetime) -> None:
    """End a trial: from this local day on its members see all of what is published then.

    Raises NotAssigned where nobody was assigned to it, or it has ended; psycopg.Error.
    """
    # before the trial's row, as an erasure does: it takes a member first and counts it at the trial then
    connection.execute(_SQL["hold_homes"])
    connection.execute(_SQL["hold_trial"], (trial,))
    if connection.execute(_SQL["stop"], {"trial": trial, "day": today}).rowcount == 0:
        known = one(connection, trial)
        if known is None or known.assigned_at is None:
            raise NotAssigned("nobody was assigned to this trial, so there is nothing to end")
        raise NotAssigned(f"the trial {known.design.name} ended on {known.ended_on}")
    note(connection, trial, "ended", {}, at)


def note(connection: Connection, trial: int, what: What, detail: Mapping[str, Any], at: datetime) -> None:
    """Keep what was done with a trial; ``detail`` holds groups alone. Raises psycopg.Error."""
    connection.execute(_SQL["note"], (trial, at, what, Jsonb(dict(detail))))


def events(connection: Connection, trial: int) -> list[Event]:
    """What was done with a trial, the first first. Raises psycopg.Error."""
    return [Event(*row) for row in connection.execute(_SQL["events"], (trial,))]


def _trial(row: Sequence[Any]) -> Trial:
    number, name, origin, fuel, arms, shares, begins, months, target, fixed, costs, notes, power, designed_at = row[:14]
    design = Design(
        name, origin, fuel, tuple(map(Arm, arms)), tuple(shares), begins, months, target, fixed, tuple(costs), notes,
        power,
    )  # fmt: skip
    seed, program, strata, eligible, digest, left_out, erased, assigned_at, ended_on = row[14:]
    return Trial(
        number, design, designed_at, seed, program, tuple(strata or ()), eligible, digest, left_out, tuple(erased),
        assigned_at, ended_on,
    )  # fmt: skip
