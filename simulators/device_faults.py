"""Lasting faults of devices: each changes the rows of its devices and says which those were.

A device has one of them at most, from an instant of its own on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.families import FAMILIES
from simulators.encode import Wire
from simulators.fault_options import DEVICE_FAULTS, FAULTS, FaultOptions
from simulators.randomness import stream as randomness
from simulators.rules import UNSENT
from simulators.stream import Float64, Int64, Stream

_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR
#: A clock that drifts is put right before it is further off [us]: beyond five minutes it would be rejected.
_DRIFT_MAXIMUM = 240 * _SECOND
#: Clocks are told apart by milliseconds: a float64 of seconds carries them exactly.
_MILLISECOND = 1_000
#: Faults that change times: of no consequence where the message carries none.
CLOCKS = ("clock_skew", "clock_drift", "clock_lost", "summer_time")

_CODES = {name: code for code, name in enumerate(DEVICE_FAULTS, 1)}


class DeviceFaults:
    """Who has which lasting fault from when on, and what it does. ``span`` [us]: of the whole simulation.

    ``gateways``: each device's, "" where it has none. ``keeps``: the model has a keep rule. Of its half-hours the first
    reading is stored: the first to arrive or the oldest, which is the same only where the clock never goes back; so
    here it does not.
    """

    def __init__(
        self,
        family: str,
        properties: Sequence[str],
        devices: int,
        wire: Wire,
        options: FaultOptions,
        seed: int,
        span: tuple[int, int],
        *,
        keeps: bool,
        gateways: Sequence[str] = (),
    ) -> None:
        self._properties, self._wire, self._options, self._keeps = list(properties), wire, options, keeps
        self._start, self._end = span
        self.fault = self._draw(seed, family, devices)
        rng = randomness(seed, family, "fault onsets")
        self._onset = span[0] + (rng.random(devices) * (span[1] - span[0])).astype(np.int64) // _SECOND * _SECOND
        self._choice = rng.random(devices)
        self._away(seed, family, gateways)
        self._stopped = np.full((devices, len(self._properties)), np.nan)
        self._level = np.full(devices, np.nan)
        known = FAMILIES[family].properties
        self._lasting = [number for number, name in enumerate(properties) if known[name].kind != "interval"]
        self._energies = [number for number, name in enumerate(properties) if known[name].unit == "kW.h"]
        self._effects = {
            "outage": self._outage,
            "clock_skew": self._clock_skew,
            "clock_drift": self._clock_drift,
            "clock_lost": self._clock_lost,
            "stuck": self._stuck,
            "battery": self._battery,
            "silent": self._silent,
            "units": self._units,
            "summer_time": self._summer_time,
            "gateway": self._gateway,
        }

    def apply(self, stream: Stream) -> Int64:
        """Change the stream; the bits (of `FAULTS`) of each row's faults."""
        bits = np.zeros(len(stream.message), np.int64)
        of_row = self.fault[stream.device]
        for name, code in _CODES.items():
            rows = np.flatnonzero(of_row == code)
            if len(rows):
                bits[self._effects[name](stream, rows)] |= 1 << FAULTS.index(name)
        return bits

    def having(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Which devices have one of these faults."""
        return np.isin(self.fault, [_CODES[name] for name in names])

    def _draw(self, seed: int, family: str, devices: int) -> NDArray[np.uint8]:
        draw = randomness(seed, family, "fault of device").random(devices)
        fault = np.zeros(devices, np.uint8)
        edge = 0.0
        for name, code in _CODES.items():
            if name == "gateway":
                continue
            share = self._options.share.get(name, 0.0)
            without_sense = (not self._wire.resolution and name in CLOCKS) or (self._keeps and name == "summer_time")
            if not without_sense:
                fault[(draw >= edge) & (draw < edge + share)] = code
            edge += share
        return fault

    def _away(self, seed: int, family: str, gateways: Sequence[str]) -> None:
        """The share of the gateways that fails, met exactly; all devices of one at the same instant."""
        names = sorted({name for name in gateways if name})
        share = self._options.share.get("gateway", 0.0)
        if not names or not share:
            return
        rng = randomness(seed, family, "fault of gateways")
        failing = rng.permutation(len(names))[: round(share * len(names))].tolist()
        onsets = self._start + (rng.random(len(names)) * (self._end - self._start)).astype(np.int64)
        of_device = np.array(list(gateways))
        for place in failing:
            mine = of_device == names[place]
            self.fault[mine], self._onset[mine] = _CODES["gateway"], int(onsets[place]) // _SECOND * _SECOND

    def _after(self, stream: Stream, rows: Int64) -> Int64:
        return rows[stream.due[rows] >= self._onset[stream.device[rows]]]

    def _outage(self, stream: Stream, rows: Int64) -> Int64:
        """What happened meanwhile comes in one burst when the line is back, in its old order."""
        back = self._onset[stream.device[rows]] + round(self._options.get("outage", "hours") * _HOUR)
        rows = self._after(stream, rows[stream.due[rows] < back])
        stream.due[rows] = self._onset[stream.device[rows]] + round(self._options.get("outage", "hours") * _HOUR)
        return rows

    def _clock_skew(self, stream: Stream, rows: Int64) -> Int64:
        rows = self._after(stream, rows)
        seconds = self._options.get("clock_skew", "seconds")
        self._shift(stream, rows, round((abs(seconds) if self._keeps else seconds) * _SECOND))
        return rows

    def _clock_drift(self, stream: Stream, rows: Int64) -> Int64:
        rows = self._after(stream, rows)
        rate = self._options.get("clock_drift", "seconds_per_day")
        off = (
            (stream.due[rows] - self._onset[stream.device[rows]])
            / _DAY
            * (abs(rate) if self._keeps else rate)
            * _SECOND
        )
        self._shift(stream, rows, np.clip(off, -_DRIFT_MAXIMUM, _DRIFT_MAXIMUM).astype(np.int64))
        return rows

    def _clock_lost(self, stream: Stream, rows: Int64) -> Int64:
        """After a loss of power the clock goes on from another date."""
        rows = self._after(stream, rows)
        dates = np.array(self._options.get("clock_lost", "to"), np.int64)
        device = stream.device[rows]
        date = dates[(self._choice[device] * len(dates)).astype(np.int64)]
        self._shift(stream, rows, date - self._onset[device])
        return rows

    def _summer_time(self, stream: Stream, rows: Int64) -> Int64:
        """In the night in which the clocks change the device takes its local time for UTC, for the hour of summer time.

        In autumn this hour is the one before the change, in spring the one after; in both the next hour says the same
        times again.
        """
        time = stream.time[rows]
        wrong = np.zeros(len(rows), bool)
        for first, last in summer_hours(self._options.get("summer_time", "zone"), self._start, self._end):
            wrong |= (time >= first) & (time < last)
        self._shift(stream, rows[wrong], _HOUR)
        return rows[wrong]

    def _shift(self, stream: Stream, rows: Int64, by: Any) -> None:
        grain = max(_MILLISECOND, self._wire.resolution)
        stream.time[rows] = (stream.time[rows] + by) // grain * grain

    def _stuck(self, stream: Stream, rows: Int64) -> Int64:
        """The same values for ever; an interval is a sum and not a value that can stick."""
        rows = self._after(stream, rows)
        rows = rows[np.isin(stream.property[rows], self._lasting)]
        device, prop = stream.device[rows], stream.property[rows]
        flat = self._stopped.reshape(-1)
        place = device.astype(np.int64) * len(self._properties) + prop
        _first_seen(flat, place, stream.value[rows])
        stream.value[rows] = flat[place]
        return rows

    def _battery(self, stream: Stream, rows: Int64) -> Int64:
        """The battery runs down in a line, then the device falls silent."""
        rows = self._after(stream, rows)
        device = stream.device[rows]
        gone = (stream.due[rows] - self._onset[device]) / (self._options.get("battery", "days") * _DAY)
        stream.expect[rows[gone >= 1]] = UNSENT
        if "battery" not in self._properties:
            empty: Int64 = rows[gone >= 1]
            return empty
        number = self._properties.index("battery")
        telling = stream.property[rows] == number
        _first_seen(self._level, device[telling], stream.value[rows][telling])
        level = self._level[device] * np.clip(1 - gone, 0, 1)
        stream.value[rows[telling]] = np.round(level[telling], 0 if self._wire.digits is not None else 1)
        found: Int64 = rows[telling | (gone >= 1)]
        return found

    def _silent(self, stream: Stream, rows: Int64) -> Int64:
        rows = self._after(stream, rows)
        stream.expect[rows] = UNSENT
        return rows

    def _gateway(self, stream: Stream, rows: Int64) -> Int64:
        """What its devices say while it is away, nobody hears."""
        hours = round(self._options.get("gateway", "hours") * _HOUR)
        rows = self._after(stream, rows[stream.due[rows] < self._onset[stream.device[rows]] + hours])
        stream.expect[rows] = UNSENT
        return rows

    def _units(self, stream: Stream, rows: Int64) -> Int64:
        """New firmware says Wh where kWh was said; formats that carry units say so."""
        rows = self._after(stream, rows)
        rows = rows[np.isin(stream.property[rows], self._energies)]
        stream.value[rows] = np.round(stream.value[rows] * 1000, 3)
        if self._wire.units:
            assert stream.unit is not None
            stream.unit[rows] = 1
        return rows


def summer_hours(zone: str, start: int, end: int) -> list[tuple[int, int]]:
    """The hours [us, UTC] of a span's nights of clock change in which local time is an hour ahead of what it could be:
    before the change in autumn, after it in spring.
    """
    place = ZoneInfo(zone)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def offset(hour: int) -> timedelta:
        found = (epoch + timedelta(hours=hour)).astimezone(place).utcoffset()
        assert found is not None
        return found

    hours = []
    for day in range(start // _DAY - 1, end // _DAY + 2):
        if offset(day * 24) == offset(day * 24 + 24):
            continue
        for hour in range(day * 24 + 1, day * 24 + 25):
            if offset(hour) > offset(hour - 1):
                hours.append((hour * _HOUR, (hour + 1) * _HOUR))
            elif offset(hour) < offset(hour - 1):
                hours.append(((hour - 1) * _HOUR, hour * _HOUR))
    return hours


def _first_seen(memory: Float64, place: NDArray[np.integer], value: Float64) -> None:
    """Fill the places that are NaN with the first value of each."""
    new, index = np.unique(place, return_index=True)
    fresh = np.isnan(memory[new])
    memory[new[fresh]] = value[index[fresh]]
