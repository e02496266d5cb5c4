"""What the catalogue lists where the database has nothing of a dataset any more: the months that were published."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.open_data import shelf
from dashboard.open_data.entries import Entries
from dashboard.open_data.shelf import File, Manifest, Withdrawal
from dashboard.options import OpenData
from dashboard.web.site import Site
from tests.tools.site import options

MADE = datetime(2026, 3, 8, tzinfo=UTC)


def _publish(folder: Path, month: str, *, origin: str = "real", withdrawn: bool = False) -> None:
    begin, end = shelf.month_bounds(month)
    place = folder / "air-readings" / shelf.folder_name(month, 1)
    place.mkdir(parents=True)
    file = File("air.csv", "text/csv", 1, "0" * 64, 1)
    manifest = Manifest(
        "air-readings", "Air", month, 1, begin, end, MADE, "1", "Testborough", "OGL", origin, 1, 1, 1, (file,)
    )  # fmt: skip
    (place / shelf.MANIFEST).write_bytes(shelf.encode(manifest))
    if withdrawn:
        (place / shelf.WITHDRAWN).write_bytes(shelf.encode(Withdrawal(MADE, "closed")))


@pytest.fixture
def entries(tmp_path: Path) -> Entries:
    """Of a site in whose database there is nothing: retention has deleted every reading."""
    site = Site(options("postgresql://nobody@127.0.0.1:1/none", open_data=OpenData(folder=tmp_path)))
    found = Entries(site)
    found._found = (time.monotonic(), [])
    return found


def test_published_months_are_listed_when_their_readings_are_gone(entries: Entries, tmp_path: Path) -> None:
    for month in ("2026-01", "2026-02"):
        _publish(tmp_path, month)
    (one,) = entries.all()
    assert one.dataset.id == "air-readings"
    assert [snapshot.manifest.month for snapshot in one.current] == ["2026-02", "2026-01"]
    assert (one.begin, one.end) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    assert (one.modified, one.issued, one.box) == (MADE, MADE, None)


def test_what_is_withdrawn_or_of_the_other_origin_is_not(entries: Entries, tmp_path: Path) -> None:
    _publish(tmp_path, "2026-01", withdrawn=True)
    _publish(tmp_path, "2026-02", origin="simulated")
    assert entries.all() == []
