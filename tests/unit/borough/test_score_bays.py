"""The score of recorded stays, case by case; times in minutes."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from borough.scoring.bays import BayScore, Faults, compare
from simulators.bay_truth import Intervals, TrueStays
from simulators.bay_truth_file import Told
from store.scoring import RecordedStays

MINUTE = 60_000_000
END = 1_000
NOTHING = Intervals(*(np.empty(0, np.int64) for _ in range(3)))
#: Bay, arrival, departure (None: it lasts), time over.
Stay = tuple[int, int, int | None, int]


def told(*stays: Stay, begun: bool = True) -> Told:
    bay, arrival, departure, over = (np.array(column) for column in zip(*stays, strict=True))
    lasts = departure == None  # noqa: E711
    departure = np.where(lasts, END, departure).astype(np.int64) * MINUTE
    count = len(stays)
    true = TrueStays(
        bay, arrival * MINUTE, departure, np.full(count, begun), ~lasts, lasts, departure - over * MINUTE, over * MINUTE
    )
    return Told(
        ["a", "b"], ["Z01", "Z01"], np.zeros(2, bool), [("s", 0), ("t", 1), ("u", 1)], 20 * MINUTE, 0, END * MINUTE,
        true, NOTHING, NOTHING,
    )  # fmt: skip


def recorded(*stays: Stay) -> RecordedStays:
    rows = [(bay, arrival * MINUTE, -1 if leaves is None else leaves * MINUTE, leaves is None, over * 60)
            for bay, arrival, leaves, over in stays]  # fmt: skip
    bay, arrival, departure, lasts, over = zip(*rows, strict=True) if rows else ((),) * 5
    return RecordedStays(
        np.array(bay, np.int64), np.array(arrival, np.int64), np.array(departure, np.int64), np.array(lasts, np.bool_),
        np.array(over, np.int64),
    )  # fmt: skip


def faults(*rows: tuple[int, int, str]) -> Faults:
    names = sorted({name for _, _, name in rows})
    ordered = sorted(rows)
    return Faults(
        np.array([bay for bay, _, _ in ordered], np.int64),
        np.array([time * MINUTE for _, time, _ in ordered], np.int64),
        np.array([names.index(name) for _, _, name in ordered], np.int64),
        names,
    )


def score(truth: Told, record: RecordedStays, wrong: Faults | None = None, newest: int = END) -> BayScore:
    result = BayScore()
    compare(result, truth, record, newest * MINUTE, faults() if wrong is None else wrong)
    return result


def test_what_is_as_it_was_is_found() -> None:
    found = score(told((0, 10, 40, 0), (0, 50, 90, 20), (1, 10, None, 0)),
                  recorded((0, 10, 40, 0), (0, 50, 90, 20), (1, 10, None, 0)))  # fmt: skip
    assert found.stays == {"true": 3, "found": 3, "altered": 0, "missed": 0, "invented": 0}
    assert found.overstays == {"true": 1, "found": 1, "missed": 0, "invented": 0}
    assert found.causes == {}
    assert found.swaps == 1


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (recorded((0, 10, 60, 0)), "altered"),
        (recorded((0, 12, 40, 0)), "altered"),
        (recorded((0, 10, 20, 0), (0, 30, 40, 0)), "altered"),
        (recorded(), "missed"),
        (recorded((0, 40, 50, 0)), "missed"),
        (recorded((1, 10, 40, 0)), "missed"),
    ],
)
def test_what_is_otherwise_is_told(record: RecordedStays, word: str) -> None:
    found = score(told((0, 10, 40, 0)), record)
    assert found.stays[word] == 1
    assert found.stays["found"] == 0
    assert found.causes["none"][word] == 1
    assert found.unexplained == sum(found.causes["none"].values())


def test_a_stay_that_nobody_made_is_invented() -> None:
    found = score(told((0, 10, 40, 0)), recorded((0, 10, 40, 0), (0, 40, 50, 30), (1, 5, 9, 0)))
    assert found.stays == {"true": 1, "found": 1, "altered": 0, "missed": 0, "invented": 2}
    assert found.overstays == {"true": 0, "found": 0, "missed": 0, "invented": 1}


def test_the_nearest_fault_is_the_cause() -> None:
    """Within two and a half heartbeats of the stay, and at its own bay."""
    truth, record = told((0, 100, 140, 0)), recorded((0, 100, 170, 0))
    assert set(score(truth, record, faults((0, 90, "loss"), (0, 141, "missed_departure"))).causes) == {
        "missed_departure"
    }
    assert set(score(truth, record, faults((0, 49, "loss"), (1, 140, "stuck"))).causes) == {"none"}
    assert set(score(truth, record, faults((0, 50, "loss"))).causes) == {"loss"}


def test_the_grace_is_a_threshold() -> None:
    assert score(told((0, 0, 90, 5)), recorded((0, 0, 90, 5))).overstays["true"] == 0
    assert score(told((0, 0, 90, 6)), recorded((0, 0, 90, 5))).overstays == {
        "true": 1, "found": 0, "missed": 1, "invented": 0,
    }  # fmt: skip
    assert score(told((0, 0, 90, 5)), recorded((0, 0, 90, 6))).overstays["invented"] == 1


@pytest.mark.parametrize(("grace", "said"), [(5, (2, 1, 1)), (8, (1, 1, 0))])
def test_the_grace_is_that_of_the_record(grace: int, said: tuple[int, int, int]) -> None:
    """With eight minutes, a stay that is over by seven has nothing over in the record, and that is right."""
    result = BayScore()
    truth, record = told((0, 0, 90, 7), (1, 0, 90, 20)), recorded((0, 0, 90, 0), (1, 0, 90, 20))
    compare(result, truth, record, END * MINUTE, faults(), timedelta(minutes=grace))
    assert tuple(result.overstays[word] for word in ("true", "found", "missed")) == said


def test_what_came_after_the_record_is_not_missing() -> None:
    """The record ends with its newest reading: later stays, and time over since then, are in no record yet."""
    truth = told((0, 10, None, END - 905), (1, 950, 960, 0))
    found = score(truth, recorded((0, 10, None, 0)), newest=909)
    assert found.stays == {"true": 1, "found": 1, "altered": 0, "missed": 0, "invented": 0}
    assert found.overstays == {"true": 0, "found": 0, "missed": 0, "invented": 0}


def test_one_that_was_there_before_may_be_known_better() -> None:
    """The simulation's first heartbeat says occupied; the record has heard of the arrival in an earlier one."""
    found = score(told((0, 10, 40, 0), begun=False), recorded((0, -300, 40, 0)))
    assert found.stays == {"true": 1, "found": 1, "altered": 0, "missed": 0, "invented": 0}
