"""The words of a nudge: subject, text and HTML that say the same, from what is known and nothing else.

Promises that tests hold over everything that can occur: reading grade 5 at most, no sentence over 20 words, no blame;
pounds a week are the first figure; who uses no more than the average is praised before any figure and never hears the
average alone (Schultz 2007); a home that looks like hardship hears whom to call and nothing else; a text about the zone
or about one's own past holds no average of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from analytics.nudges import reading
from analytics.nudges.actions import Action, choose, weekly
from analytics.nudges.facts import Facts, Kind
from analytics.report import words
from analytics.report.household import NEUTRAL_LEAD, help_words
from devices.homes import State

#: Less is no difference to speak of [pence a week].
_LEAST = 2.5
_END = "You said yes to these notes. You can stop them at any time. One step will do."
#: Who is told nothing to do need not hear it.
_FREE = "What you do is up to you."


@dataclass(frozen=True, slots=True)
class Nudge:
    """A nudge as it is told. ``html`` is a fragment (`store.mail_html`); ``grade``: `analytics.nudges.reading`."""

    kind: Kind
    subject: str
    text: str
    html: str
    actions: tuple[Action, ...]
    grade: float


def nudge(facts: Facts) -> Nudge:
    """Say it."""
    actions = choose(facts)
    said = [line for line in _paragraphs(facts) if line]
    heads = [_title(facts, actions)] if actions else []
    end = _END if facts.kind == "help" else f"{_FREE} {_END}"
    text = "\n\n".join([*said, *heads, *(_plain(one) for one in actions), end]) + "\n"
    html = "\n".join([*(_p(line) for line in said), *(_p(line) for line in heads), *_list(actions), _p(end)])
    return Nudge(facts.kind, _subject(facts), text, html, actions, reading.grade(text))


def _subject(facts: Facts) -> str:
    if facts.kind == "help":
        return "Energy at home: we can help"
    return f"Your {words.FUEL[facts.fuel]} in {words.period_name('month', facts.from_day, facts.to_day)}"


def _paragraphs(facts: Facts) -> Sequence[str]:
    if facts.kind == "help":
        return [" ".join(NEUTRAL_LEAD.get(facts.reason or "", ())), help_words(facts.reason, facts.help_line)]
    return {"compare": _compare, "zone": _zone, "own": _own}[facts.kind](facts)


def _title(facts: Facts, actions: Sequence[Action]) -> str:
    many = "One thing" if len(actions) == 1 else f"{words.sentence(words.count(len(actions), 'thing', 'things'))}"
    return f"{many} that may help you keep it up:" if _praised(facts) else f"{many} that may help you:"


def _praised(facts: Facts) -> bool:
    return facts.low or (facts.kind == "zone" and facts.efficient is not None and facts.own <= facts.efficient)


def _compare(facts: Facts) -> Sequence[str]:
    assert facts.average is not None
    fuel = words.FUEL[facts.fuel]
    praise = ""
    if facts.state == State.GREAT:
        praise = f"Well done! Your home is one of those that use least {fuel}. Please keep it up."
    elif facts.low:
        praise = f"Well done! The average home like yours used as much {fuel}, or more. Please keep it up."
    worth = facts.pence(facts.own - facts.average, facts.days)
    if worth is None or worth < _LEAST or facts.own == facts.average:
        first = _cost(facts)
    else:
        first = f"Homes like yours used about {weekly(worth)} a week less {fuel}{_price(facts)}."
        if facts.own < facts.average:
            first = f"Beside homes like yours, you used about {weekly(worth)} a week less {fuel}{_price(facts)}."
    figures = [f"You used {words.kwh(facts.own)} in {_month(facts)}."]
    figures.append(f"Homes like yours used {words.kwh(facts.average)}: that is the average.")
    if facts.efficient is not None:
        figures.append(f"The fifth that use least used {words.kwh(facts.efficient)}.")
    return [praise, first, " ".join(figures), _change(facts)]


def _zone(facts: Facts) -> Sequence[str]:
    assert facts.efficient is not None
    fuel = words.FUEL[facts.fuel]
    inside = facts.own <= facts.efficient
    praise = f"Well done! Your home is one of those that use least {fuel}. Please keep it up." if inside else ""
    worth = facts.pence(facts.own - facts.efficient, facts.days)
    if inside or worth is None or worth < _LEAST:
        first = _cost(facts)
    else:
        first = f"Those that use least used about {weekly(worth)} a week less {fuel}{_price(facts)}."
    figures = (
        f"You used {words.kwh(facts.own)} in {_month(facts)}. "
        f"Of homes like yours, the fifth that use least used {words.kwh(facts.efficient)}."
    )
    return [praise, first, figures, _change(facts)]


def _own(facts: Facts) -> Sequence[str]:
    change = facts.pattern.change
    praise = "Well done! Apart from the weather, you used less than before." if (change or 0) < 0 else ""
    cost = _cost(facts)
    of = "" if cost else f" of {words.FUEL[facts.fuel]}"
    figures = f"You used {words.kwh(facts.own)}{of} in {_month(facts)}."
    return [praise, cost, f"{figures} {_against(facts)}".strip(), _change(facts)]


def _against(facts: Facts) -> str:
    """Beside the month before, by the day: months have different lengths."""
    if not facts.before:
        return ""
    now, then = facts.own * facts.days_before, facts.before * facts.days
    part, month = words.percent(now - then, then), words.before_word("month", facts.from_day)
    if part == 0:
        return f"That is about as much a day as in {month}."
    if part > 100 and now > then:
        said = f"That is more than twice as much a day as in {month}."
    else:
        said = f"That is {part}% {'more' if now > then else 'less'} a day than in {month}."
    return f"{said} The weather plays a part." if facts.heats else said


def _change(facts: Facts) -> str:
    change = facts.pattern.change
    if change is None:
        return ""
    if change == 0:
        return "Apart from the weather, you used about as much as you did in the year up to then."
    if change > 100:
        return "Apart from the weather, you used more than twice as much as you did in the year up to then."
    more = "more" if change > 0 else "less"
    return f"Apart from the weather, you used {abs(change)}% {more} than you did in the year up to then."


def _cost(facts: Facts) -> str:
    """What a week costs; empty where no price is known, or it is next to nothing."""
    if facts.weekly is None or facts.weekly < _LEAST:
        return ""
    charge = "" if facts.cost is None else " That is with the charge for each day."
    week = f"about {weekly(facts.weekly)} a week in {_month(facts)}"
    # what they pay is not known where no price of theirs is
    cost = "would cost" if facts.guide else "cost you"
    return f"Your {words.FUEL[facts.fuel]} {cost} {week}{_price(facts)}.{charge}"


def _price(facts: Facts) -> str:
    return ", at a guide price" if facts.guide else ", at your price"


def _month(facts: Facts) -> str:
    return words.period_word("month", facts.from_day)


def _plain(one: Action) -> str:
    return f"{one.title}. {one.text} {one.estimate} {one.reason} {one.source}"


def _list(actions: Sequence[Action]) -> list[str]:
    if not actions:
        return []
    rest = (escape(f"{one.text} {one.estimate} {one.reason} {one.source}") for one in actions)
    items = [f"<li><strong>{escape(one.title)}.</strong> {said}</li>" for one, said in zip(actions, rest, strict=True)]
    return ["<ul>", *items, "</ul>"]


def _p(line: str) -> str:
    return f"<p>{escape(line)}</p>"
