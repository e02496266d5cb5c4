"""The parts of a replay: order, pace, messages, checkpoint, recordings as a source."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from borough.errors import UsageError
from borough.replay.checkpoint import Checkpoint, fingerprint, load
from borough.replay.ledger import ExpectedOutcome
from borough.replay.messages import Outgoing, encode, rfc3339
from borough.replay.observation import Observation
from borough.replay.order import in_time_order
from borough.replay.pace import Pace, speed_of
from borough.replay.recorded import RecordingSource
from borough.replay.recording import Recorded, RecordingWriter
from devices.decoders import FORMATS
from devices.decoding import PACK, Binding
from devices.device import Device
from ingest.instants import parse
from ingest.subscriptions import Subscription, native
from simulators.stream import EXPECTATIONS

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
SECOND = 1_000_000
NOW = START + 400 * 86_400 * SECOND


# -- order -------------------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(0, 20)), max_size=4), st.integers(1, 5))
def test_any_order_becomes_the_order_of_time_in_any_number_of_runs(parts: list[list[int]], run: int) -> None:
    items = [[(time, part, row) for row, time in enumerate(times)] for part, times in enumerate(parts)]
    found = list(in_time_order(items, is_sorted=False, run=run))
    # Python's sort is stable: of equal times the earlier part and row comes first
    assert found == sorted((item for part in items for item in part), key=lambda item: item[0])


def test_sorted_files_are_merged_without_reading_them_whole() -> None:
    read = []

    def file(part: int) -> Iterator[tuple[int, int]]:
        for time in range(1_000):
            read.append(part)
            yield time, part

    merged = in_time_order([file(0), file(1)], is_sorted=True)
    assert [next(merged) for _ in range(4)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(read) < 10


# -- pace --------------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_real_speed_and_faster() -> None:
    clock = Clock()
    for speed, wait in ((1.0, 3.0), (60.0, 0.05)):
        pace = Pace(speed, clock)
        assert pace.wait(START) == 0
        assert pace.wait(START + 3 * SECOND) == pytest.approx(wait)
        clock.now += wait
        assert pace.wait(START + 3 * SECOND) == pytest.approx(0, abs=1e-9)


def test_a_pause_is_not_made_up_for() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    pace.wait(START)
    clock.now += 3_600
    assert pace.wait(START + 2 * SECOND) == pytest.approx(2)


def test_flat_out_never_waits() -> None:
    pace = Pace(math.inf, Clock())
    assert pace.wait(START) == pace.wait(START + 10**15) == 0


@pytest.mark.parametrize(
    ("text", "speed"), [("real", 1.0), ("1", 1.0), ("60", 60.0), ("0.5x", 0.5), ("flat-out", math.inf)]
)
def test_speeds(text: str, speed: float) -> None:
    assert speed_of(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "nan", "fast", ""])
def test_no_speeds(text: str) -> None:
    with pytest.raises(ValueError):
        speed_of(text)


# -- messages, read by the decoders of the collector -------------------------------------------------------------------

OBSERVATIONS = st.lists(
    st.tuples(
        st.integers(START // SECOND, NOW // SECOND),
        st.integers(0, 2),
        st.dictionaries(
            st.sampled_from(["pm10", "no2", "temperature"]), st.floats(-50, 100, allow_nan=False), min_size=1
        ),
    ),
    max_size=40,
)


def read(message: Outgoing) -> list[tuple[str, str, int, float]]:
    _, family, device, kind = message.topic.split("/")
    name = {"reading": "native", "senml": "senml-json"}[kind]
    time, values, _ = FORMATS[name].bind(Binding(device, family, "native", {}))(message.payload)
    rows = values if time is PACK else [(key, time, value) for key, value in values.items()]
    return [(device, key, int(parse([at])[0]), value) for key, at, value in rows]


@given(OBSERVATIONS, st.integers(1, 9), st.integers(-(10**6), 10**6))
def test_both_formats_say_every_reading_once_and_exactly(
    rows: list[tuple[int, int, dict[str, float]]], pack: int, shift: int
) -> None:
    devices = ["a", "b", "c:1"]
    observed = [Observation(time * SECOND, device, values) for time, device, values in sorted(rows, key=lambda r: r[0])]
    expected = sorted(
        (devices[item.device], name, item.time + shift * SECOND, value)
        for item in observed
        for name, value in item.values.items()
    )
    for encoding in ("native", "senml"):
        messages = list(encode(observed, devices, "air-monitor", encoding, pack=pack, shift=shift * SECOND))
        assert sorted(row for message in messages for row in read(message)) == expected
        for message in messages:
            said = [(row.device, row.property, row.time, row.value) for row in message.readings]
            assert said == read(message)
            assert encoding == "native" or len(said) <= max(pack, 3)
        if encoding == "native":
            assert [message.due for message in messages] == [item.time + shift * SECOND for item in observed]


def test_texts_of_instants() -> None:
    assert rfc3339(START) == "2026-01-01T00:00:00Z"
    assert rfc3339(START + 1) == "2026-01-01T00:00:00.000001Z"
    assert rfc3339(-SECOND) == "1969-12-31T23:59:59Z"


# -- checkpoint --------------------------------------------------------------------------------------------------------


def test_a_checkpoint_belongs_to_one_replay(tmp_path: Path) -> None:
    path = tmp_path / "c"
    assert load(path, {"files": "x"}) is None
    kept = Checkpoint({"files": "x", "shift": 0}, NOW, 5, 4_711)
    kept.save(path)
    assert load(path, {"files": "x", "shift": 0}) == kept
    with pytest.raises(UsageError, match=r"is that of another replay \(files differs\)"):
        load(path, {"files": "y", "shift": 0})
    path.write_text("{")
    with pytest.raises(UsageError, match="is no checkpoint of a replay"):
        load(path, {"files": "x"})


def test_a_fingerprint_sees_names_sizes_and_both_ends(tmp_path: Path) -> None:
    rng = random.Random(4)
    path = tmp_path / "data"
    data = rng.randbytes(300_000)
    path.write_bytes(data)
    seen = {fingerprint([path])}
    for other in (data + b"x", b"x" + data[1:], data[:-1] + bytes([data[-1] ^ 1])):
        path.write_bytes(other)
        seen.add(fingerprint([path]))
    path.rename(tmp_path / "other")
    seen.add(fingerprint([tmp_path / "other"]))
    assert len(seen) == 5


# -- recordings --------------------------------------------------------------------------------------------------------


def recording(tmp_path: Path, *messages: tuple[str, bytes], retained: bool = False) -> Path:
    path = tmp_path / "r.btr"
    with RecordingWriter(path) as writer:
        for number, (topic, payload) in enumerate(messages):
            writer.add(Recorded(START + number * SECOND, topic, payload, 1, retained))
    return path


def test_a_recording_is_read_as_the_collector_would(tmp_path: Path) -> None:
    path = recording(
        tmp_path,
        ("borough/air-monitor/a/reading", b'{"time": "2026-01-01T00:00:00Z", "pm10": 3, "colour": 1, "no2": "x"}'),
        ("borough/air-monitor/a/reading", b"{"),
        ("borough/air-monitor/a/reading", b'{"pm10": 4}'),
        ("borough/air-monitor/b/reading", b'{"pm10": 4}'),
        ("elsewhere", b"1"),
    )
    source = RecordingSource(
        [path], native(FORMATS), [Device("a", "air-monitor", "native")], auto_register=False, keep={}
    )
    messages = list(source.as_recorded(source.messages()))
    assert [(message.topic, message.payload) for message in messages] == [
        (item.topic, item.payload) for item in source.messages()
    ]
    found = [[(row.property, row.time, row.verdict) for row in message.readings] for message in messages]
    assert found == [
        [("pm10", START, ""), ("colour", START, "unknown_property"), ("no2", START, "bad_value")],
        [("", None, "unreadable")],
        [("pm10", None, "")],
        [("", None, "unknown_device")],
        [("", None, "unknown_topic")],
    ]


def test_a_device_that_registers_itself_is_known_from_its_first_message_on(tmp_path: Path) -> None:
    topic, other = "borough/air-monitor/a/reading", "borough/air-monitor/b/reading"
    path = recording(
        tmp_path,
        (topic, b'{"time": "2026-01-01T00:00:00Z", "pm10": 3, "colour": 1}'),
        (topic, b'{"time": "2026-01-01T00:00:01Z", "pm10": 3}'),
        (other, b"{"),
    )
    source = RecordingSource([path], native(FORMATS), [], auto_register=True, keep={})
    found = [
        [(row.device, row.family, row.property, row.verdict) for row in message.readings]
        for message in source.as_recorded(source.messages())
    ]
    assert found == [
        [("a", "air-monitor", "pm10", ""), ("a", "air-monitor", "colour", "unknown_property")],
        [("a", "air-monitor", "pm10", "")],
        [("b", "unknown", "", "unknown_device")],
    ]


def test_readings_of_a_recording_as_native_messages_with_times(tmp_path: Path) -> None:
    path = recording(
        tmp_path,
        ("airgradient/readings/x1", b'{"pm02": 7, "rco2": 447, "serialno": "x1"}'),
        ("airgradient/readings/x1", b"not this"),
    )
    source = RecordingSource(
        [path],
        [Subscription("airgradient/readings/{device}", "airgradient")],
        [Device("x1", "air-monitor", "airgradient")],
        auto_register=False,
        keep={},
    )
    (message,) = source.as_native(source.messages(), 60 * SECOND)
    assert message.topic == "borough/air-monitor/x1/reading"
    assert orjson.loads(message.payload) == {"time": "2026-01-01T00:01:00Z", "pm2_5": 7, "co2": 447}


def test_a_local_time_that_the_clocks_repeat_in_a_recording(tmp_path: Path) -> None:
    """As native messages each is what it was when it was recorded; its own bytes come long after both instants."""
    first = int(parse(["2025-10-26T00:30:00Z"])[0])
    path = tmp_path / "night.borough"
    with RecordingWriter(path) as writer:
        for arrival in (first + SECOND, first + 3_600 * SECOND + SECOND):
            writer.add(
                Recorded(
                    arrival, "tele/p1/SENSOR", b'{"Time": "2025-10-26T01:30:00", "ENERGY": {"Total": 5}}', 1, False
                )
            )
    source = RecordingSource(
        [path],
        [Subscription("tele/{device}/SENSOR", "tasmota")],
        [Device("p1", "smart-meter", "tasmota", attributes={"zone": "Europe/London"})],
        auto_register=False,
        keep={},
    )
    native_times = [orjson.loads(message.payload)["time"] for message in source.as_native(source.messages(), 0)]
    assert native_times == ["2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z"]
    found = [row.time for message in source.as_recorded(source.messages()) for row in message.readings]
    assert found == [first + 3_600 * SECOND] * 2


def test_glow_repeats_are_thinned_as_the_keep_rule_says(tmp_path: Path) -> None:
    def glow(minute: int, kwh: float) -> tuple[str, bytes]:
        document = {
            "electricitymeter": {
                "timestamp": f"2026-01-01T00:{minute:02}:00Z",
                "energy": {"import": {"cumulative": kwh, "units": "kWh"}},
                "power": {"value": 0.5, "units": "kW"},
            }
        }
        return "glow/M1/SENSOR/electricitymeter", orjson.dumps(document)

    path = recording(tmp_path, glow(1, 10.0), glow(1, 10.0), glow(2, 10.1), glow(2, 10.1), glow(31, 10.4))
    source = RecordingSource(
        [path],
        [Subscription("glow/{device}/SENSOR/electricitymeter", "glow")],
        [Device("M1", "smart-meter", "glow", personal=True)],
        auto_register=False,
        keep={},
    )
    judge = ExpectedOutcome(ordered=False, earliest=946_684_800 * SECOND, ahead=300)
    found: dict[str, list[str]] = {}
    for message in source.as_recorded(source.messages()):
        for row in message.readings:
            found.setdefault(row.property, []).append(EXPECTATIONS[judge.predict(row, NOW)[0]])
    assert found["import_register"] == ["stored", "duplicate", "thinned", "thinned", "stored"]
    assert set(found["power"]) == {"thinned"}


def test_what_was_retained_is_left_out_and_counted(tmp_path: Path) -> None:
    path = recording(tmp_path, ("borough/air-monitor/a/reading", b'{"pm10": 4}'), retained=True)
    source = RecordingSource([path], native(FORMATS), [], auto_register=True, keep={})
    assert list(source.messages()) == []
    assert source.retained == 1
