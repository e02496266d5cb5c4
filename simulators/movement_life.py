"""What happens in homes beyond ordinary days: holidays, visitors, and people who stop moving until they are found.

All is drawn by 28 days from the fleet's start, each for itself, so that any span can be made alone. Where two things
cannot be true together the rarer one is: nobody goes on a holiday while lying on the floor.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.clock import DAY_US, HOUR_US
from simulators.household import FAMILY, Household, begin_of, household, plan_of
from simulators.plans import Fleet
from simulators.randomness import stream

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

_BLOCK: Final = 28 * DAY_US
_MONTH: Final = 365.25 / 12 * DAY_US
_YEAR: Final = 365.25 * DAY_US
#: Who found somebody stays so long [us], and the person is away after that, in hospital.
_HELP: Final = 45 * 60_000_000
_HOSPITAL: Final = (1.0, 5.0)
#: The share of visits that are made to a home that is on holiday, for its plants.
_TO_EMPTY: Final = 0.25
#: Days of a holiday.
_HOLIDAY: Final = (2.0, 14.0)


class Spans(NamedTuple):
    """Intervals [start, end) [us] of homes, ``(spans,)``."""

    home: Int64
    start: Int64
    end: Int64


def people_of(fleet: Fleet) -> Int64:
    """How many people live in each home, one or two, ``(homes,)``."""
    plan = plan_of(fleet)
    draws = stream(fleet.seed, FAMILY, "people").random(plan.count)
    return np.where(draws < plan.couples, 2, 1).astype(np.int64)


def pets_of(fleet: Fleet) -> Bool:
    """Which homes have a pet, ``(homes,)``."""
    plan = plan_of(fleet)
    return np.asarray(stream(fleet.seed, FAMILY, "pets").random(plan.count) < plan.pets)


class Life:
    """What happens in the homes of a fleet. It remembers what it has drawn: one object for one simulation."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._plan = plan_of(fleet)
        self._people = people_of(fleet)
        self._falls: dict[int, Spans] = {}
        self._holidays: dict[int, Spans] = {}
        self._lived: dict[tuple[int, int], Household] = {}

    @property
    def ordinary(self) -> bool:
        """Whether nothing of all this is asked for."""
        plan = self._plan
        return not (plan.couples or plan.pets or plan.visitors or plan.holidays or plan.emergencies)

    def emergencies(self, start: int, end: int) -> Spans:
        """When somebody does not move, until found, in spans that touch [start, end) [us]."""
        return _touching([self._emergencies(number) for number in self._blocks(start, end)], start, end)

    def hospital(self, start: int, end: int) -> Spans:
        """When who was found is away, in spans that touch [start, end)."""
        falls = self.emergencies(start - round(_HOSPITAL[1] * DAY_US) - _HELP, end)
        seconds = falls.start // 1_000_000
        length = _HOSPITAL[0] + (seconds % 997) / 997 * (_HOSPITAL[1] - _HOSPITAL[0])
        gone = Spans(falls.home, falls.end + _HELP, falls.end + _HELP + (length * DAY_US).astype(np.int64))
        return _touching([gone], start, end)

    def holidays(self, start: int, end: int) -> Spans:
        """When everybody of a home is away for days, in spans that touch [start, end)."""
        every = _touching([self._holiday(number) for number in self._blocks(start, end)], start, end)
        reach = round((_HOLIDAY[1] + _HOSPITAL[1] + 1) * DAY_US)
        falls, gone = self.emergencies(start - reach, end + reach), self.hospital(start - reach, end + reach)
        both = np.zeros(len(every.home), np.bool_)
        for place, (home, low, high) in enumerate(zip(*(one.tolist() for one in every), strict=True)):
            for other in (falls, gone):
                both[place] |= bool(((other.home == home) & (other.start < high) & (other.end > low)).any())
        return Spans(*(one[~both] for one in every))

    def visits(self, day: int) -> Spans:
        """Visitors of the household day, at most one a home; to one that is on holiday few come."""
        begin = begin_of(day)
        rng = stream(self._fleet.seed, FAMILY, "visits", day)
        count = self._plan.count
        draw = rng.random(count)
        comes = draw < self._plan.visitors / 7
        start = begin + (rng.uniform(6.5, 15.5, count) * HOUR_US).astype(np.int64)
        length = np.minimum(0.25 + rng.exponential(0.9, count), 4.0)
        for number in self._blocks(begin, begin + DAY_US):
            away = self._holiday(number)
            on = away.home[(away.start < begin + DAY_US) & (away.end > begin)]
            comes[on] &= draw[on] < _TO_EMPTY * self._plan.visitors / 7
        home = np.flatnonzero(comes)
        return Spans(home, start[home], start[home] + (length[home] * HOUR_US).astype(np.int64))

    def helpers(self, start: int, end: int) -> Spans:
        """Who found somebody, until they leave together, in spans that touch [start, end)."""
        falls = self.emergencies(start - _HELP, end)
        return _touching([Spans(falls.home, falls.end, falls.end + _HELP)], start, end)

    def gone(self, start: int, end: int) -> Spans:
        """When a home's people are away for days: on holiday or in hospital."""
        return _joined([self.holidays(start, end), self.hospital(start, end)])

    def lived(self, day: int, person: int) -> Household:
        """The household's day without the outings that did not take place, for nobody was there or able to go."""
        found = self._lived.get((day, person))
        if found is None:
            found = self._of_day(day, person)
            if len(self._lived) > 8:
                self._lived.clear()
            self._lived[day, person] = found
        return found

    def outings(self, day: int) -> Spans:
        """When everybody is out of a home on this household day, days away left out."""
        one, two = self.lived(day, 0), self.lived(day, 1)
        begin = begin_of(day)
        homes, starts, ends = [], [], []
        for leaves, returns in zip(one.leaves.T, one.returns.T, strict=True):
            alone = np.isfinite(leaves) & (self._people == 1)
            homes.append(np.flatnonzero(alone))
            starts.append(leaves[alone])
            ends.append(returns[alone])
            for others, back in zip(two.leaves.T, two.returns.T, strict=True):
                low, high = np.fmax(leaves, others), np.fmin(returns, back)
                both = np.isfinite(leaves) & np.isfinite(others) & (self._people == 2) & (low < high)
                homes.append(np.flatnonzero(both))
                starts.append(low[both])
                ends.append(high[both])
        start, end = (begin + (np.concatenate(part) * HOUR_US).astype(np.int64) for part in (starts, ends))
        return Spans(np.concatenate(homes), start, end)

    def _of_day(self, day: int, person: int) -> Household:
        people = household(self._fleet, day, person)
        if self.ordinary:
            return people
        begin = begin_of(day)
        until = begin + DAY_US + 12 * HOUR_US
        leaves, returns = people.leaves.copy(), people.returns.copy()
        for spans in (self.gone(begin, until), self.emergencies(begin, until), self.helpers(begin, until)):
            for home, low, high in zip(*(one.tolist() for one in spans), strict=True):
                meet = (begin + leaves[home] * HOUR_US < high) & (begin + returns[home] * HOUR_US > low)
                leaves[home, meet], returns[home, meet] = np.nan, np.nan
        return people._replace(leaves=leaves, returns=returns)

    def _blocks(self, start: int, end: int) -> range:
        first = (start - self._fleet.start_us) // _BLOCK
        return range(first - 1, (end - self._fleet.start_us) // _BLOCK + 1)

    def _holiday(self, number: int) -> Spans:
        found = self._holidays.get(number)
        if found is None:
            rng = stream(self._fleet.seed, FAMILY, "holidays", number)
            count = self._plan.count
            goes = rng.random(count) < self._plan.holidays * _BLOCK / _YEAR
            day = self._fleet.start_us + number * _BLOCK + rng.integers(0, 28, count) * DAY_US
            start = day // DAY_US * DAY_US + (rng.uniform(8, 14, count) * HOUR_US).astype(np.int64)
            length = (rng.uniform(*_HOLIDAY, count) * DAY_US).astype(np.int64)
            home = np.flatnonzero(goes)
            found = self._holidays[number] = Spans(home, start[home], start[home] + length[home])
        return found

    def _emergencies(self, number: int) -> Spans:
        """At most one a home in 28 days; who is out or away then has it after coming home, or not at all."""
        found = self._falls.get(number)
        if found is not None:
            return found
        rng = stream(self._fleet.seed, FAMILY, "emergencies", number)
        count = self._plan.count
        happens = (rng.random(count) < self._plan.emergencies * _BLOCK / _MONTH) & (self._people == 1)
        at = self._fleet.start_us + number * _BLOCK + (rng.random(count) * _BLOCK).astype(np.int64)
        length = (rng.uniform(0.5, 1.5, count) * self._plan.found * HOUR_US).astype(np.int64)
        after = rng.uniform(0.05, 0.5, count)
        rows = [
            (home, *self._fall(home, int(at[home]), int(length[home]), float(after[home])))
            for home in np.flatnonzero(happens).tolist()
            if number >= 0
        ]
        columns = np.array(rows, np.int64).reshape(-1, 3)
        found = self._falls[number] = Spans(columns[:, 0], columns[:, 1], columns[:, 2])
        return found

    def _fall(self, home: int, at: int, length: int, after: float) -> tuple[int, int]:
        """From when to when: after an outing that it would fall into, and until a visitor comes, if one does."""
        day = (at - begin_of(0)) // DAY_US
        people = household(self._fleet, day)
        out = zip(people.leaves[home].tolist(), people.returns[home].tolist(), strict=True)
        for low, high in out:
            if begin_of(day) + low * HOUR_US <= at < begin_of(day) + (high + 0.05) * HOUR_US:
                at = begin_of(day) + round((high + after) * HOUR_US)
        end = at + length
        for one in range(day - 1, (end - begin_of(0)) // DAY_US + 1):
            visits = self.visits(one)
            for low, high in zip(visits.start[visits.home == home], visits.end[visits.home == home], strict=True):
                if low <= at < high:  # with the visitor there, it is found at once: it happens when they have left
                    at = int(high) + round(after * HOUR_US)
                    end = at + length
                elif at < low < end:
                    end = int(low)
        return at, end


def _touching(parts: list[Spans], start: int, end: int) -> Spans:
    whole = _joined(parts)
    good = (whole.start < end) & (whole.end > start)
    return Spans(*(one[good] for one in whole))


def _joined(parts: list[Spans]) -> Spans:
    none = np.empty(0, np.int64)
    return (
        Spans(*(np.concatenate([none, *column]) for column in zip(*parts, strict=True)))
        if parts
        else Spans(*[none] * 3)
    )
