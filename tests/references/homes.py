"""The neighbour comparison once more, written from decision 005 for one home at a time: plain, slow and exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from statistics import median

import numpy as np

from analytics.neighbours.cells import HomeSet


@dataclass
class Home:
    """A home; ``x``, ``y`` [mm]."""

    id: int
    group: int
    x: int
    y: int
    area: float


@dataclass
class Cell:
    """A cell; ``x``, ``y`` [mm]."""

    group: int
    homes: list[Home]
    x: int
    y: int
    area: float


@dataclass
class Neighbours:
    """Which cells join one, nearest first; ``reach`` [m]."""

    cells: list[int]
    step: str
    reach: float


@dataclass
class Exact:
    """Figures of one home's neighbours."""

    n: int
    total: int
    average: Fraction | None
    largest: int
    lowest: list[int]
    less: int


def homes_of(homes: HomeSet) -> list[Home]:
    """The homes, a median floor area of the group where one is not known."""
    found = [
        Home(int(i), int(g), round(float(x) * 1000), round(float(y) * 1000), float(a))
        for i, g, x, y, a in zip(homes.id, homes.group, homes.x, homes.y, homes.area, strict=True)
    ]
    for group in {home.group for home in found}:
        known = [home.area for home in found if home.group == group and not math.isnan(home.area)]
        for home in found:
            if home.group == group and math.isnan(home.area):
                home.area = median(known) if known else 0.0
    return found


def make_cells(homes: list[Home]) -> list[Cell]:
    """Cells in the order of groups, the lower half of each division first."""
    parts = []
    for group in sorted({home.group for home in homes}):
        members = [home for home in homes if home.group == group]
        if len(members) >= 20:
            parts += divide(members)
    return [
        Cell(
            part[0].group,
            part,
            math.floor(Fraction(sum(home.x for home in part), len(part)) + Fraction(1, 2)),
            math.floor(Fraction(sum(home.y for home in part), len(part)) + Fraction(1, 2)),
            median(home.area for home in part),
        )
        for part in parts
    ]


def divide(part: list[Home]) -> list[list[Home]]:
    """Halve until fewer than 50 are left, the lower half the larger by one."""
    if len(part) < 50:
        return [part]
    xs, ys, areas = [home.x for home in part], [home.y for home in part], [home.area for home in part]
    widths = [(max(xs) - min(xs)) / 500_000, (max(ys) - min(ys)) / 500_000]
    widths.append((math.log(max(areas)) - math.log(min(areas))) / 0.1 if min(areas) > 0 else 0.0)
    axis = ("x", "y", "area")[widths.index(max(widths))]
    part = sorted(part, key=lambda home: (getattr(home, axis), home.id))
    half = (len(part) + 1) // 2
    return divide(part[:half]) + divide(part[half:])


def join(cells: list[Cell]) -> list[Neighbours]:
    """Of every cell the cells that join."""
    return [join_one(cells, number) for number in range(len(cells))]


def join_one(cells: list[Cell], number: int) -> Neighbours:
    """The nearest whole cells of the group until there are 100 homes, wider where these are not near."""
    own = cells[number]
    near = sorted(
        ((other.x - own.x) ** 2 + (other.y - own.y) ** 2, place)
        for place, other in enumerate(cells)
        if place != number and other.group == own.group
    )

    def alike(place: int, percent: int) -> bool:
        return abs(Fraction(cells[place].area) - Fraction(own.area)) * 100 <= Fraction(own.area) * percent

    taken: list[tuple[int, int]] = []
    for percent, radius in ((15, 2_000_000), (30, 2_000_000), (None, 5_000_000)):
        within = [(d, p) for d, p in near if d <= radius**2 and (percent is None or alike(p, percent))]
        taken, homes = [], len(own.homes) - 1
        for distance, place in within:
            if homes >= 100:
                break
            taken.append((distance, place))
            homes += len(cells[place].homes)
        if homes >= 100:
            break
    neighbours = len(own.homes) - 1 + sum(len(cells[place].homes) for _, place in taken)
    if neighbours < 20:
        step = "none"
    elif neighbours < 75:
        step = "few"
    elif all(alike(place, 15) for _, place in taken):
        step = "area-15"
    else:
        step = "area-30" if all(alike(place, 30) for _, place in taken) else "any-area"
    return Neighbours([place for _, place in taken], step, math.sqrt(taken[-1][0]) / 1000 if taken else 0.0)


def set_of(cells: list[Cell], joined: list[Neighbours], counting: set[int], home: int) -> list[int] | None:
    """Ids of a home's neighbours that count in a period, None where it is in no cell."""
    own = next((number for number, cell in enumerate(cells) if home in {h.id for h in cell.homes}), None)
    if own is None:
        return None
    found: list[int] = []
    for number in (own, *joined[own].cells):
        members = [h.id for h in cells[number].homes if h.id in counting]
        if len(members) >= 20:
            found += [member for member in members if member != home]
    return found


def compare_one(use: dict[int, int], neighbours: list[int], own: int) -> Exact:
    """The exact figures of one home."""
    values = sorted(use[home] for home in neighbours)
    n, total = len(values), sum(values)
    average = Fraction(total, n) if n else None
    less = sum(value < own for value in values)
    return Exact(n, total, average, max(values, default=0), values[: math.floor(Fraction(n, 5))], less)


@dataclass
class Told:
    """What one home is shown."""

    state: str
    reason: str
    average: int | None = None
    efficient: int | None = None
    homes: int | None = None
    tenths: int | None = None


def tell(own: int, exact: Exact | None) -> Told:
    """The rules of disclosure for one home."""
    if exact is None:
        return Told("suppressed", "no-cell")
    if exact.n < 20:
        return Told("suppressed", "few-homes")
    if exact.largest > Fraction(15, 100) * exact.total:
        return Told("suppressed", "dominated")
    average = two_figures(exact.total, exact.n)
    efficient = None
    if exact.n >= 75 and max(exact.lowest) <= Fraction(15, 100) * sum(exact.lowest):
        efficient = two_figures(sum(exact.lowest), len(exact.lowest))
    state = "great" if efficient is not None and own <= efficient else "good" if own <= average else "more"
    homes = int(Decimal(exact.n).quantize(Decimal("1E1"), ROUND_HALF_UP))
    tenths = math.floor(Fraction(10 * exact.less, exact.n)) if exact.n >= 75 else None
    return Told(state, "", average, efficient, homes, tenths)


def two_figures(total: int, n: int) -> int:
    """Two significant figures, half up; whole watt-hours below ten."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(total) / n
        last = Decimal(1).scaleb(max(exact.adjusted() - 1, 0)) if exact else Decimal(1)
        return int(exact.quantize(last, ROUND_HALF_UP))


def some_homes(seed: int, count: int, *, coarse: int = 1, groups: int = 2, width: int = 6000) -> HomeSet:
    """Homes on a grid of ``coarse`` [m] in a square of ``width`` [m], floor areas to the same coarseness: many ties."""
    rng = np.random.default_rng(seed)
    area = np.maximum(np.round(np.exp(rng.normal(4.3, 0.3, count)) / coarse) * coarse, 5).astype(np.float64)
    area[rng.random(count) < 0.08] = np.nan
    return HomeSet(
        rng.choice(10**6, count, replace=False).astype(np.int64) + 10**13,
        rng.choice(groups, count, p=np.arange(groups, 0, -1) / (groups * (groups + 1) / 2)).astype(np.int64) * 7,
        np.round(rng.uniform(0, width, count) / coarse) * coarse,
        np.round(rng.uniform(0, width, count) / coarse) * coarse,
        area,
    )
