"""One thing that was looked at, what was found, and what to do about it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from borough.doctor.advice import ADVICE

#: ``wrong``: something does not work, gets lost or tells what is not so; ``warning``: it may come to that.
State = Literal["ok", "warning", "wrong"]


class Finding(NamedTuple):
    """What was found. ``code`` names the advice (`borough.doctor.advice`); without a fault it and ``todo`` are None.

    ``name`` is what was looked at, the same for all findings about it.
    """

    name: str
    state: State
    found: str
    code: str | None = None
    todo: str | None = None

    def document(self) -> dict[str, str | bool | None]:
        """The finding as JSON has it: ``ok`` is true unless something is wrong."""
        return {"name": self.name, "ok": self.state != "wrong", **self._asdict()}


def well(name: str, found: str) -> Finding:
    """Nothing is to be done."""
    return Finding(name, "ok", found)


def ill(code: str, found: str, **words: object) -> Finding:
    """A fault by its code; ``words`` fill what its advice leaves open. Raises KeyError for one without advice."""
    advice = ADVICE[code]
    return Finding(advice.name, advice.state, found, code, advice.todo.format(**words))
