"""What a process keeps of boards for whoever turns pages: never what later readings, or an erasure, made untrue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analytics.parking import runner
from analytics.parking.days import ParkingOptions
from dashboard.web import board
from dashboard.web.board import Board, Boards
from devices.bays import GRACE, SILENCE
from store.connect import connect
from store.times import microseconds
from tests.worlds.parking_board import make_bay, say
from tests.worlds.parking_record import LONDON

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(**length: float) -> datetime:
    """An instant so long ago."""
    return NOW - timedelta(**length)


def _states(found: Board) -> dict[str, int]:
    return dict(zip(found.bays.id, found.now.state.tolist(), strict=True))


def test_an_earlier_instant_is_shown_by_the_readings_that_are_known_today(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sensor's readings come late, once its gateway is back: who looked before sees them all the same."""
    at = microseconds(ago(hours=1))
    with connect(database, autocommit=True) as connection:
        make_bay(connection, "one", heartbeat="PT10H")
        say(connection, "sensor-one", [(ago(hours=3), 0)])
        boards = Boards(LONDON, GRACE, SILENCE)
        first = boards.past(connection, at)
        assert _states(first) == {"one": 0}
        assert boards.past(connection, at) is first, "who turns pages has not waited for a second reading of a day"
        say(connection, "sensor-one", [(ago(hours=2), 1)])
        monkeypatch.setattr(board, "_REGISTER", 0.0)
        assert _states(boards.past(connection, at)) == {"one": 1}


def test_a_bay_that_became_a_household_s_is_so_at_earlier_instants_too(database: str) -> None:
    """An engineer looked at an instant; then the bay is a household's, and its readings are erased."""
    at = microseconds(ago(hours=1))
    with connect(database, autocommit=True) as connection:
        for bay in ("one", "two"):
            make_bay(connection, bay, heartbeat="PT10H")
            say(connection, f"sensor-{bay}", [(ago(hours=3), 1)])
        boards = Boards(LONDON, GRACE, SILENCE)
        assert _states(boards.past(connection, at).open) == {"one": 1, "two": 1}
        connection.execute("update personal.bay set personal = true where id = 'one'")
        assert _states(boards.past(connection, at).open) == {"two": 1}
        connection.execute(
            "delete from public.reading r using personal.series s"
            " where s.id = r.series_id and s.device_id = 'sensor-one'"
        )
        connection.execute("insert into personal.touched_bay (bay_id) values ('one')")  # as an erasure does
        assert _states(boards.past(connection, at)) == {"one": 2, "two": 1}


def test_a_suspect_that_says_something_new_is_none_at_once(database: str) -> None:
    """Suspects are looked for once in ten minutes; what is told of them meanwhile is of now, with when it began."""
    still = ago(days=4)
    with connect(database) as connection:
        make_bay(connection, "one")
        hourly = [(still - timedelta(hours=hour), hour % 2) for hour in range(48)]
        say(connection, "sensor-one", [*hourly, *((still + timedelta(hours=hour), 0) for hour in range(1, 96))])
        connection.execute(
            "insert into public.touched_day (family, day) select 'parking-bay', d::date"
            " from generate_series(%s::timestamptz, %s, '1 day') d",
            (ago(days=8), NOW),
        )
        connection.commit()
        assert not runner.run(connection, ParkingOptions(LONDON)).more
        boards = Boards(LONDON, GRACE, SILENCE)
        (suspect,) = boards.suspects(connection)
        assert (suspect.bay, suspect.since) == ("one", microseconds(still))
        assert boards.suspects(connection) == [suspect]
        say(connection, "sensor-one", [(ago(minutes=10), 1)])
        boards.newest(connection)
        assert boards.suspects(connection) == []
