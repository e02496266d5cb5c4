"""Instants in pages are written as HTML has them: a fraction of a second has three digits at most (HTML 2.3.5.2)."""

from __future__ import annotations

import re

import pytest

from dashboard.web.site import HERE

TEMPLATES = sorted(str(path.relative_to(HERE / "templates")) for path in (HERE / "templates").rglob("*.html"))
#: What is a day and has no time.
DAYS = {"day", "one.day"}


def test_there_are_times() -> None:
    assert sum(map(len, map(_times, TEMPLATES))) > 5


@pytest.mark.parametrize("name", TEMPLATES)
def test_times_have_milliseconds_at_most(name: str) -> None:
    for value, how in _times(name):
        assert value in DAYS or re.search(r'timespec="(minutes|seconds|milliseconds)"', how), (
            f"{value}.isoformat({how})"
        )


def _times(name: str) -> list[tuple[str, str]]:
    return re.findall(r'datetime="\{\{ ([\w.]+)\.isoformat\(([^)]*)\)', (HERE / "templates" / name).read_text())
