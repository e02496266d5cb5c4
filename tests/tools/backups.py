"""pg_dump and pg_restore of the server that the tests start, wherever its programs come from."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from scripts.parts import Parts, beside
from tests.tools.servers import Cluster


def run(command: list[str]) -> str:
    """What a program printed; fails with what it said where it ends badly."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def back_up(parts: Parts, url: str, path: Path) -> None:
    """As docs/how-to/back-up-and-restore.md says."""
    run([*beside(parts, "pg_dump"), "--format=custom", f"--file={path}", url])


def text(parts: Parts, url: str) -> str:
    """The whole database as SQL text."""
    return run([*beside(parts, "pg_dump"), url])


def restore(parts: Parts, cluster: Cluster, path: Path) -> str:
    """A new database from a backup, as docs/how-to/back-up-and-restore.md says; its name."""
    name = cluster.create(migrated=False)
    url = cluster.url(name)
    timescale = cluster.tier != "plain"
    with psycopg.connect(url, autocommit=True) as connection:
        if timescale:
            connection.execute("create extension if not exists timescaledb")
            connection.execute("select timescaledb_pre_restore()")
    run([*beside(parts, "pg_restore"), "--exit-on-error", f"--dbname={url}", str(path)])
    with psycopg.connect(url, autocommit=True) as connection:
        if timescale:
            connection.execute("select timescaledb_post_restore()")
        connection.execute("analyze")
    assert urlsplit(url).path == f"/{name}"
    return name
