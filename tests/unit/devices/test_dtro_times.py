"""Times of a D-TRO that no bay can have: told with their provision, or no hours at all."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from devices.dtro.reading import read_dtro
from devices.registry import RegistryError
from tests.worlds.parking_interchange import Change, document, provision


def _period(**more: str) -> Change:
    return lambda found: found["regulation"]["condition"]["timeValidity"]["validPeriod"][0].update(more)


def _closes(found: dict[str, Any]) -> None:
    """In the hour that the clock leaves out."""
    found["regulation"]["temporaryProvision"] = [{"temporaryOverriddenProvision": {"reference": "good"}}]
    found["regulation"]["condition"]["timeValidity"] = {
        "start": "2026-03-29T01:10:00",
        "end": "2026-03-29T02:05:00",
        "isPlaceholderTro": False,
    }


def test_what_ends_before_it_begins_is_told() -> None:
    data = document(
        provision(reference="good"),
        provision(_period(startOfPeriod="2027-01-01T00:00:00", endOfPeriod="2026-01-01T00:00:00"), reference="back"),
        provision(_period(startOfPeriod="2027-01-01T00:00:00", endOfPeriod="2027-01-01T00:00:00"), reference="none"),
        provision(_closes, reference="gap", kind="miscBaySuspension"),
    )
    with pytest.raises(RegistryError) as caught:
        read_dtro(data)
    assert [str(problem) for problem in caught.value.problems] == [
        "provision back: a validPeriod ends 2026-01-01 00:00:00 and begins 2027-01-01 00:00:00",
        "provision none: a validPeriod ends 2027-01-01 00:00:00 and begins 2027-01-01 00:00:00",
        (
            "provision gap: timeValidity begins 2026-03-29 01:10:00 and ends 2026-03-29 02:05:00, which is no later by"
            " the clock that goes forward in between; say times that the clock shows"
        ),
    ]


def test_hours_outside_their_validity_are_none() -> None:
    """Of two validities, one has hours for days on which it has ended."""
    early: dict[str, Any] = {"start": "2026-01-05T00:00:00", "end": "2026-02-01T00:00:00", "isPlaceholderTro": False}
    late = {"start": "2026-03-05T00:00:00", "end": "2026-04-01T00:00:00", "isPlaceholderTro": False}
    early["validPeriod"] = [{"startOfPeriod": "2026-05-01T00:00:00"}]

    def change(found: dict[str, Any]) -> None:
        conditions = [{"timeValidity": early}, {"timeValidity": late}]
        found["regulation"].pop("condition")
        found["regulation"]["conditionSet"] = {"operator": "or", "conditions": conditions}

    (bay,) = read_dtro(document(provision(change))).bays
    assert [(row.from_day, row.to_day) for row in bay.restrictions] == [(date(2026, 3, 5), date(2026, 4, 1))]
