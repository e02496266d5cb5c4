"""Letters for tests and the benchmark: households with comparisons in a database, without the runner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from store.connect import Connection

WEEK = date(2026, 2, 9)
QUARTER = date(2026, 1, 1)
FIRST_TENANCY = 10_000_000_000_001
FIRST_HOME = 20_000_000_000_001
#: state, reason, own, average, efficient, homes, tenths: one after the other, over and over.
STATES: Sequence[tuple[Any, ...]] = (
    ("good", None, 52_340, 58_000, 31_000, 100, 3),
    ("great", None, 30_000, 58_000, 31_000, 100, 0),
    ("more", None, 70_120, 58_000, 31_000, 100, 7),
    ("neutral", "under-heated", 9_000, None, None, None, None),
    ("suppressed", "few-homes", 44_000, None, None, None, None),
    ("more", None, 60_000, 58_000, 31_000, 110, 5),
    ("good", None, 41_000, 58_000, 31_000, 100, 2),
    ("neutral", "empty", 3_000, None, None, None, None),
)


def fill(
    connection: Connection, homes: int, *, fuels: Sequence[str] = ("electricity", "gas"), every_large: int = 25
) -> list[int]:
    """Put so many households in, with a comparison of the week of 9 February 2026 each; their tenancies' ids.

    Every ``every_large``-th has large print. All agreed to messages and comparison.
    """
    connection.execute(
        "insert into personal.home (id, uprn, address, lon, lat) select %(h)s + n, (1000 + n)::text,"
        " array['Flat ' || n, 'Hawthorn House', (n / 12 + 1) || ' Marsh Lane', 'LONDON',"
        " 'N' || (n %% 22 + 1) || ' 0XB'], -0.1, 51.5 from generate_series(0, %(n)s - 1) n",
        {"h": FIRST_HOME, "n": homes},
    )
    connection.execute(
        "insert into personal.home_details"
        " (home_id, valid_from, dwelling, heating, floor_area, bedrooms, tenure, source)"
        " select id, '2025-01-01', 'flat', 'gas', 61.5, 2, 'council-rent', 'import' from personal.home"
    )
    connection.execute(
        "insert into personal.tenancy (id, home_id, from_day, name, occupants, large_print)"
        " select %(t)s + n, %(h)s + n, '2025-01-01', 'Resident Number ' || n, 3, n %% %(large)s = %(large)s - 1"
        " from generate_series(0, %(n)s - 1) n",
        {"h": FIRST_HOME, "t": FIRST_TENANCY, "n": homes, "large": every_large},
    )
    connection.execute(
        "insert into personal.consent (tenancy_id, purpose, given_at, channel)"
        " select id, purpose, '2025-01-01', 'import'"
        " from personal.tenancy, unnest(array['comparison', 'messages']) purpose"
    )
    connection.execute(
        "insert into personal.tariff (tenancy_id, fuel, from_day, name, payment, standing_charge, registers)"
        " select id, 'electricity', '2025-06-01', 'Flexible 2025', 'direct-debit', 54.75,"
        ' \'[{"name": "all day", "rate": 27.69, "from": "00:00", "to": "00:00"}]\''
        " from personal.tenancy where id % 2 = 0"
    )
    connection.execute(
        "insert into personal.cell_version (quarter, program, homes) values (%s, 'test', %s)", (QUARTER, homes)
    )
    connection.execute(
        "insert into personal.cell (quarter, cell, dwelling, heating, homes, floor_area, x, y, step, joined, reach)"
        " values (%s, 1, 'flat', 'gas', 30, 61, 0, 0, 'area-15', '{2,3,4}', 640)",
        (QUARTER,),
    )
    connection.execute(
        "insert into personal.cell_member (quarter, home_id, tenancy_id, cell)"
        " select %s, home_id, id, 1 from personal.tenancy",
        (QUARTER,),
    )
    for fuel in fuels:
        connection.execute(
            "insert into personal.comparison_run"
            " (kind, from_day, to_day, fuel, quarter, program, published_at, settled_at)"
            " values ('week', %s, '2026-02-16', %s, %s, 'test', %s, %s)",
            (WEEK, fuel, QUARTER, datetime(2026, 2, 17, tzinfo=UTC), datetime(2026, 2, 24, tzinfo=UTC)),
        )
        rows = []
        for number in range(homes):
            state, reason, own, average, efficient, similar, tenths = STATES[number % len(STATES)]
            rows.append(
                (FIRST_TENANCY + number, WEEK, fuel, FIRST_HOME + number, own, 0, int(number % 3 == 1), 61_000,
                 state, reason, average, efficient, similar, tenths, 9_264, 1_833, "price cap of January to March 2026")
            )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into personal.comparison (tenancy_id, kind, from_day, fuel, home_id, own, estimated_days,"
                " missing_days, before, state, reason, average, efficient, homes, tenths, carbon, cost, tariff)"
                f" values (%s, 'week', {', '.join(['%s'] * 16)})",
                rows,
            )
    connection.commit()
    return [FIRST_TENANCY + number for number in range(homes)]
