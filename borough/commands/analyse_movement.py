"""``borough analyse movement --score``: the rule of quiet spells against planted emergencies in seeded homes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from borough.errors import UsageError
from borough.output import Json, say, show_json
from devices.counts import counted

if TYPE_CHECKING:
    from borough.scoring.movement_result import Figures, Interval

#: What is wanted, and what the one public trial had (Sixsmith 2000): false alerts a person and month, and the part of
#: the alerts that were genuine.
_TOLD, _FALSE = 0.9, 0.5
_TRIAL = (
    "The one public trial (Sixsmith 2000, 22 people, 3 months): 0.7 false a person and month, 25 % of alerts genuine."
)


def movement(
    score: Annotated[bool, typer.Option("--score", help="Judge seeded homes with planted emergencies.")] = False,
    homes: Annotated[int, typer.Option(min=10, max=20_000, help="So many homes.")] = 200,
    days: Annotated[int, typer.Option(min=42, max=400, help="Days; the first 28 are learned from.")] = 90,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulation.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="So many seeds, from the first on.")] = 1,
    emergencies: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Planted, a home of one person and month.")
    ] = 0.25,
    harsh: Annotated[bool, typer.Option("--harsh", help="More pets, faults, homes without a door's contact.")] = False,
    json_output: Json = False,
) -> int:
    """Score what would be told of people at home: emergencies told in time, and false alerts.

    Homes are simulated with what misleads: pets, visitors, couples, holidays, homes without a contact at the door,
    lie-ins, silent sensors, gateways that are away. The first 28 days are learned from, the others judged minute by
    minute as the service does it. Needs no database and changes nothing. --harsh: twice as many pets, homes without
    a contact at the door and silent sensors, and outages that last up to a day: the world before it was made milder.

    Status 1 where fewer than 90 % of the emergencies are told in time, there is more than half a false alert a home
    and month, or somebody is alarmed about a person while a gateway is away.

    Example: borough analyse movement --score --homes 200 --days 90 --seed 11
    """
    if not score:
        raise UsageError("borough analyse movement needs --score; the record itself is kept by borough analyse")
    from borough.scoring.movement_homes import HARSH, MILD
    from borough.scoring.movement_result import figures, run

    found = figures(run(range(seed, seed + seeds), homes, days, emergencies, HARSH if harsh else MILD))
    told = found.told.value >= _TOLD if found.told is not None else not emergencies
    good = told and found.false is not None and found.false.value <= _FALSE and not found.in_outage
    if json_output:
        show_json(
            {
                "homes": homes,
                "days": days,
                "seeds": list(range(seed, seed + seeds)),
                "harsh": harsh,
                **document(found),
                "ok": good,
            }
        )
    else:
        for line in sentences(found, homes, days):
            say(line)
    return 0 if good else 1


def document(found: Figures) -> dict[str, Any]:
    """The score for programs."""
    return {name: value._asdict() if hasattr(value, "_asdict") else value for name, value in found._asdict().items()}


def sentences(found: Figures, homes: int, days: int) -> list[str]:
    """The score for people."""
    lines = [
        f"{counted(homes, 'home')} over {days} days, {found.months:,.0f} months of homes judged.",
        f"Emergencies planted: {found.planted:,}; told before somebody was found: {found.told_ever:,}.",
    ]
    lines.append(
        f"Told within the usual spell and two hours: {found.told_number:,} of {found.due:,}, "
        f"{_of(found.told, '.1%', 'wanted: 90 %')}. Found by somebody before that: {found.found_before:,}."
    )
    if found.delay is not None and found.late is not None:
        lines.append(
            f"After the emergency: half are told within {found.delay[1]:.1f} h, nine of ten within "
            f"{found.delay[2]:.1f} h; after the usual spell {found.late[1]:.1f} h and {found.late[2]:.1f} h."
        )
    lines.append(f"Not told in time: {_by(found.missed) or 'none'}.")
    lines.append(
        f"False alerts a home and month: {_of(found.false, '.2f', f'wanted: at most {_FALSE}')}: "
        f"{_by({cause: round(rate, 2) for cause, rate in found.causes.items()}) or 'none'}."
    )
    lines.append(
        f"In homes with a contact at the door {_of(found.false_with_door, '.2f')}, in those without "
        f"{_of(found.false_without_door, '.2f')}."
    )
    rate = found.planted / found.alone_months if found.alone_months else 0.0
    lines.append(
        f"Of the alerts {found.genuine:.0%} are genuine where {rate:.2f} emergencies are "
        f"planted a month and home of one; really they are rarer, and the part is smaller. {_TRIAL}"
    )
    lines.append(
        f"Outages of gateways: {found.outages:,}; alerts about a person of a home that was not heard: "
        f"{found.in_outage:,}. Notes that everybody is out for longer than usual: {found.notes:.2f} a home and month."
    )
    lines.append("Simulated homes: what it says of real ones nobody knows until somebody counts there.")
    return lines


def _of(found: Interval | None, form: str, wanted: str = "") -> str:
    """A figure with its interval."""
    if found is None:
        return "nothing to count"
    inside = f"{found.low:{form}} to {found.high:{form}}" + (f"; {wanted}" if wanted else "")
    return f"{found.value:{form}} ({inside})"


def _by(found: dict[str, float] | dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in found.items())
