"""Names of what nobody reads, in the database."""

from __future__ import annotations

from datetime import timedelta

from store import unread
from store.connect import connect
from store.unread import Unread

WEEK = timedelta(days=7)
VOLTAGE = Unread("smart-meter", "zigbee2mqtt", "voltage", 3)


def test_names_are_noted_seen_again_and_forgotten(each_database: str) -> None:
    with connect(each_database, autocommit=True) as connection:
        unread.note(connection, [VOLTAGE, VOLTAGE._replace(name="current", devices=7)])
        unread.note(connection, [VOLTAGE._replace(devices=2)])
        assert [row[:4] for row in unread.noted(connection, WEEK)] == [
            ("smart-meter", "zigbee2mqtt", "current", 7),
            ("smart-meter", "zigbee2mqtt", "voltage", 3),
        ]
        connection.execute("update public.unread_property set last_seen = now() - interval '8 days' where devices = 7")
        assert [row.name for row in unread.noted(connection, WEEK)] == ["voltage"]
        unread.note(connection, [VOLTAGE._replace(name="current", devices=4)])
        assert [row.devices for row in unread.noted(connection, WEEK)] == [4, 3], "counted anew after a while"
        connection.execute("update public.unread_property set last_seen = now() - interval '31 days'")
        unread.note(connection, [VOLTAGE])
        assert connection.execute("select name, devices from public.unread_property").fetchall() == [("voltage", 3)]


def test_a_flood_of_names_fills_no_table(each_database: str) -> None:
    with connect(each_database, autocommit=True) as connection:
        for start in range(0, 2_500, 500):
            unread.note(connection, [VOLTAGE._replace(name=f"n{start + number}") for number in range(500)])
        unread.note(connection, [VOLTAGE._replace(name="n0", devices=9)])
        rows = unread.noted(connection, WEEK)
        assert len(rows) == 2_000
        assert rows[0].name == "n0"
