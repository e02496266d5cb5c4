"""Readings as CSV (RFC 4180): heading, then a line a reading, and nothing of ours among them.

No cell needs quotation marks, and none is taken for a formula: ids of devices begin with a letter or a digit and hold
neither comma nor semicolon (`devices.device`), names of properties are ours, a negative number is a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from analytics.tables.text import Texts, instant_texts, number_texts
from store.arrays import SeriesBlock
from store.open_data import OpenSeries

CSV_COLUMNS = ("series", "device", "property", "time", "value")

#: Rows that are put together at once: what is made of them stays in the processor's cache.
_ROWS = 32_768
#: What may stand in a cell without marks, and is no formula.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]*\Z")


def csv_blocks(series: Sequence[OpenSeries], blocks: Iterable[SeriesBlock]) -> Iterator[bytes]:
    """The heading, then the rows in pieces of about a megabyte; ``blocks`` as `store.open_data.readings` gives them.

    ``12,0042,no2,2026-06-01T00:00:00Z,21.5``: the series' number, ids as they are, time in UTC by ISO 8601 (six digits
    of a fraction or none), the value in the fewest digits that read back the same, empty where it is not known. Raises
    ValueError for an id or a property that would need quotation marks.
    """
    yield (",".join(CSV_COLUMNS) + "\r\n").encode()
    names = _names(series)
    for block in blocks:
        places = np.repeat(block.places, np.diff(block.offsets))
        for first in range(0, len(places), _ROWS):
            some = slice(first, first + _ROWS)
            yield _lines(names[places[some]], block.times[some], block.values[some])


def _lines(names: Texts, times: np.typing.NDArray[np.int64], values: np.typing.NDArray[np.float64]) -> bytes:
    date, clock, fraction = instant_texts(times)
    number = number_texts(values)
    zulu = np.frombuffer(b"Z", "V1") if fraction is None else fraction
    columns = {
        "names": names, "date": date, "clock": clock, "zulu": zulu, "comma": _COMMA, "number": number, "end": _END,
    }  # fmt: skip
    rows = np.empty(len(times), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        rows[name] = column
    return rows.tobytes().translate(None, b"\0")


_COMMA, _END = np.frombuffer(b",", "V1"), np.frombuffer(b"\r\n", "V2")


def _names(series: Sequence[OpenSeries]) -> Texts:
    """What each line of a series begins with, ``(series,)``."""
    for one in series:
        if not (_PLAIN.match(one.device) and _PLAIN.match(one.property)):
            raise ValueError(f"series {one.id}: its device or property holds signs that no export has")
    texts = np.array([f"{one.id},{one.device},{one.property},".encode() for one in series] or [b","], np.bytes_)
    return texts.view(f"V{texts.dtype.itemsize}")
