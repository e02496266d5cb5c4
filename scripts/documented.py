"""Runs the commands of README and docs as they are written, on a clean clone, with real servers. `make documents`.

The commands have a network and an /etc, /srv and /var/lib of their own, where PostgreSQL with TimescaleDB listens on
5432 and Mosquitto on 1883, as the documents say; nothing of this machine is changed. Root is needed for that, and
nothing but 127.0.0.1 can be reached: `make setup` and what is marked ``network`` run before. Each document begins with
an empty database, an empty broker and the files of the clone. The marks stand in `scripts.document_blocks`.

Example: python -m scripts.documented README.md docs/how-to/compare-homes.md
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from borough.children import Child
from borough.postgres_server import PostgresServer, private_folder
from scripts.document_blocks import blocks, documents
from scripts.document_shell import Reader, Wrong
from scripts.parts import Parts, PartsError, beside, clients, fonts, prepare

ROOT = Path(__file__).resolve().parent.parent
#: Folders that get a layer of their own: what a document writes there is gone afterwards.
_FOLDERS = ("/etc", "/srv", "/var/lib")
_INSIDE = "--inside"
#: The role that the documents write, its password and its database.
_OWNER, _PASSWORD, _DATABASE = "borough", "PASSWORD", "borough"


def main(arguments: Sequence[str]) -> int:
    """Run the documents; status 1 where one is not true, with the line and what happened."""
    parser = argparse.ArgumentParser(prog="python -m scripts.documented", description=__doc__.splitlines()[0])
    parser.add_argument("documents", nargs="*", help="README.md, docs/…; all where none is named")
    parser.add_argument("--working-tree", action="store_true", help="the files as they are here, with this .venv")
    parser.add_argument(_INSIDE, metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        return _inside(Path(options.inside), options.documents)
    if missing := [name for name in options.documents if not (ROOT / name).is_file()]:
        print(f"documents: there is no {', '.join(missing)}; name them from {ROOT} on", file=sys.stderr)
        return 2
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        print(
            "documents: root and unshare (util-linux) are needed, for a network and an /etc of their own",
            file=sys.stderr,
        )
        return 1
    try:
        prepare()
        clients()
        fonts()
    except PartsError as error:
        print(f"documents: {error}", file=sys.stderr)
        return 1
    work = Path(tempfile.mkdtemp(dir=private_folder(), prefix="documents-"))
    work.chmod(0o755)
    try:
        _copy(work / "clone", options.working_tree)
        return subprocess.run(
            [
                "setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc",
                "--kill-child", "--propagation", "private",
                sys.executable, "-m", "scripts.documented", _INSIDE, str(work), *options.documents,
            ],
            cwd=ROOT, check=False,
        ).returncode  # fmt: skip
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _copy(clone: Path, working_tree: bool) -> None:
    """A clean clone that was set up as README says, or the files that git knows here beside this .venv."""
    if not working_tree:
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
        subprocess.run(["make", "setup"], cwd=clone, check=True, stdout=subprocess.DEVNULL)
        return
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, names.stdout.split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run(
        "git init -q && git add -A && git -c user.name=x -c user.email=x commit -qm x",
        shell=True,
        cwd=clone,
        check=True,
    )


def _inside(work: Path, names: Sequence[str]) -> int:
    """In a network and a layer of folders of our own: start the servers, read the documents."""
    _loopback()
    parts = prepare()
    environment = _environment(work, parts)
    wrong, count = 0, 0
    server = PostgresServer(
        parts.postgres,
        work / "data",
        port=5432,
        settings={"shared_preload_libraries": "timescaledb", "timescaledb.telemetry_level": "off"},
    )
    with server:
        _trust(server)
        for document in [ROOT / name for name in names] or documents(ROOT):
            name = document.relative_to(ROOT)
            here = (work / "clone" / name).read_text()
            begun = time.monotonic()
            try:
                done = _read(here, work, server, parts, environment)
            except (Wrong, ValueError) as error:
                print(f"{name}: {error}", flush=True)
                wrong += 1
            else:
                count += done
                if done:
                    print(f"{name}: {done} run, {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{count} blocks of commands run, {wrong} documents are not true", flush=True)
    return 1 if wrong else 0


def _read(text: str, work: Path, server: PostgresServer, parts: Parts, environment: dict[str, str]) -> int:
    """Follow one document; how many blocks of commands were run. Raises Wrong."""
    todo = blocks(text)
    count = sum(block.mark is not None and block.mark.kind == "run" for block in todo)
    if not count:
        return 0
    _empty(server)
    _layers(work)
    subprocess.run(["git", "clean", "-fdqx", "-e", ".venv"], cwd=work / "clone", check=True)
    notes = Path(tempfile.mkdtemp(dir=work, prefix="notes-"))
    with _broker(parts, notes), Reader(work / "clone", notes, environment) as reader:
        for block in todo:
            reader.do(block)
    return count


def _environment(work: Path, parts: Parts) -> dict[str, str]:
    programs = work / "programs"
    programs.mkdir()
    commands = {
        name: beside(parts, name) for name in ("psql", "pg_dump", "pg_restore", "createdb", "createuser", "dropdb")
    }
    commands |= clients()
    for name, command in commands.items():
        path = programs / name
        path.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in command) + ' "$@"\n')
        path.chmod(0o755)
    (programs / "mosquitto").symlink_to(parts.mosquitto)
    (work / "home").mkdir()
    url = f"postgresql://{_OWNER}:{_PASSWORD}@127.0.0.1/{_DATABASE}"
    return {
        "PATH": f"{work}/clone/.venv/bin:{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(work / "home"),
        "LANG": "C.UTF-8",
        "PGHOST": "127.0.0.1",
        "PGUSER": _OWNER,
        "BOROUGH_DATABASE_URL": url,
        "BOROUGH_MQTT_URL": "mqtt://127.0.0.1:1883",
        "BOROUGH_LETTER_FONTS": ":".join(map(str, fonts())),
    }


def _loopback() -> None:
    """Bring 127.0.0.1 up in the new network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(control, 0x8913, request))[1]  # SIOCGIFFLAGS
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14s", b"lo", flags | 1, b""))  # SIOCSIFFLAGS, IFF_UP


def _layers(work: Path) -> None:
    """Put a fresh layer over the system's folders, in the place of that of the document before."""
    for name in _FOLDERS:
        if (name, "overlay") in _mounted():
            subprocess.run(["umount", "--lazy", name], check=True)
    folder = Path(tempfile.mkdtemp(dir=work, prefix="layers-"))
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=True)
    for name in _FOLDERS:
        upper, scratch = folder / f"upper{name}", folder / f"scratch{name}"
        upper.mkdir(parents=True)
        scratch.mkdir(parents=True)
        layers = f"lowerdir={name},upperdir={upper},workdir={scratch}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, name], check=True)


def _mounted() -> set[tuple[str, str]]:
    """Folders on which something is mounted, with its type."""
    return {(words[1], words[2]) for words in map(str.split, Path("/proc/mounts").read_text().splitlines())}


def _trust(server: PostgresServer) -> None:
    """Let everybody in this network in, with and without the documents' password."""
    (server.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("select pg_reload_conf()")
        connection.execute(f"create role {_OWNER} login createrole createdb")


def _empty(server: PostgresServer) -> None:
    """The database anew, as deploy/database.sh makes it, and without others."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        others = "select datname from pg_database where not datistemplate and datname <> 'postgres'"
        for (name,) in connection.execute(others).fetchall():
            connection.execute(f'drop database "{name}" with (force)')
        connection.execute(f"create database {_DATABASE} owner {_OWNER} template template0")
    with psycopg.connect(server.url(_DATABASE), autocommit=True) as connection:
        connection.execute("create extension timescaledb")


@contextmanager
def _broker(parts: Parts, folder: Path) -> Iterator[None]:
    """A Mosquitto on 1883 that lets everybody in."""
    lines = ("listener 1883 127.0.0.1", "allow_anonymous true", "user root", "persistence false", "log_dest stderr")
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    broker = Child("broker", [str(parts.mosquitto), "-c", str(folder / "mosquitto.conf")], log=folder / "mosquitto.log")
    try:
        until = time.monotonic() + 60
        while True:
            broker.check()
            try:
                socket.create_connection(("127.0.0.1", 1883), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise Wrong(f"the broker did not start: {broker.last_words()}") from None
                time.sleep(0.05)
        yield
    finally:
        broker.stop(10)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
