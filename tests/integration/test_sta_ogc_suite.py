"""OGC's own suite for SensorThings: core and filter class, nothing failed (creating and deleting is not served).

Where ``BOROUGH_TEST_OGC_SUITE`` names the folder of its jars; `tests.tools.ogc_suite` says how they are had.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools import site
from tests.tools.ogc_shim import Borough, Loader, Numbers, Shim
from tests.tools.ogc_suite import Class, find_suite, judge
from tests.worlds import sensorthings

#: Where the site has version 1.1.
_PATH = "/sta/v1.1"


@pytest.fixture(scope="module")
def jars() -> Path:
    """The suite; nothing is started where it is missing."""
    return find_suite()


def outcome(
    jars: Path, which: Class, database: str, folder: Path, loader: Callable[[Numbers], Loader] | None
) -> list[str]:
    """What the suite finds wrong."""
    with Shim(_PATH, loader) as shim, site.running(site.options(database, public_url=shim.url)) as url:
        shim.site = url
        return judge(jars, shim.root, which, folder).problems


def test_core(jars: Path, database: str, tmp_path: Path) -> None:
    """On a borough with several pages of observations."""
    sensorthings.filled(database)
    assert outcome(jars, "core", database, tmp_path, None) == []


def test_filter(jars: Path, database: str, tmp_path: Path) -> None:
    """On what the suite itself makes: it counts every kind of entity."""
    assert outcome(jars, "filter", database, tmp_path, lambda numbers: Borough(database, numbers)) == []


@pytest.mark.parametrize("path", ["/sta/v1.1/Things", "/nothing"])
def test_the_judge_says_what_is_no_service(jars: Path, database: str, tmp_path: Path, path: str) -> None:
    with site.running(site.options(database)) as url:
        assert judge(jars, f"{url}{path}", "core", tmp_path).problems != []
