"""`borough rejected` and `borough maintain` against a real database."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from store.writer import Writer
from tests.tools import forked
from tests.tools.batches import T0, make, rejection

TOPIC = "borough/parking-bay/bay-1/reading"
GOOD, BAD = b'{"time": "2026-02-01T00:30:00Z", "occupied": true}', b'{"occupied": \x1b'

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(database: str) -> Run:
    """Runs the command with the database's settings."""

    def borough(*arguments: str, status: int = 0, **settings: str) -> subprocess.CompletedProcess[bytes]:
        done = forked.run_bytes(arguments, {"BOROUGH_DATABASE_URL": database, **settings})
        assert done.returncode == status, done.stderr or done.stdout
        return done

    return borough


@pytest.fixture
def rejections(database: str) -> list[int]:
    """Three rejections of one unknown device: one that is good now, one that stays bad, one whose bytes are gone."""
    ids = []
    with psycopg.connect(database) as connection:
        for reason, payload in (("unknown_device", GOOD), ("unreadable", BAD), ("unknown_device", None)):
            row = connection.execute(
                "insert into rejected (arrival, topic, family, device, reason, detail)"
                " values (now(), %s, 'parking-bay', 'bay-1', %s, 'as it was') returning id",
                (TOPIC, reason),
            ).fetchone()
            assert row is not None
            ids.append(row[0])
            if payload is not None:
                connection.execute("insert into personal.rejected_bytes (id, bytes) values (%s, %s)", (row[0], payload))
    return ids


def of(done: subprocess.CompletedProcess[bytes]) -> Any:
    return json.loads(done.stdout)


def test_list_and_show(run: Run, rejections: list[int]) -> None:
    good, bad, gone = rejections
    listed = of(run("rejected", "list", "--json"))
    assert [row["id"] for row in listed["rejected"]] == [gone, bad, good]
    assert listed["counts"] == [
        {"family": "parking-bay", "reason": "unknown_device", "count": 2},
        {"family": "parking-bay", "reason": "unreadable", "count": 1},
    ]
    assert [row["id"] for row in of(run("rejected", "list", "--reason", "unreadable", "--json"))["rejected"]] == [bad]
    assert of(run("rejected", "list", "--family", "smart-meter", "--json"))["rejected"] == []
    assert run("rejected", "list", "--limit", "1").stdout.endswith(
        b"\n3 rejections are kept (1 shown; --limit shows more).\n"
    )
    assert bytes.fromhex(of(run("rejected", "show", str(good), "--json"))["payload_hex"]) == GOOD
    assert run("rejected", "show", str(bad), "--raw").stdout == BAD
    assert b"\x1b" not in run("rejected", "show", str(bad)).stdout
    assert b"not kept any more" in run("rejected", "show", str(gone), "--raw", status=1).stderr
    assert b"rejection 999 is not kept" in run("rejected", "show", "999", status=1).stderr


def test_retry_after_a_fix(run: Run, rejections: list[int], database: str) -> None:
    again = of(run("rejected", "retry", "--all", "--json", status=1))
    assert again == {"taken": 0, "rejected_again": 2, "bytes_gone": 1}
    run("devices", "add", "bay-1", "--family", "parking-bay")
    good, bad, _ = rejections
    assert b"not kept: 999; nothing was tried again" in run("rejected", "retry", str(good), "999", status=1).stderr
    done = of(run("rejected", "retry", str(good), str(bad), "--json", status=1))
    assert done == {"taken": 1, "rejected_again": 1, "bytes_gone": 0}
    with psycopg.connect(database) as connection:
        rows = connection.execute("select device, property, value from observation").fetchall()
    assert rows == [("bay-1", "occupied", 1.0)]
    assert good not in [row["id"] for row in of(run("rejected", "list", "--json"))["rejected"]]


def test_what_was_ahead_of_the_clock_is_taken_when_its_time_has_come(run: Run, database: str) -> None:
    """A message and a record of a pack; what is still ahead stays, and a message without a time keeps its arrival."""
    run("devices", "add", "bay-1", "--family", "parking-bay")
    pack = TOPIC.replace("reading", "senml")
    recent = "extract(epoch from now())::int8 - 1800"
    with psycopg.connect(database) as connection:
        for topic, name, payload in (
            (TOPIC, None, "json_build_object('time', now() - interval '1 hour', 'occupied', 1)"),
            (TOPIC, None, "json_build_object('time', now() + interval '1 hour', 'occupied', 1)"),
            (TOPIC, None, "json_build_object('occupied', 0)"),
            (pack, "occupied", f"json_build_array(json_build_object('n', 'occupied', 't', {recent}, 'vb', true))"),
        ):  # fmt: skip
            connection.execute(
                "with r as (insert into rejected (arrival, topic, family, device, property, reason, detail)"
                " values (now() - interval '2 hours', %s, 'parking-bay', 'bay-1', %s, 'time_out_of_range', 'ahead')"
                f" returning id) insert into rejected_bytes select id, convert_to({payload}::text, 'UTF8') from r",
                (topic, name),
            )
    again = of(run("rejected", "retry", "--reason", "time_out_of_range", "--json", status=1))
    assert again == {"taken": 3, "rejected_again": 1, "bytes_gone": 0}
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "select round(extract(epoch from now() - time) / 1800)::int8, value from observation order by 1"
        ).fetchall()
    assert rows == [(1, 1.0), (2, 1.0), (4, 0.0)]


def test_maintain_keeps_what_the_settings_say(run: Run, database: str) -> None:
    run("devices", "add", "bay-1", "--family", "parking-bay")
    with psycopg.connect(database) as connection:
        connection.execute(
            "with s as (insert into personal.series (device_id, property, personal) values ('bay-1', 'occupied', false)"
            " returning id) insert into reading select id, now() - days * interval '1 day', 1"
            " from s, generate_series(0, 40, 20) days"
        )
    assert of(run("maintain", "--json"))["readings"] == {}
    kept = of(run("maintain", "--json", BOROUGH_RETENTION_PARKING_BAY="30"))
    assert kept["retention_days"] == {"parking-bay": 30, "movement-sensor": 90}
    assert kept["readings"].get("parking-bay", 0) + kept["chunks"] > 0
    with psycopg.connect(database) as connection:
        row = connection.execute("select count(*) from reading").fetchone()
    assert row == (2,)
    assert (
        b"kept are parking-bay 30 days, movement-sensor 90 days"
        in run("maintain", BOROUGH_RETENTION_PARKING_BAY="30").stdout
    )


def test_what_a_flood_left_out_is_said_and_rarer_reasons_are_found(run: Run, database: str) -> None:
    flood = [rejection(device="bay-1", arrival=T0 + n) for n in range(40)]
    rare = [rejection(device="bay-1", reason="oversize", arrival=T0 + 50)]
    strangers = [rejection(device=f"x-{n}", reason="unknown_device", arrival=T0 + 60) for n in range(105)]
    writer = Writer(database, rejected_limit=10)
    for number, items in enumerate((flood[:25], [*flood[25:], *rare], strangers)):
        writer.write(make([], number=number + 1, rejected=items, counts={}))
    writer.close()
    found = of(run("rejected", "list", "--device", "bay-1", "--reason", "oversize", "--json"))
    assert [row["reason"] for row in found["rejected"]] == ["oversize"]
    assert found["left_out"] == []
    assert of(run("rejected", "list", "--json"))["left_out"] == [
        {"family": "parking-bay", "reason": "unreadable", "count": 30},
        {"family": "unknown", "reason": "unknown_device", "count": 5},
    ]
    assert run("rejected", "list").stdout.endswith(
        b"35 more were counted and not kept, past the limit of a device, hour and reason:"
        b" 30 parking-bay unreadable, 5 unknown unknown_device.\n"
    )
    assert of(run("rejected", "list", "--since", "1h", "--json"))["left_out"] == []
    run("maintain")
    assert len(of(run("rejected", "list", "--json"))["left_out"]) == 2


def test_why_nothing_of_a_message_is_kept_is_said(run: Run, database: str) -> None:
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "insert into rejected (arrival, topic, family, device, reason, detail)"
            " values (now(), 'zigbee2mqtt/hall', 'unknown', null, 'unknown_topic', 'no subscription') returning id"
        ).fetchone()
        assert row is not None
        connection.execute("insert into personal.rejected_bytes (id, bytes, size) values (%s, '', 17)", row)
    assert b"17 bytes, not kept: no subscription asks for this topic" in run("rejected", "show", str(row[0])).stdout


VENDOR = """name = "native"
topics = ["borough/{family}/{device}/reading"]
[time]
path = "time"
[[reading]]
property = "occupied"
path = "taken"
values = { yes = 1, no = 0 }
"""


def test_try_stores_nothing_and_a_mapping_of_a_file_reads(
    run: Run, rejections: list[int], database: str, tmp_path: Path
) -> None:
    good, bad, gone = rejections
    run("devices", "add", "bay-1", "--family", "parking-bay")
    tried = of(run("rejected", "try", "--all", "--json", status=1))
    assert tried["outcomes"] == {"gone": 1, "rejected": 1, "taken": 1}
    [reading] = next(one["readings"] for one in tried["tried"] if one["message"] == good)
    assert (reading["device"], reading["property"], reading["value"], reading["unit"], reading["fate"]) == (
        "bay-1", "occupied", 1.0, "1", "new",
    )  # fmt: skip
    assert reading["time"] == "2026-02-01T00:30:00Z"
    lines = run("rejected", "try", str(bad), str(gone), status=1).stdout.decode()
    assert "unreadable: not valid JSON" in lines
    assert "Nothing was stored. Of 2 messages: 1 gone, 1 rejected." in lines
    (tmp_path / "fixed.toml").write_text(VENDOR)
    by_file = of(run("rejected", "try", str(good), "--mapping", str(tmp_path / "fixed.toml"), "--json", status=1))
    assert [one["reason"] for one in by_file["tried"][0]["rejections"]] == ["empty"]
    (tmp_path / "fixed.toml").write_text("x = ")
    assert b"fixed.toml" in run("rejected", "try", "--all", "--mapping", str(tmp_path / "fixed.toml"), status=2).stderr
    assert b"No such file" in run("rejected", "try", "--all", "--mapping", str(tmp_path / "none"), status=2).stderr
    assert b"not kept: 999" in run("rejected", "try", "999", status=1).stderr
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from reading").fetchone() == (0,)
        assert connection.execute("select count(*) from rejected where retried_at is null").fetchone() == (3,)


def test_pages_of_the_list(run: Run, rejections: list[int]) -> None:
    good, bad, gone = rejections
    first = run("rejected", "list", "--limit", "1").stdout.decode()
    assert str(gone) in first.splitlines()[1]
    behind = of(run("rejected", "list", "--before", str(gone), "--json"))
    assert [row["id"] for row in behind["rejected"]] == [bad, good]
    assert (
        f"go on with --before {bad})".encode() in run("rejected", "list", "--before", str(gone), "--limit", "1").stdout
    )
    assert of(run("rejected", "list", "--until", "1h", "--json"))["rejected"] == []
    assert len(of(run("rejected", "list", "--since", "1h", "--json"))["rejected"]) == 3
