"""Whether a text names a household: by its tenancy's number, its UPRN, or the id of one of its meters.

What other devices sent, what people wrote into files, and what was kept of messages that nobody could read is searched
for these words when a household is erased.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.uprn import spellings

#: Words of fewer signs name nobody: they stand in other texts by chance.
LEAST = 5
#: Words of digits alone are values too, unless they are as long as this.
LEAST_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Words:
    """What a household is known by. ``uprn`` None: somebody else's home too; ``meters``: ids of meters that are nobody
    else's; ``names``: what the broker calls these."""

    tenancy: int
    uprn: str | None
    meters: Sequence[str]
    names: Sequence[str] = ()

    def all(self) -> list[str]:
        """All of them, the UPRN in all its spellings."""
        uprn = [] if self.uprn is None else spellings(self.uprn)
        return [str(self.tenancy), *uprn, *self.meters, *self.names]

    def as_json(self) -> str:
        """As text that `from_json` reads."""
        found = {"tenancy": self.tenancy, "uprn": self.uprn, "meters": list(self.meters), "names": list(self.names)}
        return json.dumps(found)

    @classmethod
    def from_json(cls, text: str) -> Words:
        """What `as_json` wrote. Raises ValueError, KeyError for anything else."""
        value: Mapping[str, Any] = json.loads(text)
        return cls(int(value["tenancy"]), value["uprn"], list(value["meters"]), tuple(value.get("names", ())))


class Naming:
    """Says of bytes and texts whether they hold one of some words.

    A word counts within longer text too (``seen_meter-7731``), but not where it is the end or the beginning of a longer
    number, and not within the id of one of the ``others``, devices that stay: ``meter-77`` is not named by
    ``meter-77-b``. A word as a whole (``equals``) counts whatever its length.
    """

    def __init__(self, words: Iterable[str], others: Iterable[str] = ()) -> None:
        self.words = frozenset(words)
        self.searched = sorted(word for word in self.words if _tells(word))
        longest_first = sorted((word.encode() for word in self.searched), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first)) or b"(?!)")
        #: By word the words that it begins with, itself first: ``plug-10`` where ``plug-1`` is one too.
        self._beginnings = {one: [word for word in longest_first if one.startswith(word)] for one in longest_first}
        self._longer: dict[bytes, list[tuple[int, bytes]]] = {}
        for other in others if self.searched else ():
            for word in self.searched:
                if other not in self.words and word in other:
                    places = [found.start() for found in re.finditer(re.escape(word), other)]
                    self._longer.setdefault(word.encode(), []).extend((place, other.encode()) for place in places)

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.words)

    @property
    def reach(self) -> int:
        """How many bytes must overlap when a long text is looked at in pieces."""
        return max((len(word.encode()) for word in self.searched), default=0) + 130

    def equals(self, text: str) -> bool:
        """Whether ``text`` is one of the words."""
        return text in self.words

    def topic(self, topic: str) -> bool:
        """Whether a topic names one: a level of it is one, or holds one."""
        return any(level in self.words for level in topic.split("/")) or self(topic.encode())

    def __call__(self, data: bytes) -> bool:
        """Whether ``data`` holds one."""
        return next(self._found(data), None) is not None

    def without(self, text: str, instead: str) -> str:
        """``text`` with ``instead`` in the place of each."""
        data, kept, done = text.encode(), list[bytes](), 0
        for found in self._found(data):
            kept += [data[done : found.start], instead.encode()]
            done = found.stop
        return b"".join([*kept, data[done:]]).decode()

    def _found(self, data: bytes) -> Iterator[slice]:
        """Where words stand, one after the other; of two that begin together the longer."""
        start = 0
        while (found := self._pattern.search(data, start)) is not None:
            place = found.start()
            whole = (word for word in self._beginnings[found[0]] if self._is_whole(data, place, word))
            start = place + 1
            if (word := next(whole, None)) is not None:
                start = place + len(word)
                yield slice(place, start)

    def _is_whole(self, data: bytes, start: int, word: bytes) -> bool:
        end = start + len(word)
        if data[start : start + 1].isdigit() and data[start - 1 : start].isdigit():
            return False
        if data[end - 1 : end].isdigit() and data[end : end + 1].isdigit():
            return False
        return not any(
            start >= place and data[start - place : start - place + len(other)] == other
            for place, other in self._longer.get(word, ())
        )


def _tells(word: str) -> bool:
    return len(word) >= (LEAST_DIGITS if word.isdigit() else LEAST)
