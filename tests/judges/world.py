"""The site that judges look at: ``borough serve`` as a process, over a database with something of everything."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from scripts.parts import PartsError, prepare
from store.connect import connect
from tests.judges.sources import NotHad
from tests.tools import site
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import TIMESCALE_SETTINGS, Cluster, own_cluster
from tests.worlds import whole_borough


@dataclass(frozen=True, slots=True)
class World:
    """Where the site is, its database (a libpq URL), and the cookies of sessions by who they are of."""

    url: str
    database: str
    cookies: dict[str, str]

    def client(self, who: str | None) -> httpx.Client:
        """A browser without a window, signed in as somebody or nobody. Close it after use."""
        return site.client(self.url, None if who is None else self.cookies[who])


@contextmanager
def world(cluster: Cluster, folder: Path) -> Iterator[World]:
    """Fill a database and serve it; what the site logs is in ``folder``."""
    name = cluster.create()
    database = cluster.url(name)
    with connect(database, autocommit=True) as connection:
        cookies = whole_borough.fill(connection)
    settings = {
        "BOROUGH_DATABASE_URL": database,
        "BOROUGH_WEB_PORT": "0",
        "BOROUGH_WEB_SECRET": site.SECRET,
        "BOROUGH_COUNCIL_NAME": "Testborough Council",
        "BOROUGH_HELP_LINE": "020 7946 0123",
    }
    log = folder / "serve.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*WITH_US, *BOROUGH, "serve"], env=environment(settings), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"Listening on (http://127\.0\.0\.1:\d+)\n", line)
        if found is None:
            raise RuntimeError(f"the site did not start: {line}{log.read_text()[-2000:]}")
        yield World(found[1], database, cookies)
    finally:
        process.terminate()
        process.communicate(timeout=60)
        cluster.drop(name)


class Servers:
    """The database server and the site, each started when a judge first asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._stack = folder, ExitStack()
        self._cluster: Cluster | None = None
        self._world: World | None = None

    def cluster(self) -> Cluster:
        """TimescaleDB. Raises NotHad."""
        if self._cluster is None:
            try:
                postgres = prepare().postgres
            except PartsError as error:
                raise NotHad(f"TimescaleDB: {error}") from None
            self._cluster = own_cluster("apache", postgres, TIMESCALE_SETTINGS, in_memory=True)
            self._stack.callback(self._cluster.close)
        return self._cluster

    def world(self) -> World:
        """The filled site. Raises NotHad."""
        if self._world is None:
            self._world = self._stack.enter_context(world(self.cluster(), self.folder))
        return self._world

    def close(self) -> None:
        """End what was started."""
        self._stack.close()
