"""Pages on the nights in which clocks are changed: what is long ago stays so, and what has been is not to come."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.exceptions import RequestValidationError
from markupsafe import Markup

from dashboard.operations.board import _filter
from dashboard.public.overview import OLD, Figures, Made, Overview, ZoneRow
from dashboard.web.site import Site
from tests.tools.site import options

LONDON = ZoneInfo("Europe/London")
#: Two hours of 2026 that begin with a change: 02:00 is 01:00 again, and 01:00 is 02:00.
BACK, FORWARD = datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)


def _set(monkeypatch: pytest.MonkeyPatch, module: str, now: datetime) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return now.astimezone(tz)

    monkeypatch.setattr(f"{module}.datetime", Clock)


@pytest.fixture
def site() -> Site:
    """One whose database is away."""
    return Site(options("postgresql://nobody@127.0.0.1:1/none"))


@pytest.mark.parametrize("change", [BACK, FORWARD])
@pytest.mark.parametrize(("later", "shown"), [(OLD - 10, True), (OLD + 10, False)])
def test_the_last_figures_stand_for_so_long_and_no_longer(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: datetime, later: float, shown: bool
) -> None:
    made_at = change - timedelta(seconds=5)
    figures = Figures(made_at.astimezone(LONDON), 0, "", False, (), 0, 0, (), 0, ZoneRow("", 0, 0, 0, 0), ())
    overview = Overview(site)
    overview._made = Made(figures, Markup("drawn"), Markup("alone"), time.monotonic() - 1_000)
    _set(monkeypatch, "dashboard.public.overview", made_at + timedelta(seconds=later))
    assert (overview.current().figures is figures) == shown


def test_an_instant_before_the_clocks_went_back_has_been(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """At ten past one, the second time, half past one has been; and a quarter past two is to come."""
    _set(monkeypatch, "dashboard.operations.board", BACK + timedelta(minutes=10))
    chosen = _filter(site, "", "", "", "", datetime(2026, 10, 25, 1, 30))  # noqa: DTZ001  # a local one
    assert chosen.at is not None
    assert chosen.at.astimezone(UTC) == BACK - timedelta(minutes=30)
    with pytest.raises(RequestValidationError):
        _filter(site, "", "", "", "", datetime(2026, 10, 25, 2, 15))  # noqa: DTZ001
