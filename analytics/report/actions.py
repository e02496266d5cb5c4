"""What a home could do: a few concrete actions with an estimate, chosen by fuel, heating, season and what is known.

Nothing here is for a home that looks empty, disconnected or under-heated: ``analytics.report.household`` asks for
none then. The estimates are rough on purpose and say "about"; where each comes from stands beside it. What is always on
is no action here: the page of the day measures it, in watts and pounds, and asks nothing of whoever needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from analytics.report.words import about_pounds
from devices.homes import HomeDetails, Tenancy

#: Never more of them: two or three that fit are done, ten are not read.
MOST = 3
_HEATED_BY = {"gas": ("gas",), "electricity": ("electric", "heat-pump"), "heat": ("heat-network",)}


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a home and its use. ``own`` [Wh] of ``days`` days.

    ``span`` says the period in an estimate: ``in a week like this``.
    """

    fuel: str
    details: HomeDetails
    tenancy: Tenancy | None
    middle: date
    own: int
    days: int
    span: str

    @property
    def heats(self) -> bool:
        """Does this fuel heat the home?"""
        return self.details.heating in _HEATED_BY[self.fuel]

    @property
    def cold(self) -> bool:
        """Is it the heating season (October to April)?"""
        return self.middle.month >= 10 or self.middle.month <= 4

    @property
    def heating(self) -> bool:
        """Is much of this use for heating?"""
        return self.heats and self.cold

    @property
    def people(self) -> int:
        """Who takes showers; two where it is not known, as in the average home, and not more than four are counted."""
        known = self.tenancy.occupants if self.tenancy is not None else None
        return 2 if known is None else min(max(known, 1), 4)

    @property
    def owner(self) -> bool:
        """May dear measures be named? Only to those who own their home."""
        return self.details.tenure == "owner"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. ``kwh`` and ``pence`` (None: no price is known) are what ``estimate`` says in words."""

    title: str
    text: str
    estimate: str
    kwh: int
    pence: int | None


@dataclass(frozen=True, slots=True)
class Idea:
    """``fits``: for whom. What it spares: ``share`` of the period's use, or ``year`` and ``person`` [kWh a year].

    ``source``: what that rests on, in words for whoever is told it. ``cooler``: rooms get colder by it, which nobody is
    asked for who needs a medical device at home.
    """

    title: str
    text: str
    fits: Callable[[Situation], bool]
    source: str
    share: float = 0
    year: float = 0
    person: float = 0
    cooler: bool = False

    def spares(self, home: Situation) -> float:
        """What it spares a home in its period [kWh]; 0 where it does not fit or would be over a fifth of the use."""
        if not self.fits(home) or (self.cooler and home.tenancy is not None and home.tenancy.medical_equipment):
            return 0.0
        period = self.share * home.own / 1_000 if self.share else self._year(home) * home.days / 365
        return period if period <= home.own / 5_000 else 0.0

    def _year(self, home: Situation) -> float:
        return self.year + self.person * home.people


IDEAS: tuple[Idea, ...] = (
    Idea(
        "One degree less",
        "If your rooms are warmer than 20 degrees, turn the thermostat down by one. Stay at 18 degrees or more.",
        lambda home: home.heating,
        source="Our sum: one of the 12 degrees between in and out, and not all gas or power is for heat.",
        share=0.06,
        cooler=True,
    ),
    Idea(
        "Cooler water in the radiators",
        "If you have a combi boiler, set the heating water to 60 degrees. Rooms get just as warm, but more slowly.",
        lambda home: home.heating and home.fuel == "gas",
        source="Our sum: a boiler gets more from its gas when the water is cool.",
        share=0.04,
    ),
    Idea(
        "Heat the rooms you use",
        "Turn the heating down in rooms that nobody uses, and keep their doors shut. Do not turn it off fully.",
        lambda home: home.heating,
        source="Our sum: one room of six, a few degrees less warm.",
        share=0.035,
        cooler=True,
    ),
    Idea(
        "Check your loft",
        "A loft with little insulation loses a lot of heat. Ask us about grants before you pay for anything.",
        lambda home: home.heating and home.owner and home.details.dwelling not in ("flat", "maisonette"),
        source="Our sum: one more layer in a loft that has a thin one.",
        share=0.05,
    ),
    Idea(
        "Shorter showers",
        "Take one minute off each shower. It spares water as well.",
        lambda home: home.heats and home.fuel == "gas",
        # a shower a day: 8 litres heated by 30 degrees are 0.28 kWh, with a boiler's losses 0.33
        source="Our sum: 8 litres a day that need not be made hot.",
        person=120,
    ),
    Idea(
        "Shorter showers",
        "Take one minute off each shower. It spares water as well.",
        lambda home: home.heats and home.fuel != "gas",
        # 8 litres heated by 30 degrees: 0.28 kWh
        source="Our sum: 8 litres a day that need not be made hot.",
        person=100,
    ),
    Idea(
        "Hot water only",
        "In summer, set the boiler to hot water only. Turn off its pre-heat setting if it has one.",
        lambda home: home.fuel == "gas" and home.heats and not home.cold,
        source="Our sum: a boiler that keeps water hot uses a third of a kWh a day.",
        year=110,
    ),
    Idea(
        "Dry one load a week on a rack",
        "If you use a tumble dryer, let one load a week dry in the air. Open a window while it dries.",
        lambda home: home.fuel == "electricity",
        source="Our sum: a load takes about 3 kWh.",
        year=156,
    ),
    Idea(
        "Wash at 30 degrees",
        "Wait for a full load and wash at 30 degrees. Most clothes come out just as clean.",
        lambda home: home.fuel == "electricity",
        source="Our sum: four washes a week, a quarter of a kWh less each.",
        year=52,
    ),
    Idea(
        "Boil only what you need",
        "Fill the kettle with just the water for your cups.",
        lambda home: home.fuel == "electricity",
        source="Our sum: half a litre less, three times a day.",
        year=51,
    ),
    Idea(
        "Tell us about hot pipes",
        "If pipes or a tank in your home stay hot when nothing is on, tell whoever runs your heat network.",
        lambda home: home.fuel == "heat" and not home.cold,
        source="Our sum: 20 watts lost all year.",
        year=175,
    ),
    Idea(
        "Lids on pans",
        "Cook with a lid on, and turn the ring down once it boils.",
        lambda home: home.fuel == "gas",
        source="Our sum: a third less gas for a pan, every second day.",
        year=30,
    ),
)


def choose(home: Situation, rate: float | None) -> tuple[Action, ...]:
    """At most three actions for a home, those that spare most first. ``rate`` [pence/kWh] or None.

    An action that would spare more than a fifth of the use, or less than one kWh, does not fit and is left out.
    """
    found: list[tuple[float, Action]] = []
    for idea in IDEAS:
        period = idea.spares(home)
        kwh = round(period) if idea.share else round((idea.year + idea.person * home.people), -1)
        if kwh >= 1 and period > 0:
            found.append((period, _action(idea, int(kwh), home.span if idea.share else "a year", rate)))
    found.sort(key=lambda pair: -pair[0])
    return tuple(action for _, action in found[:MOST])


def _action(idea: Idea, kwh: int, span: str, rate: float | None) -> Action:
    if rate is None:
        return Action(idea.title, idea.text, f"About {kwh:,} kWh {span}", kwh, None)
    return Action(
        idea.title, idea.text, f"About {kwh:,} kWh or {about_pounds(kwh * rate)} {span}", kwh, int(kwh * rate + 0.5)
    )
