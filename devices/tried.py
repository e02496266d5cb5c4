"""What a trial says of a rejected message, and what a retry took: words between the collector's way and the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

#: ``new``: it would be stored; ``there``: the same is stored; ``replaces``: its source may restate, and it would take
#: the place of another value; ``period``: stored unless its period of the keep rule has a reading.
Fate = Literal["new", "there", "replaces", "period"]


class TriedReading(NamedTuple):
    """One reading that the message gives: ``time`` [us since the Unix epoch], ``value`` in the property's ``unit``."""

    device: str
    property: str
    time: int
    value: float
    unit: str
    fate: Fate


class TriedRejection(NamedTuple):
    """What would be rejected: all of the message (``property`` and ``more`` None), one reading, or ``more`` of them."""

    property: str | None
    reason: str
    detail: str
    more: int | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of one message. ``family``: of its device, as far as one is known now.

    ``repeated``: further readings that are stored already; ``thinned``: that a keep rule leaves out; ``refused``: of an
    erased period. ``status``: it says nothing about the world, which is no error. ``gone``: its bytes are not kept, or
    not all of them, so that nothing can be tried.
    """

    message: int
    family: str
    readings: Sequence[TriedReading] = ()
    rejections: Sequence[TriedRejection] = ()
    repeated: int = 0
    thinned: int = 0
    refused: int = 0
    status: bool = False
    gone: bool = False

    @property
    def outcome(self) -> Literal["taken", "in part", "rejected", "gone"]:
        """In a word what a retry would do; in part: something of it is new, and something is rejected again."""
        if self.gone:
            return "gone"
        if not self.rejections:
            return "taken"
        return "in part" if any(one.fate != "there" for one in self.readings) else "rejected"


class Taken(NamedTuple):
    """How many rejections a retry took and rejected again, how many had no bytes, and how many were gone by then.

    ``anew``: readings of messages that were taken, which are rejected by themselves now.
    """

    taken: int
    rejected: int
    gone: int
    missing: int
    anew: int


class NotTried(Exception):
    """Nothing was tried or taken. The text says why, and what to do."""
