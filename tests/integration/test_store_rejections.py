"""Rejected messages: kept with their bytes in the right place, limited in a flood, readable and deletable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store import redelivery, rejected
from store.batch import Rejected, Remembered
from store.connect import connect
from store.rejected import write_rejections
from store.times import instant
from store.writer import Writer
from tests.tools.batches import T0, make, query, rejection

HOUR = 3_600_000_000


@pytest.fixture
def writer(database: str) -> Iterator[Writer]:
    found = Writer(database, rejected_limit=10)
    yield found
    found.close()


def write(writer: Writer, number: int, *items: Rejected) -> None:
    writer.write(make([], number=number, rejected=list(items), counts={}))


def test_bytes_stand_where_they_belong(writer: Writer, database: str) -> None:
    write(writer, 1, rejection(payload=b"open"), rejection(payload=b'"home"', personal=True))
    assert query(database, "select bytes from rejected_bytes") == [(b"open",)]
    assert query(database, "select bytes from personal.rejected_bytes") == [(b'"home"',)]
    with connect(database) as connection:
        newest, oldest = rejected.find(connection)
        found = rejected.get(connection, newest.id)
        assert found is not None
        assert (found.payload, found.personal, found.row) == (b'"home"', True, newest)
        assert rejected.get(connection, oldest.id + 100) is None
    assert oldest == (oldest.id, instant(T0), "a/b", "parking-bay", "d1", None, "unreadable", "not JSON", None, None)


def test_what_a_text_cannot_hold_is_no_poison(writer: Writer, database: str) -> None:
    """A topic, a detail or an id with NUL or half a surrogate pair must not stop the batch for ever."""
    long = "x" * 60_000
    write(writer, 1, rejection(topic="a\x00b", detail="\ud800", device="c\x00"), rejection(device=long, topic=long))
    assert query(database, "select topic, detail, device from rejected order by id") == [
        ("a\N{REPLACEMENT CHARACTER}b", "?", "c\N{REPLACEMENT CHARACTER}"),
        (long, "not JSON", long),
    ]


def test_a_flood_of_one_device_is_counted_and_not_kept(writer: Writer, database: str) -> None:
    write(writer, 1, *[rejection(detail=str(n)) for n in range(7)])
    write(writer, 2, *[rejection(detail=str(n)) for n in range(7, 14)], rejection(device="d2"))
    write(writer, 3, *[rejection(detail=str(n)) for n in range(14, 20)], rejection(arrival=T0 + HOUR))
    kept = query(database, "select detail from rejected where device = 'd1' and arrival < '2026-02-01 01:00Z'")
    assert sorted(int(row[0]) for row in kept) == list(range(10))
    assert query(database, "select count(*) from rejected") == [(12,)]
    assert query(database, "select count(*) from rejected_bytes") == [(12,)]
    flood = query(database, "select device, extract(hour from hour)::int, count from rejected_flood")
    assert sorted(flood) == [("d1", 0, 20), ("d1", 1, 1), ("d2", 0, 1)]


def test_random_ids_share_a_limit(writer: Writer, database: str) -> None:
    """Ids that nobody registered: ten times the limit together, and no row for each of them in the counts."""
    for number in range(5):
        items = [rejection(device=f"x{number}-{n}", reason="unknown_device") for n in range(40)]
        write(writer, number, *items, rejection(device=f"known{number}"))
    assert query(database, "select count(*) from rejected where reason = 'unknown_device'") == [(100,)]
    assert query(database, "select count(*) from rejected where reason = 'unreadable'") == [(5,)]
    assert query(database, "select count, left_out from rejected_flood where device = ''") == [(200, 100)]
    assert query(database, "select count(*) from rejected_flood") == [(1 + 100 + 5,)]


def test_one_unknown_device_has_the_limit_of_one(writer: Writer, database: str) -> None:
    write(writer, 1, *[rejection(device="x1", reason="unknown_device") for _ in range(30)])
    write(writer, 2, *[rejection(device=None, reason="unknown_topic") for _ in range(30)])
    counts = query(database, "select reason, count(*) from rejected group by reason order by reason")
    assert counts == [("unknown_device", 10), ("unknown_topic", 30)]


def test_two_floods_at_once(database: str) -> None:
    """Counts of one device from two collectors: the second transaction sees the first one's."""
    first, second = Writer(database, rejected_limit=10), Writer(database, rejected_limit=10)
    for number in range(4):
        for name, writer in (("a", first), ("b", second)):
            writer.write(make([], number=number, collector=name, rejected=[rejection()] * 3, counts={}))
    first.close()
    second.close()
    assert query(database, "select count(*) from rejected") == [(10,)]
    assert query(database, "select count from rejected_flood") == [(24,)]


def test_find_count_retry_delete(writer: Writer, database: str) -> None:
    write(writer, 1, *[rejection(detail=str(n), arrival=T0 + n * HOUR) for n in range(5)])
    write(writer, 2, rejection(device="d2", reason="bad_time", personal=True))
    with connect(database) as connection:
        first, second = rejected.find(connection, limit=2), rejected.find(connection, limit=9)
        assert [row.device for row in first] == ["d2", "d1"]
        assert second[2:] == rejected.find(connection, before=first[-1].id)
        assert [row.reason for row in rejected.find(connection, rejected.Filter(reason="bad_time"))] == ["bad_time"]
        late = rejected.Filter(since=instant(T0 + 3 * HOUR), device="d1", family="parking-bay")
        assert [row.detail for row in rejected.find(connection, late)] == ["4", "3"]
        assert rejected.count(connection) == {("parking-bay", "unreadable"): 5, ("parking-bay", "bad_time"): 1}
        assert rejected.count(connection, late) == {("parking-bay", "unreadable"): 2}
        assert rejected.mark_retried(connection, [second[1].id, second[2].id]) == 2
        waiting = rejected.find(connection, rejected.Filter(waiting=True))
        assert [row.id for row in waiting] == [second[0].id, *(row.id for row in second[3:])]
        retried = rejected.find(connection, limit=2)[1].retried_at
        assert retried is not None
        assert abs(retried - datetime.now(UTC)) < timedelta(minutes=1)
        assert rejected.delete(connection, [row.id for row in second]) == 6
    assert query(database, "select id from rejected_bytes union select id from personal.rejected_bytes") == []


def test_the_memory_of_redelivery(writer: Writer, database: str) -> None:
    first = [Remembered(1, b"one", T0, False), Remembered(2, b"two", T0 + 1, True), Remembered(3, b"x", T0, False)]
    writer.write(make([], remember=first, counts={}))
    later = [Remembered(3, b"y", T0 + 2, False), Remembered(3, b"three", T0 + 3, True)]
    writer.write(make([], number=2, forget=[1, 3, 999], remember=later, counts={}))
    writer.write(make([], number=3, collector="c2", remember=[Remembered(2, b"other", T0, False)], counts={}))
    with connect(database) as connection:
        assert redelivery.load(connection, "c1") == {2: (b"two", T0 + 1, True), 3: (b"three", T0 + 3, True)}
        assert redelivery.load(connection, "nobody") == {}


def test_a_conflict_may_be_remembered_while_it_is_written(writer: Writer, database: str) -> None:
    """The store finds the conflict, the collector then remembers its message, or knows that it is written already."""
    writer.write(make([(1, T0, 1.0), (2, T0, 1.0)]))
    remember: list[Remembered] = []

    def conflicts(rows: Sequence[int]) -> list[Rejected]:
        assert list(rows) == [0, 1]
        remember.append(Remembered(5, b"five", T0, True))
        return [rejection(reason="conflict")]

    writer.write(make([(1, T0, 2.0), (2, T0, 2.0)], number=2, remember=remember, conflicts=conflicts))
    assert query(database, "select reason from rejected") == [("conflict",)]
    with connect(database) as connection:
        assert redelivery.load(connection, "c1") == {5: (b"five", T0, True)}


def test_bytes_of_a_message_are_kept_once(writer: Writer, database: str) -> None:
    """Whatever is rejected in it; they go with the last of its rejections, in whichever order these go."""
    first = [rejection(detail=str(n), payload=b"one")._replace(message=0) for n in range(3)]
    second = [rejection(detail="x", payload=b"[2]", personal=True)._replace(message=1, more=4)]
    write(writer, 1, *first, *second)
    assert query(database, "select bytes from rejected_bytes") == [(b"one",)]
    assert query(database, "select bytes from personal.rejected_bytes") == [(b"[2]",)]
    with connect(database) as connection:
        found = [rejected.get(connection, row.id) for row in rejected.find(connection)]
        assert [(item.payload, item.row.more) for item in found if item] == [(b"[2]", 4), *[(b"one", None)] * 3]
        assert len({item.message for item in found if item}) == 2
        rejected.delete(connection, [item.row.id for item in found[2:] if item])  # the leading row too
    assert query(database, "select bytes from rejected_bytes") == [(b"one",)]
    with connect(database) as connection:
        rejected.delete(connection, [item.row.id for item in found[:2] if item])
    assert query(database, "select id from rejected_bytes union select id from personal.rejected_bytes") == []


def test_bytes_of_a_message_are_sent_once(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are many and it may be long: what a batch sends is bounded too, and not only what is kept of it."""
    sent: list[Any] = []
    with connect(database) as connection:
        execute = connection.execute

        def noted(query: Any, values: Any = None) -> Any:
            sent.extend(values or ())
            return execute(query, values)

        monkeypatch.setattr(connection, "execute", noted)
        items = [rejection(detail=str(n), payload=b"long" * 1_000)._replace(message=0) for n in range(5)]
        assert write_rejections(connection, items, 10) == 5
    assert [cell for row in sent if isinstance(row, list) for cell in row if isinstance(cell, bytes)] == [
        b"long" * 1_000
    ]


def test_bytes_of_a_message_are_looked_through_once(database: str) -> None:
    """For a household's id, and the texts of each of its rejections."""
    looked: list[Rejected] = []

    def names_household(item: Rejected) -> bool:
        looked.append(item)
        return False

    with connect(database) as connection:
        items = [rejection(detail=str(n), payload=b"long" * 1_000)._replace(message=n // 5) for n in range(10)]
        assert write_rejections(connection, items, 10, names_household) == 10
    assert [item.detail for item in looked] == [str(n) for n in range(10)]
    assert [bool(item.topic) for item in looked] == [bool(item.payload) for item in looked] == [True, *[False] * 4] * 2


def test_what_a_row_stands_for_counts_towards_the_flood(writer: Writer, database: str) -> None:
    """The limit is 10: a row for nine others leaves room for one."""
    write(writer, 1, rejection()._replace(more=9), rejection(detail="last"), rejection(detail="too many"))
    assert query(database, "select detail from rejected order by id") == [("not JSON",), ("last",)]
    assert query(database, "select count from rejected_flood") == [(11,)]


def test_texts_that_name_a_household_s_device_are_personal(writer: Writer, database: str) -> None:
    """One of a message's rejections names it: none of the message's texts and bytes stays in the open schema."""
    rows = [
        rejection(topic="a/meter-7", detail=detail, payload=b'["meter-7"]')._replace(message=0, property=name)
        for name, detail in (("meter-7", "no such property"), ("power", "meter-7 says so"), (None, "all of it"))
    ]
    other = rejection(payload=b"open")._replace(message=1)
    batch = make([], rejected=[*rows, other], counts={}, names_household=lambda item: b"meter-7" in item.payload)
    writer.write(batch)
    with connect(database) as connection:
        shown = rejected.find(connection)[::-1]
        assert [(row.topic, row.property, row.detail) for row in shown[:3]] == [
            ("a/meter-7", "meter-7", "no such property"),
            ("a/meter-7", "power", "meter-7 says so"),
            ("a/meter-7", None, "all of it"),
        ]
        found = rejected.get(connection, shown[0].id)
        assert found is not None
        assert (found.payload, found.personal, found.row) == (b'["meter-7"]', True, shown[0])
    for table in ("rejected", "rejected_bytes", "rejected_flood"):
        assert query(database, f"select * from public.{table} t where t::text ~ 'meter-7|6d657465722d37'") == []
    assert query(database, "select bytes from rejected_bytes") == [(b"open",)]
    assert query(database, "select count(*) from personal.rejected_text") == [(3,)]


def test_a_household_s_bytes_are_kept_without_identifiers(writer: Writer, database: str) -> None:
    """Whatever they were rejected for; what cannot be looked through is not kept, nor is a number in a name."""
    mpan = "2000012345678"
    meter = f'{{"energy": {{"import": {{"mpan": "{mpan}", "cumulative": 1, "supplier": "ABC"}}}}}}'.encode()
    write(
        writer,
        1,
        *(rejection(reason=reason, payload=meter, personal=True) for reason in ("unknown_device", "bad_time")),
        rejection(payload=meter[:-3], personal=True),
        rejection(payload=meter, personal=True)._replace(size=200_000),
        rejection(payload=b'{"x": 1}', personal=True)._replace(property=f"mpan{mpan}"),
        rejection(payload=meter),
    )
    kept = b'{"energy":{"import":{"cumulative":1}}}'
    assert query(database, "select bytes, size from personal.rejected_bytes order by id") == [
        (kept, None), (kept, None), (b"", len(meter) - 3), (b"", 200_000), (b'{"x":1}', None),
    ]  # fmt: skip
    assert query(database, "select bytes from public.rejected_bytes") == [(meter,)]
    assert query(database, "select property from rejected where property is not null") == [("mpan",)]
    with connect(database) as connection:
        rows = [rejected.get(connection, row.id) for row in rejected.find(connection)]
    assert [row.size for row in rows if row and row.payload == b""] == [200_000, len(meter) - 3]
