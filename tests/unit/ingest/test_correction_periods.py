"""Which instants a correction is asked for."""

from __future__ import annotations

import pytest

from ingest.correct import period_of
from tests.tools.batches import DAY, T0


def test_periods() -> None:
    assert period_of("2026-02-01", "2026-02-02") == (T0, T0 + DAY)
    assert period_of("2026-02-01T01:00:00+01:00", "2026-02-02T00:00:00Z") == (T0, T0 + DAY)
    with pytest.raises(ValueError, match="ends before it begins"):
        period_of("2026-02-02", "2026-02-01")
