"""What stands in a letter, as plain data for the template ``letter.typ``: no word or number is made there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from analytics.report import labels, words
from analytics.report.household import Report
from devices.homes import Home, Tenancy

#: Where no line may end: in telephone numbers, between a number and its unit, in dates and spans.
_KEPT = re.compile(
    r"(?<=\d) (?=\d|kWh|kg|g |m²|metres|kilomet|in 10|to \d|[JFMASOND][a-z]{2,8} \d{4})|(?<=\d in) (?=10 )"
    r"|(?<=\d to) (?=\d)"
)
#: So many fuels fit on two pages; a home's heating is one of them.
FUELS = 2
#: Letters in points: large print, and what normal print may be, the largest of which fits on two pages.
LARGE = 18.0
SIZES = (12.0, 11.5, 11.0, 10.5, 10.0)
#: More lines than this of an address are put together where they are short.
_LINES = 6
_NAMES = labels.in_letter(labels.FUELS)
_DWELLINGS = labels.in_letter(labels.DWELLINGS)
_HEATING = labels.in_letter(labels.HEATING)
_TENURES = labels.in_letter(labels.TENURES)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes. ``web`` is how people reach the pages (``https://…``), None: there are none to reach."""

    council: str
    address: Sequence[str]
    help_line: str | None
    web: str | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a letter goes to, with the codes printed in it (as plain text, nowhere else)."""

    home: Home
    tenancy: Tenancy
    online_code: str
    slip_code: str
    codes_until: date


def letter(sender: Sender, to: Recipient, reports: Sequence[Report], today: date) -> dict[str, Any]:
    """One letter about one period, ``reports`` by fuel, at least one and at most ``FUELS``."""
    compared = [one for one in reports if one.neighbours]
    needy = [one for one in reports if one.help is not None]
    title = "How your home compares" if compared else "Your home and its energy"
    fuels = [_fuel(one, alone=len(reports) == 1) for one in reports]
    data = {
        **addressed(sender, to.tenancy, to.home, today),
        "number": str(to.tenancy.id),
        "document": f"{title}: {words.sentence(reports[0].period)}",
        "title": title,
        "period": words.sentence(reports[0].period),
        "fuels": fuels,
        # said once, whatever number of fuels shows it
        "lead": list(needy[0].lead) if needy else [],
        "help": needy[0].help if needy else None,
        "neighbours": list(compared[0].neighbours) if compared else [],
        "notes": _notes(reports),
        "online": _online(sender, to),
        "choice": _choice(sender),
        "slip": _slip(sender, to),
    }
    whole: dict[str, Any] = unbroken(data)
    return whole


def addressed(sender: Sender, tenancy: Tenancy, home: Home, today: date) -> dict[str, Any]:
    """What every letter has: who writes, to whom, when, how large."""
    return {
        "large": tenancy.large_print,
        "size": LARGE if tenancy.large_print else SIZES[0],
        "council": sender.council,
        "sender": list(sender.address),
        "address": _address([tenancy.name or "The Householder", *home.address]),
        "date": words.day(today),
        "greeting": f"Dear {tenancy.name}," if tenancy.name else "Hello,",
    }


def _address(lines: Sequence[str]) -> list[str]:
    """At most six lines where that can be: the last short ones before the postcode go together."""
    found = list(lines)
    while len(found) > _LINES:
        pairs = [at for at in range(1, len(found) - 2) if len(found[at]) + len(found[at + 1]) <= 45]
        if not pairs:
            break
        at = pairs[-1]
        found[at : at + 2] = [f"{found[at]}, {found[at + 1]}"]
    return found


def unbroken(value: Any) -> Any:
    """The same with spaces at which no line may end: within telephone numbers, before units, in dates.

    Composed (NFC), which is the same text: fonts have few of the parts that a Korean syllable can be written in.
    """
    if isinstance(value, str):
        return _KEPT.sub("\N{NO-BREAK SPACE}", unicodedata.normalize("NFC", value))
    if isinstance(value, dict):
        return {key: unbroken(part) for key, part in value.items()}
    return [unbroken(part) for part in value] if isinstance(value, list) else value


def _fuel(one: Report, *, alone: bool) -> Mapping[str, Any]:
    actions = one.actions if alone else one.actions[:2]
    name = _NAMES[one.fuel]
    return {
        "name": name,
        "headline": one.headline,
        "lead": [] if one.help is not None else list(one.lead),
        "suppressed": one.suppressed,
        "bars": [
            {"who": bar.who, "label": bar.label, "watt_hours": bar.watt_hours, "text": bar.text} for bar in one.bars
        ],
        "bars_text": one.bars_text,
        "difference_text": one.difference_text,
        "percentile": one.percentile,
        "change": one.change,
        "cost": one.cost,
        "carbon": one.carbon,
        "actions_title": None
        if one.actions_title is None
        else one.actions_title
        if alone
        else f"{name}: {one.actions_title.lower()}",
        "actions": [{"title": act.title, "text": act.text, "estimate": act.estimate} for act in actions],
    }


def _notes(reports: Sequence[Report]) -> list[str]:
    """Each fuel's own notes under its name where there are two; what they share once."""
    if len(reports) == 1:
        return list(reports[0].notes)
    shared = [note for note in reports[0].notes if all(note in one.notes for one in reports)]
    own = [
        f"{_NAMES[one.fuel]}: {note[:1].lower()}{note[1:]}"
        for one in reports
        for note in one.notes
        if note not in shared
    ]
    return own + shared


def _online(sender: Sender, to: Recipient) -> Mapping[str, str] | None:
    if sender.web is None:
        return None
    place = sender.web.partition("://")[2]
    until = words.day(to.codes_until)
    return {
        "how": f"Go to {place}, sign in and enter this code. It works once, until {until}. Keep it to yourself.",
        "code": to.online_code,
    }


def _choice(sender: Sender) -> str:
    ways = ["on your page"] if sender.web is not None else []
    ways += [f"by calling {sender.help_line}"] if sender.help_line is not None else []
    ways += ["with the slip at the end"]
    how = ", ".join(ways[:-1]) + f" or {ways[-1]}" if len(ways) > 1 else ways[0]
    return (
        f"You can stop these letters, or leave the comparison, at any time: {how}."
        " Nothing else that the council does for you will change."
        f" If you think that we used your data wrongly, you can complain{_complaints(sender)}."
    )


def _complaints(sender: Sender) -> str:
    """How, in the words that a letter has room for."""
    if sender.web is not None:
        return f": {sender.web.partition('://')[2]}/complaints"
    return f": call {sender.help_line}" if sender.help_line is not None else " to us"


def _slip(sender: Sender, to: Recipient) -> Mapping[str, Any]:
    details, household = to.home.details, to.tenancy
    back = ", ".join((sender.council, *sender.address)) if sender.address else sender.council
    area = None if details.floor_area is None else f"{details.floor_area:g} m²"

    def question(name: str, known: object, choices: Sequence[str] = (), unit: str | None = None) -> Mapping[str, Any]:
        return {"name": name, "known": None if known is None else str(known), "choices": list(choices), "unit": unit}

    return {
        "code": to.slip_code,
        "how": f"Tick or fill in only what is wrong. Cut along the line and send this slip to {back}.",
        "questions": [
            [question("Kind of home", _DWELLINGS[details.dwelling], tuple(_DWELLINGS.values()))],
            [question("Heating", _HEATING[details.heating], tuple(_HEATING.values()))],
            [question("Do you own or rent it?", _TENURES.get(details.tenure or ""), tuple(_TENURES.values()))],
            [
                question("Floor area", area, unit="m²"),
                question("Bedrooms", details.bedrooms),
                question("People", household.occupants),
            ],
            [question("We have", None, ("An electric car", "Medical equipment that needs power"))],
            [question("Please", None, ("Send large print", "Send no more letters", "Stop comparing my home"))],
        ],
    }
