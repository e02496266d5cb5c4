"""The tables [[reading]] of a mapping file of tables: what they have beside the words of a message's mapping."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

from borough.replay.table_mapping import Derived
from borough.replay.words import Words
from devices.families import FAMILIES
from devices.units import COMMON, UCUM

_OURS = ("optional", "mean", "capacity", "capacity_attribute", "at_most")


class ReadingWords(Words):
    """Reads [[reading]]; what it has read is in ``optional`` and ``derived``, by property."""

    def __init__(self, where: str, text: str, family: str) -> None:
        super().__init__(where, text)
        self._properties = FAMILIES[family].properties
        self.optional: set[str] = set()
        self.derived: dict[str, Derived] = {}
        #: Of the first value that is a mean power.
        self.interval: str | None = None

    def read(self, readings: Any, *, one_for_all: str = "") -> Any:
        """The readings as a message's mapping has them. ``one_for_all``: why one rule reads every cell, if it does."""
        if one_for_all:
            if not isinstance(readings, list) or len(readings) != 1 or not isinstance(readings[0], dict):
                self.fail("reading", f"{one_for_all} there is exactly one [[reading]]")
            if "path" in readings[0] or "paths" in readings[0]:
                self.fail("reading", f"{one_for_all} the reading names no path")
            readings = [{**readings[0], "path": "value"}]
        if not isinstance(readings, list) or not all(isinstance(entry, dict) for entry in readings):
            return readings  # said by who reads the rest
        return [self._one(entry, f"reading {number}") for number, entry in enumerate(readings, 1)]

    def _one(self, entry: dict[str, Any], where: str) -> dict[str, Any]:
        rest = {key: value for key, value in entry.items() if key not in _OURS}
        for key in ("path", "paths", "unit_path"):
            if key in rest:
                rest[key] = _stripped(rest[key])
        name = entry.get("property")
        if not isinstance(name, str) or name not in self._properties:
            return rest
        where = f"{where} ({name})"
        if "optional" in entry:
            if not isinstance(entry["optional"], bool):
                self.fail(f"{where}, optional", "neither true nor false")
            if entry["optional"]:
                self.optional.add(name)
        if "mean" in entry:
            self.derived[name] = Derived(scale=self._scale(entry, name, where))
            self.interval = self.interval or entry["mean"]
            del rest["unit"]
        capacity = self.heading(entry, "capacity", f"{where}, capacity")
        attribute = self.one_text(entry, "capacity_attribute", f"{where}, capacity_attribute")
        if capacity or attribute:
            if name != "free_spaces":
                self.fail(f"{where}, capacity", "is for free_spaces, where the cells count the occupied ones")
            if capacity and attribute:
                self.fail(f"{where}, capacity", "does not go with capacity_attribute")
            self.derived[name] = Derived(capacity=capacity, capacity_attribute=attribute)
        if "at_most" in entry:
            most = entry["at_most"]
            if self._properties[name].kind != "state":
                self.fail(f"{where}, at_most", "is for states, such as occupied")
            if isinstance(most, bool) or not isinstance(most, (int, float)):
                self.fail(f"{where}, at_most", f"{most!r} is no number")
            self.derived[name] = Derived(at_most=float(most))
        return rest

    def _scale(self, entry: dict[str, Any], name: str, where: str) -> tuple[int, int]:
        """The factor from a mean power in the entry's unit to energy [kWh]."""
        if self._properties[name].kind != "interval":
            self.fail(f"{where}, mean", "is for properties of an interval, such as import_interval")
        length = self.length(entry["mean"], f"{where}, mean")
        unit = self.one_text(entry, "unit", f"{where}, unit")
        known = UCUM.get(COMMON.get(unit or "", unit or ""))
        if known is None or known.dimension != "power" or "unit_path" in entry or length <= timedelta():
            self.fail(f"{where}, mean", 'needs the unit of the mean power beside it: unit = "kW" or unit = "W"')
        hours = Fraction(length // timedelta(microseconds=1), 3_600_000_000)
        factor = known.scale / UCUM["kW"].scale * hours
        return factor.numerator, factor.denominator


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    return [_stripped(item) for item in value] if isinstance(value, list) else value
