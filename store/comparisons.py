"""What households are told of each period: one row a tenancy, period and fuel, just as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np

from devices.homes import JUDGED, Reason, State
from devices.trials import SIGHTS, Sight
from store.batch import Int32, Int64
from store.connect import Connection
from store.copy import Int4s, Int8s
from store.daily import lock_daily_use
from store.queries import queries

_SQL = queries("comparisons")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One household's comparison as it may be shown.

    Figures of others are as they may be shown, None where the rules of disclosure allow none.
    """

    tenancy_id: int
    home_id: int
    #: week, month or four-weeks.
    kind: str
    from_day: date
    #: Not included.
    to_day: date
    fuel: str
    #: Exact use [Wh]; None where too little was measured.
    own: int | None
    estimated_days: int
    missing_days: int
    #: Exact use of the period before [Wh]; None where too little was measured.
    before: int | None
    #: A word of `devices.homes.State`.
    state: str
    #: Why it is neutral or suppressed: a word of `devices.homes.Reason`.
    reason: str | None
    #: Mean use of the neighbours [Wh], two significant figures.
    average: int | None
    #: Mean use of the fifth of them that uses least [Wh], two significant figures.
    efficient: int | None
    #: About how many neighbours, to tens.
    homes: int | None
    #: So many tenths of the neighbours used less.
    tenths: int | None
    #: [g CO2e].
    carbon: int | None
    #: [pence] by ``tariff``.
    cost: int | None
    tariff: str | None
    #: False: ``tariff`` is a reference price, which is never a bill.
    tariff_own: bool
    #: 2: late readings changed it once.
    revision: int
    #: Names the cells: the first day of the quarter.
    quarter: date
    #: Nothing of it changes any more.
    final: bool
    #: What of others it may hold: a word of `devices.trials.Sight`.
    sight: str = Sight.ALL

    @property
    def compared(self) -> bool:
        """Whether it says how the own use stands beside that of others."""
        return self.state in JUDGED


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Who the neighbours of a home are in a quarter: about its cell and the cells that join it.

    ``step``: area-15, area-30, any-area, few or none. ``homes`` in the cell itself, ``neighbours`` in all cells, the
    home itself left out; ``reach`` [m] to the centroid of the farthest; ``floor_area`` [m2], the cell's median.
    """

    quarter: date
    dwelling: str
    heating: str
    heat_network: str | None
    step: str
    homes: int
    neighbours: int
    reach: float
    floor_area: float


def one(connection: Connection, tenancy_id: int, kind: str, from_day: date, fuel: str) -> Comparison | None:
    """One comparison, or None. Raises psycopg.Error."""
    row = connection.execute(_SQL["one"], (tenancy_id, kind, from_day, fuel)).fetchone()
    return None if row is None else _comparison(row)


def of_tenancy(
    connection: Connection, tenancy_id: int, *, kind: str | None = None, fuel: str | None = None, limit: int = 1_000
) -> list[Comparison]:
    """A tenancy's comparisons, the newest first. Raises psycopg.Error."""
    rows = connection.execute(
        _SQL["of_tenancy"], {"tenancy": tenancy_id, "kind": kind, "fuel": fuel, "limit": limit}
    ).fetchall()
    return [_comparison(row) for row in rows]


def neighbourhood(connection: Connection, home_id: int, quarter: date) -> Neighbourhood | None:
    """Who the neighbours of a home are; None where it is in no cell of that quarter. Raises psycopg.Error."""
    row = connection.execute(_SQL["neighbourhood"], {"home": home_id, "quarter": quarter}).fetchone()
    return None if row is None else Neighbourhood(*row)


def _comparison(row: tuple[Any, ...]) -> Comparison:
    return Comparison(*row)


class Run(NamedTuple):
    """A period of a fuel that was compared; ``to_day`` is not included; until ``settled_at`` it may change, once."""

    kind: str
    from_day: date
    to_day: date
    fuel: str
    quarter: date
    program: str
    published_at: datetime
    settled_at: datetime | None


class Late(NamedTuple):
    """What readings that came after settling would change of a home's own use [Wh]; None: too little measured."""

    kind: str
    from_day: date
    fuel: str
    was: int | None
    would_be: int | None
    noted_at: datetime


class Figures(NamedTuple):
    """``members`` ``(cells,)``: numbers that tell who counted; the others ``(homes,)``, ``tenancy`` rising, -1 none.

    ``sight``: place in Sight.
    """

    members: Int64
    tenancy: Int64
    average: Int64
    efficient: Int64
    homes: Int64
    tenths: Int64
    sight: Int64


@dataclass(slots=True)
class Rows:
    """The comparisons of one period and fuel, as they are stored. Shapes ``(homes,)``; -1 stands for no value.

    Fields as in ``Comparison``; ``state``, ``reason``, ``sight``: places in State, Reason and Sight; ``tariff`` in
    ``tariffs``.
    """

    tenancy: Int64
    home: Int64
    own: Int64
    estimated: Int32
    missing: Int32
    before: Int64
    state: Int32
    reason: Int32
    average: Int64
    efficient: Int64
    homes: Int32
    tenths: Int32
    carbon: Int64
    cost: Int32
    tariff: Int32
    own_tariff: Int32
    sight: Int32
    tariffs: Sequence[str]


class PublishedPeriod(NamedTuple):
    """A period of a fuel that a tenancy has a comparison of; ``to_day`` is not included."""

    kind: str
    from_day: date
    to_day: date
    fuel: str


class Example(NamedTuple):
    """A household that shows what a demo can show; state and reason of its newest week as in ``Comparison``."""

    state: str
    reason: str | None
    tenancy_id: int


def months(connection: Connection) -> list[tuple[str, date]]:
    """Which fuels have daily use in which months (their first days), in order. Raises psycopg.Error."""
    return [(row[0], row[1]) for row in connection.execute(_SQL["months"]).fetchall()]


def runs(connection: Connection) -> list[Run]:
    """Every period and fuel that was compared, in the order of their days. Raises psycopg.Error."""
    return [Run(*row) for row in connection.execute(_SQL["runs"]).fetchall()]


def add_run(connection: Connection, run: Run, members: Int64) -> None:
    """Note inside the running transaction that a period is published, and by cell who counts. Raises psycopg.Error."""
    connection.execute(_SQL["add_run"], (*run, members.astype(">i8").tobytes()))


def finalise_run(connection: Connection, key: tuple[str, date, str], program: str, at: datetime) -> None:
    """Note inside the running transaction that a period (kind, first day, fuel) is settled. Raises psycopg.Error."""
    connection.execute(_SQL["settle_run"], (at, program, *key))


def figures(connection: Connection, kind: str, from_day: date, fuel: str) -> Figures | None:
    """What a period's households were told of others; None: it was not published. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        values = {"kind": kind, "from_day": from_day, "fuel": fuel, "sights": list(SIGHTS)}
        row = cursor.execute(_SQL["figures"], values).fetchone()
    return None if row is None else Figures(*(np.frombuffer(part or b"", ">i8").astype(np.int64) for part in row))


def write(connection: Connection, kind: str, from_day: date, fuel: str, rows: Rows) -> tuple[int, int]:
    """Make a period's rows these, inside the running transaction: how many are new or changed, how many went.

    A row that changes has revision 2. Raises psycopg.Error.
    """
    columns: dict[str, Any] = {
        name: Int8s(getattr(rows, name))
        for name in ("tenancy", "home", "own", "before", "average", "efficient", "carbon")
    }
    small = ("estimated", "missing", "state", "reason", "homes", "tenths", "cost", "tariff", "own_tariff", "sight")
    columns |= {name: Int4s(getattr(rows, name)) for name in small}
    words = {"states": list(State), "reasons": list(Reason), "sights": list(SIGHTS), "tariffs": list(rows.tariffs)}
    period = {"kind": kind, "from_day": from_day, "fuel": fuel}
    gone = connection.execute(_SQL["drop_others"], (kind, from_day, fuel, Int8s(rows.tenancy))).rowcount
    return connection.execute(_SQL["write"], {**columns, **words, **period}).rowcount, gone


def hide(connection: Connection, today: date) -> int:
    """Take out of published rows what members of trials may not see on a local day; of how many rows.

    Inside the running transaction, of whatever periods; a period that is being published is waited for. What is taken
    does not come back, also where the trial ends. Rows are as `analytics.neighbours.sight` would have made them. Raises
    psycopg.Error.
    """
    lock_daily_use(connection)
    return connection.execute(_SQL["hide"], {"today": today, "judged": sorted(JUDGED)}).rowcount


def note_late(
    connection: Connection, kind: str, from_day: date, fuel: str, home: Int64, would_be: Int64, at: datetime
) -> int:
    """List what a settled period's own uses [Wh, -1: none] would be; how many entries are new or changed.

    Shapes ``(homes,)``. A home whose use is again what it was leaves the list. Raises psycopg.Error.
    """
    return connection.execute(
        _SQL["late"],
        {"kind": kind, "from_day": from_day, "fuel": fuel, "home": Int8s(home), "would_be": Int8s(would_be), "now": at},
    ).rowcount


def late_of_home(connection: Connection, home_id: int, kind: str, from_day: date) -> list[Late]:
    """What came too late for a home's period, by fuel. Raises psycopg.Error."""
    return [Late(*row) for row in connection.execute(_SQL["late_of_home"], (home_id, kind, from_day)).fetchall()]


def periods(connection: Connection, tenancy_id: int, limit: int = 1_000) -> list[PublishedPeriod]:
    """What a tenancy was told of, the newest first. Raises psycopg.Error."""
    return [PublishedPeriod(*row) for row in connection.execute(_SQL["periods"], (tenancy_id, limit)).fetchall()]


def examples(connection: Connection) -> list[Example]:
    """One household for each state and reason of the newest week of electricity, the best first."""
    return [Example(*row) for row in connection.execute(_SQL["examples"]).fetchall()]
