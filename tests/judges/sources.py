"""How a judge's programs are had: by the tools of each registry, once per user, into a folder outside the checkout.

No host stands here: npm, pip, Maven, Go, apt and git know theirs, and are set up where they are used.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from borough.postgres_server import PostgresError, locked, private_folder
from scripts import parts

#: A download and what is made of it have so long [s].
_PATIENCE = 1200
_LIBRARIES = ("usr/lib/*-linux-gnu*", "usr/lib", "usr/lib/*-linux-gnu*/blas", "usr/lib/*-linux-gnu*/lapack")


class NotHad(RuntimeError):
    """A judge cannot be had on this machine. The text says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a judge needs. ``find`` is given the cache folder and says where it is, or raises NotHad."""

    name: str
    find: Callable[[Path], Path]


def cache() -> Path:
    """The folder for all that is fetched; shared by every checkout of this user. Raises NotHad."""
    try:
        folder = private_folder() / "judges"
    except PostgresError as error:
        raise NotHad(str(error)) from None
    folder.mkdir(exist_ok=True)
    return folder


def npm(package: str, version: str, *more: str, name: str = "") -> Need:
    """A package of npm, and ``more`` as ``package@version``: the folder that has ``node_modules`` in it."""

    def make(folder: Path) -> None:
        (folder / "package.json").write_text("{}")
        wanted = [f"{package}@{version}", *more]
        _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", *wanted], folder)

    return _made(name or package, "npm", [package, version, *more], make, "install Node.js with npm")


def pypi(package: str, version: str, *more: str, name: str = "") -> Need:
    """A package of PyPI, and ``more`` as ``package==version``: a virtual environment, whose programs are in ``bin``."""

    def make(folder: Path) -> None:
        # this environment's pip serves the new one: Debian's Python brings none along
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder)
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet"]
        _run([*pip, "--disable-pip-version-check", f"{package}=={version}", *more], folder)

    return _made(name or package, sys.executable, [package, version, *more], make, "run `make setup`", "pip")


def maven(*coordinates: str, name: str) -> Need:
    """Artifacts ``group:artifact:version`` with all they depend on: a folder of jars, for ``java -cp 'FOLDER/*'``."""

    def make(folder: Path) -> None:
        wanted = "".join(
            "<dependency>"
            + "".join(
                f"<{tag}>{escape(part)}</{tag}>"
                for tag, part in zip(("groupId", "artifactId", "version"), one.split(":"), strict=True)
            )
            + "</dependency>"
            for one in coordinates
        )
        (folder / "pom.xml").write_text(
            "<project><modelVersion>4.0.0</modelVersion><groupId>judges</groupId><artifactId>judge</artifactId>"
            f"<version>1</version><packaging>pom</packaging><dependencies>{wanted}</dependencies></project>"
        )
        _run(["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={folder}"], folder)

    return _made(name, "mvn", list(coordinates), make, "install Maven (maven) and Java 17")


def golang(program: str, *, name: str, tags: str = "") -> Need:
    """A program of a Go module, ``path@version``: its path. ``tags`` choose what is built in, by commas."""

    def make(folder: Path) -> None:
        _run(["go", "install", "-tags", tags, program], folder, GOBIN=str(folder), GOFLAGS="-mod=mod")

    made = _made(name, "go", [program, *([tags] if tags else [])], make, "install Go")
    return Need(name, lambda folder: made.find(folder) / Path(program.partition("@")[0]).name)


def debian(*packages: str, has: str, name: str = "", change: Callable[[Path, Path], None] | None = None) -> Need:
    """Debian 13's packages with all they need: the root below which the file ``has`` is; the system's where it has it.

    ``loaded`` starts its programs: they want the C library that lies beside them. ``change`` does what a package's own
    scripts would have done; it is told where the tree is made and where it will stand.
    """

    def find(folder: Path) -> Path:
        if Path("/", has).exists():
            return Path("/")
        tree = folder / "-".join([parts.SUITE, *packages])
        with locked(folder / f"{tree.name}.lock"):
            if not tree.exists():
                try:
                    parts.unpack(tree, packages, change)
                except parts.PartsError as error:
                    raise NotHad(f"Debian's {' '.join(packages)}: {error}") from None
        return tree

    return Need(name or packages[0], find)


def loaded(tree: Path, program: str, *arguments: str) -> list[str]:
    """The command that runs a program of `debian`'s tree with the libraries of that tree."""
    if tree == Path("/"):
        return [f"/{program}", *arguments]
    (loader,) = sorted(tree.glob("usr/lib*/ld-linux*"))[:1] or sorted(tree.glob("usr/lib/*/ld-linux*"))[:1]
    folders = [str(path) for path in libraries(tree)]
    return [str(loader), "--library-path", ":".join(folders), str(tree / program), *arguments]


def libraries(tree: Path) -> list[Path]:
    """Where shared libraries are: those of which Debian has several to choose from lie in a folder of their own."""
    found = [path for pattern in _LIBRARIES for path in sorted(tree.glob(pattern))]
    return [path for path in found if path.is_dir()]


def starter(root: Need, program: str, folder: str = "", again: int = 0, **data: str) -> Need:
    """A program of `debian`'s tree as one file to run; ``data``: variables, each a path below the root.

    ``folder`` is one more with libraries, and the first to be looked into; ``again`` the status with which the program
    asks to be started once more.
    """

    def find(store: Path) -> Path:
        tree = root.find(store)
        if tree == Path("/"):
            return Path("/", program)
        file = tree / f"start-{Path(program).name}"
        command = loaded(tree, program)
        command[2] = f"{tree / folder}:{command[2]}" if folder else command[2]
        lines = [f"export {name}={shlex.quote(str(tree / path))}" for name, path in data.items()]
        run = f'{shlex.join(command)} "$@"'
        lines += [run, "status=$?", f"test $status -eq {again} || exit $status", run] if again else [f"exec {run}"]
        file.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        file.chmod(0o755)
        return file

    return Need(root.name, find)


def repository(path: str, revision: str = "") -> Need:
    """A public repository ``owner/name`` of GitHub, at a revision: a clone of it.

    Where git cannot reach it, a clone that somebody put into the cache's ``repositories/owner/name`` serves as well.
    """

    def find(folder: Path) -> Path:
        clone = folder / "repositories" / path
        clone.parent.mkdir(parents=True, exist_ok=True)
        with locked(clone.parent / f"{clone.name}.lock"):
            if not clone.exists():
                making = clone.with_name(f".{clone.name}-making")
                shutil.rmtree(making, ignore_errors=True)
                try:
                    _run(["git", "clone", "--quiet", f"https://github.com/{path}.git", str(making)], clone.parent)
                    if revision:
                        _run(["git", "-C", str(making), "checkout", "--quiet", revision], clone.parent)
                except NotHad as error:
                    raise NotHad(
                        f"the repository {path} cannot be cloned; put a clone into {clone} ({error})"
                    ) from None
                making.rename(clone)
        return clone

    return Need(path, find)


def program(name: str, instead: str) -> Need:
    """A program of the system; ``instead`` says how to get it."""

    def find(_: Path) -> Path:
        found = shutil.which(name)
        if found is None:
            raise NotHad(f"there is no {name}: {instead}")
        return Path(found)

    return Need(name, find)


def named(variable: str, what: str) -> Need:
    """A file or folder that nobody but the user has: a variable names it."""

    def find(_: Path) -> Path:
        value = os.environ.get(variable)
        if not value:
            raise NotHad(f"{variable} names no {what}")
        if not Path(value).exists():
            raise NotHad(f"{variable}: {value} does not exist")
        return Path(value)

    return Need(variable, find)


#: Java of a version that all judges written in it run on.
JAVA = program("java", "install openjdk-17-jre-headless")
NODE = program("node", "install nodejs")


def _made(
    name: str, tool: str, recipe: Sequence[str], make: Callable[[Path], None], instead: str, kind: str = ""
) -> Need:
    """A folder of the cache that is made once, whole or not at all; its name follows from the recipe."""

    def find(folder: Path) -> Path:
        made = folder / "_".join([kind or tool, *(part.replace("/", "+").replace(":", "+") for part in recipe)])[:200]
        with locked(folder / f"{made.name}.lock"):
            if (made / ".whole").exists():
                return made
            if shutil.which(tool) is None:
                raise NotHad(f"there is no {tool}: {instead}")
            print(f"Fetching {' '.join(recipe)} into {made} ...", file=sys.stderr, flush=True)
            shutil.rmtree(made, ignore_errors=True)  # of a fetch that was killed
            made.mkdir()
            try:
                make(made)
                (made / ".whole").touch()
            except BaseException:
                shutil.rmtree(made, ignore_errors=True)  # the next try begins anew
                raise
        return made

    return Need(name, find)


def _run(command: Sequence[str], folder: Path, **settings: str) -> None:
    """Raises NotHad with the last lines of what a program said."""
    environment: Mapping[str, str] = {**os.environ, **settings}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=_PATIENCE, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = " | ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-3:])
        raise NotHad(f"{Path(command[0]).name} failed with {done.returncode}: {said[:600]}")
