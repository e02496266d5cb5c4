"""Places by the names that people type: registers have one apostrophe, phones write another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboard.web.air_board import AirBoard
from store import air, places
from store.connect import connect
from tests.worlds.parking_board import make_bay


@pytest.mark.parametrize("sign", ["'", "\N{RIGHT SINGLE QUOTATION MARK}", "\N{MODIFIER LETTER APOSTROPHE}", "`"])
def test_a_name_is_found_by_any_apostrophe(database: str, sign: str) -> None:
    with connect(database) as connection:
        for bay, street in (("one", "King's Road"), ("two", "King's Road East"), ("three", "Kings Road")):
            make_bay(connection, bay, street=street)
        connection.execute(
            "insert into public.place (kind, name, lon, lat) values ('area', 'St John\N{RIGHT SINGLE QUOTATION MARK}s',"
            " -0.1, 51.5)"
        )

        def found(text: str) -> list[str]:
            return [one.name for one in places.find(connection, text, simulated=True)]

        assert found(f"king{sign}s road") == ["King's Road"]
        assert found(f"King{sign}s") == ["King's Road", "King's Road East"]
        assert found(f"St John{sign}s") == ["St John\N{RIGHT SINGLE QUOTATION MARK}s"]
        assert found(f"john{sign}s") == ["St John\N{RIGHT SINGLE QUOTATION MARK}s"]
        assert found(f"Queen{sign}s Road") == []


@pytest.mark.parametrize("sign", ["'", "\N{RIGHT SINGLE QUOTATION MARK}"])
def test_a_monitor_is_found_by_any_apostrophe(sign: str) -> None:
    monitor = air.Monitor("air-1", "King's Cross", -0.1, 51.5, "real", True, None, False, (), None, {})
    board = AirBoard(datetime.now(UTC), [air.Now(monitor, None, False, 0, None, {}, air.INDEXED, False)])
    assert [one.device for one in board.exactly(f"king{sign}s cross")] == ["air-1"]
    assert [one.device for one in board.named(f"king{sign}s")] == ["air-1"]
