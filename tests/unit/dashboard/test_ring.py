"""The ring of events: numbers without a gap, bounded, read by cursors."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.web.ring import PIECE, Ring


def _payloads(first: int, count: int, size: int = 1) -> list[bytes]:
    return [b"%0*d" % (size, number) for number in range(first, first + count)]


def _read(ring: Ring, cursor: int) -> tuple[list[str], int]:
    """Everything after a cursor, as lines of ids, and where that ends."""
    ids: list[str] = []
    while cursor < ring.last:
        piece, cursor = ring.after(cursor)
        assert piece.endswith(b"\n\n")
        ids += [line[4:] for line in piece.decode().splitlines() if line.startswith("id: ")]
    return ids, cursor


@given(st.lists(st.integers(0, 12), max_size=20), st.integers(1, 10), st.integers(60, 2_000))
def test_what_is_held_is_read_whole_from_every_cursor(adds: list[int], most: int, size: int) -> None:
    ring = Ring(most, size)
    given_out = 0
    for count in adds:
        ring.add(_payloads(given_out + 1, count))
        given_out += count
        assert ring.last == given_out
        assert ring.last - ring.first + 1 <= most
        for cursor in range(given_out + 3):
            if ring.holds(cursor):
                ids, end = _read(ring, cursor)
                assert ids == [ring.name(number) for number in range(cursor + 1, given_out + 1)]
                assert end == given_out
            assert ring.number(ring.name(cursor)) == (cursor if ring.holds(cursor) else None)
        # something newer than the newest is nobody's past
        assert not ring.holds(given_out + 1)


def test_the_oldest_go_when_there_is_no_room_for_their_bytes() -> None:
    ring = Ring(1_000, 1_000)
    ring.add(_payloads(1, 100, 80))
    assert 1 < ring.last - ring.first + 1 < 12
    ring.add([bytes(5_000)])  # larger than all room: it is held, alone
    assert ring.first == ring.last == 101


def test_a_piece_is_of_bounded_size() -> None:
    ring = Ring()
    ring.add(_payloads(1, 4_096, 400))
    piece, cursor = ring.after(ring.first - 1)
    assert PIECE <= len(piece) < PIECE + 500
    assert cursor < ring.last


def test_what_was_joined_for_one_is_not_stale_for_the_next() -> None:
    ring = Ring()
    ring.add(_payloads(1, 2))
    assert ring.after(0)[1] == 2
    ring.add(_payloads(3, 1))
    assert _read(ring, 0)[0] == [ring.name(number) for number in (1, 2, 3)]


def test_ids_of_another_process_mean_nothing_here() -> None:
    one, other = Ring(), Ring()
    for ring in (one, other):
        ring.add(_payloads(1, 3))
    assert one.number(one.name(2)) == 2
    assert other.number(one.name(2)) is None
    for strange in (
        "",
        "-",
        one.epoch,
        f"{one.epoch}-",
        f"{one.epoch}-x",
        f"{one.epoch}-\u0661",
        f"{one.epoch}-{10**30}",
    ):
        assert one.number(strange) is None
