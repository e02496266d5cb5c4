"""The worked example: a simulated trial from the draw to its report, with an effect that was planted.

Made here, for simulators know nothing of the analysis and the analysis knows nothing of simulators. Nothing of it is
stored: it shows what a trial looks like, and that the method finds what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version

import numpy as np

from analytics.energy import prices
from analytics.trial import report as reports
from analytics.trial.draw import digest, draw
from analytics.trial.panel import Panel
from analytics.trial.power import smallest
from analytics.trial.prior_use import Summary
from analytics.trial.report_facts import Facts
from analytics.trial.report_rows import Report
from analytics.trial.strata import DEPRIVATION, RULE, TENURE_GROUPS, deprivation_third, strata, tenure_group
from devices.homes import HEATING
from devices.trials import ARMS, Arm
from simulators import trial as simulated
from store.times import next_month

HOMES, SEED, MONTHS = 20_000, 1, 18
NAME = "worked-example"
BEGINS = date(2025, 1, 1)
#: Percent of use by which each arm lowers it while it is nudged. Neighbour comparisons of 600,000 homes lowered it by
#: 2.0 % (Allcott 2011, J. Public Economics 95:1082); what the other arms do is not known, so theirs are chosen.
PLANTED: Mapping[str, float] = {
    Arm.OWN_HISTORY: 0.6,
    Arm.ZONE: 1.6,
    Arm.COMPARISON: 2.0,
    Arm.COMPARISON_YEAR: 2.0,
}
#: What a nudged home is said to cost [pounds a year]: chosen, as nobody sent anything.
_COST = 1.2
_TEXTS: Mapping[str, str] = {
    "eligibility": "Simulated homes with a year of use before the trial. All of them took part.",
    "nudges": "Nothing was sent: the simulator lowers use from the first day on, and fades the effect after a stop.",
    "contact": "Nothing: there is nobody to tell.",
    "joint-savings": "None: no other scheme is simulated.",
    "other-schemes": "None: no other scheme is simulated.",
    "spillover": "None: simulated homes do not talk to each other.",
    "data": "Made by the simulator, with months that are missing, and homes that move out or withdraw.",
    "limits": (
        "The effect was planted, in proportion to use. Real homes differ in ways that nobody simulated, so this report"
        " says that the method finds what is there, and nothing about real homes. What a nudged home costs is chosen:"
        f" {_COST:.2f} pounds a year."
    ),
}


@dataclass(frozen=True, slots=True)
class Example:
    """The panel of the trial's months, and its report with what was planted beside what was found."""

    panel: Panel
    report: Report

    @property
    def recovered(self) -> bool:
        """Whether the interval of the arm that the trial is made for, the comparison, holds what was planted there."""
        return any(one.held for one in self.report.recovered if one.arm == Arm.COMPARISON)


def make(homes: int = HOMES, seed: int = SEED, months: int = MONTHS, *, draws: int = 1_000) -> Example:
    """The example; a function of its arguments. ``draws``: of the randomisation inference, none where 0.

    Raises ValueError where there are too few homes or months for a trial.
    """
    panel, facts = simulate(homes, seed, months)
    facts = replace(facts, detectable=_detectable(panel))
    return Example(panel, reports.report(panel, facts, energy=prices.load(), draws=draws))


def simulate(homes: int, seed: int, months: int) -> tuple[Panel, Facts]:
    """The panel of a simulated trial and what is known of it, the planted effects too. Raises ValueError as `make`."""
    people = simulated.make_homes(homes, months, seed, BEGINS)
    prior, filled = simulated.prior(people)
    alike = strata(
        np.where(people.electric, HEATING.index("electric"), HEATING.index("gas")).astype(np.int32),
        people.tenure.astype(np.int32),
        np.round(prior[:, 0] * 1_000_000).astype(np.int64),
        people.deprivation.astype(np.int32),
        people.home,
    )
    drawn = draw(f"example-{seed}", NAME, people.home, alike.number, (1,) * len(ARMS))
    arms = [str(arm) for arm in ARMS]
    use = simulated.measured(people, drawn.arm, arms, PLANTED)
    panel = Panel(
        arms=ARMS,
        home=people.home,
        arm=drawn.arm,
        stratum=drawn.stratum,
        block=drawn.block,
        month=people.month[simulated.BEFORE :],
        use=use.use[:, simulated.BEFORE :],
        days=use.days[:, simulated.BEFORE :],
        prior=prior,
        filled=filled,
        labels={
            "tenure": tenure_group(people.tenure.astype(np.int32)),
            "deprivation": deprivation_third(people.deprivation.astype(np.int32)),
            "decile": people.decile,
        },
        names={
            "tenure": TENURE_GROUPS,
            "deprivation": DEPRIVATION,
            "decile": [str(number) for number in range(1, 11)],
        },
    )
    again = draw(f"example-{seed}", NAME, people.home[::-1], alike.number[::-1], (1,) * len(ARMS))
    facts = Facts(
        trial=0,
        name=NAME,
        origin="simulated",
        fuel="electricity",
        arms=arms,
        shares=(1,) * len(ARMS),
        begins=BEGINS,
        months=months,
        until=_end(months) - timedelta(days=1),
        ended_on=_end(months),
        assigned_at=datetime(BEGINS.year - 1, 12, 15, 12, tzinfo=UTC),
        seed=f"example-{seed}",
        program=f"borough {version('borough-telemetry')}",
        strata=RULE,
        strata_names=alike.names,
        list_hash=digest(people.home, alike.number),
        draw_agrees=bool((again.arm[::-1] == drawn.arm).all()),
        assigned=np.bincount(drawn.arm, minlength=len(ARMS)).tolist(),
        not_eligible={"for any reason": 0},
        left=simulated.attrition(people, drawn.arm, arms),
        erased=(0,) * len(ARMS),
        target=PLANTED[Arm.COMPARISON],
        cost=_costs(panel),
        texts=_TEXTS,
        planted=use.planted,
    )
    return panel, facts


def _detectable(panel: Panel) -> float | None:
    """The least effect that is found four times in five [percent], as known before the trial: one year and no more."""
    before = panel.prior[:, 0]
    known = Summary(panel.homes, float(before.mean()), float(before.std(ddof=1)), assumed=True)
    found = smallest(known, (1,) * len(panel.arms), panel.months)
    return None if found is None else 100 * found


def _costs(panel: Panel) -> Sequence[float]:
    """By arm [pounds]: of the months in which its homes were there and nudged."""
    years = [
        float(panel.known[panel.arm == place][:, : simulated.STOPS_AFTER.get(str(arm), panel.months)].sum()) / 12
        for place, arm in enumerate(panel.arms)
    ]
    return [0.0, *(_COST * of for of in years[1:])]


def _end(months: int) -> date:
    """The first day after the last month."""
    end = BEGINS
    for _ in range(months):
        end = next_month(end)
    return end
