"""Figures of many homes, as the programme's page and the public overview have them: by kind of home and altogether.

Groups are unions of whole cells, and every figure comes out of ``analytics.neighbours.disclosure``. A month is
published once, when it has settled, and then stays as it is: a second version less the first would tell of those who
left meanwhile. What is said of all kinds together is made of the published figures and of nothing else, so it tells
nothing that they do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from analytics.neighbours import disclosure, quarter_cells
from devices.device import Origin
from devices.homes import COMPARED, DWELLINGS, Reason
from store import programme as table
from store.cells import find_rows
from store.connect import Connection
from store.programme import Figure, Month


@dataclass(frozen=True, slots=True)
class Altogether:
    """All kinds of home that are shown of a month and fuel: ``homes`` (to tens), their ``total`` [Wh] to two
    significant figures. ``left_out``: whether a kind of home is not in it, for it may not be shown."""

    from_day: date
    fuel: str
    homes: int
    total: int
    left_out: bool

    @property
    def each(self) -> int:
        """The use of a home on average [Wh], as far as the two others say it, to two significant figures."""
        return disclosure.rounded_average(self.total, self.homes)


def published(connection: Connection, month: Month) -> list[Figure]:
    """The figures of a month by kind of home, made where nobody has asked before. Raises psycopg.Error."""
    found = table.figures(connection, month)
    if not found:
        table.publish(connection, month, by_dwelling(connection, month))
        found = table.figures(connection, month)  # of whoever was first
    return sorted(found, key=lambda figure: DWELLINGS.index(figure.dwelling))


def by_dwelling(connection: Connection, month: Month) -> list[Figure]:
    """What may be published of each kind of home that has a cell. Raises psycopg.Error."""
    quarter = quarter_cells.load(connection, month.quarter)
    counted = table.counted(connection, month)
    place, known = find_rows(counted.home, quarter.home)
    use = np.where(known, counted.own[place] if len(counted.own) else 0, 0)
    names = table.dwellings(connection, month.quarter)
    label = np.array([DWELLINGS.index(name) if name in DWELLINGS else -1 for name in names], np.int64)
    shown = disclosure.group(use, known, quarter.cells, label)
    return [
        Figure(DWELLINGS[group], None, None, Reason.at(shown.reason[group]) or "")
        if shown.reason[group] >= 0
        else Figure(DWELLINGS[group], int(shown.homes[group]), int(shown.average[group]), "")
        for group in np.unique(label[label >= 0]).tolist()
    ]


def altogether(connection: Connection, origin: Origin) -> list[Altogether]:
    """What may be said of all homes together, by fuel: of its newest month of which something may be. Raises
    psycopg.Error."""
    found: dict[str, Altogether] = {}
    for month in open_months(connection, origin):
        if month.fuel not in found and (one := of_figures(month, table.figures(connection, month))) is not None:
            found[month.fuel] = one
    return [found[fuel] for fuel in COMPARED if fuel in found]


def open_months(connection: Connection, origin: Origin) -> list[Month]:
    """The newest months that are of no home of the other origin: simulated homes are compared, and their figures
    published, where none is real, and stay so when real ones come. Raises psycopg.Error."""
    others = table.of_other_origin(connection, origin)
    return [month for month in table.months(connection) if (month.from_day, month.fuel) not in others]


def of_figures(month: Month, figures: list[Figure]) -> Altogether | None:
    """All of a month's published figures together; None where none is shown."""
    shown = [(one.homes, one.average) for one in figures if one.homes is not None and one.average is not None]
    if not shown:
        return None
    homes, average = np.array(shown, np.int64).T
    return Altogether(
        month.from_day,
        month.fuel,
        int(homes.sum()),
        int(disclosure.altogether(homes, average)),
        len(shown) < len(figures),
    )
