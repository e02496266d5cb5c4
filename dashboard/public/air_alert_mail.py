"""The e-mails of air alerts, as text and as HTML that says the same: what, where, since when, what to do.

`borough.delivery.air_alerts` puts those of episodes, `dashboard.public.air_alerts` those that ask for a confirmation.
Who writes, and the link that stops them, is added when they are sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from textwrap import fill
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from analytics.air.index import ADVICE, AT_RISK, LABELS, band
from analytics.report import words as report_words
from dashboard.labels import distance
from dashboard.public.air_words import SHORT
from devices.text import visible

_HOUR = timedelta(hours=1)
#: Signs of a line of text, as mail programs show them.
_WIDTH = 72
#: Signs of a place's name in a subject, which is one line of a telephone.
_SUBJECT = 60


class Mail(NamedTuple):
    """A message as it is put into the outbox; its HTML is a fragment (`store.mail_html`)."""

    subject: str
    text: str
    html: str


class Here(NamedTuple):
    """Who writes: whether all is made up here, its time zone, and the pages' address without a slash at its end."""

    simulated: bool
    zone: ZoneInfo
    site: str


class Begun(NamedTuple):
    """An episode that people are told of.

    ``since`` and ``hour``: the first and the newest hour in the band ``asked``; ``earlier``: nobody looked before the
    first. The rest is of the newest: the index (``value``), the pollutants in the band, the worst first, the monitor's
    name and how far it is from the place [m].
    """

    place: str
    asked: str
    since: datetime
    hour: datetime
    value: int
    pollutants: Sequence[str]
    monitor: str
    metres: float
    indicative: bool
    humid: bool
    earlier: bool = False


class Ended(NamedTuple):
    """An episode that is over. ``end``: the first hour below the band ``asked``, or of which nothing is known."""

    place: str
    asked: str
    since: datetime
    end: datetime
    highest: int
    how: Literal["below", "unknown"]


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of a message: ``heading``, ``text``, ``points`` (each a line) or ``link`` (its words, its address)."""

    kind: Literal["heading", "text", "points", "link"]
    lines: tuple[str, ...]


def confirm(here: Here, place: str, asked: str, link: str, *, tell_end: bool) -> Mail:
    """Asks whoever has the address whether they want this. ``link`` opens a page with a button."""
    place = visible(place)
    also = ", and when it is over" if tell_end else ""
    blocks = [
        _text(
            f"Somebody asked us to write to this e-mail address when the air pollution index for {place} reaches "
            f"{LABELS[asked]}{also}. We do so only if you say yes."
        ),
        _text("If it was you, open this page and press the button on it. The link works for 48 hours."),
        _link("Confirm your air alerts", link),
        _text(
            "If it was not you, you need not do anything: we delete this address within 48 hours, and you get nothing "
            "more."
        ),
    ]
    return _mail(here, f"Confirm your air alerts for {_short(place)}", blocks)


def known(here: Here, place: str, asked: str, link: str, *, stopped: bool) -> Mail:
    """Says that this was asked for before, and whether all alerts were ``stopped`` since. ``link`` opens the page on
    which alerts are changed."""
    place = visible(place)
    said = f"Somebody, perhaps you, asked for air alerts for {place} at {LABELS[asked]}. "
    if stopped:
        blocks = [
            _text(f"{said}You asked for them before, and stopped them: we send you none, and nothing has changed."),
            _text("To get them again, open this page and press the button on it."),
            _link("Get your air alerts again", link),
        ]
        return _mail(here, f"You stopped air alerts for {_short(place)}", blocks)
    blocks = [
        _text(f"{said}You get them already: nothing has changed."),
        _link("See, change or end your air alerts", link),
    ]
    return _mail(here, f"You get air alerts for {_short(place)} already", blocks)


def begun(here: Here, episodes: Sequence[Begun]) -> Mail:
    """Tells of episodes that have begun, of one place or of several."""
    worst = max(episodes, key=lambda one: one.value)
    blocks: list[_Block] = []
    for one in episodes:
        blocks += _begun(here.zone, one, alone=len(episodes) == 1)
    blocks.append(_heading("What to do"))
    blocks += _advice(band(worst.value) or "low")
    if any(one.indicative for one in episodes):
        blocks.append(
            _text("The monitors are small ones. What they measure is indicative: a reference instrument may differ.")
        )
    blocks += [
        _text("We write once for each episode. It is over after three hours below the band that you chose."),
        *_foot(here),
    ]
    places = _places(worst.place, len({one.place for one in episodes}))
    return _mail(here, f"Air pollution is {LABELS[band(worst.value) or 'low']}: {places}", blocks)


def ended(here: Here, episodes: Sequence[Ended]) -> Mail:
    """Tells of episodes that are over, or of which nothing is known any more."""
    blocks: list[_Block] = []
    for one in episodes:
        if len(episodes) > 1:
            blocks.append(_heading(visible(one.place)))
        blocks.append(_text(_ended(here.zone, one)))
    blocks += _foot(here)
    first = episodes[0]
    if all(one.how == "unknown" for one in episodes):
        said = "Air pollution is no longer known"
    else:
        first = next(one for one in episodes if one.how == "below")
        said = f"Air pollution is below {LABELS[first.asked]} again"
    return _mail(here, f"{said}: {_places(first.place, len({one.place for one in episodes}))}", blocks)


def hour_words(hour: datetime, zone: ZoneInfo) -> str:
    """When an hour begins: ``14:00 on 29 November 2026``; the hour that comes twice with its zone's letters."""
    return f"{_clock(hour, zone)} on {report_words.day(hour.astimezone(zone).date())}"


def _clock(hour: datetime, zone: ZoneInfo) -> str:
    local = hour.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M}{f' {local:%Z}' if twice else ''}"


def _begun(zone: ZoneInfo, one: Begun, *, alone: bool) -> list[_Block]:
    place, reached = visible(one.place), band(one.value) or "low"
    worst = " and ".join(SHORT[name] for name in one.pollutants[:2])
    lines = [
        f"Index: {one.value} of 10, {LABELS[reached]}, in the hour to {_clock(one.hour + _HOUR, zone)}",
        f"Since: {hour_words(one.since, zone)}{' or earlier' if one.earlier else ''}, at {LABELS[one.asked]} or above",
        f"Pollutant{'s' if len(one.pollutants) > 1 else ''}: {worst}",
        f"Monitor: {visible(one.monitor)}, {distance(one.metres)} away"
        + (", indicative" if one.indicative else ", a reference instrument"),
    ]
    if one.humid:
        lines.append("The air is damp: this kind of monitor may read too much of particles")
    said = f"The air pollution index for {place} is {one.value}, {LABELS[reached]}."
    return [_text(said) if alone else _heading(place), _Block("points", tuple(lines))]


def _ended(zone: ZoneInfo, one: Ended) -> str:
    place, asked = visible(one.place), LABELS[one.asked]
    span = f"The air pollution index for {place} was {asked} or above from {hour_words(one.since, zone)}"
    if one.how == "unknown":
        return (
            f"{span}. It is no longer known: no monitor there has told us anything since "
            f"{hour_words(one.end, zone)}. So we cannot say whether it is over."
        )
    return f"{span} to {hour_words(one.end, zone)}. Its highest was {one.highest}. It has been below {asked} since."


def _foot(here: Here) -> list[_Block]:
    # without an address of its own a site sends nothing: what is put there is kept, and leads nowhere
    now = [_link("The air now", f"{here.site}/air")] if here.site else []
    end = "The link at the end of this message stops, changes or deletes your alerts. You need not sign in."
    return [*now, _text(end)]


def _advice(reached: str) -> list[_Block]:
    advice = ADVICE[reached]
    if advice.at_risk == advice.everybody:
        return [_text(advice.everybody)]
    return [
        _text(f"{AT_RISK}: {lower_first(advice.at_risk)}"),
        _text(f"Everybody else: {lower_first(advice.everybody)}"),
    ]


def lower_first(text: str) -> str:
    """The same with a small letter at the beginning."""
    return text[:1].lower() + text[1:]


def _places(first: str, number: int) -> str:
    more = "" if number == 1 else f" and {report_words.count(number - 1, 'other place', 'other places')}"
    return f"{_short(visible(first))}{more}"


def _short(place: str) -> str:
    return place if len(place) <= _SUBJECT else f"{place[: _SUBJECT - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def _heading(text: str) -> _Block:
    return _Block("heading", (text,))


def _text(text: str) -> _Block:
    return _Block("text", (text,))


def _link(words: str, address: str) -> _Block:
    return _Block("link", (words, address))


def _mail(here: Here, subject: str, blocks: Sequence[_Block]) -> Mail:
    made_up = "This is a demo. Monitors and readings are simulated: the air outside may be quite different."
    # first, for it changes what all the rest means
    whole = [*([_text(made_up)] if here.simulated else []), *blocks]
    subject = f"Simulated: {subject}" if here.simulated else subject
    body = "\n".join(_html(block) for block in whole)
    return Mail(subject, "\n\n".join(_plain(block) for block in whole) + "\n", body)


def _plain(block: _Block) -> str:
    if block.kind == "link":
        # an address is never cut: what is cut opens nothing
        return f"{block.lines[0]}:\n{block.lines[1]}"
    if block.kind == "points":
        return "\n".join(_wrapped(line, "- ", "  ") for line in block.lines)
    if block.kind == "heading":
        return f"{block.lines[0]}\n{'-' * min(_WIDTH, len(block.lines[0]))}"
    return _wrapped(block.lines[0])


def _wrapped(text: str, first: str = "", later: str = "") -> str:
    return fill(
        text, _WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _html(block: _Block) -> str:
    lines = [escape(line) for line in block.lines]
    if block.kind == "link":
        return f'<p><a href="{lines[1]}">{lines[0]}</a></p>'
    if block.kind == "points":
        return "<ul>\n" + "\n".join(f"<li>{line}</li>" for line in lines) + "\n</ul>"
    return f"<h2>{lines[0]}</h2>" if block.kind == "heading" else f"<p>{lines[0]}</p>"
