"""A report with something of everything, one with nothing, and numbers that nobody computed."""

from __future__ import annotations

from datetime import UTC, date, datetime

from analytics.trial.report_facts import TEXTS, Facts, Noted
from analytics.trial.report_rows import (
    ArmLine,
    BalanceLine,
    Chance,
    Effect,
    Persistence,
    Prices,
    Range,
    Recovered,
    Report,
    SubgroupLine,
    Value,
)  # fmt: skip

ARMS = ("nothing", "own-history", "zone", "comparison", "comparison-year")
DRAWN = (4000, 2000, 2000, 2000, 2000)
_MONTHS = [date(2025 + month // 12, month % 12 + 1, 1) for month in range(8)]


def full(origin: str = "real", name: str = "winter-2025") -> Report:
    """Five arms and eight months; in a simulated one what was planted stands beside what was found."""
    facts = Facts(
        trial=3, name=name, origin=origin, fuel="electricity", arms=ARMS, shares=(2, 1, 1, 1, 1),
        begins=date(2025, 1, 1), months=8, until=date(2025, 8, 31), ended_on=date(2025, 9, 1),
        assigned_at=datetime(2024, 12, 20, 9, 30, tzinfo=UTC), seed="a1b2c3", program="borough 0.9",
        strata="fuel for heating, tenure group, third of prior use, third of deprivation", list_hash="0f" * 32,
        draw_agrees=True, assigned=DRAWN,
        not_eligible={"no consent to evaluation": 5210, "fewer than 10 known months": 803},
        erased=(None, 0, None, None, 0),
        target=2.0, detectable=1.1, cost=(0.0, 900.0, None, 1500.0, 1200.0),
        texts={key: f"Said about: {question.lower()}." for key, question in list(TEXTS.items())[:5]},
    )  # fmt: skip
    found = {"own-history": -0.03, "zone": -0.12, "comparison": -0.16, "comparison-year": -0.15}
    return Report(
        facts=facts, level=0.95, months=_MONTHS, drawn=12000, homes=11940, strata=54, blocks=2010, control_mean=8.12,
        arms=[
            ArmLine(arm, share, count, count - 20, erased, 0.93, {"moved out": 150 + place, "withdrew": None}, 8.1)
            for place, (arm, share, count, erased) in enumerate(
                zip(ARMS, facts.shares, DRAWN, facts.erased, strict=True)
            )
        ],
        balance=[
            BalanceLine(what, arm, 8.2, 8.1, 0.012)
            for what in ("Use of the year", "Use of the summer", "Use of the winter") for arm in ARMS[1:]
        ],
        balance_p=0.43,
        effects=[
            _effect(method, arm, effect * factor)
            for method, factor in (("post-only", 1.0), ("lin", 1.01), ("differences", 0.97))
            for arm, effect in found.items()
        ],
        chance=[
            Chance(arm, effect, 0.0004 if effect < -0.1 else 0.31, 0.0001, 0.002, 10_000)
            for arm, effect in found.items()
        ],
        looks=[
            Noted(month, arm, effect, effect - 0.6 / (place + 2), effect + 0.6 / (place + 2),
                  effect - 0.3 / (place + 2), effect + 0.3 / (place + 2))
            for arm, effect in found.items() for place, month in enumerate(_MONTHS)
        ],
        subgroups=[
            SubgroupLine("tenure", "owner", "comparison", 2100, _around(-0.2, 0.05), 0.0001, 0.004),
            SubgroupLine("tenure", "other", "comparison", 9, Range(None), None, None, "fewer than 15 homes"),
        ],
        looked_at=31,
        persistence=[Persistence("comparison-year", _around(-0.16, 0.04), _around(-0.14, 0.06), 87.5)],
        values=[
            Value(arm, cost, _around(-effect * 900_000, 90_000), _around(0.01, 0.002) if cost else Range(None))
            for (arm, effect), cost in zip(found.items(), facts.cost[1:], strict=True)
        ],
        prices=Prices("the price cap of July 2026", 26.11, "2025", 0.177),
        recovered=[
            Recovered(arm, effect * 1.05, _around(effect, 0.04), held=arm != "zone") for arm, effect in found.items()
        ] if origin != "real" else [],
    )  # fmt: skip


def empty() -> Report:
    """A trial that was drawn yesterday, of which nobody said anything."""
    facts = Facts(4, "begun-yesterday", "real", "gas", ("nothing", "zone"), (1, 1), date(2026, 12, 1), 12)
    return Report(
        facts=facts, level=0.95, months=[], drawn=0, homes=0, strata=0, blocks=0, control_mean=None,
        arms=[ArmLine(arm, 1, 0, 0, 0, None) for arm in facts.arms], balance=[], balance_p=None, effects=[], chance=[],
        looks=[], subgroups=[], looked_at=0, persistence=[], values=[], prices=Prices(None, None, None, None),
        missing=["effects: no month of this trial is over yet"],
    )  # fmt: skip


def _around(value: float, half: float) -> Range:
    return Range(value, value - half, value + half)


def _effect(method: str, arm: str, effect: float) -> Effect:
    return Effect(
        method, arm, 5988, 98_000, _around(effect, 0.04), 0.02, 0.0003, _around(100 * effect / 8.12, 0.5),
        _around(365.25 * effect, 14.6), _around(365.25 * effect * 0.2611, 3.8),
        _around(365.25 * effect * 1.77e-4, 0.0026),
    )  # fmt: skip
