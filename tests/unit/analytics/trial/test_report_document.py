"""A report as JSON and back: nothing is lost, and what is no report of ours is told where it is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.trial.report_document import VERSION, DocumentError, document, noted, plain_looks, read
from tests.worlds import trial_report

FULL = json.loads(json.dumps(document(trial_report.full("simulated"))))


@pytest.mark.parametrize("report", [trial_report.full(), trial_report.full("simulated"), trial_report.empty()])
def test_there_and_back(report: Any) -> None:
    given = json.loads(json.dumps(document(report), allow_nan=False))
    back = read(given)
    assert document(back) == given
    assert back.main() == report.main()
    assert back.facts.assigned_at == report.facts.assigned_at
    assert back.months == report.months
    assert list(back.looks) == list(report.looks)


def test_what_is_no_number_is_null() -> None:
    (look,) = trial_report.full().looks[:1]
    (told,) = plain_looks([look])
    assert told == {
        "month": "2025-01-01", "arm": "own-history", "effect": look.effect, "low": look.low, "high": look.high,
        "fixed_low": look.fixed_low, "fixed_high": look.fixed_high,
    }  # fmt: skip
    assert noted([told]) == [look]


def test_another_version_says_what_to_do() -> None:
    with pytest.raises(DocumentError, match=f"version {VERSION + 1} .*borough trial report"):
        read({**FULL, "version": VERSION + 1})
    with pytest.raises(DocumentError, match="version None"):
        read({})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"homes": "many"}, "report.homes is not what stands there"),
        ({"homes": True}, "report.homes is not what stands there"),
        ({"level": None}, "report.level is not what stands there"),
        ({"months": ["2025-13-01"]}, r"report.months\[0\] is no day or instant"),
        ({"months": "2025-01-01"}, "report.months is not what stands there"),
        ({"arms": [{"arm": "zone"}]}, r"report.arms\[0\] lacks share, assigned"),
        ({"wonder": 1}, "report has wonder, which is no part of a report"),
        ({"looks": [3]}, r"report.looks\[0\] is not what stands there"),
    ],
)
def test_what_is_no_report(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        read({**FULL, **change})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(FULL)), _JSON)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_else_is_ever_raised(key: str, value: Any) -> None:
    try:
        read({**FULL, key: value})
    except DocumentError:
        pass


def test_every_part_that_must_be_there_is_missed() -> None:
    optional = {"recovered", "missing"}
    for key in sorted(set(FULL) - {"version"} - optional):
        with pytest.raises(DocumentError, match=f"report lacks {key}"):
            read({one: value for one, value in FULL.items() if one != key})
