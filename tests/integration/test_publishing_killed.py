"""`kill -9` at every step of a run: what is public is whole, and the next run ends what was begun."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from borough.publishing import placing, run
from borough.publishing.making import Order
from borough.publishing.run import Rules
from dashboard.open_data import shelf
from devices.csvw import OPEN_GOVERNMENT_LICENCE
from store.connect import connect
from tests.worlds import open_months
from tests.worlds.open_months import LATER

#: What changes the disk: at each call of these the run is killed once, just before it.
_STEPS = ((os, "fsync"), (Path, "open"), (Path, "rename"), (Path, "unlink"), (Path, "mkdir"), (Path, "chmod"))


@pytest.fixture
def filled(database: str) -> str:
    """Three months of one family."""
    with connect(database) as connection:
        open_months.fill(connection)
        connection.execute("delete from reading where series_id in (select id from series where device_id = 'bay-7')")
    return database


def _publish(url: str, folder: Path) -> run.Report:
    order = Order(folder, "T", OPEN_GOVERNMENT_LICENCE, "real", "0")
    with connect(url, autocommit=True) as line:
        return run.publish(line, url, order, Rules(timedelta(days=7), {}), LATER, lambda _: None)


def _killed_at(url: str, folder: Path, step: int) -> bool:
    """Run in a process of its own that is killed at its ``step``th change of the disk; whether it came so far."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert status == 0 or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL), "the run failed"
        return status != 0
    left = step

    def counted(does: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal left
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return does(*given, **named)

        return call

    try:
        for owner, name in _STEPS:
            setattr(owner, name, counted(getattr(owner, name)))
        _publish(url, folder)
    except BaseException:  # noqa: BLE001  # nothing of the tests may go on in this process
        os._exit(1)
    os._exit(0)


def _whole(folder: Path) -> None:
    known = shelf.read(folder)
    assert not known.broken
    for one in known.snapshots:
        if one.withdrawn is None:
            assert placing.flaw(one) is None


def test_a_run_that_is_killed_at_any_step_leaves_whole_snapshots_alone(filled: str, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    steps = 0
    # each run goes on where the one before was killed
    while _killed_at(filled, folder, steps):
        _whole(folder)
        steps += 1
    assert steps > 20
    known = shelf.read(folder)
    assert [one.key for one in known.snapshots] == [("air-readings", f"2026-0{month}", 1) for month in (1, 2, 3)]
    _whole(folder)
    assert [path.name for path in folder.iterdir()] == ["air-readings"]


def test_a_withdrawal_that_is_killed_at_any_step_is_ended(filled: str, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    _publish(filled, folder)
    with connect(filled) as connection:
        open_months.close(connection, "0042")
    steps = 0
    while _killed_at(filled, folder, steps):
        _whole(folder)
        steps += 1
    assert steps > 20
    known = shelf.read(folder)
    assert [one.key[1:] for one in known.snapshots if one.withdrawn is None] == [
        ("2026-01", 2), ("2026-02", 2), ("2026-03", 2),
    ]  # fmt: skip
    for one in known.snapshots:
        names = {path.name for path in one.folder.iterdir()}
        assert (names == {shelf.MANIFEST, shelf.WITHDRAWN}) == (one.withdrawn is not None)
    _whole(folder)
