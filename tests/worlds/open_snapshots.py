"""A site over `open_months` with its snapshots: three months of each dataset, of which one was revised."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from borough.publishing import run
from borough.publishing.making import Order
from borough.publishing.run import Rules
from dashboard.options import OpenData
from devices.csvw import OPEN_GOVERNMENT_LICENCE
from devices.parking_account import Account, Line
from store.connect import connect
from tests.tools.site import options
from tests.worlds import open_months
from tests.worlds.open_months import LATER, MONTHS, hours

ACCOUNT = Account(date(2025, 4, 1), date(2026, 3, 31), (Line("income", "on-street parking", 150),))
#: Every kind of page.
PAGES = (
    "/open-data",
    "/open-data/about/air-readings",
    "/open-data/revisions",
    "/open-data/snapshots/air-readings/2026-02/2",
)


class World:
    """A database, its folder of snapshots, and a site over both."""

    def __init__(self, database: str, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.order = Order(folder, "Testborough Council", OPEN_GOVERNMENT_LICENCE, "real", "0.1.0")
        self.options = options(
            database,
            parking_accounts=(ACCOUNT,),
            open_data=OpenData(contact="data@testborough.example", folder=folder),
        )

    def publish(self) -> run.Report:
        """One run."""
        with connect(self.database, autocommit=True) as line:
            return run.publish(line, self.database, self.order, Rules(timedelta(days=7), {}), LATER, lambda _: None)


def filled(database: str, folder: Path) -> World:
    """Three months, of which February has a revision beside the first."""
    with connect(database) as connection:
        open_months.fill(connection)
    world = World(database, folder)
    world.publish()
    with connect(database) as connection:
        open_months.late(connection, "air-1", "no2", [hours(MONTHS[1])[0] + 1], [99.25])
    world.publish()
    return world
