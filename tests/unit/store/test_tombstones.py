"""Marks of what was erased."""

from __future__ import annotations

from datetime import date

from store import tombstones

KEY = bytes(range(32))
DAY = date(2026, 2, 1)


def test_leading_zeros_of_a_uprn_make_no_other_mark() -> None:
    mark = tombstones.tenancy_mark(KEY, "12345678", DAY)
    assert tombstones.tenancy_mark(KEY, "000012345678", DAY) == mark
    assert tombstones.tenancy_mark(KEY, "112345678", DAY) != mark
    # a mark of before, made of the UPRN as it was written
    old = tombstones.mark(KEY, f"000012345678 {DAY}")
    for spelt in ("12345678", "000012345678", "012345678"):
        assert {mark, old} <= set(tombstones.tenancy_marks(KEY, spelt, DAY))
