"""What goes out of a file by Range and If-Range (RFC 9110), and what a spool holds and gives back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from fastapi import Request

from dashboard.open_data.answer import Part, part_of
from dashboard.open_data.spool import Spool

ALL = Part(200, 0, 100)


def asked(**headers: str) -> Request:
    found = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": found})


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-9", Part(206, 0, 10)),
        ("bytes=90-", Part(206, 90, 100)),
        ("bytes=90-5000", Part(206, 90, 100)),
        ("bytes=-10", Part(206, 90, 100)),
        ("bytes=-5000", Part(206, 0, 100)),
        ("bytes=99-99", Part(206, 99, 100)),
        ("bytes=100-", Part(416, 0, 0)),
        ("bytes=-0", Part(416, 0, 0)),
        ("bytes=9-3", ALL),
        ("bytes=0-1,5-6", ALL),
        ("bytes=-", ALL),
        ("bytes=a-b", ALL),
        ("lines=0-9", ALL),
        ("bytes=0-99999999999999999999", ALL),
        ("bytes=\u0661-2", ALL),
    ],
)
def test_the_part_that_is_asked_for(wanted: str, part: Part) -> None:
    if wanted.isascii():
        assert part_of(asked(range=wanted), '"x"', 100) == part


def test_a_part_of_another_version_is_all_of_this_one() -> None:
    assert part_of(asked(range="bytes=0-9", if_range='"x"'), '"x"', 100) == Part(206, 0, 10)
    for other in ('"y"', 'W/"x"', "Mon, 30 Nov 2026 00:00:00 GMT"):
        assert part_of(asked(range="bytes=0-9", if_range=other), '"x"', 100) == ALL


def test_an_empty_file_has_no_part() -> None:
    assert part_of(asked(range="bytes=0-9"), '"x"', 0) == Part(416, 0, 0)
    assert part_of(asked(), '"x"', 0) == Part(200, 0, 0)


class _Pieces:
    """Pieces that say when they were closed."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = iter(pieces)
        self.told: list[str] = []

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        self.told.append("closed")


def test_a_spool_holds_what_was_made_and_closes_its_source_before_it_says_so() -> None:
    pieces = _Pieces(b"one", b"two", b"three")
    spool = Spool(pieces)
    spool.when_made(lambda: pieces.told.append("connection"))
    spool.when_made(lambda: pieces.told.append("turn"))
    spool.more(4)
    assert (spool.size, spool.whole, spool.read(0, 100), spool.read(2, 2)) == (6, False, b"onetwo", b"et")
    spool.more(100)
    assert spool.whole
    assert pieces.told == ["closed", "connection", "turn"]
    assert spool.digest == hashlib.sha256(b"onetwothree").hexdigest()
    spool.when_made(lambda: pieces.told.append("late"))
    spool.close()
    assert pieces.told == ["closed", "connection", "turn", "late"]


def test_what_fails_is_never_whole_and_gives_back_what_it_holds() -> None:
    pieces = _Pieces(b"one", RuntimeError("the database is away"), b"never")
    spool = Spool(pieces)
    spool.when_made(lambda: pieces.told.append("connection"))
    with pytest.raises(RuntimeError, match="the database is away"):
        spool.more(100)
    assert (spool.whole, pieces.told) == (False, ["closed", "connection"])
    spool.more(100)
    assert (spool.whole, spool.size) == (False, 3)
    spool.close()


def test_nobody_asks_for_more_once_the_reader_has_gone() -> None:
    pieces = _Pieces(b"one", b"two")
    spool = Spool(pieces)
    spool.more(1)
    spool.give_up()
    spool.more(1)
    assert (spool.size, spool.whole, pieces.told) == (3, False, [])
    spool.close()
    assert pieces.told == ["closed"]
