"""A trial of nudges between the database and its arrays: who is eligible, the draw, the panel, looks."""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.trial import draw as drawing
from analytics.trial import sequential
from analytics.trial.eligibility import BEFORE, HARDSHIP, Asked, Why, eligible, known_months
from analytics.trial.panel import UNKNOWN, Float64, Int32, Int64, Panel, with_means
from analytics.trial.sequential import Look
from analytics.trial.strata import DEPRIVATION, TENURE_GROUPS, Strata, deprivation_third, ranked, strata, tenure_group
from store import daily, trial_panel, trials
from store.cells import days_since_epoch
from store.connect import Connection
from store.times import local_day, next_month
from store.trial_panel import OPEN, Monthly
from store.trials import THERE, Drawn, Members, Trial

#: What draws, as a trial keeps it.
PROGRAM: Final = "borough_telemetry analytics.trial.draw 1"
#: Months of the seasons whose use before a trial is a column of `Panel.prior`.
_SUMMER, _WINTER = (6, 7, 8, 9), (12, 1, 2, 3)
_DECILES: Final = 10


@dataclass(frozen=True, slots=True)
class Listed:
    """Who can be drawn for a trial, ``(homes,)`` by rising ``tenancy``, and how many others cannot for which reason.

    ``use`` ``(homes, months)`` [kWh/day]: of the months before, the last one last, NaN where one has no value.
    """

    origin: str
    tenancy: Int64
    strata: Strata
    use: Float64
    left_out: Mapping[Why, int]


class Again(NamedTuple):
    """A draw made again: whether it ``agrees``, and ``why`` not or why nobody can say."""

    agrees: bool | None
    why: str


def listed(connection: Connection, fuel: str, begins: date, at: datetime, zone: ZoneInfo, back: int = BEFORE) -> Listed:
    """Who is eligible for a trial that begins on the first day of a month, as known at an instant.

    ``back``: of how many months before it the use is told, `BEFORE` or more; who is eligible rests on those alone.
    Raises store.daily.OtherZone where the stored days are of another zone; psycopg.Error.
    """
    daily.check_zone(connection, zone)
    found = trial_panel.candidates(connection, begins, months_on(begins, -HARDSHIP), at)
    first = months_on(begins, -back)
    still = np.full(len(found.tenancy), OPEN, np.int32)
    whole = trial_panel.monthly(connection, fuel, found.homes.home, found.homes.since, still, first, back)
    _, length = _calendar(first, back)
    known = known_months(whole.known, length)
    use, _ = _means(whole, known)
    before, valued = Monthly(whole.watt_hours[:, -BEFORE:], whole.known[:, -BEFORE:]), known[:, -BEFORE:]
    simulated = bool(len(found.tenancy)) and bool(found.simulated.all())
    who = eligible(
        Asked(
            found.simulated if simulated else ~found.simulated, found.comparison, found.evaluation, found.busy,
            valued.sum(axis=1), found.hardship,
        )
    )  # fmt: skip
    kept = who.homes
    milliwatt_hours = _whole_means(before, valued)[kept]
    tenancy = found.tenancy[kept]
    return Listed(
        origin="simulated" if simulated else "real",
        tenancy=tenancy,
        strata=strata(
            found.homes.heating[kept], found.homes.tenure[kept], milliwatt_hours, found.homes.deprivation[kept], tenancy
        ),
        use=use[kept],
        left_out=who.left_out,
    )


def drawn(trial: Trial, of: Listed, seed: str) -> Drawn:
    """The draw of a trial from the list of those that are eligible. Raises ValueError on what cannot be drawn from."""
    made = drawing.draw(seed, trial.design.name, of.tenancy, of.strata.number, trial.design.shares)
    # by chance that nobody can repeat, so that a number in a file leads to no home
    numbers = list(range(1, len(of.tenancy) + 1))
    random.SystemRandom().shuffle(numbers)
    return Drawn(
        seed=seed,
        program=PROGRAM,
        strata=of.strata.names,
        digest=drawing.digest(of.tenancy, of.strata.number),
        left_out={str(why): count for why, count in of.left_out.items()},
        tenancy=of.tenancy,
        number=np.array(numbers, np.int32),
        arm=made.arm.astype(np.int32),
        listed=of.strata.number,
        stratum=made.stratum,
        block=made.block,
    )


def new_seed() -> str:
    """A seed that nobody chose."""
    return secrets.token_hex(16)


def again(trial: Trial, members: Members) -> Again:
    """Make the draw of an assigned trial again from what was written down, and compare."""
    if trial.seed is None or trial.eligible_hash is None:
        return Again(None, "it was not drawn yet")
    if len(members.tenancy) < (trial.eligible or 0):
        return Again(None, "members were erased since, and with them the list that was drawn from")
    if trial.program != PROGRAM:
        return Again(None, f"it was drawn by {trial.program}, this is {PROGRAM}")
    try:
        drawing.check(trial.eligible_hash, members.tenancy, members.listed)
        made = drawing.draw(trial.seed, trial.design.name, members.tenancy, members.listed, trial.design.shares)
    except ValueError as error:
        return Again(False, str(error))
    same = (
        np.array_equal(made.arm, members.arm)
        and np.array_equal(made.block, members.block)
        and np.array_equal(made.stratum, members.stratum)
    )
    return Again(same, "" if same else "the draw made again gives other arms than those written down")


def panel(connection: Connection, trial: Trial, until: date, zone: ZoneInfo) -> Panel:
    """The panel of an assigned trial: all members that were not erased, by the whole months from its first day on that
    are over before ``until`` (not included) and before it ended.

    Of a member that withdrew or moved out nothing is read from that local day on. Prior use is of the year before the
    first day, as far as it lies before the day of the draw. What a home is (tenure, deprivation)
    is what was known when it was assigned. Raises ValueError where nothing of prior use is known, or the trial was not
    assigned; store.daily.OtherZone; psycopg.Error.
    """
    daily.check_zone(connection, zone)
    if trial.assigned_at is None:
        raise ValueError("a trial that was not assigned has no panel")
    members = trials.members(connection, trial.id)
    tenancy, homes = trial_panel.homes(connection, trial.id, trial.assigned_at)
    # an erasure may have come between the two; neither knows of homes that the other does not
    members = trials.part(members, np.isin(members.tenancy, tenancy))
    left = np.where(members.left == THERE, OPEN, members.left).astype(np.int32)
    begins = trial.design.begins
    last = until if trial.ended_on is None else min(until, trial.ended_on)
    count = max(0, _months_between(begins, last))
    first = months_on(begins, -BEFORE)
    # what arms may see differs from the draw on, so that use since then depends on the arm and foretells nothing
    drawn_on = np.int32(days_since_epoch(local_day(trial.assigned_at, zone)))
    fuel = trial.design.fuel
    before = trial_panel.monthly(connection, fuel, homes.home, homes.since, np.minimum(left, drawn_on), first, BEFORE)
    _, length = _calendar(first, BEFORE)
    known_before = known_months(before.known, length)
    prior, filled = with_means(_prior(before, known_before, first))
    decile = ranked(_whole_means(before, known_before), members.tenancy, _DECILES)
    use = trial_panel.monthly(connection, fuel, homes.home, homes.since, left, begins, count)
    month, length = _calendar(begins, count)
    means, days = _means(use, known_months(use.known, length))
    return Panel(
        arms=trial.design.arms,
        home=members.number.astype(np.int64),
        arm=members.arm.astype(np.int8),
        stratum=members.stratum,
        block=members.block,
        month=month,
        use=means,
        days=days,
        prior=prior,
        filled=filled,
        labels={
            "tenure": tenure_group(homes.tenure),
            "deprivation": deprivation_third(homes.deprivation),
            "decile": np.where(filled[:, 0], UNKNOWN, decile).astype(np.int16),
        },
        names={
            "tenure": list(TENURE_GROUPS),
            "deprivation": list(DEPRIVATION),
            "decile": [str(number) for number in range(1, _DECILES + 1)],
        },
    )


def looks(of: Panel, expected: int) -> list[Look]:
    """Each look that may be told, to be a noted look then: after each month, by arm and month.

    `sequential.enough` says which may.

    ``expected``: the months that the trial was designed for.
    """
    # each arm is estimated alone with the control, so that one which is too small takes no part in another's figure
    return sequential.enough(of, sequential.intervals(of, expected=expected))


def months_on(day: date, months: int) -> date:
    """The first day of the month that is so many months after (before, where below zero) that of a day."""
    number = 12 * day.year + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _months_between(start: date, end: date) -> int:
    return 12 * (end.year - start.year) + end.month - start.month


def _calendar(first: date, months: int) -> tuple[Int32, NDArray[np.int64]]:
    """Months since 1970-01 and how many days each has, ``(months,)``."""
    number = 12 * (first.year - 1970) + first.month - 1 + np.arange(months, dtype=np.int32)
    starts = [months_on(first, place) for place in range(months)]
    return number, np.array([(next_month(start) - start).days for start in starts], np.int64)


def _means(use: Monthly, valued: NDArray[np.bool_]) -> tuple[Float64, Float64]:
    """Mean use of the known days [kWh/day], NaN where a month has no value, and how many days are known."""
    mean = use.watt_hours / np.maximum(use.known, 1) / 1000
    return np.where(valued, mean, np.nan), use.known.astype(np.float64)


def _prior(before: Monthly, valued: NDArray[np.bool_], first: date) -> Float64:
    """`Panel.prior` with NaN where fewer than half of the months of the column have a value."""
    calendar = (first.month - 1 + np.arange(BEFORE)) % 12 + 1
    columns: Sequence[NDArray[np.bool_]] = (
        np.ones(BEFORE, np.bool_), np.isin(calendar, _SUMMER), np.isin(calendar, _WINTER),
    )  # fmt: skip
    prior = np.full((len(valued), len(columns)), np.nan)
    for place, inside in enumerate(columns):
        counts = valued & inside
        days = np.where(counts, before.known, 0).sum(axis=1)
        total = np.where(counts, before.watt_hours, 0).sum(axis=1)
        enough = 2 * counts.sum(axis=1) >= inside.sum()
        prior[:, place] = np.where(enough, total / np.maximum(days, 1) / 1000, np.nan)
    return prior


def _whole_means(before: Monthly, valued: NDArray[np.bool_]) -> Int64:
    """Mean use of the year before, whole milliwatt-hours a day: equal on every machine."""
    days = np.where(valued, before.known, 0).sum(axis=1).astype(np.int64)
    total: Int64 = np.where(valued, before.watt_hours, 0).sum(axis=1) * 1000 // np.maximum(days, 1)
    return total
