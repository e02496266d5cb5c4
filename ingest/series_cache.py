"""What the collector must know of each series, as arrays by series index: its own dense number of a (device, property).

An index is given when the pair is first seen; its series id comes from the store before the first batch with it is
built. The event loop gives out indexes, the writer's thread owns the arrays: it takes new series over (`extend`) before
it looks at a batch, so no array is ever resized under a reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from devices.device import Device
from devices.families import FAMILIES, UNKNOWN, plausible
from devices.models import MODELS
from store.batch import SeriesState

#: Families by number, as batches and the series cache use them.
FAMILY_NAMES: tuple[str, ...] = (*FAMILIES, UNKNOWN)
FAMILY_NUMBER: Mapping[str, int] = {name: number for number, name in enumerate(FAMILY_NAMES)}

#: "No time yet", and the keep rule of what is shown in `latest` only.
NEVER = np.iinfo(np.int64).min
LATEST_ONLY = np.iinfo(np.int64).max


class NewSeries(NamedTuple):
    """A series as the event loop gives out its index. ``keep`` [us]: 0 keeps all, LATEST_ONLY stores none.

    ``erased_device``: of one whose messages are read to be counted only; it has no series in the store.
    """

    device: Device
    property: str
    keep: int
    erased_device: bool = False


class SeriesCache:
    """Arrays by series index, grown by doubling."""

    def __init__(self) -> None:
        self.size = 0
        self.devices: list[Device] = []
        self.properties: list[str] = []
        #: indexes of series that were erased: nothing of theirs may be written again
        self.erased_series: set[int] = set()
        self.series = np.empty(0, np.int32)
        self.family = np.empty(0, np.uint8)
        self.low = np.empty(0, np.float64)
        self.high = np.empty(0, np.float64)
        self.keep = np.empty(0, np.int64)
        #: the newest reading that was accepted, built into a batch or stored
        self.last_time = np.empty(0, np.int64)
        self.last_value = np.empty(0, np.float64)
        #: the period (time // keep) of the newest reading that was kept
        self.kept = np.empty(0, np.int64)

    def extend(self, new: Sequence[NewSeries], states: Sequence[SeriesState]) -> None:
        """Take over new series with their ids and newest stored readings."""
        start, end = self.size, self.size + len(new)
        if end > len(self.series):
            room = max(1024, 2 * end)
            for name in ("series", "family", "low", "high", "keep", "last_time", "last_value", "kept"):
                old = getattr(self, name)
                grown = np.empty(room, old.dtype)
                grown[:start] = old[:start]
                setattr(self, name, grown)
        for series_index, (item, state) in enumerate(zip(new, states, strict=True), start):
            known = FAMILIES[item.device.family].properties[item.property]
            self.devices.append(item.device)
            self.properties.append(item.property)
            self.series[series_index] = state.series
            self.family[series_index] = FAMILY_NUMBER[item.device.family]
            self.low[series_index], self.high[series_index] = plausible(known, item.device.attributes)
            self.keep[series_index] = item.keep
            self.learn(series_index, state)
        self.size = end

    def learn(self, series_index: int, state: SeriesState) -> None:
        """Take what the store says of a series' newest reading for what is known of it."""
        self.last_time[series_index] = NEVER if state.time is None else state.time
        self.last_value[series_index] = state.value
        # a thinned reading in a period means that the period has a kept one
        keep = int(self.keep[series_index])
        self.kept[series_index] = NEVER if state.time is None or not 0 < keep < LATEST_ONLY else state.time // keep

    def forget_last(self, series_index: int) -> None:
        """The store holds another value than we remember: let it judge the next repeat."""
        self.last_time[series_index] = NEVER


def keep_rule(device: Device, property_name: str, overrides: Mapping[str, Mapping[str, float]]) -> int:
    """The keep rule [us] of one property: from the settings by model, else from the model, else keep all."""
    rules: Mapping[str, float] | None = overrides.get(device.model)
    if rules is None:
        model = MODELS.get(device.model)
        rules = model.keep if model is not None else {}
    seconds = rules.get(property_name, 0.0)
    return LATEST_ONLY if seconds == float("inf") else round(seconds * 1_000_000)
