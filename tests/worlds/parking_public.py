"""The public page's surroundings: the town of the operations' pages, with postcodes, an area and signs with hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from store.connect import Connection
from tests.worlds import parking_board

#: Just beside bay a-13 of Mill Lane; far from everything; in the middle of Zone B.
HERE, NOWHERE, PARK = "TE5 7ST", "ZZ1 1ZZ", "Testbury Park"


def town(connection: Connection) -> None:
    """The board's town, a disabled bay that is free farther away, an electric one that is taken, and places.

    Nearest of all are four that nobody is to be sent to though nothing stands there: a suspended one, one with a permit
    and two of households.
    """
    parking_board.town(connection)
    now = datetime.now(UTC)
    parking_board.make_bay(connection, "d-01", street="Church Walk", kind="disabled", lat=51.503, maximum=None)
    parking_board.say(connection, "sensor-d-01", [(now - timedelta(minutes=5), 0)])
    parking_board.make_bay(connection, "e-01", street="Church Walk", kind="electric", lat=51.503, maximum=None)
    parking_board.say(connection, "sensor-e-01", [(now - timedelta(minutes=5), 1)])
    for bay, kind, personal in (
        ("shut", "limited-waiting", False),
        ("allowed", "limited-waiting", False),
        ("home-2", "limited-waiting", True),
        ("home-3", "disabled", True),
    ):
        parking_board.make_bay(
            connection, bay, street="Mill Lane", kind=kind, lon=-0.09909, lat=51.5004, personal=personal
        )
        parking_board.say(connection, f"sensor-{bay}", [(now - timedelta(minutes=5), 0)])
    span = now - timedelta(hours=1), now + timedelta(hours=1)
    connection.execute("insert into personal.bay_suspension values ('shut', %s, %s, 'Works')", span)
    connection.execute("insert into personal.bay_permit values ('allowed', %s, %s, 'Doctor')", span)
    connection.execute(
        "insert into public.place (kind, name, lon, lat) values ('postcode', 'TE57ST', -0.09909, 51.5004),"
        " ('postcode', 'TE57SX', -0.09909, 51.5004), ('area', %s, -0.1, 51.5015), ('area', 'Testbury', -0.1, 51.5),"
        " ('postcode', 'TE99AA', 1.0, 52.0)",
        (PARK,),
    )
