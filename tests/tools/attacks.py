"""Attacks on the comparison by what five residents pool. Each says what it takes for the target's use and the truth.

Attacks get the sums behind the pages by ``read``: `Estates.pool` from pages as they are shown, or `Estates.exact`,
which is more than pages could ever tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.neighbours.cells import make_cells
from analytics.neighbours.joining import join
from tests.worlds.estate import Bounds, Estates, Page, Rates, rates

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Read = Callable[[Estates, Page], Bounds]


class Attempt(NamedTuple):
    """What an attack found: ``found`` and ``guess`` [Wh] against the ``truth``, ``(targets,)`` each."""

    name: str
    found: Bounds
    guess: Float64
    truth: Float64

    def outcomes(self) -> dict[str, Rates]:
        """How often three ways to make use of what was found come within 10 %."""
        middle = self.found.middle
        ways = {
            "found": middle,
            "guess within bounds": np.clip(self.guess, self.found.low, self.found.high),
            "between both": (middle + self.guess) / 2,
        }
        return {way: rates(value, self.guess, self.truth) for way, value in ways.items()}


def pooled(estates: Estates, page: Page, read: Read) -> Attempt:
    """(b) Five of a cell make the mean of the others of their sets out of their pages."""
    known, own = estates.colluders, page.own[estates.colluders]
    total, n = read(estates, page), page.compared.n[known[:, 0]] + 1 - known.shape[1]
    found = Bounds((total.low - own.sum(axis=1)) / n, (total.high - own.sum(axis=1)) / n)
    return Attempt("pooled pages", found, estates.guess(page), page.own[estates.target].astype(np.float64))


def least_squares(estates: Estates, page: Page) -> Attempt:
    """(b) One resident from each of five cells: totals of cells by least squares, then the mean of the target's cell.

    Of all solutions the one nearest to cells that are as the average says.
    """
    found, guess = np.empty(len(estates.target)), np.empty(len(estates.target))
    size = np.bincount(estates.cells.cell, minlength=len(estates.cells.size))
    for estate, target in enumerate(estates.target.tolist()):
        mine = np.flatnonzero(estates.homes.group == estates.homes.group[target])
        others = mine[mine != target]
        _, first = np.unique(estates.cells.cell[others], return_index=True)
        spies = others[first[:5]]
        cells = np.unique(estates.cells.cell[mine])
        sets = np.array([np.isin(cells, _set(estates, home)) for home in spies], np.float64)
        average = page.shown.average[spies].astype(np.float64)
        guess[estate] = average.mean()
        expected = guess[estate] * size[cells]
        seen = average * page.compared.n[spies] + page.own[spies]
        total = expected + np.linalg.lstsq(sets, seen - sets @ expected, rcond=None)[0]
        cell = np.searchsorted(cells, estates.cells.cell[target])
        inside = spies[estates.cells.cell[spies] == cells[cell]]
        found[estate] = (total[cell] - page.own[inside].sum()) / (size[cells[cell]] - len(inside))
    return Attempt("least squares", Bounds(found, found), guess, page.own[estates.target].astype(np.float64))


def revision(estates: Estates, read: Read, *, rounded: bool) -> Attempt:
    """(e, f) A week with the target less the same week without it: what a second version of a page would tell."""
    before = estates.week(3, rounded=rounded)
    after = estates.week(3, estates.without(estates.target), rounded=rounded)
    found = read(estates, before).less(read(estates, after))
    return Attempt("revised", found, estates.guess(before), before.own[estates.target].astype(np.float64))


def next_week(estates: Estates, read: Read, *, rounded: bool) -> Attempt:
    """(e) The week before a withdrawal less the week after, the weather taken out by what the colluders used."""
    before = estates.week(3, rounded=rounded)
    after = estates.week(4, estates.without(estates.target), rounded=rounded)
    warmer = estates.daily[:, 21:28].sum() / estates.daily[:, 28:35].sum()
    later = read(estates, after)
    found = read(estates, before).less(Bounds(later.low * warmer, later.high * warmer))
    return Attempt("next week", found, estates.guess(before), before.own[estates.target].astype(np.float64))


def quarter(estates: Estates, read: Read, *, rounded: bool) -> Attempt:
    """(e) Seven weeks before a withdrawal less six after it, each by its weather, which the attackers know exactly."""
    gone, count = estates.without(estates.target), len(estates.target)
    low, high, guess = np.zeros(count), np.zeros(count), np.zeros(count)
    for number in range(13):
        page = estates.week(number, None if number < 7 else gone, rounded=rounded)
        part = (1 / 7 if number < 7 else -1 / 6) / estates.weather[:, 7 * number : 7 * number + 7].mean(axis=1)
        sums = read(estates, page)
        low, high = low + part * sums.middle, high + part * sums.middle
        if number < 7:
            guess = guess + part * estates.guess(page)
    mild = estates.weather[:, :49].mean(axis=1)
    truth = estates.daily[estates.target, :49].sum(axis=1) / 7
    return Attempt("seven weeks before, six after", Bounds(low * mild, high * mild), guess * mild, truth)


def overlapping(estates: Estates, read: Read, *, rounded: bool) -> Attempt:
    """(d, e, f) Weeks with the target less four weeks without it, on the same days.

    It withdrew, or lacks readings, after its fourth week: three of the four weeks that follow each other overlap with
    weeks that it was in. Each gives an equation for what it used in the weeks that are in both; the narrowest count
    most.
    """
    gone = estates.without(estates.target)
    weeks = [estates.week(number, gone if number > 3 else None, rounded=rounded) for number in range(7)]
    sums = [read(estates, page) for page in weeks]
    low, high, weight = np.zeros(len(estates.target)), np.zeros(len(estates.target)), np.zeros(len(estates.target))
    for start in (1, 2, 3):
        four = read(estates, estates.page(7 * start, 7 * start + 28, gone, rounded=rounded))
        found = reduce(Bounds.plus, sums[start : start + 4]).less(four)
        both = 4 - start
        narrow = (both / np.maximum(found.high - found.low, 1.0)) ** 2
        low, high, weight = low + narrow * found.low / both, high + narrow * found.high / both, weight + narrow
    guess = np.mean([estates.guess(page) for page in weeks[1:4]], axis=0)
    truth = np.mean([page.own[estates.target] for page in weeks[1:4]], axis=0)
    return Attempt("weeks against four weeks", Bounds(low / weight, high / weight), guess, truth)


def month(estates: Estates, read: Read, *, rounded: bool) -> Attempt:
    """(d) Five weeks less the month within them, without which the target is; days at its ends by their part."""
    start, end, gone = 2, 33, estates.without(estates.target)
    low, high, guess = np.zeros(len(estates.target)), np.zeros(len(estates.target)), np.zeros(len(estates.target))
    for number in range(5):
        page = estates.week(number, gone if number > 3 else None, rounded=rounded)
        part = (min(end, 7 * number + 7) - max(start, 7 * number)) / 7
        sums = read(estates, page)
        low, high = low + part * sums.low, high + part * sums.high
        guess = guess + part * estates.guess(page) * (number <= 3)
    found = Bounds(low, high).less(read(estates, estates.page(start, end, gone, rounded=rounded)))
    truth = estates.daily[estates.target, start:28].sum(axis=1).astype(np.float64)
    return Attempt("weeks against a month", found, guess, truth)


def floor_area(estates: Estates, *, rounded: bool) -> Attempt:
    """(c) One resident edits the own floor area so that with the next quarter's cells the set changes by one home most.

    Four weeks that begin in the old quarter keep its cells; three of their weeks are compared by the new ones. The
    attacker knows every sum exactly, and who came and who went; the others of these count as the average says.
    """
    mine = estates.colluders[:, 0]
    page = estates.page(0, 28, rounded=rounded)
    total = page.compared.total[mine] + page.own[mine]
    best = np.full(len(mine), 10**6)
    found, guess, truth = np.zeros(len(mine)), np.ones(len(mine)), np.ones(len(mine))
    for factor in np.exp(np.linspace(-0.5, 0.5, 9)):
        area = estates.homes.area.copy()
        area[mine] = np.rint(area[mine] * factor)
        homes = replace(estates.homes, area=area)
        cells = make_cells(homes)
        edited = replace(estates, homes=homes, cells=cells, joined=join(cells))
        weeks = [estates.week(0, rounded=rounded), *(edited.week(number, rounded=rounded) for number in (1, 2, 3))]
        apart = sum((week.compared.total[mine] + week.own[mine] for week in weeks), -total)
        shown = sum((week.shown.average[mine] for week in weeks[1:]), np.zeros(len(mine)))
        for estate, home in enumerate(mine.tolist()):
            was, is_now = _homes(estates, home), _homes(edited, home)
            came, went = np.setdiff1d(is_now, was), np.setdiff1d(was, is_now)
            if not len(came) or len(came) + len(went) >= best[estate]:
                continue
            best[estate] = len(came) + len(went)
            found[estate] = apart[estate] + (len(went) - len(came) + 1) * shown[estate]
            guess[estate], truth[estate] = shown[estate], estates.daily[came[0], 7:28].sum()
    reached = best < 10**6
    assert reached.mean() > 0.5
    value = found[reached]
    return Attempt("own floor area", Bounds(value, value), guess[reached], truth[reached])


def lowest_fifth(estates: Estates, week: float) -> Iterator[tuple[str, Rates]]:
    """(g) Order statistics by falsified meters: one colluder among the lowest, one not, the lowest fifth of both known.

    The difference is one home's use exactly, of the lowest fifth the largest: but whose? And tenths, swept by the own
    use, give the median of the set at most.
    """
    low, high = estates.colluders[:, 0], estates.colluders[:, 1]
    daily = estates.daily.copy()
    daily[low], daily[high] = round(0.05 * week), round(0.6 * week)
    page = replace(estates, daily=daily).week(3)
    own = page.own[estates.target].astype(np.float64)
    guess = page.shown.average[high].astype(np.float64)
    edge = page.compared.lowest_total[low] - (page.compared.lowest_total[high] - page.own[low])
    yield "edge of the lowest fifth", rates(edge.astype(np.float64), guess, own)
    median = np.array([np.median(page.own[_homes(estates, home)]) for home in high.tolist()])
    yield "median by tenths", rates(median, guess, own)


def _set(estates: Estates, home: int) -> Int64:
    """The cells of a home's set, its own first."""
    cell = int(estates.cells.cell[home])
    offsets = estates.joined.offsets
    return np.append(cell, estates.joined.cells[offsets[cell] : offsets[cell + 1]]).astype(np.int64)


def _homes(estates: Estates, home: int) -> Int64:
    """The homes of a home's set; only those of its estate are looked at."""
    group = estates.homes.group
    start, end = np.searchsorted(group, [group[home], group[home] + 1])
    return np.asarray(start + np.flatnonzero(np.isin(estates.cells.cell[start:end], _set(estates, home))), np.int64)
