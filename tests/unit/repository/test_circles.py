"""The check for circles finds them however they are written, and names who is in them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from scripts.circles import circle, imports


def made(folder: Path, modules: dict[str, str]) -> dict[str, set[str]]:
    """The imports of a package ``house`` with these modules, by their paths in it."""
    for name, text in {"__init__": "", **modules}.items():
        path = folder / "house" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return imports(folder, ["house"])


@pytest.mark.parametrize(
    "back",
    [
        "import house.roof",
        "from house import roof",
        "from house.roof import TILES",
        "from . import roof",
        "from .roof import TILES",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.roof import TILES",
        "def late():\n    from house.roof import TILES",
    ],
)
def test_a_circle_is_found_and_named(tmp_path: Path, back: str) -> None:
    modules = {
        "roof": "from house import wall",
        "wall": "from house.rooms.cellar import FLOOR",
        "rooms/cellar": back.replace("from .", "from .."),
        "door": "from house import wall",
    }
    graph = made(tmp_path, modules)
    found = circle(graph)
    assert found[0] == found[-1]
    assert set(found) == {"house.roof", "house.wall", "house.rooms.cellar"}
    assert all(later in graph[earlier] for earlier, later in pairwise(found))


def test_a_package_that_takes_in_its_module_is_one_with_it(tmp_path: Path) -> None:
    modules = {"rooms/__init__": "from house.rooms.hall import X", "rooms/hall": "from house.rooms import Y"}
    assert set(circle(made(tmp_path, modules))) == {"house.rooms", "house.rooms.hall"}


def test_modules_in_an_order_are_no_circle(tmp_path: Path) -> None:
    modules = {"roof": "from house import wall, door", "wall": "import json\nfrom house.door import X", "door": "X = 1"}
    graph = made(tmp_path, modules)
    assert graph == {
        "house": set(),
        "house.door": set(),
        "house.roof": {"house.wall", "house.door"},
        "house.wall": {"house.door"},
    }
    assert circle(graph) == []
