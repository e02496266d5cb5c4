"""A borough with rejected messages, made by the collector's own way: of bays, a household's meter, strangers.

The vendor's mapping is wrong (``unreadable`` of all its messages until it is mended), a device is not registered, a
meter sends what is out of range, and somebody sends what would do harm on a page or a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg

from borough.settings.collector import collector_options
from borough.settings.settings import Settings
from borough.trials import Trials
from ingest.batch_builder import BatchBuilder
from ingest.options import CollectorOptions
from ingest.suppressions import Suppressions, states
from store import registry
from store.connect import connect
from store.times import microseconds
from store.writer import Writer
from tests.tools.servers import Cluster
from tests.tools.site import GONE, HERS, client, csrf, make_home, make_session, options, running

METER = "1200000000002"
#: What only who may look at households sees: the meter, and what stands in its message.
SECRETS = (METER, "zork", "987654321")
#: A mapping that reads the vendor's messages by the wrong words, and the one that is right.
WRONG = """name = "bay-vendor"
topics = ["vendor/{device}"]
family = "parking-bay"
[[reading]]
property = "occupied"
path = "state"
values = { free = 0, occupied = 1 }
"""
RIGHT = WRONG.replace("occupied = 1", "taken = 1")
_SUBSCRIPTIONS = """[[subscription]]
format = "native"
[[subscription]]
format = "bay-vendor"
"""
HOSTILE = b'{"time": "\x1b[2J\xe2\x80\xae<script>alert(1)</script>", \x00'


class World(NamedTuple):
    """Where it is, its settings, and the folder of its mappings."""

    url: str
    settings: Settings
    mappings: Path
    now: datetime


@contextmanager
def rejections(timescale: Cluster, folder: Path) -> Iterator[World]:
    """The borough, in a database of its own."""
    (folder / "mappings").mkdir()
    (folder / "mappings" / "bay.toml").write_text(WRONG)
    (folder / "subscriptions.toml").write_text(_SUBSCRIPTIONS)
    name = timescale.create()
    url = timescale.url(name)
    settings = Settings(database_url=url, mappings=folder / "mappings", subscriptions=folder / "subscriptions.toml")
    now = datetime.now(UTC).replace(microsecond=0)
    with connect(url, autocommit=True) as connection:
        people(connection)
    collect(collector_options(settings), messages(now))
    yield World(url, settings, folder / "mappings", now)
    timescale.drop(name)


def people(connection: psycopg.Connection) -> None:
    """A household with a meter and one that has left the home, two bays of the vendor's and one of ours."""
    make_home(connection, tenancy_id=GONE, to_day=date(2021, 1, 1))
    make_home(connection, tenancy_id=HERS, from_day=date(2021, 1, 1))
    for device, family, model, personal in (
        (METER, "smart-meter", "native", True),
        ("v-1", "parking-bay", "bay-vendor", False),
        ("v-2", "parking-bay", "bay-vendor", False),
        ("bay-1", "parking-bay", "native", False),
    ):
        connection.execute(
            "insert into personal.device (id, family, model, origin, personal, changed) values (%s, %s, %s, 'real', %s,"
            " nextval(pg_get_serial_sequence('public.rejected', 'id')))",
            (device, family, model, personal),
        )
    connection.execute(
        "insert into personal.home_meter (device_id, home_id, from_day) select %s, home_id, '2020-01-01'"
        " from personal.tenancy where id = %s",
        (METER, HERS),
    )


def messages(now: datetime) -> list[tuple[str, bytes, datetime]]:
    """Topic, payload and arrival of all that came."""
    hour = timedelta(hours=1)
    text = (now - 2 * hour).isoformat()
    found = [
        (f"vendor/v-{number % 2 + 1}", b'{"state": "taken"}', now - 3 * hour + timedelta(minutes=number))
        for number in range(6)
    ]
    return [
        *found,
        ("vendor/v-1", b'{"state": "free"}', now - hour),
        ("vendor/v-1", b'{"state": "fr\xc3\xa9e" oops}', now - hour),
        ("borough/parking-bay/bay-1/reading", b'{"time": "%s", "occupied": 1, "battery": 300}' % text.encode(), now),
        ("borough/parking-bay/bay-1/reading", HOSTILE, now),
        ("borough/parking-bay/stranger-9/reading", b'{"time": "%s", "occupied": 1}' % text.encode(), now),
        (
            f"borough/smart-meter/{METER}/reading",
            b'{"time": "%s", "zork": 987654321, "import_register": 5}' % text.encode(),
            now - hour,
        ),
        (f"borough/smart-meter/{METER}/reading", b"{not JSON 987654321", now - hour),
        # a stranger's message that names the meter
        ("borough/parking-bay/bay-1/reading", b'{"time": "%s", "no": "%s"' % (text.encode(), METER.encode()), now),
        ("borough/parking-bay/bay-1/reading", b'{"time": "%s", "occupied": 0}' % now.isoformat().encode(), now),
    ]


def collect(
    options: CollectorOptions, given: list[tuple[str, bytes, datetime]], name: str = "c", limit: int = 1_000
) -> None:
    """Take messages as a collector does; ``limit``: rejections kept of a device, hour and reason."""
    writer = Writer(options.database_url, rejected_limit=limit)
    connection = writer.connection
    builder = BatchBuilder(options, Suppressions(None), lambda new: states(connection, new), name=name, register=True)
    with connection.transaction():
        builder.routes.update(registry.load(connection, 0)[0])
    topics, payloads, arrivals = zip(*given, strict=True)
    builder.receive_kept(topics, payloads, [microseconds(arrival) for arrival in arrivals])
    batch = builder.build(microseconds(given[0][2])).batch
    connection.commit()
    writer.write(batch)
    writer.close()


@contextmanager
def engineering(timescale: Cluster, folder: Path) -> Iterator[tuple[World, httpx.Client]]:
    """The borough and its site, and the browser of an engineer there, for what changes them."""
    with rejections(timescale, folder) as world, running(options(world.url, trials=Trials(world.settings))) as url:
        with connect(world.url, autocommit=True) as connection:
            cookie = make_session(connection, None, ["engineer"])
        with client(url, cookie) as found:
            found.headers["X-CSRF-Token"] = csrf(cookie)
            yield world, found


def text_of(page: str) -> str:
    """What stands on a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def number(connection: psycopg.Connection, family: str, reason: str, device: str = "") -> int:
    """The first rejection of a kind."""
    row = connection.execute(
        "select min(id) from rejected where family = %s and reason = %s and (%s = '' or device = %s)",
        (family, reason, device, device),
    ).fetchone()
    assert row is not None
    return int(row[0])
