"""Late rows of the keep rule that share a period within one batch, against a plain loop."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from store.batch import Batch, TouchedDay
from store.rows import STORED, THINNED, _keep_one_a_period

PERIOD = 10
#: series 1 and 2 follow a keep rule, 3 does not
ROWS = st.dictionaries(
    st.tuples(st.sampled_from([1, 2, 3]), st.integers(0, 60)),
    st.tuples(st.booleans(), st.sampled_from([STORED, STORED, THINNED])),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_one_row_a_period_is_kept(rows: dict[tuple[int, int], tuple[bool, int]]) -> None:
    keys = sorted(rows)
    late = [rows[key][0] and key[0] != 3 for key in keys]
    fate = np.array([rows[key][1] if is_late else STORED for key, is_late in zip(keys, late, strict=True)], np.uint8)
    expected = fate.copy()
    for number, (series, time) in enumerate(keys):
        same = [
            other
            for other, key in enumerate(keys)
            if key[0] == series and key[1] // PERIOD == time // PERIOD and fate[other] == STORED
        ]
        if late[number] and fate[number] == STORED:
            is_first = number == min(same)
            beside_ordinary = any(not late[other] for other in same)
            expected[number] = STORED if is_first and not beside_ordinary else THINNED
    thin = np.array([PERIOD if is_late else 0 for is_late in late], np.int64)
    batch = _batch(np.array([key[0] for key in keys]), np.array([key[1] for key in keys]), thin)
    _keep_one_a_period(batch, np.flatnonzero(thin), fate)
    assert fate.tolist() == expected.tolist()


def _batch(series: np.ndarray, time: np.ndarray, thin: np.ndarray) -> Batch:
    nothing = np.empty(0, np.int64)
    return Batch(
        number=1, collector="c", minute=0, families=["smart-meter"],
        series=series.astype(np.int32), time=time.astype(np.int64), value=np.zeros(len(series)),
        family=np.zeros(len(series), np.uint8), thin=thin, message=np.zeros(len(series), np.int32),
        latest_series=nothing.astype(np.int32), latest_time=nothing, latest_value=np.empty(0),
        touched=[TouchedDay("smart-meter", date(2026, 1, 1))], counts={}, rejected=[], sequences=[], remember=[],
        forget=[], conflicts=lambda _rows: [],
    )  # fmt: skip
