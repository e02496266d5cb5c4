"""Who can be a member of a trial, each home that cannot by one reason; and strata by whole numbers alone."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.trial.eligibility import Asked, Why, eligible, known_months
from analytics.trial.runner import months_on
from analytics.trial.strata import DEPRIVATION, TENURE_GROUPS, deprivation_third, ranked, strata, tenure_group
from devices.homes import HEATING, TENURES

HOME = (True, True, True, False, 10, False)


def asked(*homes: tuple[bool, bool, bool, bool, int, bool]) -> Asked:
    of_site, comparison, evaluation, busy, months, hardship = zip(*homes, strict=True)
    return Asked(
        np.array(of_site), np.array(comparison), np.array(evaluation), np.array(busy), np.array(months, np.int64),
        np.array(hardship),
    )  # fmt: skip


def test_each_reason_and_the_order_of_reasons() -> None:
    homes = [
        HOME,
        (False, True, True, False, 12, False),
        (True, False, True, False, 12, False),
        (True, True, False, False, 12, False),
        (True, True, True, True, 12, False),
        (True, True, True, False, 9, False),
        (True, True, True, False, 12, True),
        (False, False, False, True, 0, True),
        (True, False, False, True, 0, True),
        (True, True, True, False, 9, True),
    ]
    found = eligible(asked(*homes))
    assert found.homes.tolist() == [True, *[False] * 9]
    assert found.left_out == {
        Why.OTHER_ORIGIN: 2, Why.NO_COMPARISON: 2, Why.NO_EVALUATION: 1, Why.OTHER_TRIAL: 1, Why.SHORT: 2,
        Why.HARDSHIP: 1,
    }  # fmt: skip


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 12), st.booleans()),
        min_size=1,
    )
)
def test_each_home_is_eligible_or_counted_once(homes: list[tuple[bool, bool, bool, bool, int, bool]]) -> None:
    found = eligible(asked(*homes))
    assert found.homes.sum() + sum(found.left_out.values()) == len(homes)
    assert found.homes.tolist() == [all(home[:3]) and not home[3] and home[4] >= 10 and not home[5] for home in homes]


def test_a_month_is_known_from_half_of_its_days_on() -> None:
    known = np.array([[15, 14, 15, 16, 14, 0]], np.int16)
    assert known_months(known, np.array([30, 30, 31, 31, 28, 28])).tolist() == [
        [True, False, False, True, True, False],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("months", "expected"), [(0, date(2026, 2, 1)), (-2, date(2025, 12, 1)), (11, date(2027, 1, 1))]
)
def test_months_on(months: int, expected: date) -> None:
    assert months_on(date(2026, 2, 17), months) == expected


def test_strata_have_names_that_say_what_their_homes_have_in_common() -> None:
    heating = np.array([HEATING.index("gas"), HEATING.index("heat-pump"), HEATING.index("electric"), -1], np.int32)
    tenure = np.array([TENURES.index("council-rent"), TENURES.index("owner"), TENURES.index("owner"), -1], np.int32)
    found = strata(heating, tenure, np.array([5, 1, 2, 9]), np.array([1, 10, 10, 0], np.int32), np.arange(4))
    assert [found.names[number] for number in found.number] == [
        "gas, social rent, middle third of use, most deprived third",
        "electricity, owner, lowest third of use, least deprived third",
        "electricity, owner, lowest third of use, least deprived third",
        "heating not known, tenure not known, highest third of use, deprivation not known",
    ]
    assert sorted(set(found.number.tolist())) == list(range(len(found.names)))


@given(st.integers(1, 40), st.integers(1, 11), st.integers(0, 2**31))
def test_parts_by_rank_are_as_equal_as_can_be_and_rise_with_use(homes: int, parts: int, seed: int) -> None:
    use = np.random.default_rng(seed).integers(0, 5, homes)
    tenancy = np.arange(homes)
    found = ranked(use, tenancy, parts)
    assert np.bincount(found, minlength=parts).max() - np.bincount(found, minlength=parts).min() <= 1
    order = np.lexsort((tenancy, use))
    assert (np.diff(found[order]) >= 0).all()
    turned = np.random.default_rng(seed + 1).permutation(homes)
    assert ranked(use[turned], tenancy[turned], parts).tolist() == found[turned].tolist(), "whatever their order"


def test_groups_of_tenure_and_thirds_of_deprivation() -> None:
    groups = tenure_group(np.array([*range(len(TENURES)), -1], np.int32))
    assert [TENURE_GROUPS[place] if place >= 0 else None for place in groups] == [
        "owner", "private rent", "social rent", "social rent", "other", None,
    ]  # fmt: skip
    thirds = deprivation_third(np.arange(11, dtype=np.int32))
    assert thirds.tolist() == [-1, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len(DEPRIVATION) == 3


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 4), st.integers(0, 99), st.integers(0, 10)), min_size=1))
def test_homes_are_in_one_stratum_where_all_they_have_is_alike(homes: list[tuple[int, int, int, int]]) -> None:
    heating, tenure, use, decile = (np.array(column, np.int32) for column in zip(*homes, strict=True))
    tenancy = np.arange(len(homes))
    found = strata(heating, tenure, use.astype(np.int64), decile, tenancy)
    third = ranked(use.astype(np.int64), tenancy, 3)
    same = {"electric": "heat-pump", "oil": "other"}
    keys = [
        (
            -1 if one[0] < 0 else same.get(HEATING[one[0]], HEATING[one[0]]),
            int(tenure_group(np.array([one[1]], np.int32))[0]),
            int(third[place]),
            int(deprivation_third(np.array([one[3]], np.int32))[0]),
        )
        for place, one in enumerate(homes)
    ]
    assert len(set(zip(keys, found.number.tolist(), strict=True))) == len(set(keys)) == len(found.names)
