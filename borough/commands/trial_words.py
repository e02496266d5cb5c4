"""What the commands of a trial share: finding one, and how its numbers of homes are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from analytics.trial.eligibility import LEAST_HOMES
from borough.errors import UsageError
from devices.counts import counted
from devices.trials import Arm
from store import trials
from store.connect import Connection
from store.trials import InArm, Trial

#: As sentences have it: 15 homes.
FEWEST: Final = counted(LEAST_HOMES, "home")


def find(connection: Connection, name: str) -> Trial:
    """The trial of a name. Raises UsageError, which names those that there are."""
    # names are plain letters; signs that no database text holds are not asked for
    found = trials.named(connection, name) if name.isascii() else None
    if found is None:
        known = ", ".join(one.design.name for one in trials.all_trials(connection))
        raise UsageError(f"there is no trial {name!r}; " + (f"there are: {known}" if known else "there is none yet"))
    return found


def told(homes: int) -> int | None:
    """A number of homes as JSON tells it: null for one that is too small to be told."""
    return homes if homes == 0 or homes >= LEAST_HOMES else None


def said(homes: int) -> str:
    """The same in a table."""
    return f"{homes:,}" if told(homes) is not None else f"fewer than {LEAST_HOMES}"


def said_homes(homes: int) -> str:
    """The same in a sentence."""
    return counted(homes, "home") if told(homes) is not None else f"fewer than {FEWEST}"


def state(trial: Trial, today: date) -> str:
    """How far a trial is, in a word."""
    if trial.ended_on is not None:
        return "ended"
    if trial.assigned_at is None:
        return "designed" if today < trial.design.begins else "never assigned"
    return "assigned" if today < trial.design.begins else "running"


def by_arm(counts: Mapping[Arm, InArm]) -> list[dict[str, Any]]:
    """Homes by arm as JSON tells them."""
    return [
        {
            "arm": str(arm), "drawn": told(one.members + one.erased), "withdrew": told(one.withdrew),
            "moved": told(one.moved), "erased": told(one.erased),
        }
        for arm, one in counts.items()
    ]  # fmt: skip


def outline(trial: Trial, today: date) -> dict[str, Any]:
    """A trial as JSON tells it, without its homes."""
    design = trial.design
    return {
        "name": design.name, "state": state(trial, today), "origin": design.origin, "fuel": design.fuel,
        "arms": {str(arm): share for arm, share in zip(design.arms, design.shares, strict=True)},
        "begins": design.begins.isoformat(), "months": design.months, "target": design.target,
        "assigned_at": trial.assigned_at, "ended_on": trial.ended_on and trial.ended_on.isoformat(),
    }  # fmt: skip
