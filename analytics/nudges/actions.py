"""Two or three things to do, by the home's own pattern: `analytics.report.actions` and what half-hours add to it.

Each has an estimate a week, a reason from the home's own figures and what the estimate rests on. No estimate is over a
fifth of the use, all together none over a quarter: who does everything is not promised more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.nudges.facts import Facts
from analytics.report import words
from analytics.report.actions import IDEAS, Idea, Situation
from devices.homes import HomeDetails, Tenancy

MOST = 3
#: Of the use, all actions together.
_TOGETHER = 0.25
#: [W] from which what is always on is worth a look, and its part that can be turned off.
BACKGROUND, _PART = 150, 0.1
#: [%] of the use from 16:00 to 19:00 from which moving some of it is named, and what is moved [kWh a week].
PEAK, _MOVED = 25, 2.0
#: Less is not named [pence a week; without a price: kWh].
_LEAST, _LEAST_KWH = 2.5, 0.5


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. ``kwh`` (0: it moves use and spares none) and ``pence`` are of a week."""

    title: str
    text: str
    estimate: str
    reason: str
    source: str
    kwh: float
    pence: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "title": self.title, "text": self.text, "estimate": self.estimate, "reason": self.reason,
            "source": self.source, "kwh_a_week": round(self.kwh, 2),
            "pence_a_week": None if self.pence is None else round(self.pence, 1),
        }  # fmt: skip


def choose(facts: Facts) -> tuple[Action, ...]:
    """At most three actions, those worth most first; none for a home that looks like hardship."""
    if facts.kind == "help":
        return ()
    home = _situation(facts)
    found = [
        _action(facts, idea.title, idea.text, _why(facts, home, idea), idea.source, spared * 7 / facts.days)
        for idea in IDEAS
        if (spared := idea.spares(home)) > 0
    ]
    found += _of_pattern(facts, home)
    worth = [one for one in found if _worth(one)]
    worth.sort(key=lambda one: (-(one.pence or 0), -one.kwh))
    chosen: list[Action] = []
    left = _TOGETHER * facts.own / 1_000 * 7 / facts.days
    for one in worth:
        if len(chosen) < MOST and one.kwh <= left:
            chosen.append(one)
            left -= one.kwh
    return tuple(chosen)


def weekly(pence: float) -> str:
    """An estimate a week: to 5p below £1, to 10p below £5, above to £1."""
    step = 5 if pence < 97.5 else 10 if pence < 495 else 100
    whole = int(pence / step + 0.5) * step
    return f"£{whole // 100:,}" if whole % 100 == 0 and whole else words.pounds(whole)


def _worth(one: Action) -> bool:
    if one.pence is None:
        return one.kwh >= _LEAST_KWH
    # at a high price pence are soon worth a word, where the kWh beside them would be said as none
    return one.pence >= _LEAST and (one.kwh == 0 or one.kwh >= 0.05)


def _situation(facts: Facts) -> Situation:
    details = HomeDetails(facts.dwelling, facts.heating, tenure="owner" if facts.owner else None)
    tenancy = Tenancy(0, 0, facts.from_day, occupants=facts.people, medical_equipment=facts.medical)
    middle = facts.from_day + (facts.to_day - facts.from_day) / 2
    return Situation(facts.fuel, details, tenancy, middle, facts.own, facts.days, "a week")


def _of_pattern(facts: Facts, home: Situation) -> list[Action]:
    """What only half-hours tell. Who needs a device day and night is not asked to turn off what is always on."""
    found: list[Action] = []
    pattern = facts.pattern
    if facts.fuel != "electricity" or home.heating:
        return found
    if pattern.background is not None and pattern.background >= BACKGROUND and not facts.medical:
        kwh = pattern.background * _PART * 24 * 7 / 1_000
        if kwh * facts.days / 7 <= facts.own / 5_000:
            found.append(
                _action(
                    facts, "Look what is always on", "Walk round at night. Turn off at the wall what you do not need.",
                    f"at night your home still used about {_tens(pattern.background)} watts.",
                    "Our sum: a tenth of what is on at night.", kwh,
                )
            )  # fmt: skip
    moves = _MOVED * facts.days / 7 <= facts.own / 5_000  # who uses little at the peak cannot move so much
    if pattern.peak_share is not None and pattern.peak_share >= PEAK and facts.spread > 0 and facts.rate and moves:
        found.append(
            _action(
                facts, "Run one wash at a cheap time", "Your price goes up and down. Set the timer for cheap hours.",
                f"{pattern.peak_share}% of your use was from 4 to 7 pm.",
                "Our sum: 2 kWh a week, moved from dear hours to cheap ones.", 0.0, _MOVED * facts.spread,
            )
        )  # fmt: skip
    return found


def _why(facts: Facts, home: Situation, idea: Idea) -> str:
    """From the home's own figures."""
    if idea.person and facts.people is not None and facts.people > 1:
        return f"{words.count(facts.people, 'person lives', 'people live')} in your home."
    span = words.period_word("month", facts.from_day)
    day = words.kwh(_day(facts))
    if home.heating and idea.share:
        return f"you used {day} of {words.FUEL[facts.fuel]} a day in {span}, when it is cold."
    return f"you used {day} a day in {span}."


def _day(facts: Facts) -> int:
    """The mean day's use as it is shown [Wh]."""
    return words.shown((facts.own * 2 + facts.days) // (2 * facts.days))


def _tens(watts: int) -> int:
    return (watts + 5) // 10 * 10


def _action(
    facts: Facts, title: str, text: str, reason: str, source: str, kwh: float, pence: float | None = None
) -> Action:
    if pence is None and facts.rate is not None:
        pence = kwh * facts.rate
    amount = f"{kwh:.1f}".removesuffix(".0") if kwh < 9.95 else f"{int(kwh + 0.5):,}"
    if pence is None:
        estimate = f"This saves about {amount} kWh a week."
    elif kwh == 0:
        estimate = f"This saves about {weekly(pence)} a week."
    else:
        estimate = f"This saves about {weekly(pence)} a week, or {amount} kWh."
    return Action(title, text, estimate, f"Why you: {reason}", source, kwh, pence)
