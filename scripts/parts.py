"""What the tests need of a system: TimescaleDB and Mosquitto, the fonts of letters, Prometheus' promtool.

The system's own, or Debian 13's packages unpacked into a private folder.

Nothing is installed and no right is needed: a private apt downloads, ``dpkg-deb -x`` unpacks, and ``patchelf`` points
the programs at the newer C library that lies beside them. Once per user, into ``/var/tmp/borough-<uid>``; about 10 s.

Example: python -m scripts.parts
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from borough.postgres_server import PostgresError, locked, private_folder

SUITE = "trixie"
PACKAGES = ("postgresql-17", "postgresql-17-timescaledb", "mosquitto")
#: Fonts for names in every script, and where they are unpacked.
FONT_PACKAGES = ("fonts-noto-core", "fonts-droid-fallback")
FONT_FOLDERS = ("usr/share/fonts", "usr/share/fonts-droid-fallback")
#: Checks Prometheus' rules; as Debian 13 has it, it runs on Debian 12 as it is. `PROMTOOL` names another one.
PROMTOOL_PACKAGE, PROMTOOL = "promtool", "BOROUGH_TEST_PROMTOOL"
#: Programs that publish and subscribe, for who tries what the documents say.
CLIENTS_PACKAGE, CLIENTS = "mosquitto-clients", ("mosquitto_pub", "mosquitto_sub")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
#: Changes when what is made from the packages changes, so that an older folder is not taken for it.
RECIPE = 1


class PartsError(RuntimeError):
    """The programs cannot be had on this machine. The text says why."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the programs are."""

    postgres: Path
    """Folder with ``postgres`` and ``initdb``; TimescaleDB stands in the library folder beside it."""
    mosquitto: Path
    """The broker's program."""


def prepare() -> Parts:
    """Find the programs, or download and unpack them. Raises PartsError."""
    found = installed()
    if found is not None:
        return found
    try:
        folder = private_folder()
    except PostgresError as error:
        raise PartsError(str(error)) from None
    tree = folder / f"parts-{SUITE}-{platform.machine()}-{RECIPE}"
    with locked(folder / f"{tree.name}.lock"):
        if not tree.exists():
            _require_debian(
                "TimescaleDB with Mosquitto",
                "postgresql-17, postgresql-17-timescaledb and mosquitto, or name a server in BOROUGH_TEST_DATABASE_URL",
            )
            if shutil.which("patchelf", path=_search_path()) is None:
                raise PartsError("patchelf is missing: run `make setup` first")
            print(f"Fetching TimescaleDB and Mosquitto from Debian 13 into {tree} ...", file=sys.stderr, flush=True)
            _make(tree)
    return _in(tree)


def fonts() -> list[Path]:
    """Folders with the fonts of ``FONT_PACKAGES``: the system's, or downloaded ones. Raises PartsError."""
    if all(
        any(Path("/usr/share").glob(f"fonts*/truetype/{name}"))
        for name in ("noto/NotoSerifBengali-Regular.ttf", "DroidSansFallback.ttf")
    ):
        return [Path("/", folder) for folder in FONT_FOLDERS]
    try:
        folder = private_folder()
    except PostgresError as error:
        raise PartsError(str(error)) from None
    tree = folder / f"fonts-{SUITE}-{RECIPE}"
    with locked(folder / f"{tree.name}.lock"):
        if not tree.exists():
            _require_debian("fonts for letters", " and ".join(FONT_PACKAGES))
            print(f"Fetching fonts from Debian 13 into {tree} ...", file=sys.stderr, flush=True)
            unpack(tree, FONT_PACKAGES)
    return [tree / folder for folder in FONT_FOLDERS if (tree / folder).is_dir()]


def promtool() -> Path:
    """Prometheus' promtool: the one that is named, the system's, or a downloaded one. Raises PartsError."""
    if named := os.environ.get(PROMTOOL):
        if not os.access(named, os.X_OK):
            raise PartsError(f"{PROMTOOL}: {named} is no program")
        return Path(named)
    if (found := shutil.which("promtool")) is not None:
        return Path(found)
    try:
        folder = private_folder()
    except PostgresError as error:
        raise PartsError(str(error)) from None
    tree = folder / f"promtool-{SUITE}-{platform.machine()}-{RECIPE}"
    program = tree / "usr/bin/promtool"
    with locked(folder / f"{tree.name}.lock"):
        if not tree.exists():
            _require_debian("promtool", f"Prometheus' promtool, or name it in {PROMTOOL}")
            print(f"Fetching promtool from Debian 13 into {tree} ...", file=sys.stderr, flush=True)
            unpack(tree, [PROMTOOL_PACKAGE])
    _run([str(program), "--version"])
    return program


def clients() -> dict[str, list[str]]:
    """Commands of Mosquitto's clients by name: the system's, or downloaded ones. Raises PartsError."""
    found = {name: shutil.which(name) for name in CLIENTS}
    if all(found.values()):
        return {name: [str(path)] for name, path in found.items()}
    try:
        folder = private_folder()
    except PostgresError as error:
        raise PartsError(str(error)) from None
    tree = folder / f"clients-{SUITE}-{platform.machine()}-{RECIPE}"
    with locked(folder / f"{tree.name}.lock"):
        if not tree.exists():
            _require_debian("Mosquitto's clients", CLIENTS_PACKAGE)
            print(f"Fetching Mosquitto's clients from Debian 13 into {tree} ...", file=sys.stderr, flush=True)
            unpack(tree, [CLIENTS_PACKAGE])
    return {name: _by_own_loader(tree, tree / "usr/bin" / name) for name in CLIENTS}


def beside(parts: Parts, name: str) -> list[str]:
    """How a program beside the database's server is run, such as ``pg_dump``."""
    return _by_own_loader(parts.postgres.parents[4], parts.postgres / name)


def _by_own_loader(tree: Path, program: Path) -> list[str]:
    """How a program of an unpacked tree is run: by the tree's own loader and libraries."""
    loaders = [] if tree == Path("/") else [*tree.glob("usr/lib*/ld-linux*"), *tree.glob("usr/lib/*/ld-linux*")]
    if not loaders:
        return [str(program)]
    libraries = ":".join(str(path) for path in tree.glob("usr/lib/*-linux-gnu*") if path.is_dir())
    return [str(loaders[0]), "--library-path", libraries, str(program)]


def installed() -> Parts | None:
    """What the system itself has, if it has both (Debian 13 with the packages installed)."""
    mosquitto = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    servers = [
        folder / "bin"
        for folder in Path("/usr/lib/postgresql").glob("[0-9][0-9]")
        if (folder / "lib/timescaledb.so").exists() and int(folder.name) >= 17
    ]
    if mosquitto is None or not servers:
        return None
    return Parts(max(servers, key=lambda path: int(path.parent.name)), Path(mosquitto))


def _in(tree: Path) -> Parts:
    return Parts(tree / "usr/lib/postgresql/17/bin", tree / "usr/sbin/mosquitto")


def _require_debian(what: str, instead: str) -> None:
    missing = [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]
    if missing or not KEYRING.exists():
        lacks = missing[0] if missing else KEYRING
        raise PartsError(f"this machine has no {what} and no {lacks} to fetch Debian's: install {instead}")


def _make(tree: Path) -> None:
    unpack(tree, PACKAGES, _repoint)
    try:
        parts = _in(tree)
        _run([str(parts.postgres / "postgres"), "--version"])
    except PartsError:
        shutil.rmtree(tree, ignore_errors=True)  # the next try begins anew
        raise


def unpack(tree: Path, packages: Sequence[str], change: Callable[[Path, Path], None] | None = None) -> None:
    """Make ``tree`` of packages and what they need; ``change`` is told where it is made and where it will stand."""
    work = Path(tempfile.mkdtemp(dir=tree.parent, prefix=f".{tree.name}-"))
    try:
        making = work / "tree"
        making.mkdir()
        for package in _download(work, packages):
            _run(["dpkg-deb", "-x", str(package), str(making)])
        if change is not None:
            change(making, tree)
        work.chmod(0o755)
        making.chmod(0o755)  # `nobody` runs PostgreSQL when we are root
        making.rename(tree)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(work: Path, packages: Sequence[str]) -> list[Path]:
    """Debian 13's packages with all they depend on, as if nothing at all were installed here."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    status, sources = work / "status", work / "sources.list"
    status.touch()
    private = [
        "-qq",
        *_options(
            f"Dir::State={work}/state",
            f"Dir::State::status={status}",
            f"Dir::Cache={work}/cache",
            "Dir::Etc::preferences=/dev/null",
            "Dir::Etc::preferencesparts=-",
            "APT::Sandbox::User=",  # root's sandbox user could not read this folder
            "APT::Install-Recommends=false",
            "Acquire::Languages=none",
            "Acquire::Retries=3",
            "Debug::NoLocking=1",
        ),
    ]
    _run(["apt-get", *private, "update"])
    told = _run(
        ["apt-get", *private, "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(REPO_URI)", "Created-By: Packages"]
    )
    targets = [line.split() for line in told.splitlines()]
    mirrors = [target[2] for target in targets if len(target) == 3 and target[0] == "Debian" and "-" not in target[1]]
    if not mirrors:
        raise PartsError("apt on this machine knows no Debian mirror")
    sources.write_text(f"deb [signed-by={KEYRING}] {mirrors[0]} {SUITE} main\n")
    private += _options(f"Dir::Etc::sourcelist={sources}", "Dir::Etc::sourceparts=-")
    _run(["apt-get", *private, "update"])
    _run(["apt-get", *private, "--yes", "--download-only", "install", *packages])
    return sorted((work / "cache/archives").glob("*.deb"))


def _repoint(making: Path, tree: Path) -> None:
    """Make the programs use the loader and libraries of their own tree, which will stand at ``tree``."""
    loaders = sorted(making.glob("usr/lib*/ld-linux*")) or sorted(making.glob("usr/lib/*/ld-linux*"))
    if not loaders:
        raise PartsError("the packages have no loader: Debian's layout has changed")
    libraries = sorted(path for path in making.glob("usr/lib/*-linux-gnu*") if path.is_dir())
    parts = _in(making)
    for program in (parts.postgres / "postgres", parts.postgres / "initdb", parts.postgres / "psql", parts.mosquitto):
        interpreter = ["--set-interpreter", str(tree / loaders[0].relative_to(making))]
        # Unlike RUNPATH, RPATH also holds for the libraries' libraries.
        path = [
            "--force-rpath",
            "--set-rpath",
            ":".join(str(tree / folder.relative_to(making)) for folder in libraries),
        ]
        _run(["patchelf", *interpreter, *path, str(program)])


def _options(*settings: str) -> list[str]:
    return [text for setting in settings for text in ("-o", setting)]


def _search_path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def _run(command: Sequence[str]) -> str:
    """Standard output of a program. Raises PartsError with the last lines of what it said."""
    environment = {**os.environ, "LC_ALL": "C", "PATH": _search_path()}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode != 0:
        said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise PartsError(f"{Path(command[0]).name} failed with {done.returncode}: {said}")
    return done.stdout


def main() -> int:
    """Prepare and say where all is; status 1 and one line for what cannot be had."""
    status = 0
    try:
        parts = prepare()
        print(f"PostgreSQL with TimescaleDB: {parts.postgres}\nMosquitto: {parts.mosquitto}", file=sys.stderr)
    except PartsError as error:
        print(f"No TimescaleDB and Mosquitto for the tests: {error}", file=sys.stderr)
        status = 1
    try:
        print(f"Fonts: {', '.join(str(folder) for folder in fonts())}", file=sys.stderr)
    except PartsError as error:
        print(f"No fonts for the tests: {error}", file=sys.stderr)
        status = 1
    try:
        print(f"promtool: {promtool()}", file=sys.stderr)
    except PartsError as error:
        print(f"No promtool for the tests: {error}", file=sys.stderr)
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
