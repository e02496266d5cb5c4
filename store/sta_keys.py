"""Ids of SensorThings entities as keys of their rows, as an address or a literal says them; None: it can be none."""

from __future__ import annotations

import re

from store.times import FIRST, LAST, instant

_INT4 = 2**31

Key = tuple[object, ...] | None


def of_name(given: str | int) -> Key:
    """A text is the key itself."""
    return (given,) if isinstance(given, str) else None


def of_series(given: str | int) -> Key:
    """The number of a series."""
    return (given,) if isinstance(given, int) and 0 < given < _INT4 else None


_READING = re.compile(r"([1-9][0-9]{0,9})-(-?[0-9]{1,18})", re.ASCII)


def of_reading(given: str | int) -> Key:
    """``17-1767225600000000``: a series and an instant [us since the Unix epoch]."""
    found = _READING.fullmatch(given) if isinstance(given, str) else None
    if found is None or int(found[1]) >= _INT4 or not _exact(found[2]):
        return None
    return int(found[1]), instant(int(found[2]))


def of_stay(given: str | int) -> Key:
    """``sensor-1-1767225600000000``: a device and an instant."""
    if not isinstance(given, str):
        return None
    device, _, time = given.rpartition("-")
    return (device, instant(int(time))) if device and _exact(time) else None


def _exact(microseconds: str) -> bool:
    """Whether it is an instant as we write one: no zeros before it, within what there is."""
    return (
        re.fullmatch(r"0|-?[1-9][0-9]{0,17}", microseconds, re.ASCII) is not None and FIRST <= int(microseconds) <= LAST
    )


def of_sensor(given: str | int) -> Key:
    """``air-monitor:model:no2``: family, model and property; a model may hold any sign."""
    if not isinstance(given, str) or given.count(":") < 2:
        return None
    family, _, rest = given.partition(":")
    model, _, name = rest.rpartition(":")
    return family, model, name
