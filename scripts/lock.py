"""Writes requirements/*.txt: what constraints.txt pins, with the hashes of every file that may be installed for it.

    .venv/bin/python -m scripts.lock

Run it after constraints.txt has changed, in an environment made of it. The hashes are asked of the package index that
pip is set up with, whichever that is; no address is written down, so that everybody installs from the index of their
own and gets the same files or none.

``service.txt`` is what the services need, ``build.txt`` what makes the package, ``develop.txt`` the rest: demo, tests.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "requirements"
#: Optional dependencies that the services need too.
SERVICE_EXTRAS = ("pdf",)
#: Versions of Python, and platforms, whose wheels are listed.
PYTHONS = ("311", "312", "313", "314")
PLATFORMS = re.compile(r"any|(many|musl)linux.*_(x86_64|aarch64)|macosx_.*_(x86_64|arm64|universal2)")
_HEAD = "# Made by scripts/lock.py from constraints.txt; not to be edited. No address stands here: any index will do.\n"
_JSON = "application/vnd.pypi.simple.v1+json"


def pins(text: str) -> dict[str, str]:
    """Name, as PEP 503 compares it, and version of every line of constraints."""
    lines = (line.partition("==") for line in text.splitlines() if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, _, version in lines}


def closure(wanted: Iterable[str]) -> set[str]:
    """Names of these requirements and of all that they need in turn, as the installed packages say.

    For each of our versions of Python; what is not installed here is looked into no further.
    """
    found: set[tuple[str, str]] = set()
    open_ = [Requirement(entry) for entry in wanted]
    while open_:
        requirement = open_.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in found:
                continue
            found.add((name, extra))
            try:
                needs = requires(name) or []
            except PackageNotFoundError:
                continue
            open_ += [item for item in map(Requirement, needs) if _applies(item.marker, extra)]
    return {name for name, _ in found}


def _installed(name: str) -> bool:
    try:
        requires(name)
    except PackageNotFoundError:
        return False
    return True


def _applies(marker: Marker | None, extra: str) -> bool:
    versions = [f"{number[0]}.{number[1:]}" for number in PYTHONS]
    return marker is None or any(
        marker.evaluate({"extra": extra, "python_version": version, "python_full_version": f"{version}.0"})
        for version in versions
    )


def groups(project: Mapping[str, Any], pinned: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of each file, every pinned one in one of them. Raises ValueError where one is needed and not pinned."""
    extras = project["project"]["optional-dependencies"]
    service = closure(
        [*project["project"]["dependencies"], *(item for name in SERVICE_EXTRAS for item in extras[name])]
    )
    build = closure(project["build-system"]["requires"]) - service
    everything = service | build | closure(item for extra in extras.values() for item in extra)
    if missing := sorted(name for name in everything - pinned.keys() if _installed(name)):
        raise ValueError(f"constraints.txt does not have {', '.join(missing)}")
    return {
        "service": sorted(service & pinned.keys()),
        "build": sorted(build & pinned.keys()),
        "develop": sorted(pinned.keys() - service - build),
    }


def wanted_version(name: str) -> str | None:
    """The version of a file that may be installed: a wheel for one of our platforms; None of all others.

    Source is none: to make it runs its code.
    """
    try:
        _, version, _, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return None
    ours = any(_fits(tag.interpreter, tag.abi) and PLATFORMS.fullmatch(tag.platform) for tag in tags)
    return str(version) if ours else None


def _fits(interpreter: str, abi: str) -> bool:
    if interpreter.startswith("py"):
        return interpreter in ("py3", *(f"py{number}" for number in PYTHONS))
    if abi == "abi3":
        return interpreter.startswith("cp3")
    return interpreter[2:] in PYTHONS and not abi.endswith("t")


def hashes(files: Iterable[Mapping[str, Any]], version: str) -> list[str]:
    """The hashes of those files of an index's answer (PEP 691) that may be installed for a version.

    Raises ValueError where there is none, or a hash is missing.
    """
    found = []
    for item in files:
        name = item["filename"]
        if wanted_version(name) != version:
            continue
        if "sha256" not in item["hashes"]:
            raise ValueError(f"the index gives no SHA-256 of {name}")
        found.append(item["hashes"]["sha256"])
    if not found:
        raise ValueError(f"the index has no wheel of version {version} for any of our platforms")
    return sorted(found)


def lines(names: Iterable[str], pinned: Mapping[str, str], listed: Mapping[str, list[str]]) -> Iterator[str]:
    """A file's text, line by line."""
    yield _HEAD
    for name in names:
        yield f"{name}=={pinned[name]}"
        yield from (f" \\\n    --hash=sha256:{value}" for value in listed[name])
        yield "\n"


def _ask(names: Iterable[str]) -> dict[str, list[Mapping[str, Any]]]:
    """The files that pip's own index has of each name, asked by pip's own client: proxies, certificates, accounts."""
    from pip._internal.commands import create_command

    command: Any = create_command("download")
    options, _ = command.parse_args([])
    answers: dict[str, list[Mapping[str, Any]]] = {}
    with command.main_context():
        session = command.get_default_session(options)
        for name in names:
            answer = session.get(f"{options.index_url.rstrip('/')}/{name}/", headers={"Accept": _JSON})
            answer.raise_for_status()
            answers[name] = answer.json()["files"]
    return answers


def main() -> int:
    """Write the files; status 1 where a pin cannot be had."""
    pinned = pins((ROOT / "constraints.txt").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed, problems = {}, []
    try:
        named = groups(project, pinned)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for name, files in _ask(pinned).items():
        try:
            listed[name] = hashes(files, pinned[name])
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    for group, names in named.items():
        (FOLDER / f"{group}.txt").write_text("".join(lines(names, pinned, listed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
