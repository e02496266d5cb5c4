"""What stands beside the code says the truth: pinned versions, the package's parts, Makefile, README, CI."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts import lengths

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ["devices", "store", "ingest", "analytics", "dashboard", "simulators", "borough"]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _plain(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _pinned() -> dict[str, str]:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            pins[_plain(name)] = version
    return pins


def test_every_constraint_is_a_version_and_nothing_else() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", line) for line in lines), lines
    assert len(lines) == len(_pinned()), "a name stands twice"


def test_every_dependency_is_pinned_and_the_pin_is_not_older_than_asked(project: dict[str, Any]) -> None:
    asked = [*project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra
    pins = _pinned()
    for entry in asked:
        found = re.fullmatch(r"([A-Za-z0-9_-]+)(?:\[[a-z,]+\])?(?:>=([0-9.]+))?(?:,<([0-9]+))?", entry)
        assert found is not None, entry
        pin = pins[_plain(found[1])]
        least = [int(part) for part in (found[2] or "0").split(".")]
        here = [int(part) for part in re.findall(r"\d+", pin)]
        assert here[: len(least)] >= least, f"{entry}: pinned is {pin}"
        assert found[3] is None or here[0] < int(found[3]), f"{entry}: pinned is {pin}"


def test_what_runs_here_is_what_is_pinned() -> None:
    """The tests say something about the versions in constraints.txt only if those are the ones that run."""
    from importlib.metadata import PackageNotFoundError, version

    different = {}
    for name, pin in _pinned().items():
        try:
            if (here := version(name)) != pin:
                different[name] = (here, pin)
        except PackageNotFoundError:
            continue  # for another platform or version of Python
    assert not different, f"installed, pinned: {different}; run `make setup`"


def test_every_package_is_shipped_and_linted(project: dict[str, Any]) -> None:
    here = sorted(
        path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "scripts")
    )
    assert here == sorted(PACKAGES)
    tool = project["tool"]
    assert sorted(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == here
    assert sorted(tool["importlinter"]["root_packages"]) == here
    assert set(here) <= set(tool["mypy"]["packages"])
    assert tool["mypy"]["strict"] is True
    assert tool["pytest"]["ini_options"]["filterwarnings"][0] == "error"


def test_makefile_has_what_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"setup", "demo", "test", "check", "bench", "soak", "clean"} <= targets
    named = set(re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named <= targets


def test_readme_opens_with_a_sentence_two_commands_and_a_picture() -> None:
    seen = re.sub(r"<!--.*?-->\n\n", "", (ROOT / "README.md").read_text(), flags=re.DOTALL)  # marks are not seen
    title, sentence, commands, *rest = seen.split("\n\n")
    assert title.startswith("# ")
    assert sentence.count("\n") == 0
    assert sentence.endswith(".")
    assert [re.sub(r"\s*#.*", "", line.strip()) for line in commands.splitlines()] == ["make demo", "make test"]
    assert any(part.startswith("```mermaid") for part in rest[:3])


def test_links_of_readme_and_docs_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())
        if not target.startswith(("https://", "http://")) and not (path.parent / target).exists()
    ]
    assert not broken


def test_ci_runs_check_and_test_and_nothing_cleverer() -> None:
    path = ROOT / ".ci/run"
    assert path.stat().st_mode & 0o111
    assert re.findall(r"^make .*$", path.read_text(), re.MULTILINE) == ["make check", "make test"]


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:3]) for path in (ROOT / "docs/decisions").glob("[0-9][0-9][0-9]-*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_licence_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_long_modules_are_found(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/short.py").write_text("x = 1\n" * lengths.LIMIT)
    (tmp_path / "store/long.py").write_text("x = 1\n" * (lengths.LIMIT + 1))
    assert lengths.too_long(tmp_path) == ["store/long.py: 401 lines, more than 400; make it two modules"]
