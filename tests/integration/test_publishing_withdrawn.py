"""What follows when a snapshot goes, and folders that are another's: of another origin, or not to be read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from borough.publishing import run
from dashboard.open_data import shelf
from dashboard.open_data.shelf import Withdrawal
from store.connect import connect
from tests.worlds import open_months, series_world
from tests.worlds.open_months import LATER, MONTHS, hours
from tests.worlds.open_snapshots import World

JANUARY = hours(MONTHS[0])


@pytest.fixture
def world(database: str, tmp_path: Path) -> World:
    with connect(database) as connection:
        open_months.fill(connection)
    made = World(database, tmp_path / "snapshots")
    made.publish()
    return made


def _names(report: run.Report) -> list[str]:
    return ["/".join(map(str, one.key)) for one in report.made]


def _find(world: World, dataset: str, month: str, revision: int) -> shelf.Snapshot:
    found = shelf.read(world.folder).find(dataset, month, revision)
    assert found is not None
    return found


def _late(world: World, value: float) -> None:
    with connect(world.database) as connection:
        open_months.late(connection, "air-1", "no2", [JANUARY[0] + 1], [value])


def test_the_month_of_a_withdrawn_revision_is_made_anew_beside_an_older_one(world: World) -> None:
    _late(world, 99.25)
    assert _names(world.publish()) == ["air-readings/2026-01/2"]
    with connect(world.database, autocommit=True) as line:
        run.withdraw(line, _find(world, "air-readings", "2026-01", 2), "Its file was damaged.", LATER)
    report = world.publish()
    assert _names(report) == ["air-readings/2026-01/3"], "the first revision lacks what came late"
    assert report.made[0].manifest.rows == 124
    assert _names(world.publish()) == []


def test_a_device_that_was_open_for_one_revision_takes_no_late_reading_of_others_along(world: World) -> None:
    with connect(world.database) as connection:
        for month in MONTHS:
            series_world.add(connection, open_months.device("air-2"), "no2", hours(month), [1.0] * 48)
    _late(world, 99.25)
    assert "air-readings/2026-01/2" in _names(world.publish())
    with connect(world.database) as connection:
        open_months.close(connection, "air-2")
    report = world.publish()
    assert len(report.withdrawn) == 3
    assert _names(report) == ["air-readings/2026-01/3"], "of the others the first revision says what is so"
    assert [one.manifest.revision for one in shelf.read(world.folder).current("air-readings")] == [1, 1, 3]
    assert _names(world.publish()) == []


def test_a_folder_of_another_origin_is_withdrawn_and_never_gone_on_with(world: World) -> None:
    before = {one.key for one in shelf.read(world.folder).snapshots}
    world.order = replace(world.order, origin="simulated")
    report = world.publish()
    assert {one.key for one in report.withdrawn} == before
    assert all(one.manifest.origin == "simulated" and one.manifest.changes is None for one in report.made)
    assert {one.manifest.origin for one in shelf.read(world.folder).snapshots if one.withdrawn is None} == {"simulated"}


def test_a_folder_whose_series_have_other_owners_is_told_by_its_origin(world: World) -> None:
    """A folder of a demo in front of a council's database: the same numbers of series, and none of it is theirs."""
    for manifest in world.folder.glob("*/*/manifest.json"):
        manifest.write_bytes(manifest.read_bytes().replace(b'"real"', b'"simulated"'))
    report = world.publish()
    assert len(report.withdrawn) == 6
    assert all(one.manifest.revision == 2 and one.manifest.changes is None for one in report.made)


def test_whatever_others_put_into_the_folder_nothing_that_is_withdrawn_stays(world: World, tmp_path: Path) -> None:
    """A copying program's folder of temporary files, a link, a file of somebody else's."""
    found = _find(world, "air-readings", "2026-01", 1)
    (found.folder / "a").mkdir()
    (found.folder / "a" / "copy.csv").write_text("1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("1")
    (found.folder / "b").symlink_to(elsewhere)
    (world.folder / ".making-link").symlink_to(elsewhere)
    (world.folder / ".making-file").write_text("1")
    with connect(world.database, autocommit=True) as line:
        run.withdraw(line, found, "A fault", LATER)
    assert sorted(path.name for path in found.folder.iterdir()) == [shelf.MANIFEST, shelf.WITHDRAWN]
    assert _names(world.publish()) == ["air-readings/2026-01/2"]
    assert not list(world.folder.glob(".making-*"))
    assert (elsewhere / "kept").exists(), "what a link leads to is not ours"


def test_a_withdrawal_is_seen_whatever_the_times_of_the_folder_say(world: World) -> None:
    """File systems count time in steps, and copies keep times: the folder can look as it did before."""
    found = _find(world, "air-readings", "2026-01", 1)
    times = found.folder.stat()
    (found.folder / shelf.WITHDRAWN).write_bytes(shelf.encode(Withdrawal(LATER, "A fault")))
    os.utime(found.folder, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert _find(world, "air-readings", "2026-01", 1).withdrawn == Withdrawal(LATER, "A fault")


def test_a_folder_that_may_not_be_read_costs_itself_alone(world: World) -> None:
    """Another user publishes than serves: what the site may not read breaks no page of it."""
    below = world.folder / "air-readings"
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "snapshots"
        shutil.copytree(world.folder, root)
        Path(name).chmod(0o755)
        (root / below.name).chmod(0o000)
        with _as_nobody():
            found = shelf.read(root)
        root.chmod(0o000)
        with _as_nobody():
            closed = shelf.read(root)
        root.chmod(0o755)
        (root / below.name).chmod(0o755)
    assert {one.manifest.dataset for one in found.snapshots} == {"parking-bay-readings"}
    assert found.broken == [f"{root / below.name}: Permission denied"]
    assert closed == shelf.Shelf([], [f"{root}: Permission denied"])


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Without the rights of root, where the tests run with them."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_is_published_may_be_read_whatever_the_mask_of_who_publishes(world: World, tmp_path: Path) -> None:
    world.order = replace(world.order, folder=tmp_path / "masked")
    before = os.umask(0o077)
    try:
        world.publish()
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "masked").rglob("*")}
    assert modes
    for path, mode in modes.items():
        assert mode & 0o055 == (0o055 if path.is_dir() else 0o044), path
