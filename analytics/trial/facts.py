"""What a trial's report must be told beside its panel, from the database (`report_facts`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

import numpy as np

from analytics.trial import runner
from analytics.trial.eligibility import Why
from analytics.trial.report_document import DocumentError, noted
from analytics.trial.report_facts import Facts, Noted
from analytics.trial.strata import RULE
from devices.trials import Arm, year_later
from store import trials
from store.cells import days_since_epoch
from store.connect import Connection
from store.trials import THERE, WHY, Event, Members, Trial

#: Why homes were not eligible, as people read it.
NOT_ELIGIBLE: Final = {
    Why.OTHER_ORIGIN: "simulated among real homes, or the reverse",
    Why.NO_COMPARISON: "no consent to the comparison",
    Why.NO_EVALUATION: "no consent to evaluation",
    Why.OTHER_TRIAL: "in another running trial",
    Why.SHORT: "fewer than 10 of the 12 months before are known",
    Why.HARDSHIP: "looked like hardship in the last three months",
}
#: Why members left, as people read it, by `WHY`.
LEFT: Final = {"withdrew": "withdrew the consent to evaluation", "moved": "moved out"}
_YEAR: Final = 365.25


def facts(connection: Connection, trial: Trial, until: date) -> Facts:
    """The facts of an assigned trial whose panel is read until a day (not included). Raises psycopg.Error."""
    design = trial.design
    members = trials.members(connection, trial.id)
    days = days_since_epoch(until)
    left = (members.left != THERE) & (members.left <= days)
    present = np.bincount(members.arm, minlength=len(design.arms))
    looks, unread = noted_looks(trials.events(connection, trial.id))
    assert trial.assigned_at is not None
    return Facts(
        trial=trial.id,
        name=design.name,
        origin=design.origin,
        fuel=design.fuel,
        arms=[str(arm) for arm in design.arms],
        shares=design.shares,
        begins=design.begins,
        months=design.months,
        until=until - timedelta(days=1) if until > design.begins else None,
        ended_on=trial.ended_on,
        assigned_at=trial.assigned_at,
        seed=trial.seed,
        program=trial.program,
        strata=RULE,
        strata_names=trial.strata,
        list_hash=trial.eligible_hash,
        draw_agrees=runner.again(trial, members).agrees,
        assigned=[int(there) + gone for there, gone in zip(present, trial.erased, strict=True)],
        not_eligible={NOT_ELIGIBLE[Why(why)]: count for why, count in trial.left_out.items()},
        left={
            LEFT[why]: np.bincount(members.arm[left & (members.why == place)], minlength=len(design.arms)).tolist()
            for place, why in enumerate(WHY)
            if why
        },
        erased=trial.erased,
        target=design.target,
        detectable=design.power.get("smallest"),
        cost=costs(trial, members, until),
        looks=looks,
        unread=unread,
        texts=design.notes,
    )


def noted_looks(events: Iterable[Event]) -> tuple[list[Noted], int]:
    """All looks as they were noted, the first first, and how many of the events cannot be read any more."""
    found: list[Noted] = []
    unread = 0
    for event in events:
        if event.what == "looked":
            try:
                found += noted(event.detail.get("looks"))
            except DocumentError:
                unread += 1
    return found, unread


def costs(trial: Trial, members: Members, until: date) -> list[float]:
    """What each arm cost until a day (not included) [pounds]: its own for each home while it was there and nudged, and
    the fixed cost by the homes of the arms that were nudged; the control costs nothing but what the design says of it.

    Of erased homes nothing is known, and nothing is counted.
    """
    design = trial.design
    end = until if trial.ended_on is None else min(until, trial.ended_on)
    begins, last = days_since_epoch(design.begins), days_since_epoch(end)
    stops = np.where(members.left == THERE, last, np.minimum(members.left, last))
    # an arm that is stopped after a year gets nothing more, and costs nothing more
    paid = [
        days_since_epoch(min(end, year_later(design.begins)) if arm is Arm.COMPARISON_YEAR else end)
        for arm in design.arms
    ]
    stops = np.minimum(stops, np.array(paid, np.int64)[members.arm])
    days = np.bincount(members.arm, np.maximum(stops - begins, 0), minlength=len(design.arms))
    homes = np.bincount(members.arm, minlength=len(design.arms)).astype(float)
    homes[0] = 0.0
    parts = homes / max(float(homes.sum()), 1.0)
    pence = days / _YEAR * np.array(design.arm_costs, float) + parts * design.fixed_cost
    found: list[float] = (pence / 100).tolist()
    return found
