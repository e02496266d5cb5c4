"""Erasure of a tenancy from the database, on every tier: its rows go, all of them and no others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from psycopg import errors

from devices.naming import Naming, Words
from store import daily, erasure, homes_import, registry, tombstones
from store.connect import Connection, connect
from tests.worlds import household
from tests.worlds.household import KEY, NOW, ZONE, Household, add, dump, midnight, read, reject, trace

DAY = date(2026, 3, 28)  # the night to the 29th has no 01:00
ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))
BERT = Household("100021048378", "meter-bert-7732", "Bert Ottershaw", "4 Nightjar Row", 0.314159, date(2026, 1, 1))


def homes(url: str, *who: Household) -> dict[str, int]:
    """Import them with every trace; their tenancies by meter."""
    found = {}
    with connect(url) as connection:
        for one in who:
            found[one.meter] = add(connection, one)
            read(connection, one, DAY, 3)
            trace(connection, one, found[one.meter], DAY)
            reject(
                connection, one, midnight(DAY) + timedelta(hours=3), f'{{"import_interval": "{one.value}"}}'.encode()
            )
    return found


def erase(url: str, tenancy: int) -> dict[str, int]:
    """The database's part of an erasure."""
    with connect(url, autocommit=True) as connection:
        plan = erasure.plan(connection, tenancy, ZONE)
        assert plan is not None
        with connection.transaction():
            erasure.bury(connection, KEY, plan)
        with connection.transaction():
            done = erasure.erase(connection, KEY, plan)
        erasure.vacuum(connection, done, plan.start)
    return dict(done)


def found(words: Iterable[str], tables: dict[str, str]) -> list[tuple[str, str]]:
    """(word, table) of each word that is in a table."""
    return [(word, name) for word in words for name, text in tables.items() if word in text]


def test_nothing_of_the_household_is_left_and_all_of_its_neighbour(each_database: str) -> None:
    with connect(each_database) as connection:
        add(connection, BERT)  # his series come first, so that a number is not taken for another
    tenancies = {**homes(each_database, ANNA)}
    with connect(each_database) as connection:
        (row,) = connection.execute("select id from personal.tenancy where name = %s", (BERT.name,)).fetchall()
        read(connection, BERT, DAY, 3)
        trace(connection, BERT, row[0], DAY)
    words = [*ANNA.words(), str(tenancies[ANNA.meter]), str(ANNA.watt_hours * 7)]
    before = dump(each_database)
    assert {word for word, _ in found(words, before)} == set(words), "a word that is nowhere proves nothing"
    done = erase(each_database, tenancies[ANNA.meter])
    assert done["public.reading"] == 142, "three days, one of 23 hours"
    assert done["personal.access"] == done["personal.device"] == done["personal.home"] == 1
    after = dump(each_database)
    assert found(words, after) == []
    changed = {"personal.tombstone", "public.correction", "public.erased"}
    for name, text in before.items():
        left = [line for line in text.splitlines() if not any(word in line for word in words)]
        if name not in changed and not name.startswith("_timescaledb"):
            assert set(after[name].splitlines()) <= set(left), name
    with connect(each_database) as connection:
        counts = connection.execute(
            "select (select count(*) from public.reading), (select count(*) from personal.home),"
            " (select count(*) from personal.access), (select count(*) from personal.daily_use),"
            " (select count(*) from personal.comparison), (select count(*) from personal.session)"
        ).fetchone()
    assert counts == (142, 1, 1, 1, 1, 1)


def test_an_erasure_twice_and_of_nobody(each_database: str) -> None:
    tenancies = homes(each_database, ANNA)
    erase(each_database, tenancies[ANNA.meter])
    with connect(each_database) as connection:
        assert erasure.plan(connection, tenancies[ANNA.meter], ZONE) is None
        stones, version = tombstones.load(connection, KEY)
        assert tombstones.version(connection) == version
    found_ = sorted((one.kind, one.gone, one.end) for one in stones)
    assert found_ == [("meter", True, None), ("tenancy", False, None)]
    assert {one.start for one in stones} == {round(midnight(ANNA.from_day).timestamp()) * 1_000_000}


def test_the_next_tenant_keeps_home_meter_and_days(each_database: str) -> None:
    first = Household(ANNA.uprn, ANNA.meter, ANNA.name, ANNA.street, ANNA.value, ANNA.from_day, date(2026, 3, 30))
    second = Household(ANNA.uprn, ANNA.meter, "Carl Underhay", ANNA.street, 0.577216, date(2026, 3, 30))
    with connect(each_database) as connection:
        old = add(connection, first)
        read(connection, first, DAY, 2)
        trace(connection, first, old, DAY)
        plan = homes_import.import_rows(connection, [second.row()], NOW)
        (new,) = plan.tenancies
        read(connection, second, date(2026, 3, 30), 2)
        reject(connection, first, midnight(DAY), b"of the first")
        reject(connection, second, midnight(date(2026, 3, 31)), b"of the second")
    done = erase(each_database, old)
    # 28 March has 48 half-hours, 29 March, when the clocks go forward, 46
    assert done["public.reading"] == 94
    assert "personal.device" not in done
    assert "personal.home" not in done
    with connect(each_database) as connection:
        rows = connection.execute("select count(*), min(time), min(value) from public.reading").fetchone()
        assert rows == (96, midnight(date(2026, 3, 30)), 0.577216)
        names = connection.execute("select name from personal.tenancy").fetchall()
        assert names == [("Carl Underhay",)]
        (left,) = connection.execute("select convert_from(bytes, 'UTF8') from personal.rejected_bytes").fetchall()
        assert left == ("of the second",)
        stones, _ = tombstones.load(connection, KEY)
        (meter,) = [one for one in stones if one.kind == "meter"]
        assert not meter.gone
        assert meter.end == round(midnight(date(2026, 3, 30)).timestamp()) * 1_000_000
        home = connection.execute("select home_id from personal.tenancy where id = %s", (new,)).fetchone()
        assert home is not None
        use = daily.read_days(connection, "electricity", date(2026, 3, 1), date(2026, 4, 1), np.array(home, np.int64))
    assert use.watt_hours[0, 27:31].tolist() == [-1, -1, first.watt_hours, -1], "the third day is the second tenant's"
    assert use.minutes[0, 27:31].tolist() == [0, 0, 1440, 0]


def test_an_import_cannot_bring_it_back_and_the_next_tenancy_ends_the_tombstone(
    each_database: str, tmp_path: Path
) -> None:
    tenancies = homes(each_database, ANNA)
    erase(each_database, tenancies[ANNA.meter])
    with connect(each_database) as connection:
        refused = tombstones.refused(connection, KEY)
        assert refused(ANNA.uprn, ANNA.from_day)
        assert not refused(ANNA.uprn, date(2026, 4, 1))
        assert not refused(BERT.uprn, BERT.from_day)
        registry.add(connection, [household.device(ANNA)])
        assert homes_import.import_rows(connection, [ANNA.row()], NOW, refused=refused).counts()["refused"] == 1
        new = Household(ANNA.uprn, ANNA.meter, "Carl Underhay", ANNA.street, 0.577216, date(2026, 4, 1))
        plan = homes_import.import_rows(connection, [new.row()], NOW, refused=refused)
        known = tombstones.version(connection)
        log = tmp_path / "tombstones"
        assert tombstones.begin(connection, KEY, plan.tenancies, ZONE, log) == 1
        stones, version = tombstones.load(connection, KEY, known)
    (stone,) = stones
    assert stone.end == round(midnight(date(2026, 4, 1)).timestamp()) * 1_000_000
    assert not stone.gone, "the meter is there again"
    assert version > known
    assert [one.end for one in tombstones.read_log(log, KEY)] == [stone.end]


def test_another_key_is_noticed(each_database: str) -> None:
    tenancies = homes(each_database, ANNA)
    erase(each_database, tenancies[ANNA.meter])
    with connect(each_database) as connection:
        with pytest.raises(tombstones.WrongKey, match="another key"):
            tombstones.load(connection, b"x" * 32)
        with pytest.raises(tombstones.WrongKey, match="no key"):
            tombstones.load(connection, None)


def test_the_log_of_access_is_still_never_changed(each_database: str) -> None:
    tenancies = homes(each_database, ANNA, BERT)
    with connect(each_database, autocommit=True) as connection:
        with pytest.raises(errors.InsufficientPrivilege, match="never changed"):
            connection.execute("delete from personal.access")
        connection.execute("select set_config('borough.erasing', %s, false)", (str(tenancies[ANNA.meter]),))
        with pytest.raises(errors.InsufficientPrivilege, match="never changed"):
            connection.execute("delete from personal.access")
    erase(each_database, tenancies[ANNA.meter])
    with connect(each_database, autocommit=True) as connection:
        assert _accesses(connection) == 1


def _accesses(connection: Connection) -> int:
    row = connection.execute("select count(*) from personal.access").fetchone()
    assert row is not None
    return int(row[0])


def test_corrections_name_nobody_who_was_erased(each_database: str) -> None:
    """Author, reason, path and files of the source: an officer may file a recording under a name."""
    word = ANNA.meter
    with connect(each_database) as connection:
        connection.execute(
            "insert into public.correction"
            " (author, reason, period_start, period_end, source, content, decoder, messages)"
            " select case n when 1 then w else 'x' end, case n when 2 then 'for ' || w else 'x' end, now(),"
            " now() + interval '1 hour', case n when 3 then 'recording /r/' || w || '/a.mcap' else 'x' end,"
            " case n when 4 then jsonb_build_object('personal/' || w, 7731, 'b', 2) else '{}' end, 'd', n"
            " from generate_series(1, 5) n, (select %s::text) t (w)",
            (word,),
        )
        erasure.forget_named(connection, Naming([word, "77317731"]))
        rows = connection.execute(
            "select author, reason, source, content from public.correction order by messages"
        ).fetchall()
    assert rows == [
        ("(erased)", "x", "x", {}),
        ("x", "for (erased)", "x", {}),
        ("x", "x", "recording /r/(erased)/a.mcap", {}),
        ("x", "x", "x", {"personal/(erased)": 7731, "b": 2}),
        ("x", "x", "x", {}),
    ]


def test_corrections_of_devices_that_stay_keep_their_words(each_database: str) -> None:
    """The id of one that goes is part of theirs."""
    words = {
        "author": "clerk",
        "reason": f"{ANNA.meter}-b and {ANNA.meter}9 read wrongly",
        "source": "letters 477317731",
    }
    with connect(each_database) as connection:
        connection.execute(
            "insert into public.correction"
            " (author, reason, period_start, period_end, source, content, decoder)"
            " values (%(author)s, %(reason)s, now(), now() + interval '1 hour', %(source)s,"
            " jsonb_build_object(%(reason)s::text, 1), 'd')",
            words,
        )
        erasure.forget_named(connection, Naming([ANNA.meter, "77317731"], [f"{ANNA.meter}-b"]))
        rows = connection.execute("select author, reason, source, content from public.correction").fetchall()
    assert rows == [(*words.values(), {words["reason"]: 1})]


def test_what_the_broker_calls_a_meter_goes_with_it_and_has_a_tombstone(each_database: str) -> None:
    """Its messages say the name alone, and whose it was stands nowhere any more."""
    name = "Nightjar Küche/Zähler"
    tenancies = homes(each_database, ANNA)
    with connect(each_database) as connection:
        (meter,) = [device for device in registry.load(connection)[0] if device.id == ANNA.meter]
        registry.upsert(connection, [replace(meter, attributes={**meter.attributes, "topic": name})])
    with connect(each_database, autocommit=True) as connection:
        plan = erasure.plan(connection, tenancies[ANNA.meter], ZONE)
        assert plan is not None
        words = plan.words()
        assert (list(words.meters), list(words.names)) == ([ANNA.meter], [name])
        assert Words.from_json(words.as_json()) == words
        assert Naming(words.all()).topic(f"zigbee2mqtt/{name}/energy")
    erase(each_database, tenancies[ANNA.meter])
    assert found([name, ANNA.meter], dump(each_database)) == []
    with connect(each_database) as connection:
        stones, _ = tombstones.load(connection, KEY)
    marks = {one.mark: one.gone for one in stones if one.kind == "meter"}
    assert marks == {tombstones.mark(KEY, ANNA.meter): True, tombstones.mark(KEY, name): True}
