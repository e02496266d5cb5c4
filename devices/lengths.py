"""How long a text from outside may be, wherever it comes in: imports, forms, letters. Lengths in code points."""

from __future__ import annotations

from devices.text import flaw

#: A household's name: two full names fit.
NAME = 120
#: Lines of an address, and one of them: an envelope's window shows no more.
ADDRESS_LINES = 10
ADDRESS_LINE = 80
#: A tariff's name, as on a bill.
TARIFF = 80
HEAT_NETWORK = 80
#: A room of a home, and what a resident calls a carer or, for a carer, the home.
ROOM = 40
CARER = 60
#: An attribute of a device, and its name.
ATTRIBUTE = 1_000
ATTRIBUTE_NAME = 80
#: A street, a zone of parking, why a bay is closed, what a permit is for or an event is called.
STREET = 120
ZONE = 60
REASON = 200
#: Where the figures of an energy file come from.
SOURCE = 300


def refusal(text: str, longest: int, *, lines: bool = False) -> str | None:
    """Why ``text`` may not be taken, in words that follow its name (``is 30,000 letters long; …``); None: it may.

    ``lines``: it may have tabs and line ends.
    """
    if len(text) > longest:
        return f"is {len(text):,} letters long; at most {longest:,} are taken"
    return flaw(text, lines=lines)


def address_refusal(lines: tuple[str, ...]) -> str | None:
    """The same of an address's lines."""
    if len(lines) > ADDRESS_LINES:
        return f"has {len(lines):,} lines; at most {ADDRESS_LINES} are taken"
    for number, line in enumerate(lines, 1):
        wrong = refusal(line, ADDRESS_LINE)
        if wrong is not None:
            return f"{wrong} (in line {number})"
    return None
