"""Faults do what they say and nothing else, and the rules say of every row what a plain loop over them says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.device import Device
from simulators.device_faults import summer_hours
from simulators.encode import WIRES, plan
from simulators.fault_options import DEVICE_FAULTS, FAULTS, MESSAGE_FAULTS, FaultError, read_options
from simulators.faults import Faults
from simulators.readings import pack
from simulators.rules import Rules
from simulators.stream import EXPECTATIONS, Int64, Stream
from tests.examples import examples

MINUTE = 60_000_000
HOUR = 60 * MINUTE
#: 2025-10-25T12:00:00Z: the night that follows is one of clock change in London.
T0 = 1_761_393_600_000_000
HOURS = 18
DEVICES = 40
PROPERTIES = ("import_register", "power")


def same(due: Int64) -> Int64:
    return due


def later(due: Int64) -> Int64:
    return due + 365 * 24 * HOUR


def run(table: Mapping[str, Any], wire: str = "native", *, seed: int = 1, windows: int = 1) -> list[Stream]:
    """Forty meters that speak every ten minutes for 18 hours, long ago, with these faults."""
    rows = np.arange(DEVICES * HOURS * 6 * 2)
    device, tick, prop = rows // 2 % DEVICES, rows // 2 // DEVICES, rows % 2
    time = T0 + tick * 10 * MINUTE
    value = np.where(prop == 0, 1000 + tick * 0.125 + device, 100.0 + tick % 7)
    devices = [Device(f"m{number}", "smart-meter", "native") for number in range(DEVICES)]
    span = (T0, T0 + HOURS * HOUR)
    faults = Faults(
        "smart-meter", PROPERTIES, DEVICES, WIRES[wire], read_options(table), seed, span, keep={}, arrival=later
    )
    numbers = np.zeros(DEVICES, np.int64)
    out = []
    for window in range(windows):
        low, high = T0 + window * HOURS * HOUR // windows, T0 + (window + 1) * HOURS * HOUR // windows
        mine = (time >= low) & (time < high)
        signals = pack("smart-meter", devices, PROPERTIES, device[mine], prop[mine], time[mine], value[mine])
        out.append(faults.apply(plan(signals, WIRES[wire], numbers), low, None if window == windows - 1 else high))
    return out


def rows_with(stream: Stream, fault: str) -> Int64:
    codes = [code for code, name in enumerate(stream.faults) if fault in name.split("+")]
    return np.flatnonzero(np.isin(stream.fault, codes))


def fates(stream: Stream, rows: Int64) -> set[tuple[str, str]]:
    return {(EXPECTATIONS[stream.expect[row]], stream.reasons[stream.reason[row]]) for row in rows}


def test_without_faults_all_is_stored_as_it_is() -> None:
    (stream,) = run({})
    assert fates(stream, np.arange(len(stream.time))) == {("stored", "")}
    assert (stream.stored_time == stream.time).all()
    assert (stream.due == stream.time).all()
    assert len(stream.time) == DEVICES * HOURS * 12


EFFECTS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("loss", {}, {("unsent", "")}),
    ("duplicate", {"seconds": 5}, {("duplicate", "")}),
    ("out_of_order", {"seconds": 1800}, {("stored", "")}),
    ("spike", {}, {("rejected", "out_of_range")}),
    ("not_a_number", {}, {("rejected", "bad_value")}),
    ("malformed", {}, {("rejected", "unreadable")}),
    ("outage", {"hours": 3}, {("stored", "")}),
    ("clock_skew", {"seconds": -90}, {("stored", "")}),
    ("clock_drift", {"seconds_per_day": 60}, {("stored", "")}),
    ("clock_lost", {}, {("rejected", "time_out_of_range")}),
    ("stuck", {}, {("stored", "")}),
    ("silent", {}, {("unsent", "")}),
    ("units", {}, {("stored", "")}),
    ("summer_time", {}, {("stored", "")}),
]


@pytest.mark.parametrize(("fault", "parameters", "expected"), EFFECTS, ids=[effect[0] for effect in EFFECTS])
def test_each_fault_alone(fault: str, parameters: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    (stream,) = run({fault: {"share": 0.4, **parameters}})
    (clean,) = run({})
    touched = rows_with(stream, fault)
    assert len(touched) > 20
    assert fates(stream, touched) == expected
    if fault != "summer_time":  # there the next hour says the same times again
        others = np.setdiff1d(np.arange(len(stream.time)), touched)
        assert fates(stream, others) == {("stored", "")}
    untouched = {(int(d), int(p), int(t), float(v)) for d, p, t, v in zip(
        clean.device, clean.property, clean.time, clean.value, strict=True)}  # fmt: skip
    same_as_ever = np.setdiff1d(np.arange(len(stream.time)), touched)
    assert all(
        (int(stream.device[row]), int(stream.property[row]), int(stream.time[row]), float(stream.value[row]))
        in untouched
        for row in same_as_ever
    )


def test_an_outage_ends_in_one_burst_in_the_old_order() -> None:
    (stream,) = run({"outage": {"share": 0.5, "hours": 3}})
    late = rows_with(stream, "outage")
    for device in np.unique(stream.device[late]):
        mine = late[stream.device[late] == device]
        assert len(np.unique(stream.due[mine])) == 1
        assert (np.diff(stream.time[mine]) >= 0).all()
        assert (stream.due[mine] >= stream.time[mine]).all()
        assert (stream.due[mine] - stream.time[mine] <= 3 * HOUR).all()


def test_units_are_thousandfold_and_said_where_the_format_can() -> None:
    (plain,) = run({"units": 0.5})
    rows = rows_with(plain, "units")
    assert (plain.property[rows] == 0).all()
    assert (plain.value[rows] > 900_000).all()
    assert (plain.stored_value == plain.value).all()
    (said,) = run({"units": 0.5}, "senml-json")
    assert said.unit is not None
    assert (said.unit[rows_with(said, "units")] == 1).all()
    assert said.stored_value[said.property == 0].max() < 2_000
    payloads = [message[1] for message in WIRES["senml-json"].encode(said) if message is not None]
    assert sum(b'"u":"Wh"' in payload for payload in payloads) == len(rows)


def test_the_night_of_the_clock_change_says_an_hour_twice() -> None:
    change = T0 + 13 * HOUR  # 01:00 UTC
    assert summer_hours("Europe/London", T0, T0 + HOURS * HOUR) == [(change - HOUR, change)]
    # 2025-03-30, 01:00 UTC: forward
    spring = 1_743_296_400_000_000
    assert summer_hours("Europe/London", spring - 5 * HOUR, spring + 5 * HOUR) == [(spring, spring + HOUR)]
    (stream,) = run({"summer_time": {"share": 1.0, "zone": "Europe/London"}})
    shifted = rows_with(stream, "summer_time")
    assert (stream.time[shifted] - stream.due[shifted] == HOUR).all()
    twice = np.flatnonzero((stream.due >= change) & (stream.due < change + HOUR))
    # registers have gone on, so they differ; the power may be the same again
    assert fates(stream, twice[stream.property[twice] == 0]) == {("rejected", "conflict")}
    assert fates(stream, twice[stream.property[twice] == 1]) <= {("rejected", "conflict"), ("duplicate", "")}


def test_a_battery_runs_down_and_then_its_device_is_silent() -> None:
    rows = np.arange(2000)
    devices = [Device("b1", "parking-bay", "native")]
    signals = pack("parking-bay", devices, ("battery",), rows * 0, rows * 0, T0 + rows * MINUTE, np.full(2000, 80.0))
    options = read_options({"battery": {"share": 1.0, "days": 0.25}})
    span = (T0, T0 + 2000 * MINUTE)
    faults = Faults("parking-bay", ("battery",), 1, WIRES["native"], options, 3, span, keep={}, arrival=later)
    stream = faults.apply(plan(signals, WIRES["native"], np.zeros(1, np.int64)), T0, None)
    said = stream.value[stream.expect == 0]
    assert said[0] == 80
    assert (np.diff(said) <= 0).all()
    assert said[-1] < 1
    assert (np.diff((stream.expect != 0).astype(int)) >= 0).all(), "once silent, for ever silent"


def test_windows_hold_back_what_is_due_later_and_lose_nothing() -> None:
    table = {"outage": {"share": 0.3, "hours": 5}, "out_of_order": {"share": 0.2, "seconds": 7200}, "duplicate": 0.2}
    parts = run(table, windows=6)
    edges = [T0 + (window + 1) * 3 * HOUR for window in range(5)]
    for part, edge in zip(parts, edges, strict=False):
        assert (part.due < edge).all()
        assert (np.diff(part.due) >= 0).all()
    originals = sum(len(part.time) - len(rows_with(part, "duplicate")) for part in parts)
    assert originals == DEVICES * HOURS * 12
    keys = []
    for part in parts:
        kept = part.expect == 0
        columns = part.device[kept].tolist(), part.property[kept].tolist(), part.time[kept].tolist()
        keys += list(zip(*columns, strict=True))
    assert len(keys) == len(set(keys)) == DEVICES * HOURS * 12


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    table = dict.fromkeys(FAULTS, 0.05)
    first, again, other = (run(table, seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first.value, again.value, equal_nan=True)
    assert np.array_equal(first.expect, again.expect)
    assert first.spoiled == again.spoiled
    assert first.spoiled != other.spoiled


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"gremlins": 0.1}, "no such fault"),
        ({"loss": 1.5}, "from 0 to 1"),
        ({"loss": True}, "from 0 to 1"),
        ({"loss": {}}, "needs a share"),
        ({"loss": {"share": 0.1, "hours": 3}}, "unknown key 'hours'"),
        ({"summer_time": {"share": 0.1, "zone": "Mars/Base"}}, "no time zone"),
        ({"clock_lost": {"share": 0.1, "to": "soon"}}, "no date"),
        ({"clock_lost": {"share": 0.1, "to": "1970-01-01"}}, "before 1979"),
        ({"stuck": 0.6, "silent": 0.6}, "add up to 1.2"),
        ({"outage": {"share": 0.1, "hours": -1}}, "from 0"),
    ],
)
def test_a_wrong_table_is_refused_in_words(table: dict[str, Any], words: str) -> None:
    with pytest.raises(FaultError, match=words):
        read_options(table)


def test_all_faults_are_options() -> None:
    assert set(FAULTS) == {*DEVICE_FAULTS, *MESSAGE_FAULTS}
    assert not set(DEVICE_FAULTS) & set(MESSAGE_FAULTS)


Sent = list[tuple[int, int, float]]


def plain_fates(sent: Sent, period: float) -> list[str]:
    """The rules as a loop: (device, minute, value) in the order of publication."""
    table: dict[tuple[int, int], tuple[float, str]] = {}
    newest: dict[int, int] = {}
    result = []
    for device, minute, value in sent:
        if math.isnan(value):
            result.append("bad_value")
        elif not -1e6 <= value <= 1e6:
            result.append("out_of_range")
        elif (device, minute) in table:
            first, fate = table[device, minute]
            result.append("conflict" if value != first else "duplicate" if fate == "stored" else "thinned")
        else:
            part = minute * 60 // int(period) if period else 0
            fate = "stored"
            if period and part <= newest.get(device, -1):
                fate = "thinned"
            if period:
                newest[device] = max(part, newest.get(device, -1))
            table[device, minute] = value, fate
            result.append(fate)
    return result


values = st.sampled_from([1.0, 2.0, math.nan, 2e6])


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), values), max_size=40), st.integers(1, 40))
def test_rules_are_those_of_a_plain_loop(sent: Sent, cut: int) -> None:
    assert _judged(sent, cut, 0.0) == plain_fates(sent, 0.0)


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 99), values), max_size=40), st.integers(1, 40))
def test_keep_rules_are_those_of_a_plain_loop_where_clocks_go_forward(sent: Sent, cut: int) -> None:
    sent = sorted(sent, key=lambda row: row[1])
    assert _judged(sent, cut, 1800.0) == plain_fates(sent, 1800.0)


def _judged(sent: Sent, cut: int, period: float) -> list[str]:
    """The fates by ``Rules``, in two windows."""
    rules = Rules("smart-meter", ("power",), 3, {"power": period} if period else {}, same)
    devices = [Device(f"m{number}", "smart-meter", "native") for number in range(3)]
    result = []
    for part in (sent[:cut], sent[cut:]):
        count = len(part)
        value = np.array([row[2] for row in part], float)
        stream = Stream(
            "smart-meter", devices, ("power",), np.array([row[0] for row in part], np.int32), np.zeros(count, np.uint8),
            np.array([T0 + row[1] * MINUTE for row in part], np.int64), value, np.arange(count),
            np.full(count, T0 + HOURS * HOUR), np.zeros(count, np.uint8), np.zeros(count, np.uint8),
            np.zeros(count, np.uint8), np.zeros(count, np.int64), value.copy(),
        )  # fmt: skip
        rules.predict(stream, T0)
        for expect, reason in zip(stream.expect.tolist(), stream.reason.tolist(), strict=True):
            word = EXPECTATIONS[expect]
            result.append(stream.reasons[reason] if word == "rejected" else word)
    return result


def test_times_beyond_the_rules_are_rejected() -> None:
    rules = Rules("smart-meter", ("power",), 1, {}, same)
    now = T0
    times = [946_684_800_000_000 - 1, 946_684_800_000_000, now + 300_000_000, now + 300_000_001]
    stream = Stream(
        "smart-meter", [Device("m", "smart-meter", "native")], ("power",), np.zeros(4, np.int32), np.zeros(4, np.uint8),
        np.array(times), np.ones(4), np.arange(4), np.full(4, now), np.zeros(4, np.uint8), np.zeros(4, np.uint8),
        np.zeros(4, np.uint8), np.zeros(4, np.int64), np.ones(4),
    )  # fmt: skip
    rules.predict(stream, 0)
    assert [EXPECTATIONS[code] for code in stream.expect] == ["rejected", "stored", "stored", "rejected"]
