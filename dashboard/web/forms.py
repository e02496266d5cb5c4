"""What people type into forms, read field by field with kind words where it cannot be."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from devices import lengths

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}\Z")
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)\Z")


def new_token() -> str:
    """For a form's hidden field ``token``: what is sent twice (a double tap, a phone without network) counts once."""
    return secrets.token_urlsafe(24)


def form_token(given: Mapping[str, str]) -> str | None:
    """The token of a form that was sent; None where it has none, or one that is not of our making."""
    token = given.get("token", "")
    return token if _TOKEN.match(token) else None


@dataclass(slots=True)
class Form:
    """What was typed, by field, and what is wrong with it: ``errors`` has a sentence by field, in the order found."""

    typed: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """What stands in a field, without spaces around it."""
        return self.typed.get(name, "").strip()

    def line(self, name: str, longest: int, what: str, missing: str) -> str:
        """A line of text that must be there; ``what`` is its name at the start of a sentence."""
        found = self.text(name)
        wrong = lengths.refusal(found, longest)
        if not found:
            self.errors[name] = missing
        elif wrong is not None:
            self.errors[name] = f"{what} {wrong}"
        return found

    def choice(self, name: str, words: tuple[str, ...], wrong: str) -> str:
        """One of ``words``."""
        found = self.text(name)
        if found not in words:
            self.errors[name] = wrong
        return found

    def maybe(self, name: str, words: tuple[str, ...], wrong: str) -> str | None:
        """One of ``words``, or None where nothing is chosen."""
        return None if not self.text(name) else self.choice(name, words, wrong)

    def whole(self, name: str, least: int, most: int, what: str) -> int | None:
        """A whole number, or None where the field is empty."""
        text = self.text(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            self.errors[name] = f"{what} must be a whole number from {least} to {most:,}"
            return None
        return int(text)

    def number(self, name: str, least: float, most: float, what: str, unit: str) -> float | None:
        """A number with a dot or comma, or None where the field is empty."""
        text = self.text(name).replace(",", ".")
        if not text:
            return None
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) or not least <= float(text) <= most:
            self.errors[name] = f"{what} must be a number from {least:g} to {most:,g} {unit}, such as 12.5"
            return None
        return float(text)

    def day(self, name: str, what: str) -> date | None:
        """A date of three fields; None with an error where it is none."""
        parts = [self.text(f"{name}-{part}") for part in ("day", "month", "year")]
        if not all(parts):
            self.errors[f"{name}-day"] = f"Enter {what} as day, month and year, such as 1 4 2026"
            return None
        try:
            if not all(part.isascii() and part.isdigit() for part in parts):
                raise ValueError
            return date(int(parts[2]), int(parts[1]), int(parts[0]))
        except (ValueError, OverflowError):
            self.errors[f"{name}-day"] = f"{what[0].upper()}{what[1:]} must be a real date, such as 1 4 2026"
            return None

    def clock(self, name: str, what: str) -> int | None:
        """Minutes of the local day, or None with an error."""
        found = _CLOCK.match(self.text(name))
        if found is None:
            self.errors[name] = f"Enter {what} as hours and minutes, such as 00:30"
            return None
        return int(found[1]) * 60 + int(found[2])
