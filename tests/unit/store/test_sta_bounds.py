"""Which readings a question about Observations means, where its bounds say it."""

from __future__ import annotations

import pytest

from dashboard.sensorthings.options import parse
from store.sta_bounds import Bound, bound
from store.sta_count import gaps
from store.sta_entities import model
from store.sta_scope import Along, Everything, Keyed

ONE = model("1.1")
#: 2026-03-01T00:00:00Z [us].
START = 1_772_323_200_000_000


def bounds(text: str) -> Bound | None:
    return bound(parse(ONE, "Observation", [("$filter", text)] if text else []), Everything())


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("", None, None),
        ("phenomenonTime ge 2026-03-01T00:00:00Z", START, None),
        ("phenomenonTime gt 2026-03-01T00:00:00Z", START + 1, None),
        ("phenomenonTime lt 2026-03-01T00:00:00Z", None, START),
        ("resultTime le 2026-03-01T00:00:00Z", None, START + 1),
        ("phenomenonTime eq 2026-03-01T01:00:00+01:00", START, START + 1),
        (
            "2026-03-01T00:00:00Z le phenomenonTime and resultTime lt 2026-03-02T00:00:00Z",
            START,
            START + 86_400_000_000,
        ),
        ("phenomenonTime ge 2026-02-01T00:00:00Z and phenomenonTime ge 2026-03-01T00:00:00Z", START, None),
    ],
)
def test_bounds_of_time(text: str, start: int | None, end: int | None) -> None:
    assert bounds(text) == Bound(None, None, start, end)


@pytest.mark.parametrize(
    "text",
    [
        "result gt 5",
        "phenomenonTime ge 2026-03-01T00:00:00Z or phenomenonTime lt 2026-02-01T00:00:00Z",
        "not (phenomenonTime ge 2026-03-01T00:00:00Z)",
        "phenomenonTime ne 2026-03-01T00:00:00Z",
        "phenomenonTime ge 2026-03-01T00:00:00Z and result gt 5",
        "Datastream/phenomenonTime ge 2026-03-01T00:00:00Z",
        "phenomenonTime ge 2026-03-01T00:00:00Z/2026-03-02T00:00:00Z",
        "phenomenonTime ge now()",
    ],
)
def test_whatever_else_is_not_known_without_looking(text: str) -> None:
    assert bounds(text) is None


def test_whose_they_are() -> None:
    query = parse(ONE, "Observation", [])
    assert bound(query, Along("Datastream", (17,), ("Observations",))) == Bound(17, None, None, None)
    assert bound(query, Along("FeatureOfInterest", ("a",), ("Observations",))) == Bound(None, "a", None, None)
    assert bound(query, Along("Thing", ("a",), ("Datastreams",))) is None
    assert bound(query, Keyed((1, 2))) is None


def test_gaps() -> None:
    assert gaps([], 0, 10) == [(0, 10)]
    assert gaps([(0, 10)], 0, 10) == []
    assert gaps([(2, 4), (4, 6), (8, 9)], 0, 10) == [(0, 2), (6, 8), (9, 10)]
