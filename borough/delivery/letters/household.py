"""What a letter says in a household's own words, and why a letter with such words cannot be made."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from borough.delivery.letters.fonts import named
from borough.delivery.letters.renderer import Renderer, Unprintable
from devices.lengths import ADDRESS_LINE, ADDRESS_LINES, NAME, TARIFF, refusal
from store.letters import Matter

#: A comparison names the tariffs of its days one after the other.
_TARIFFS = 4 * TARIFF
#: So many signs are named; who mends the first ones sees the others.
_NAMED = 3


def check(matter: Matter) -> None:
    """Raise Unprintable for what no import or form takes today, and older data may have."""
    if len(matter.home.address) > ADDRESS_LINES:
        raise Unprintable(f"the address has {len(matter.home.address)} lines; at most {ADDRESS_LINES} are taken")
    for what, text, longest in _texts(matter):
        wrong = refusal(text, longest)
        if wrong is not None:
            raise Unprintable(f"{what} {wrong}")
        private = [sign for sign in dict.fromkeys(text) if unicodedata.category(sign) == "Co"]
        if private:
            raise Unprintable(_without_font(what, private))


def explained(matter: Matter, renderer: Renderer, reason: Unprintable) -> str:
    """Why the press could not make a letter, in words that name what of the household's it is."""
    for what, given, _ in _texts(matter):
        text = unicodedata.normalize("NFC", given)
        lacking = renderer.lacks(text)
        if lacking == [text]:
            return f"{what} has signs that no font here has together"
        if lacking:
            return _without_font(what, lacking)
    return str(reason)


def _texts(matter: Matter) -> Iterator[tuple[str, str, int]]:
    """What it is called, the text, and how long it may be."""
    if matter.tenancy.name is not None:
        yield "the name", matter.tenancy.name, NAME
    for line in matter.home.address:
        yield "the address", line, ADDRESS_LINE
    for tariff in matter.tariffs:
        yield "the name of a tariff", tariff.name, TARIFF
    for comparison in matter.comparisons.values():
        if comparison.tariff is not None:
            yield "the name of a tariff", comparison.tariff, _TARIFFS


def _without_font(what: str, signs: list[str]) -> str:
    shown = ", ".join(named(sign) for sign in signs[:_NAMED])
    more = f" and {len(signs) - _NAMED} more" if len(signs) > _NAMED else ""
    return f"{what} has {'a letter' if len(signs) == 1 else 'letters'} ({shown}{more}) that no font here has"
