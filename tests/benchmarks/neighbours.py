"""How fast all homes are compared: sets of neighbours, comparisons, their memory, and two usual ways beside ours.

``python -m tests.benchmarks.neighbours HOMES`` is the measured process: it prints a JSON line with the seconds of the
sets and of the comparisons, the best of three, and its highest resident memory [bytes].
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from analytics.neighbours.cells import Bools, Cells, HomeSet, Int64, make_cells
from analytics.neighbours.comparison import compare
from analytics.neighbours.disclosure import DisclosedFigures, disclose
from analytics.neighbours.joining import Joined, join
from devices.homes import DWELLINGS, HEATING, State
from store.connect import connect
from tests.benchmarks.memory import highest_memory
from tests.benchmarks.table import Table
from tests.benchmarks.world import World

SEED = 20_261_123
#: Homes that the usual ways are measured on, scaled to all: their time is proportional to homes.
SAMPLE = 200
ALL = 100_000
_HOMES_A_STREET = 60
_HOMES_A_KM2 = 2_500

# by dwelling: how common a street of it is, its usual floor area [m2], how much its homes differ [of the logarithm]
_STREETS = {
    "flat": (0.38, 58, 0.22), "maisonette": (0.08, 72, 0.18), "terraced": (0.28, 86, 0.20),
    "semi-detached": (0.16, 98, 0.20), "detached": (0.05, 142, 0.28), "bungalow": (0.03, 76, 0.18),
    "other": (0.02, 65, 0.35),
}  # fmt: skip
# gas, electric, heat-pump, heat-network, oil, other: in streets, in estates of flats
_HEATING = ((0.86, 0.07, 0.05, 0.0, 0.01, 0.01), (0.62, 0.36, 0.02, 0.0, 0.0, 0.0))
_ON_A_NETWORK = 0.10


@dataclass(frozen=True)
class Borough:
    """Made-up homes with their use of a four weeks [Wh] and whether they count."""

    homes: HomeSet
    use: Int64
    counts: Bools


def borough(count: int, seed: int = SEED) -> Borough:
    """Homes along streets around a few centres; flats in estates at one place, some of them on a heat network.

    Streets have one kind of dwelling; floor areas differ between streets as well as in them; one in twenty is unknown.
    """
    rng = np.random.default_rng(seed)
    streets = max(count // _HOMES_A_STREET, 1)
    side = 1_000 * (count / _HOMES_A_KM2) ** 0.5
    centres = rng.uniform(0.1 * side, 0.9 * side, (max(streets // 150, 1), 2))
    middle = centres[rng.integers(0, len(centres), streets)] + rng.normal(0, 0.12 * side, (streets, 2))
    share, area, spread = (np.array([row[i] for row in _STREETS.values()]) for i in range(3))
    kind = rng.choice(len(DWELLINGS), streets, p=share / share.sum())
    flats = kind == 0
    length, angle = np.where(flats, 30, rng.uniform(80, 500, streets)), rng.uniform(0, np.pi, streets)
    typical = np.log(area[kind]) + rng.normal(0, 0.6 * spread[kind])
    network = np.where(flats & (rng.random(streets) < _ON_A_NETWORK), np.arange(streets), -1)

    street = rng.integers(0, streets, count)
    along = rng.uniform(-0.5, 0.5, count) * length[street]
    place = middle[street] + np.column_stack((np.cos(angle[street]), np.sin(angle[street]))) * along[:, None]
    place += rng.normal(0, 4, (count, 2))
    size = np.round(np.exp(typical[street] + rng.normal(0, 0.8 * spread[kind[street]])), 1)
    size[rng.random(count) < 0.05] = np.nan
    heating = np.where(
        flats[street], rng.choice(len(HEATING), count, p=_HEATING[1]), rng.choice(len(HEATING), count, p=_HEATING[0])
    )
    on = network[street] >= 0
    heating[on] = HEATING.index("heat-network")
    group = (np.where(on, network[street] + 1, 0) * len(DWELLINGS) + kind[street]) * len(HEATING) + heating
    ids = rng.permutation(count).astype(np.int64) + 10**13
    use = rng.gamma(4, 68_000, count).astype(np.int64)
    homes = HomeSet(ids, group.astype(np.int64), place[:, 0], place[:, 1], size)
    return Borough(homes, use, rng.random(count) < 0.95)


def sets(made: Borough) -> tuple[Cells, Joined]:
    """The neighbours of all homes."""
    cells = make_cells(made.homes)
    return cells, join(cells)


def comparisons(made: Borough, cells: Cells, joined: Joined) -> DisclosedFigures:
    """All that is shown of one period and fuel."""
    return disclose(made.use, compare(cells, joined, made.use, made.counts))


def main(count: int) -> None:
    """Measure in this process."""
    made = borough(count)
    runs = [_timed(made) for _ in range(3)]
    best = {"neighbours": min(run[0] for run in runs), "compare": min(run[1] for run in runs)}
    print(json.dumps({**best, "peak": highest_memory()}))


def _timed(made: Borough) -> tuple[float, float]:
    """Seconds of the sets and of the comparisons; says what came out."""
    begun = time.perf_counter()
    cells, joined = sets(made)
    between = time.perf_counter()
    shown = comparisons(made, cells, joined)
    ended = time.perf_counter()
    count, told = len(made.use), np.count_nonzero(shown.reason < 0)
    if told < 0.8 * count:
        raise RuntimeError(f"only {told:,} of {count:,} homes have neighbours: this borough is not one")
    states = dict(zip(State, np.bincount(shown.state, minlength=len(State)).tolist(), strict=True))
    print(f"  {count:,} homes (seed {SEED}), {len(cells.size):,} cells, {states}", file=sys.stderr)
    return between - begun, ended - between


@cache
def _measured(count: int) -> dict[str, float]:
    """What a process of its own measured."""
    command = [sys.executable, "-m", "tests.benchmarks.neighbours", str(count)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def neighbours_100k(_world: World, table: Table) -> None:
    """Sets of neighbours of 100,000 homes: cells and which of them join."""
    table.add("neighbours_100k", _measured(ALL)["neighbours"], "s")


def compare_100k(_world: World, table: Table) -> None:
    """All comparisons of a period of 100,000 homes, as far as what may be shown."""
    table.add("compare_100k", _measured(ALL)["compare"], "s")


def neighbours_1m(_world: World, table: Table) -> None:
    """Sets of neighbours of 1,000,000 homes, and the highest memory of that process, comparisons included."""
    table.add("neighbours_1m", _measured(10 * ALL)["neighbours"], "s")
    table.add("neighbours_memory", _measured(10 * ALL)["peak"], "bytes")


def compare_1m(_world: World, table: Table) -> None:
    """All comparisons of a period of 1,000,000 homes."""
    table.add("compare_1m", _measured(10 * ALL)["compare"], "s")


def neighbours_vs_loop(_world: World, table: Table) -> None:
    """A loop over homes in pandas, a sample scaled to all, against sets and comparisons of all homes here."""
    made = borough(ALL)
    sample = np.random.default_rng(SEED).choice(np.flatnonzero(made.counts), SAMPLE, replace=False)
    frame = pd.DataFrame(
        {"group": made.homes.group, "x": made.homes.x, "y": made.homes.y, "area": made.homes.area, "use": made.use}
    )[made.counts]
    frame["area"] = frame["area"].fillna(frame.groupby("group")["area"].transform("median"))
    groups = dict(list(frame.groupby("group")))  # divided beforehand: no loop should search all homes for a group
    begun = time.perf_counter()
    for place in sample:
        _by_loop(groups, frame.loc[place])
    loop = (time.perf_counter() - begun) / SAMPLE * ALL
    table.add("neighbours_vs_loop", loop / _ours(made), "x")


def _by_loop(groups: dict[int, pd.DataFrame], home: pd.Series[float]) -> tuple[float, float, float]:
    """Average, efficient and share that uses less, of the 100 nearest homes of the group within 15 % of floor area."""
    alike = groups[int(home["group"])].drop(index=home.name)
    alike = alike[(alike["area"] - home["area"]).abs() <= 0.15 * home["area"]]
    distance = (alike["x"] - home["x"]) ** 2 + (alike["y"] - home["y"]) ** 2
    use = alike["use"].loc[distance.nsmallest(100).index]
    return float(use.mean()), float(use.nsmallest(len(use) // 5).mean()), float((use < home["use"]).mean())


def neighbours_vs_sql(world: World, table: Table) -> None:
    """PostgreSQL giving each home of a sample its 100 nearest of the group and their average, scaled to all.

    The index holds the group before the place, so that the search meets nobody else: the best that it can be given.
    """
    made = borough(ALL)
    sample = np.random.default_rng(SEED).choice(made.homes.id, SAMPLE, replace=False)
    with world.database() as url, connect(url, autocommit=True) as connection:
        connection.execute("create extension btree_gist")
        connection.execute(
            "create table bench_home (id bigint primary key, kind bigint, place point, watt_hours bigint)"
        )
        columns = (made.homes.id, made.homes.group, made.homes.x, made.homes.y, made.use)
        with connection.cursor().copy("copy bench_home from stdin") as copy:
            for home, kind, x, y, use in zip(*(column.tolist() for column in columns), strict=True):
                copy.write_row((home, kind, f"({x},{y})", use))
        connection.execute("create index on bench_home using gist (kind, place)")
        connection.execute("vacuum analyze bench_home")
        query = """
            select h.id, avg(n.watt_hours), count(*) from bench_home h cross join lateral (
                select o.watt_hours from bench_home o where o.kind = h.kind and o.id <> h.id
                order by o.place <-> h.place limit 100
            ) n where h.id = any(%s) group by h.id
        """
        plan = "\n".join(str(row[0]) for row in connection.execute("explain " + query, (sample.tolist(),)))
        if "Index Scan using bench_home_kind_place_idx" not in plan:
            raise RuntimeError(f"the search for the nearest homes does not use its index:\n{plan}")
        rows = connection.execute(query, (sample.tolist(),)).fetchall()
        if len(rows) < 0.9 * SAMPLE:
            raise RuntimeError(f"{len(rows)} of {SAMPLE} homes have neighbours")
        begun = time.perf_counter()  # again, now that everything is in memory
        connection.execute(query, (sample.tolist(),)).fetchall()
        seconds = time.perf_counter() - begun
    table.add("neighbours_vs_sql", seconds / SAMPLE * ALL / _ours(made), "x")


def _ours(made: Borough) -> float:
    """Seconds of sets and comparisons of all homes, the best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        comparisons(made, *sets(made))
        best = min(best, time.perf_counter() - begun)
    return best


if __name__ == "__main__":
    main(int(sys.argv[1]))
