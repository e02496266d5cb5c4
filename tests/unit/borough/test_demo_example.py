"""The demo's worked example: not there, then whole, and not made a second time."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from analytics.trial.report_document import read
from borough.demo import example
from tests.tools.servers import wait_for


def test_made_once_in_a_process_of_its_own(tmp_path: Path) -> None:
    report = example.report_of(tmp_path)
    assert report() is None
    example.make(tmp_path, homes=400)
    given = report()
    assert given is not None
    assert read(given).facts.origin == "simulated"
    assert [path.name for path in tmp_path.iterdir()] == ["trial-example-1.json"]
    with ExitStack() as parts:
        example.start(parts, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["trial-example-1.json"], "it was made already"


def test_a_demo_that_ends_meanwhile_leaves_no_half_of_it(tmp_path: Path) -> None:
    with ExitStack() as parts:
        example.start(parts, tmp_path)
        assert wait_for((tmp_path / "trial-example.log").exists, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["trial-example.log"]
    assert (tmp_path / "trial-example.log").read_text() == ""
    assert example.report_of(tmp_path)() is None
