"""The shelf of uploads: what is known of one may be cut off, another may go meanwhile, names may be of any bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from borough.jobs.folder import JobsFolder
from borough.uploads.site import replays_of
from dashboard.engineer import asking
from dashboard.engineer.shelf import Refused, Shelf
from dashboard.replays import Checked, Limits


def put(shelf: Shelf, name: str = "air") -> str:
    with shelf.receiving() as incoming:
        incoming.write(b"id,time\n")
        incoming.name(name, ".csv")
        return incoming.keep(name, None, Checked("table", ".csv")).id


@pytest.mark.parametrize("known", ["", "[]", "{}", '{"at": 7}', "other"])
def test_what_is_known_of_an_upload_may_be_unreadable(tmp_path: Path, known: str) -> None:
    """The machine lost its power, or another version wrote it: the pages show the others."""
    shelf = Shelf(tmp_path, Limits(free=0))
    good, bad = put(shelf), put(shelf)
    about = tmp_path / "uploads" / bad / "upload.json"
    if known == "other":
        known = json.dumps({**json.loads(about.read_text()), "colour": "blue"})
    about.write_text(known)
    assert shelf.find(bad) is None
    assert [one.id for one in shelf.all()] == [good]


def test_an_upload_may_go_while_all_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path, Limits(free=0))
    put(shelf)
    size, names = shelf.size(), shelf._names()
    monkeypatch.setattr(shelf, "_names", lambda: [*names, "0123456789abcdef"])
    assert shelf.size() == size > 0


def test_what_a_command_copied_takes_room_and_no_place(tmp_path: Path) -> None:
    """Nobody could remove it on the page, which would tell them to."""
    table = tmp_path / "table.csv"
    table.write_text("id,time\n")
    for _ in range(3):
        JobsFolder(tmp_path).add(table)
    shelf = Shelf(tmp_path, Limits(free=0, files=2))
    assert shelf.size() == 3 * table.stat().st_size
    put(shelf)
    put(shelf)
    with pytest.raises(Refused, match="There are 2 uploads"):
        put(shelf)


def test_recordings_of_any_name(tmp_path: Path) -> None:
    """What can stand in no row and on no page is not offered; all else is, as it is."""
    room = tmp_path / "recordings"
    replays = replays_of("test", tmp_path, Limits(free=0))
    room.write_text("no folder")
    shipped = len(asking.choices(replays))
    room.unlink()
    room.mkdir()
    names = ['a & b #1 "q" <i>.csv', "\u05d0\u05d1\u200f \U0001f469\u200d\U0001f467.csv"]
    for name in (*names, os.fsdecode(b"\xff\xfe.csv"), "two\nlines.csv"):
        (room / name).write_text("id,time\n")
    assert [one.title for one in asking.choices(replays)[shipped:]] == names
