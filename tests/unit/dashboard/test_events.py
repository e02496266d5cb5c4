"""A client's way through snapshot and ring, without a network."""

from __future__ import annotations

from dashboard.web.events import Client, Feed
from dashboard.web.ring import EVENTS, PIECE
from store.connect import Connection


class _Nothing:
    def changes(self, connection: Connection) -> list[bytes]:
        raise NotImplementedError

    def snapshot(self) -> bytes:
        raise NotImplementedError


def feed_and_wishes() -> tuple[Feed, list[int]]:
    wishes: list[int] = []
    return Feed(_Nothing(), lambda: wishes.append(1)), wishes


def read(client: Client) -> list[bytes]:
    """All that there is for it now, piece by piece."""
    pieces = []
    while (piece := client.following()) is not None:
        assert len(piece) < PIECE + 200
        pieces.append(piece)
    return pieces


def kinds(pieces: list[bytes]) -> list[str]:
    return [line[7:] for line in b"".join(pieces).decode().splitlines() if line.startswith("event: ")]


def test_a_snapshot_first_and_nothing_is_kept_of_it() -> None:
    feed, wishes = feed_and_wishes()
    with feed.client() as client:
        assert client.following() is None
        assert feed.wished
        assert len(wishes) == 2  # one for a client that came, one for its snapshot
        feed.take([], bytes(100_000))
        assert kinds(read(client)) == ["snapshot"]
        assert client._rest.obj == b""
        feed.take([b"1", b"2"], None)
        assert kinds(read(client)) == ["change", "change"]
        assert read(client) == []
    # nobody looks from now on: what was known grows old
    assert feed.snapshot is None
    assert not feed.clients


def test_who_falls_behind_gets_a_snapshot_and_goes_on_from_it() -> None:
    feed, _ = feed_and_wishes()
    with feed.client() as slow, feed.client() as quick:
        for client in (slow, quick):
            client.following()
        feed.take([], b"first")
        assert kinds(read(slow)) == kinds(read(quick)) == ["snapshot"]
        for _ in range(3):
            feed.take([b"x"] * (EVENTS // 2), None)
            assert set(kinds(read(quick))) == {"change"}
        assert quick.cursor == feed.ring.last
        assert slow.following() is None  # its place is gone, and so is the first snapshot's
        assert feed.wished
        feed.take([b"y"], b"second")
        assert kinds(read(slow)) == ["snapshot"]
        feed.take([b"z"], None)
        assert kinds(read(slow)) == ["change"]
        assert kinds(read(quick)) == ["change", "change"]


def test_a_snapshot_that_is_not_far_behind_serves_whoever_comes() -> None:
    feed, wishes = feed_and_wishes()
    with feed.client() as first, feed.client() as second:
        first.following()
        feed.take([], b"all")
        feed.take([b"x"] * 10, None)
        before = len(wishes)
        assert kinds(read(second)) == ["snapshot", *["change"] * 10]
        assert len(wishes) == before
        assert kinds(read(first)) == ["snapshot", *["change"] * 10]


def test_a_database_that_is_away_is_said_once_to_each() -> None:
    feed, _ = feed_and_wishes()
    with feed.client() as one, feed.client() as other:
        one.following()
        feed.take([], b"all")
        assert kinds(read(one)) == ["snapshot"]
        feed.lose()
        feed.lose()
        assert kinds(read(one)) == ["away"]
        assert kinds(read(other)) == ["snapshot", "away"]
        feed.take([], None)
        assert kinds(read(one)) == kinds(read(other)) == ["back"]
        feed.lose()
        feed.take([b"x"], None)
        assert kinds(read(one)) == ["change"]  # back before it could be told
    assert not feed.away
