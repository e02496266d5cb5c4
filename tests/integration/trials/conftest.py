"""`borough trial` as people run it, in a town of 200 homes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from store.connect import Connection, connect
from store.times import local_day
from tests.tools import forked
from tests.tools.servers import Cluster
from tests.worlds import trial_town
from tests.worlds.trial_town import ZONE, Town

TODAY = local_day(datetime.now(UTC), ZONE)


@pytest.fixture(scope="module")
def built(timescale: Cluster) -> Iterator[tuple[str, Town]]:
    name = timescale.create()
    with connect(timescale.url(name)) as connection:
        town = trial_town.build(connection, TODAY)
    yield timescale.url(name), town
    timescale.drop(name)


@pytest.fixture
def town(built: tuple[str, Town]) -> Iterator[Town]:
    """The town without a trial."""
    yield built[1]
    with connect(built[0]) as connection:
        for table in ("trial_event", "trial_member", "trial"):
            connection.execute(f"delete from personal.{table}".encode())


@pytest.fixture
def connection(built: tuple[str, Town], town: Town) -> Iterator[Connection]:
    with connect(built[0], autocommit=True) as found:
        yield found


class Borough:
    def __init__(self, url: str, folder: Path) -> None:
        self.environment = {"BOROUGH_DATABASE_URL": url, "BOROUGH_TIME_ZONE": ZONE.key}
        self.folder = folder

    def __call__(self, *arguments: str, status: int = 0) -> str:
        """What it prints on both outputs."""
        if arguments[:1] == ("design",):
            arguments = (*arguments, "--simulations", "200")
        done = forked.run(("trial", *arguments), self.environment)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", status=status))

    def design(self, town: Town, **changes: str) -> str:
        lines = {
            "name": '"winter"', "fuel": '"electricity"', "begins": str(town.after), "target": "2.0",
            "arms": "{nothing = 1, zone = 1, comparison = 1}", "costs": "{comparison = 4.20}", "fixed_cost": "1200",
            "texts": '{eligibility = "Homes that agreed."}', **changes,
        }  # fmt: skip
        path = self.folder / "design.toml"
        path.write_text("".join(f"{key} = {value}\n" for key, value in lines.items()))
        return str(path)


@pytest.fixture
def borough(built: tuple[str, Town], tmp_path: Path) -> Borough:
    return Borough(built[0], tmp_path)
