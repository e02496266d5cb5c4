"""What a household is told of one period and fuel: every word and rounded number, for page, API and letter alike.

Four promises hold here and are tested over everything that can occur. Whoever uses no more than the average is told
that this is good, and never the average alone (people who hear only that drift up to it). Whoever's home looks empty,
disconnected or under-heated hears no praise, no advice and nothing about others. What is not shown is said in words.
Who takes part in a trial hears of others what its arm allows: of those that use least alone, or nothing, and then no
advice either, for what nobody is told of must not nudge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from analytics.energy.prices import Energy
from analytics.periods import FINAL_AFTER
from analytics.report import words
from analytics.report.actions import Action, Situation, choose
from devices.homes import HomeDetails, Reason, State, Tariff, Tenancy
from devices.trials import Sight
from store.comparisons import Comparison, Neighbourhood

_SPANS = {"week": "in a week like this", "month": "in a month like this", "four-weeks": "in four weeks like these"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: ``watt_hours`` decides its length, ``text`` is what is read."""

    who: Literal["you", "efficient", "similar"]
    label: str
    watt_hours: int
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said, in the order in which it is shown; None or empty: not said."""

    fuel: str
    #: As in the comparison.
    state: str
    #: Its name, empty where nothing is judged.
    state_words: str
    #: Its dates.
    period: str
    headline: str
    lead: tuple[str, ...]
    #: The use as shown.
    own: str | None
    bars: tuple[Bar, ...]
    #: Alternative text of ``bars``.
    bars_text: str
    #: To the average [Wh], of the figures as they are shown.
    difference: int | None
    difference_text: str | None
    percentile: str | None
    change: str | None
    cost: str | None
    carbon: str | None
    #: Stands above ``actions``.
    actions_title: str | None
    actions: tuple[Action, ...]
    neighbours: tuple[str, ...]
    #: Why there is no comparison.
    suppressed: str | None
    #: It is held back for a trial, or only the efficient figure is shown for one.
    in_trial: bool
    #: Whom to call.
    help: str | None
    #: Small print: days estimated, late readings, what a kWh is.
    notes: tuple[str, ...]

    def sentences(self) -> tuple[str, ...]:
        """Everything that is said, piece by piece."""
        said = [self.headline, *self.lead, self.suppressed, self.difference_text, self.percentile, self.change]
        said += [self.cost, self.carbon, self.actions_title]
        for action in self.actions:
            said += [action.title, action.text, action.estimate]
        said += [*self.neighbours, self.help, *self.notes]
        return tuple(piece for piece in said if piece)


def report(
    comparison: Comparison,
    details: HomeDetails,
    neighbourhood: Neighbourhood | None,
    *,
    help_line: str | None,
    energy: Energy,
    tariffs: Sequence[Tariff] = (),
    tenancy: Tenancy | None = None,
) -> Report:
    """Say one comparison. ``details`` of the home, ``neighbourhood`` of the comparison's quarter.

    ``energy``: the site's values, ``tariffs`` of the tenancy, both for estimates in pounds;
    ``tenancy`` for the choice of actions.
    """
    neutral = comparison.state == State.NEUTRAL
    compared = comparison.compared and comparison.own is not None
    own = None if comparison.own is None else words.shown(comparison.own)
    average = comparison.average if compared else None
    difference = None if average is None or own is None else own - average
    headline, lead = _headline(comparison, own, difference)
    bars = _bars(comparison, own) if compared else ()
    actions = () if neutral else _actions(comparison, details, energy, tariffs, tenancy)
    return Report(
        fuel=comparison.fuel,
        state=comparison.state,
        state_words=_STATES[comparison.state] if compared else "",
        period=words.period_name(comparison.kind, comparison.from_day, comparison.to_day),
        headline=headline,
        lead=lead,
        own=None if own is None else words.kwh(own),
        bars=bars,
        bars_text=_bars_text(bars),
        difference=difference,
        difference_text=_difference(comparison, difference),
        percentile=_percentile(comparison) if compared else None,
        change=None if neutral else _change(comparison, details),
        cost=None if neutral else _cost(comparison),
        carbon=None if neutral else _carbon(comparison, energy),
        actions_title=_ACTIONS_TITLE.get(comparison.state, "Things that may help") if actions else None,
        actions=actions,
        neighbours=_neighbours(comparison, details, neighbourhood) if compared else (),
        suppressed=_suppressed(comparison),
        in_trial=_suppressed(comparison) == TRIAL or (comparison.sight == Sight.ZONE and compared),
        help=help_words(comparison.reason, help_line) if neutral else None,
        notes=_notes(comparison),
    )


_STATES: Mapping[str, str] = {
    State.GREAT: "Great",
    State.GOOD: "Good",
    State.MORE: "Using more than average",
    State.ABOVE_ZONE: "Room to save",
}
_ACTIONS_TITLE: Mapping[str, str] = {State.GREAT: "To keep it that way", State.GOOD: "To keep it that way"}


def _headline(it: Comparison, own: int | None, difference: int | None) -> tuple[str, tuple[str, ...]]:
    fuel, span = words.FUEL[it.fuel], words.period_word(it.kind, it.from_day)
    if own is None:
        return f"We cannot show your {fuel} use for {span}", ()
    if it.state == State.GREAT:
        lead = (f"You used as little {fuel} as the similar homes that use least.", "Well done, and please keep it up.")
        return f"Great: your home is one of those that use least {fuel}", lead
    if it.state == State.GOOD:
        less = "less" if difference is not None and difference < 0 else "no more"
        return f"Good: your home used {less} {fuel} than the average", ("Well done, you are on the right track.",)
    if it.state == State.MORE:
        some = "a little more" if not difference or difference * 20 < (it.average or 1) else "more"
        return f"Your home used {some} {fuel} than the average of similar homes", ()
    if it.state == State.ABOVE_ZONE:
        lead = (f"Here you see your use, and that of the similar homes that use least {fuel}.", "Small steps count.")
        return f"Your home used {words.kwh(own)} of {fuel} in {span}", lead
    if it.state == State.NEUTRAL:
        return f"Your {fuel} use: {words.kwh(own)} in {span}", NEUTRAL_LEAD.get(it.reason or "", ())
    return f"You used {words.kwh(own)} of {fuel} in {span}", ()


NEUTRAL_LEAD: Mapping[str, tuple[str, ...]] = {
    Reason.EMPTY: ("Your meter shows very little use. Perhaps nobody was at home.",),
    Reason.DISCONNECTED: ("Your meter shows days without any use. Perhaps your supply was off.",),
    Reason.UNDER_HEATED: ("Being warm at home matters for your health.",),
}


def help_words(reason: str | None, help_line: str | None) -> str:
    """Whom a home that looks like hardship may call, by the reason (a word of `devices.homes.Reason`)."""
    why: Mapping[str, str] = {
        Reason.EMPTY: "If that is wrong, or your supply is off, we can help.",
        Reason.DISCONNECTED: "If your supply is off, or you find it hard to top up, we can help.",
    }
    asked = why.get(reason or "", "If it is hard to keep warm or to pay for it, we can help.")
    if help_line is None:
        return f"{asked} Please ask your council, or call your supplier: they must help too."
    return f"{asked} Please call {help_line}. The talk is private."


def _bars(it: Comparison, own: int | None) -> tuple[Bar, ...]:
    found = []
    if own is not None:
        found.append(Bar("you", "Your home", own, words.kwh(own)))
    if it.efficient is not None:
        found.append(Bar("efficient", "Similar homes that use least", it.efficient, words.kwh(it.efficient)))
    if it.average is not None:
        found.append(Bar("similar", "Average of similar homes", it.average, words.kwh(it.average)))
    return tuple(found)


def _bars_text(bars: tuple[Bar, ...]) -> str:
    parts = "; ".join(f"{bar.label.lower()} {bar.text}" for bar in bars)
    return f"Bar chart: {parts}." if bars else ""


def _difference(it: Comparison, difference: int | None) -> str | None:
    if difference is None or it.average is None:
        return None
    if difference == 0:
        return "That is about as much as the average of similar homes."
    part = words.percent(difference, it.average)
    much = f"{words.kwh(abs(difference))} ({part}%)" if part else words.kwh(abs(difference))
    return f"That is {much} {'more' if difference > 0 else 'less'} than the average of similar homes."


def _percentile(it: Comparison) -> str | None:
    if it.tenths is None:
        return None
    if it.state == State.MORE and 1 <= it.tenths <= 9:
        return f"You used more than about {it.tenths} in 10 similar homes."
    if it.tenths == 0:
        return "Fewer than 1 in 10 similar homes used less than you."
    if it.tenths == 10:
        return "Nearly all similar homes used less than you."
    return f"About {it.tenths} in 10 similar homes used less than you."


def _change(it: Comparison, details: HomeDetails) -> str | None:
    """Against the period before; months by the day, for they have different lengths."""
    if it.own is None or it.before is None or it.before <= 0:
        return None
    before = words.before_word(it.kind, it.from_day)
    now, then, aday = words.shown(it.own), words.shown(it.before), ""
    if it.kind == "month":
        length = (it.from_day - (it.from_day - timedelta(days=1)).replace(day=1)).days
        now, then = now * length, then * (it.to_day - it.from_day).days
        aday = " a day"
    part = words.percent(now - then, then)
    if part == 0:
        return f"You used about as much{aday} as in {before}."
    amount = "" if aday else f"{words.kwh(abs(now - then))} "
    much = f"{amount}({part}%) " if amount else f"{part}% "
    said = f"You used {much}{'more' if now > then else 'less'}{aday} than in {before}."
    heats = it.fuel in ("gas", "heat") or details.heating in ("electric", "heat-pump")
    return f"{said} The weather plays a part." if heats else said


def _cost(it: Comparison) -> str | None:
    if it.cost is None or it.tariff is None or it.own is None:
        return None
    if it.tariff_own:
        return f"It cost about {words.pounds(it.cost)} by your tariff ({it.tariff}), standing charge included."
    return (
        f"At the {it.tariff} it would cost about {words.pounds(it.cost)}, standing charge included."
        " This is a guide price and not your bill: we do not know your tariff."
    )


def _carbon(it: Comparison, energy: Energy) -> str | None:
    if it.carbon is None or it.own is None:
        return None
    found = (energy.factor(it.fuel, day.year) for day in (it.from_day, it.to_day - timedelta(days=1)))
    years = list(dict.fromkeys(str(factor.year) for factor in found if factor is not None))
    basis = f", by the factor{'s' if len(years) > 1 else ''} for {' and '.join(years)}" if years else ""
    how = {"electricity": "Making this electricity", "gas": "Burning this gas"}.get(it.fuel, "Making this heat")
    return f"{how} gave off about {words.kilograms(it.carbon)} of CO2{basis}."


def _actions(
    it: Comparison,
    details: HomeDetails,
    energy: Energy,
    tariffs: Sequence[Tariff],
    tenancy: Tenancy | None,
) -> tuple[Action, ...]:
    if it.own is None or it.sight == Sight.OWN or it.reason in (Reason.NO_CONSENT, Reason.COVERAGE):
        return ()
    middle = it.from_day + (it.to_day - it.from_day) / 2
    days = (it.to_day - it.from_day).days
    home = Situation(it.fuel, details, tenancy, middle, it.own, days, _SPANS[it.kind])
    return choose(home, rate(it, energy, tariffs))


def rate(it: Comparison, energy: Energy, tariffs: Sequence[Tariff]) -> float | None:
    """Pence a kWh less: the lowest rate of the tariff at the period's end, so that no estimate promises too much."""
    last = it.to_day - timedelta(days=1)
    own = [tariff for tariff in tariffs if tariff.fuel == it.fuel and tariff.from_day <= last]
    if own and (registers := max(own, key=_from_day).registers):
        return min(register.rate for register in registers)
    price = energy.price(it.fuel, last)
    return None if price is None else price.rate


def _from_day(tariff: Tariff) -> date:
    return tariff.from_day


_SIZES = {
    "area-15": "They are about as big as yours.",
    "area-30": "They are roughly as big as yours.",
    "any-area": "They may be larger or smaller than yours, for few near you are of its size.",
    "few": "There are few of them, so we show no figure for those that use least.",
}


def _neighbours(it: Comparison, details: HomeDetails, near: Neighbourhood | None) -> tuple[str, ...]:
    if near is not None:
        details = HomeDetails(near.dwelling, near.heating, near.heat_network)
    like = words.homes_like(details)
    many = f"about {it.homes} {like}" if it.homes else like
    said = [f"We compared your home with {many}{f', up to about {words.distance(near.reach)} away' if near else ''}."]
    if near is not None and near.step in _SIZES:
        said.append(_SIZES[near.step])
    said.append(f"The group is the same for all of {words.quarter_name(it.quarter)}.")
    said.append("Nobody can see what another home used.")
    return tuple(said)


#: What a household is told in the place of a comparison that a trial holds back.
TRIAL = (
    "This is part of a trial of what helps people to use less energy: your home sees only its own use. You can leave"
    " the trial at any time by taking back your choice about the study."
)
#: Why there is no comparison, where that says something of others.
_OF_OTHERS = (Reason.TRIAL, Reason.NO_CELL, Reason.FEW_HOMES, Reason.DOMINATED)


def _suppressed(it: Comparison) -> str | None:
    if it.state != State.SUPPRESSED:
        return None
    span = words.period_word(it.kind, it.from_day)
    if it.sight == Sight.OWN and it.reason in _OF_OTHERS:
        return TRIAL
    why: Mapping[str, str] = {
        Reason.NO_CONSENT: "You have not agreed to be compared, so we show only your own use.",
        Reason.COVERAGE: f"Too few readings from your meter reached us for {span}.",
        Reason.NO_CELL: "There are too few homes like yours near you, so we show no comparison.",
        Reason.FEW_HOMES: f"Too few homes like yours had readings for {span}, so we show no comparison.",
        Reason.DOMINATED: f"We show no comparison for {span}, so that nobody can work out what one home used.",
        Reason.OTHER_ORIGIN: "Yours is a test home. It is not compared with real homes.",
        "tenancy": f"You did not live here for all of {span}, so we show no comparison.",
    }
    return why.get(it.reason or "", f"We cannot show a comparison for {span}.")


def _notes(it: Comparison) -> tuple[str, ...]:
    said = []
    if it.estimated_days and it.own is not None:
        some = words.sentence(words.count(it.estimated_days, "day is", "days are"))
        said.append(f"{some} estimated, because some readings were missing.")
    if it.missing_days and it.own is not None:
        some = words.sentence(words.count(it.missing_days, "day has", "days have"))
        said.append(f"{some} no readings, so we went by the other days.")
    if it.own is not None and not it.final and it.revision < 2:
        until = words.day(it.to_day + FINAL_AFTER)
        said.append(f"Late readings may change these numbers once more, until {until}.")
    if it.revision > 1:
        said.append("Some readings came late, and we changed these numbers once.")
    said.append("A kWh is a unit of energy. An oven uses about one in an hour.")
    return tuple(said)
