"""Counts with their noun, as people read them: ``1 home``, ``2 homes``, ``1,200 half-hours``."""

from __future__ import annotations


def counted(number: float, one: str, many: str | None = None) -> str:
    """A count with its noun; ``many``: where that is not ``one`` with an s. A fraction is rounded to a whole number."""
    whole = round(number)
    return f"{whole:,} {one if whole == 1 else f'{one}s' if many is None else many}"
