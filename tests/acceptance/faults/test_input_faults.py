"""Bad messages among good ones: each is rejected with its reason, and costs the others nothing."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import cbor2

from devices.device import Device
from devices.scrub import any_scrub, without_identifiers
from simulators.publisher import Message
from tests.acceptance.faults.conftest import Collect
from tests.tools.account import assert_same, table_account, total
from tests.tools.load import (
    ask,
    assert_stored,
    count,
    device,
    grows,
    message,
    native_load,
    now,
    number,
    register,
    rfc3339,
)
from tests.tools.mqtt_session import left_in_session, make_session, publish_retained
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for

_LIMIT = 200_000
_AIR = device("bad-air", "air-monitor")
_METER = device("bad-meter", "smart-meter")
_RETIRED = replace(device("gone", "air-monitor"), retired=True)


class Bad(NamedTuple):
    """One kind of bad message: what may be its reason, and whether it is a reading's alone."""

    name: str
    message: Message
    reasons: tuple[str, ...]
    property: str | None = None
    personal: bool = False


def _kinds(at: int) -> list[Bad]:
    """Every kind of malformed message, and every reason of a rejection; ``at`` is a time that is fine."""
    time = rfc3339(at)
    ok = {"time": time, "pm2_5": 7.5}

    def air(payload: bytes | dict[str, object]) -> Message:
        return message(_AIR, payload)

    def raw(value: str) -> Message:
        return air(f'{{"time": "{time}", "pm2_5": {value}}}'.encode())

    def at_time(value: object) -> Message:
        return air({"time": value, "pm2_5": 7.5})

    def topic(name: str, payload: bytes | None = None) -> Message:
        return name, json.dumps(ok).encode() if payload is None else payload

    senml = f"borough/air-monitor/{_AIR.id}/senml"
    return [
        Bad("invalid UTF-8", air(b'{"time": "%s", "pm2_5": 7.5, "x\xff\xfe": 1}' % time.encode()), ("unreadable",)),
        Bad("invalid UTF-8 alone", air(b"\xc3\x28\xa0\xa1"), ("unreadable",)),
        Bad("depth bomb", air(b"[" * 100_000), ("unreadable",)),
        Bad("depth bomb inside", raw("[" * 50_000 + "]" * 50_000), ("unreadable", "bad_value"), None),
        Bad("NaN", raw("NaN"), ("unreadable",)),
        Bad("Infinity", raw("-Infinity"), ("unreadable",)),
        Bad("NUL bytes", air(b"\x00\x00\x00"), ("unreadable",)),
        Bad("oversize", air(b'{"time": "' + b"9" * _LIMIT + b'"}'), ("oversize",)),
        Bad("no bytes", air(b""), ("unreadable", "empty")),
        Bad("empty object", air({}), ("empty",)),
        Bad("a time and nothing else", air({"time": time}), ("empty",)),
        Bad("reserved keys and nothing else", air({"time": time, "seq": 5, "device_id": _AIR.id}), ("empty",)),
        Bad("array at the top", air(json.dumps([ok]).encode()), ("unreadable",)),
        Bad("number at the top", air(b"7.5"), ("unreadable",)),
        Bad("cut off", air(json.dumps(ok).encode()[:-4]), ("unreadable",)),
        Bad("two objects", air(json.dumps(ok).encode() * 2), ("unreadable",)),
        Bad("byte order mark", air(b"\xef\xbb\xbf" + json.dumps(ok).encode()), ("unreadable",)),
        Bad("text for a number", air({"time": time, "pm2_5": "7.5"}), ("bad_value",), "pm2_5"),
        Bad("null for a number", air({"time": time, "pm2_5": None}), ("bad_value",), "pm2_5"),
        Bad("list for a number", air({"time": time, "pm2_5": [7.5]}), ("bad_value",), "pm2_5"),
        Bad("NUL in a text value", air({"time": time, "pm2_5": "a\x00b"}), ("bad_value",), "pm2_5"),
        Bad("unknown property", air({"time": time, "colour": 3}), ("unknown_property",), "colour"),
        Bad("NUL in a name", air({"time": time, "a\x00b": 3}), ("unknown_property",), "a\N{REPLACEMENT CHARACTER}b"),
        Bad("another family's property", air({"time": time, "occupied": 1}), ("unknown_property",), "occupied"),
        Bad("out of range", air({"time": time, "pm2_5": 1e6}), ("out_of_range",), "pm2_5"),
        Bad("bad seq", air({"time": time, "pm2_5": 7.5, "seq": "one"}), ("bad_value",), "seq"),
        Bad("1970", at_time("1970-01-01T00:00:00Z"), ("time_out_of_range",)),
        Bad("1970 as a number", at_time(0), ("time_out_of_range",)),
        Bad("far future", at_time("2999-01-01T00:00:00Z"), ("time_out_of_range",)),
        Bad("six minutes ahead", at_time(rfc3339(now() + 400_000_000)), ("time_out_of_range",)),
        Bad("milliseconds for seconds", at_time(at // 1000), ("bad_time", "time_out_of_range")),
        Bad("a time beyond all calendars", at_time(1e300), ("bad_time",)),
        Bad("a time in words", at_time("yesterday"), ("bad_time",)),
        Bad("30 February", at_time("2026-02-30T00:00:00Z"), ("bad_time",)),
        Bad("a time without offset", at_time("2026-02-01T00:30:00"), ("bad_time",)),
        Bad("null time", at_time(None), ("bad_time",)),
        Bad("true time", at_time(True), ("bad_time",)),
        Bad("list as time", at_time([1]), ("bad_time",)),
        Bad("another device's id", air({**ok, "device_id": "somebody"}), ("device_mismatch",)),
        Bad("wrong family", topic(f"borough/parking-bay/{_AIR.id}/reading"), ("wrong_family",)),
        Bad("no family at all", topic(f"borough/nonsense/{_AIR.id}/reading"), ("wrong_family",)),
        Bad("unknown device", topic("borough/air-monitor/nobody/reading"), ("unknown_device",), None, True),
        Bad("impossible device id", topic("borough/air-monitor/-a b/reading"), ("unknown_device",), None, True),
        Bad("retired device", message(_RETIRED, ok), ("retired_device",)),
        Bad("SenML that is none", (senml, b'{"n": "pm2_5"}'), ("unreadable",)),
        Bad("SenML of another device", (senml, b'[{"bn": "else:", "n": "pm2_5", "v": 1}]'), ("device_mismatch",)),
        Bad("SenML without a reading", (senml, b"[]"), ("empty",)),
        Bad("CBOR that is none", (senml + "c", b"\xff\xff\x00"), ("unreadable",)),
        Bad("CBOR depth bomb", (senml + "c", b"\x81" * 100_000), ("unreadable",)),
        Bad("CBOR of the wrong shape", (senml + "c", cbor2.dumps({"a": 1})), ("unreadable",)),
        Bad("a household's", message(_METER, b"{mpan 1200000000002"), ("unreadable",), None, True),
    ]


def test_one_percent_of_bad_messages_of_every_kind(
    database: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random, seed: int
) -> None:
    load = native_load(seed, 20_000, devices=400)
    register(database, [*load.devices, _AIR, _METER, _RETIRED])
    at = now() - 7_200_000_000
    kinds = _kinds(at)
    # one reading is bad, and the other of the same message is stored
    halves = []
    for index, (name, value, reason) in enumerate(
        [("pm2_5", "high", "bad_value"), ("pm10", -5, "out_of_range"), ("dust", 1, "unknown_property")]
    ):
        moment = at + (index + 1) * 1_000_000
        halves.append((message(_AIR, {"time": rfc3339(moment), "no2": 21.5, name: value}), name, reason))
        load.expected[_AIR.id, "no2", moment] = 21.5
    # a pack with one bad record
    moment = at + 60_000_000
    pack = [
        {"bn": f"{_AIR.id}:", "bt": moment // 1_000_000, "n": "pm2_5", "u": "ug/m3", "v": 4.5},
        {"n": "pm10", "u": "kg", "v": 1},
        {"n": "no2", "t": 9e9, "v": 1},
        {"n": "temperature", "u": "Cel", "v": 21.25},
    ]
    load.expected[_AIR.id, "pm2_5", moment] = 4.5
    load.expected[_AIR.id, "temperature", moment] = 21.25
    infinite = [message(_AIR, f'{{"time": "{rfc3339(at)}", "pm1": {text}}}'.encode()) for text in ("1e999", "9" * 400)]
    bad = [kind.message for kind in kinds for _ in range(4)] + infinite
    bad += [(f"borough/air-monitor/{_AIR.id}/senml", json.dumps(pack).encode()), *(half[0] for half in halves)]
    # the one message that is bad in its number alone has a reading of its own
    load.expected[_AIR.id, "pm2_5", at] = 7.5
    messages = [*load.messages, *bad]
    chance.shuffle(messages)
    before = _chunks(database)

    collector = collect(database, mosquitto.url, payload_maximum=_LIMIT, batch_readings=2_000).start()
    publish(mosquitto.port, messages)
    assert wait_for(lambda: total(table_account(database)).messages_received == len(messages), 20)
    metrics = collector.account_at_rest()
    by_reason = {name: int(value) for name, value in collector.metrics()["borough_rejections_total"].items()}
    assert collector.stop() == 0

    assert_stored(database, load.expected)
    rows = _rejections(database)
    for kind in kinds:
        topic, sent = kind.message
        kept = sent[:4096] if len(sent) > _LIMIT else sent
        if kind.personal:
            kept = without_identifiers(sent, any_scrub) or b""
        found = [row for row in rows if (row.topic, row.bytes) == (topic, kept)]
        assert len(found) == 4, f"{kind.name}: {len(found)} rows"
        assert {row.reason for row in found} <= set(kind.reasons), f"{kind.name}: {found[0].reason}"
        if kind.name != "depth bomb inside":
            assert {row.property for row in found} == {kind.property}, f"{kind.name}: {found[0].property}"
        assert all(row.personal == kind.personal for row in found), f"{kind.name}: bytes in the wrong schema"
        assert all(row.detail for row in found), kind.name
    for text in infinite:
        assert [row.reason in ("unreadable", "bad_value") for row in rows if row.bytes == text[1]] == [True]
    for half, name, reason in halves:
        assert [(row.property, row.reason) for row in rows if row.bytes == half[1]] == [(name, reason)]
    packed = {(row.property, row.reason) for row in rows if row.topic.endswith("senml") and b"21.25" in row.bytes}
    assert packed == {("pm10", "bad_unit"), ("no2", "time_out_of_range")}
    assert len(rows) == len(kinds) * 4 + len(infinite) + len(halves) + 2
    assert by_reason == Counter(row.reason for row in rows)
    account = table_account(database)
    assert_same(metrics, account)
    assert set(account) == {item.family for item in load.devices} | {"unknown"}
    assert total(account).messages_rejected + total(account).readings_rejected == len(rows)
    assert _chunks(database) - before <= 2, "a chunk was made for an impossible time"
    assert "1200000000002" not in collector.said()
    assert "Traceback" not in collector.said()
    assert left_in_session(mosquitto.port) == []


class _Row(NamedTuple):
    topic: str
    reason: str
    property: str | None
    detail: str
    bytes: bytes
    personal: bool


def _rejections(database: str) -> list[_Row]:
    rows = ask(
        database,
        "select r.topic, r.reason, r.property, r.detail, coalesce(o.bytes, p.bytes), p.id is not null"
        " from public.rejected r left join public.rejected_bytes o on o.id = r.message"
        " left join personal.rejected_bytes p on p.id = r.message",
    )
    return [_Row(*row) for row in rows]  # type: ignore[arg-type]


def _chunks(database: str) -> int:
    return number(database, "select count(*) from timescaledb_information.chunks where hypertable_name = 'reading'")


def test_flood_of_garbage_from_one_device(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    load = native_load(seed, 6_000)
    register(database, load.devices)
    noisy = load.devices[2]
    garbage = [message(noisy, b"garbage %d" % index) for index in range(5_000)]
    messages = [*load.messages, *garbage]
    random.Random(seed).shuffle(messages)
    collector = collect(database, mosquitto.url, batch_readings=1_500).start()
    publish(mosquitto.port, messages)
    assert wait_for(lambda: total(table_account(database)).messages_received == len(messages), 20)
    metrics = collector.account_at_rest()
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    # the limit is a device's and hour's; where the hour struck meanwhile there are two
    hours = ask(database, "select count from public.rejected_flood where device = %s", noisy.id)
    assert sum(int(str(row[0])) for row in hours) == 5_000
    assert count(database, "public.rejected") == sum(min(1_000, int(str(row[0]))) for row in hours)
    account = table_account(database)
    assert_same(metrics, account)
    assert account[noisy.family].messages_rejected == 5_000


def test_flood_from_devices_that_nobody_knows(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """Invented ids, a new one for every message, fill no table."""
    load = native_load(seed, 1_000)
    register(database, load.devices)
    strangers = [Device(f"x{index}", "air-monitor", "native") for index in range(3_000)]
    messages = [*load.messages, *(message(stranger, {"pm2_5": 1}) for stranger in strangers)]
    collector = collect(database, mosquitto.url, rejected_per_device_hour=100).start()
    publish(mosquitto.port, messages)
    assert wait_for(lambda: total(table_account(database)).messages_received == len(messages), 20)
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert count(database, "public.rejected") <= 2_000, "ten times the limit of one device, in two hours at most"
    assert count(database, "public.rejected_flood") <= 2_002
    assert table_account(database)["unknown"].messages_rejected == 3_000


def test_same_key_other_value_the_first_is_kept(database: str, mosquitto: Mosquitto, collect: Collect) -> None:
    """In one batch, in a later one, and after a restart: one rejection each, and the rest of the batch is stored."""
    sender = device("air", "air-monitor")
    register(database, [sender])
    at = now() - 3_600_000_000

    def reading(offset: int, value: float) -> Message:
        return message(sender, {"time": rfc3339(at + offset * 1_000_000), "pm2_5": value})

    first = [reading(offset, offset) for offset in range(100)]
    expected = {(sender.id, "pm2_5", at + offset * 1_000_000): float(offset) for offset in range(200)}
    make_session(mosquitto.port)
    publish(mosquitto.port, [*first, reading(50, 999.0), reading(99, 998.0)])
    collector = collect(database, mosquitto.url).start()
    assert grows(database, "public.reading", 100)
    publish(mosquitto.port, [reading(50, 997.0), *first[:40], *(reading(offset, offset) for offset in range(100, 150))])
    assert grows(database, "public.reading", 150)
    assert collector.stop() == 0
    collector.start()
    publish(mosquitto.port, [reading(149, 996.0), *(reading(offset, offset) for offset in range(150, 200)), first[7]])
    assert grows(database, "public.reading", 200)
    assert wait_for(lambda: total(table_account(database)).messages_received == 102 + 91 + 52, 10)
    assert collector.stop() == 0
    assert_stored(database, expected)
    rows = _rejections(database)
    assert sorted(json.loads(row.bytes)["pm2_5"] for row in rows) == [996.0, 997.0, 998.0, 999.0]
    assert {(row.reason, row.property) for row in rows} == {("conflict", "pm2_5")}
    sums = total(table_account(database))
    assert (sums.readings_stored, sums.readings_duplicates, sums.readings_rejected) == (200, 41, 4)


def test_late_and_out_of_order(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    load = native_load(seed, 5_000, devices=50, shuffled=True)
    register(database, load.devices)
    old = load.devices[2]
    for year in (2003, 2015, 2024):
        moment = rfc3339(now()).replace(rfc3339(now())[:4], str(year), 1).replace("-02-29", "-02-28")
        load.messages.append(message(old, {"time": moment, "pm2_5": 3.5}))
    collector = collect(database, mosquitto.url, batch_readings=700).start()
    publish(mosquitto.port, load.messages)
    assert grows(database, "public.reading", 5_003)
    assert collector.stop() == 0
    assert number(database, "select count(*) from public.reading where time < now() - interval '100 days'") == 3
    newest = ask(
        database,
        "select count(*) from public.latest l join lateral (select r.time, r.value from public.reading r"
        " where r.series_id = l.series_id order by r.time desc limit 1) n"
        " on (n.time, n.value) is distinct from (l.time, l.value)",
    )
    assert newest == [(0,)], "the newest reading of a series is not the one in latest"
    untouched = ask(
        database,
        "select distinct d.family, (r.time at time zone 'UTC')::date from public.reading r"
        " join personal.series s on s.id = r.series_id join personal.device d on d.id = s.device_id"
        " except select family, day from public.touched_day",
    )
    assert untouched == [], "days that nobody would compute again"


def test_retained_messages(database: str, mosquitto: Mosquitto, collect: Collect) -> None:
    """Without a time a retained message says nothing about now: ignored and counted. With one it is a reading."""
    pair = [device("bay1", "parking-bay"), device("bay2", "parking-bay")]
    register(database, pair)
    at = now() - 60_000_000
    publish_retained(mosquitto.port, *message(pair[0], {"occupied": 1}))
    publish_retained(mosquitto.port, *message(pair[1], {"time": rfc3339(at), "occupied": 1}))
    collector = collect(database, mosquitto.url).start()
    assert wait_for(lambda: total(table_account(database)).messages_received == 2, 10)
    publish(mosquitto.port, [message(pair[0], {"occupied": 0})])
    assert grows(database, "public.reading", 2)
    metrics = collector.account_at_rest()
    assert collector.stop() == 0
    assert_same(metrics, table_account(database))
    sums = total(metrics)
    assert (sums.messages_received, sums.messages_ignored, sums.readings_stored) == (3, 1, 2)
    assert number(database, "select count(*) from public.reading where value = 1") == 1
