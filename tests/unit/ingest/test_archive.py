"""The archive's files and what is taken out of messages before they get there."""

from __future__ import annotations

import json
import os
import shutil
import stat
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import Binding, Flaw, Rejection
from devices.families import FAMILIES
from devices.scrub import any_scrub, identifies, json_scrub, without_identifiers
from ingest import archive_files
from ingest.archive import Archive
from ingest.archive_files import ArchiveError, Frame, FrameEncoder, read_frames, summary
from ingest.metrics import Metrics
from ingest.seen import Seen
from tests.examples import examples
from tests.tools import decoder_cases
from tests.tools.ingest import NOW, Collecting, Message

SECRET = "2000012345678"
KEYS = st.sampled_from([
    "mpan", "MPRN", "m-p-a-n", "Post Code", "address", "supplier", "Customer_Name", "meter.mpan", "MPAN1",
    "import_mpan", "\uff2d\uff30\uff21\uff2e", "address_line_7", "mpan1200000000002",
])  # fmt: skip
ORDINARY = st.text(st.characters(categories=("L", "N")), max_size=8).filter(
    lambda key: not identifies(key) and key not in ("n", "name", "key", "field", "label", "property")
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
SECRETS = st.dictionaries(KEYS, st.sampled_from([SECRET, int(SECRET), [SECRET], {"number": SECRET}]), max_size=2)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(lambda kept, gone: {**kept, **gone}, st.dictionaries(ORDINARY, inner, max_size=3), SECRETS)
    ),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_no_identifier_survives_and_all_else_does(document: Any) -> None:
    cleaned = json_scrub()(orjson.dumps(document))
    assert SECRET.encode() not in cleaned

    def expected(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: expected(item) for key, item in value.items() if not identifies(key)}
        return [expected(item) for item in value] if isinstance(value, list) else value

    assert orjson.loads(cleaned) == expected(document)


CASES = sorted(
    folder
    for folder in (Path(__file__).parents[2] / "cases").glob("*/*")
    if "rejection" not in json.loads((folder / "expected.json").read_text())
)
REJECTED = sorted(set((Path(__file__).parents[2] / "cases").glob("*/*")) - set(CASES))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_every_captured_message_decodes_the_same_without_its_identifiers(folder: Path) -> None:
    format_, binding = FORMATS[folder.parent.name], decoder_cases.binding(folder)
    payload = next(folder.glob("message.*")).read_bytes()
    try:
        before = format_.bind(binding)(payload)
    except Exception:  # noqa: BLE001 - a message that is not decoded is never archived
        return
    try:
        cleaned = format_.scrub(payload)
    except ValueError:  # a bare word that nobody knows: rejected, and its bytes are not kept
        assert all(isinstance(value, Flaw) for value in before[1].values())
        return
    assert repr(format_.bind(binding)(cleaned)) == repr(before)
    assert b"mpan" not in cleaned.lower()
    assert b"mprn" not in cleaned.lower()


@pytest.mark.parametrize(("name", "dumps", "n", "v", "vs"), [
    ("senml-json", orjson.dumps, "n", "v", "vs"), ("senml-cbor", cbor2.dumps, 0, 2, 3),
])  # fmt: skip
def test_a_pack_keeps_its_readings_and_loses_its_texts(name: str, dumps: Any, n: Any, v: Any, vs: Any) -> None:
    pack = [{n: "power", v: 12.5}, {n: "note", vs: SECRET}, {n: "mpan", v: int(SECRET)}]
    cleaned = FORMATS[name].scrub(dumps(pack))
    assert SECRET.encode() not in cleaned
    assert int(SECRET).to_bytes(8, "big") not in cleaned
    decode = FORMATS[name].bind(Binding("m1", "smart-meter", "native", {}))
    assert decode(cleaned)[1][0] == ("power", None, 12.5)
    assert [item[0] for item in decode(cleaned)[1]] == [item[0] for item in decode(dumps(pack))[1]]


@pytest.mark.parametrize("folder", REJECTED, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_a_rejected_message_is_rejected_alike_without_its_identifiers(folder: Path) -> None:
    """So that it can be tried again; what cannot be read is not kept."""
    format_, binding = FORMATS[folder.parent.name], decoder_cases.binding(folder)
    payload = next(folder.glob("message.*")).read_bytes()
    with pytest.raises(Rejection) as before:
        format_.bind(binding)(payload)
    cleaned = without_identifiers(payload, format_.scrub)
    if cleaned is None:
        assert before.value.reason == "unreadable"
        return
    with pytest.raises(Rejection) as after:
        format_.bind(binding)(cleaned)
    assert after.value.reason == before.value.reason


NESTED = [
    {"electricitymeter": {"energy": {"import": {"mpan": SECRET, "supplier": SECRET}}}},
    {"channels": [{"name": "MPAN", "value": SECRET}, {"key": "post code", "value": int(SECRET)}]},
    {"uplink": orjson.dumps({"meter": {"mpan": SECRET}}).decode()},
    [{"n": "mpan:" + SECRET, "v": 1}, {"n": "note", "vs": SECRET}, {"n": "mprn", "v": int(SECRET), "comment": SECRET}],
    [{"n": "power", "v": 1, "comment": {"mpan": SECRET}}],
    {"mpan" + SECRET: 1},
]


@pytest.mark.parametrize("document", NESTED, ids=range(len(NESTED)))
def test_identifiers_in_every_place(document: Any) -> None:
    """Below others, named by a member beside them, in a text that is JSON again, in the key itself."""
    for scrub in (any_scrub, FORMATS["senml-json"].scrub):
        assert SECRET.encode() not in scrub(orjson.dumps(document))


def test_no_reading_stands_under_an_identifier() -> None:
    assert [name for family in FAMILIES.values() for name in family.properties if identifies(name)] == []


def test_a_pack_whose_parts_refer_to_each_other_is_not_written_out() -> None:
    """A record that is referred to a thousand times, and a text likewise: a few bytes each."""
    record = {0: "x" * 2_000, 2: 1}
    pack = cbor2.dumps([record] * 1_000, value_sharing=True)
    assert len(pack) < 10_000
    assert without_identifiers(pack, FORMATS["senml-cbor"].scrub) is None


def test_what_is_no_json_is_not_let_through() -> None:
    with pytest.raises(ValueError):
        json_scrub()(b'{"mpan": "1"')


# -- files ------------------------------------------------------------------------------------------------------------

FRAMES = st.lists(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c/d"]), st.binary(max_size=60), st.integers(0, 2**60)), max_size=5),
    max_size=6,
)


def frame(messages: list[tuple[str, bytes, int]]) -> Frame:
    return Frame(
        [item[0] for item in messages],
        [item[1] for item in messages],
        [f"device-{item[0][0]}" for item in messages],
        np.array([item[2] for item in messages], np.int64),
    )


def plain(found: Frame) -> list[tuple[str, bytes, str, int]]:
    return list(zip(found.topics, found.payloads, found.devices, found.arrivals.tolist(), strict=True))


@settings(max_examples=examples(60))
@given(FRAMES, st.data())
def test_a_torn_end_costs_the_torn_frame_alone(
    tmp_path_factory: pytest.TempPathFactory, given_: Any, data: Any
) -> None:
    path = tmp_path_factory.mktemp("archive") / "x-0000.frames"
    encoder = FrameEncoder()
    blocks = [encoder.encode(frame(item)) for item in given_]
    whole = b"".join(blocks)
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    ends = np.cumsum([len(block) for block in blocks]).tolist()
    expected = [plain(frame(item)) for item, end in zip(given_, ends, strict=True) if end <= cut]
    assert [plain(item) for item in read_frames(path)] == expected
    assert summary(path).frames == len(expected)
    assert summary(path).messages == sum(map(len, expected))


def test_a_damaged_frame_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x-0000.frames"
    encoder = FrameEncoder()
    blocks = [encoder.encode(frame([("a", b"payload %d" % number, number)])) for number in range(3)]
    spoiled = bytearray(b"".join(blocks))
    spoiled[len(blocks[0]) + 30] ^= 0xFF
    path.write_bytes(spoiled)
    found = read_frames(path)
    assert plain(next(found))[0][1] == b"payload 0"
    with pytest.raises(ArchiveError, match=f"{path} is damaged at byte {len(blocks[0])}"):
        next(found)


# -- what the collector writes ----------------------------------------------------------------------------------------


def collected(*messages: Message) -> Any:
    """A batch of these messages."""
    collecting = Collecting()
    collecting.receive(messages)
    collecting.build()
    return collecting.built


def everything(folder: Path) -> list[tuple[str, str, bytes]]:
    return [
        (str(segment.path.relative_to(folder).parent), device, payload)
        for segment in archive_files.segments(folder)
        for found in read_frames(segment.path)
        for device, payload in zip(found.devices, found.payloads, strict=True)
    ]


def message(device: str, family: str, payload: bytes, **values: float) -> Message:
    return Message(device, family, ("2026-01-31T23:00:00Z", values, None), payload=payload)


def test_accepted_messages_stand_by_class_family_and_day_without_identifiers(tmp_path: Path) -> None:
    built = collected(
        bay := Message("b1", "parking-bay", ("2026-01-31T23:00:00Z", {"occupied": 1}, None)),
        Message("m1", "smart-meter", ("2026-01-31T23:00:00Z", {"power": 5}, None)),
        Message("unknown", "parking-bay", ("2026-01-31T23:00:00Z", {"occupied": 1}, None)),
    )
    built.pending.payloads[1] = b'{"mpan": "2000012345678", "power": 5}'
    from devices.scrub import json_scrub as scrubber

    built.pending.routes[1].scrub = scrubber()
    metrics = Metrics()
    old = os.umask(0)
    try:
        archive = Archive(tmp_path, "c1", metrics)
        archive.write(built)
        archive.close()
    finally:
        os.umask(old)
    assert bay.device == "b1"
    assert everything(tmp_path) == [
        ("open/parking-bay/2026-02-01", "b1", built.pending.payloads[0]),
        ("personal/smart-meter/2026-02-01", "m1", b'{"power":5}'),
    ]
    assert stat.S_IMODE((tmp_path / "personal").stat().st_mode) == 0o700
    assert (metrics.archive_messages, metrics.archive_missed) == (2, 0)


def test_of_a_keep_rule_only_what_is_stored_is_archived(tmp_path: Path) -> None:
    """Displays speak every 6 s: what the half-hour leaves out is no more archived than stored."""
    answers = [
        (f"2026-01-31T23:00:{second:02}Z", {"import_register": 5 + second, "power": 1}, None) for second in (0, 6, 12)
    ]
    built = collected(*(Message("g1", "smart-meter", answer) for answer in answers))
    assert built.accepted.tolist() == [True, False, False]


def test_an_error_of_the_disk_is_counted_and_harms_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    built = collected(Message("b1", "parking-bay", ("2026-01-31T23:00:00Z", {"occupied": 1}, None)))
    metrics = Metrics()
    archive = Archive(tmp_path, "c1", metrics)
    (tmp_path / "open" / "parking-bay").write_text("in the way")
    archive.write(built)
    archive.write(built)
    assert (metrics.archive_messages, metrics.archive_missed, metrics.archive_errors) == (0, 2, 1)
    assert metrics.archive_failing
    assert "not archived" in caplog.text
    (tmp_path / "open" / "parking-bay").unlink()
    archive._pause_until = 0.0
    archive.write(built)
    archive.close()
    assert (metrics.archive_messages, metrics.archive_failing) == (1, False)
    assert len(everything(tmp_path)) == 1


def test_a_forgotten_device_is_gone_and_no_other_file_is_touched(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "c1", Metrics())
    both = collected(
        Message("b1", "parking-bay", ("2026-01-31T23:00:00Z", {"occupied": 1}, None)),
        Message("a1", "air-monitor", ("2026-01-31T23:00:00Z", {"pm10": 4}, None)),
    )
    archive.write(both)
    air = next(item.path for item in archive_files.segments(tmp_path) if item.family == "air-monitor")
    untouched = air.stat().st_ino
    assert archive_files.forget(tmp_path, ["b1"]) == (1, 1)
    assert [row[1] for row in everything(tmp_path)] == ["a1"]
    assert air.stat().st_ino == untouched
    archive.write(both)  # its file was replaced: the collector begins another
    archive.close()
    assert sorted(row[1] for row in everything(tmp_path)) == ["a1", "a1", "b1"]
    assert archive_files.forget(tmp_path, ["b1"]) == (1, 1)
    assert archive_files.forget(tmp_path, ["b1"]) == (0, 0)


def test_what_is_past_its_retention_goes(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "c1", Metrics())
    archive.write(collected(Message("b1", "parking-bay", ("2026-01-31T23:00:00Z", {"occupied": 1}, None))))
    archive.close()
    arrived = date(2026, 2, 1)
    assert NOW == 1_769_904_000_000_000
    assert archive_files.expire(tmp_path, {"parking-bay": 10}, arrived + timedelta(days=10)) == ({}, [])
    assert archive_files.expire(tmp_path, {"air-monitor": 1}, arrived + timedelta(days=99)) == ({}, [])
    (day,) = (tmp_path / "open" / "parking-bay").iterdir()
    stray = day.with_name("2026-02-01.old")
    shutil.copytree(day, stray)
    freed, strays = archive_files.expire(tmp_path, {"parking-bay": 10}, arrived + timedelta(days=11))
    assert freed["parking-bay"] > 0
    assert strays == [stray]
    with pytest.raises(archive_files.ArchiveError, match="is no day of an archive"):
        archive_files.segments(tmp_path)  # what an erasure and a correction read: neither passes over it
    shutil.rmtree(stray)
    assert archive_files.segments(tmp_path) == []


def test_files_of_a_day_come_in_the_order_of_arrival(tmp_path: Path) -> None:
    for collector, arrivals in (("one", [1, 5, 6]), ("two", [2, 3, 9])):
        place = tmp_path / "open" / "parking-bay" / "2026-02-01"
        place.mkdir(parents=True, exist_ok=True)
        encoder = FrameEncoder()
        (place / f"{collector}-0000.frames").write_bytes(
            b"".join(encoder.encode(frame([(collector, b"", arrival)])) for arrival in arrivals)
        )
    content = {f"open/parking-bay/2026-02-01/{name}-0000.frames": count for name, count in (("one", 3), ("two", 2))}
    assert [int(item.arrivals[0]) for item in archive_files.merged(tmp_path, content)] == [1, 2, 3, 5, 6]


@given(st.lists(st.lists(st.tuples(st.integers(-5, 2**31 - 1), st.integers(-(2**60), 2**60)), unique=True), max_size=8))
def test_seen_is_a_set(calls: list[list[tuple[int, int]]]) -> None:
    seen, reference = Seen(), set[tuple[int, int]]()
    for keys in calls:
        new = seen.add(np.array([key[0] for key in keys], np.int32), np.array([key[1] for key in keys], np.int64))
        assert new.tolist() == [key not in reference for key in keys]
        reference.update(keys)
