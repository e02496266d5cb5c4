"""The proof of completeness of a whole family, made piece by piece in the lane and kept for some minutes.

What is shown of it is what ``borough complete`` says (`analytics.pipeline.completeness_proof`); of households' devices
no more than how many there are of each verdict.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from analytics.pipeline.completeness_proof import DeviceProof, Verdict, in_service, prove_some
from dashboard.web.site import Site
from store.completeness import Known

#: How long a proof is shown again [s], and how many are kept.
KEPT_SECONDS, KEPT = 300.0, 6
#: Devices of a piece: so many that it takes about this long [s].
_FIRST, _MOST, _PIECE = 5, 500, 0.1
_ORDER: tuple[Verdict, ...] = ("gaps", "cannot know", "complete")


@dataclass(frozen=True, slots=True)
class Summary:
    """One open device: readings of its rhythm that were ``expected`` and ``present``, message ``numbers`` that lack,
    and ``days`` on which something is missing."""

    device: str
    verdict: Verdict
    because: str
    expected: int
    present: int
    numbers: int
    days: int

    @property
    def missing(self) -> float:
        """The share of expected readings that is missing, 0 where none are expected."""
        return 1 - self.present / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True)
class FamilyProof:
    """A family as of ``made``: its open devices, the worst first, and households' devices by verdict."""

    made: datetime
    devices: Sequence[Summary]
    households: Counter[Verdict] = field(default_factory=Counter)


class Proofs:
    """The proofs of one site. For one event loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._kept: dict[tuple[str, int, int], tuple[float, FamilyProof]] = {}
        self._making: dict[tuple[str, int, int], asyncio.Lock] = {}

    async def of_family(self, family: str, start: int, end: int) -> FamilyProof:
        """The proof of a family between two midnights [us]; whoever asks for the same meanwhile waits for it.

        Raises psycopg.Error.
        """
        key = (family, start, end)
        lock = self._making.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                found = self._kept.get(key)
                if found is None or time.monotonic() - found[0] > KEPT_SECONDS:
                    found = (time.monotonic(), await self._make(family, start, end))
                    self._kept[key] = found
                    while len(self._kept) > KEPT:
                        del self._kept[next(iter(self._kept))]
                return found[1]
        finally:
            if not lock.locked():
                self._making.pop(key, None)

    async def _make(self, family: str, start: int, end: int) -> FamilyProof:
        made = datetime.now(UTC)
        known = await self._site.lane.run(partial(_known, self._site, start, family))
        devices: list[Summary] = []
        households: Counter[Verdict] = Counter()
        place, size = 0, _FIRST
        while place < len(known):
            some = known[place : place + size]
            begun = time.monotonic()
            proofs = await self._site.lane.run(partial(_prove, self._site, some, start, end))
            for device, proof in zip(some, proofs, strict=True):
                if device.open:
                    devices.append(_summary(proof))
                else:
                    households[proof.verdict] += 1
            place += len(some)
            if (took := time.monotonic() - begun) < _PIECE / 2:
                size = min(_MOST, size * 2)
            elif took > _PIECE * 2:
                size = max(1, size // 2)
        devices.sort(key=lambda one: (_ORDER.index(one.verdict), -one.missing, -one.numbers, one.device))
        return FamilyProof(made, devices, households)


def of_open(site: Site, family: str | None, device: str | None, start: int, end: int) -> Iterator[DeviceProof]:
    """The proofs of open devices one by one, by id, each with a connection of its own. Raises psycopg.Error."""
    for known in _known(site, start, family, device):
        if known.open:
            yield from _prove(site, [known], start, end)


def _known(site: Site, start: int, family: str | None, device: str | None = None) -> list[Known]:
    with site.lane.connection() as connection:
        return in_service(connection, start, family, device)


def _prove(site: Site, some: Sequence[Known], start: int, end: int) -> list[DeviceProof]:
    with site.lane.connection() as connection:
        return list(prove_some(connection, some, start, end))


def _summary(proof: DeviceProof) -> Summary:
    return Summary(
        proof.device,
        proof.verdict,
        proof.because,
        sum(day.expected for day in proof.days),
        sum(day.present for day in proof.days),
        sum(day.missing_numbers for day in proof.days),
        sum(day.gap for day in proof.days),
    )
