"""One file of a print run."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from borough.delivery.letters.renderer import Placed

#: Letters of one file: as many as are made in one go.
RUN = 1_000


def named_run(kind: str, first: int, count: int) -> str:
    """Of the file that begins with the letter ``first`` of ``count``, counted from 0: numbered where there are more."""
    return f"{kind}-{first // RUN + 1}.pdf" if count > RUN else f"{kind}.pdf"


@dataclass(slots=True)
class PrintRun:
    """One file of a print run: its letters, in their order."""

    name: str
    #: The letters' data by number (a tenancy's, or a message's), packed: a borough's would fill the memory.
    packed: dict[str, bytes] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    large: set[str] = field(default_factory=set)

    def add(self, data: Mapping[str, Any]) -> None:
        number = str(data["number"])
        self.packed[number] = zlib.compress(json.dumps(data).encode(), 1)
        if data["large"]:
            self.large.add(number)

    def leave_out(self, numbers: AbstractSet[str]) -> bool:
        """Whether any of these was in it."""
        found = numbers & self.packed.keys()
        for number in found:
            del self.packed[number]
        self.large -= found
        return bool(found)

    def letters(self) -> list[Mapping[str, Any]]:
        return [json.loads(zlib.decompress(one)) for one in self.packed.values()]
