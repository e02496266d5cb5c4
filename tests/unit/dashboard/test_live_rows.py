"""Rows that change, come and go: the payloads make the one table to the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from dashboard.web.live_rows import Rows, differences

_TABLES = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.integers(0, 2), st.integers(0, 3)))


def _rows(table: dict[str, tuple[int, int]]) -> Rows:
    ids = sorted(table)
    columns = np.array([table[one] for one in ids], np.int64).reshape(-1, 2)
    return Rows(ids, {"state": columns[:, 0], "heard": columns[:, 1]})


def _applied(table: dict[str, tuple[int, int]], payloads: list[bytes]) -> dict[str, tuple[int, int]]:
    """What a page makes of it."""
    found = dict(table)
    for payload in payloads:
        row: dict[str, Any] = orjson.loads(payload)
        if "gone" in row:
            del found[row["id"]]
        else:
            found[row["id"]] = (row["state"], row["heard"])
    return found


@given(_TABLES, _TABLES)
def test_a_page_that_applies_the_changes_shows_what_is(
    before: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]]
) -> None:
    said = differences(_rows(before), _rows(now))
    assert _applied(before, said) == now
    assert len(said) == sum(before.get(one) != now.get(one) for one in before.keys() | now.keys())


@given(_TABLES, _TABLES)
def test_quiet_columns_alone_are_no_change(before: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]]) -> None:
    said = differences(_rows(before), _rows(now), {"heard"})
    states = {one: state for one, (state, _) in _applied(before, said).items()}
    assert states == {one: state for one, (state, _) in now.items()}
    loud = {one for one in before.keys() | now.keys() if before.get(one, (9,))[0] != now.get(one, (9,))[0]}
    assert {orjson.loads(payload)["id"] for payload in said} == loud


def test_the_change_of_a_bay_is_small_whatever_it_is_called() -> None:
    name = "x" * 128
    before, now = _rows({name: (0, 0)}), _rows({name: (1, 3)})
    assert len(differences(before, now)[0]) < 200
