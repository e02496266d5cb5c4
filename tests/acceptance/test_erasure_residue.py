"""What other devices said of a household that is erased, on purpose or by mistake: a dump, all folders and the server's
log are searched, and hold nothing of it. The neighbour's own data stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from borough.rights.for_pages import for_pages
from borough.settings.settings import read_settings
from scripts.parts import Parts
from simulators.publisher import Message
from store import connect
from tests.acceptance.test_erasure import ANNA, BERT, DAY, HALF_HOUR, World
from tests.tools import backups, site
from tests.tools.collector import Collector
from tests.tools.load import ask, count, grows, rfc3339
from tests.tools.mqtt_session import make_session
from tests.tools.publisher import publish
from tests.tools.servers import Cluster, Mosquitto
from tests.worlds import household
from tests.worlds.household import KEY

START = round(household.midnight(DAY).timestamp()) * 1_000_000


@pytest.fixture
def world(tmp_path: Path, database: str, mosquitto: Mosquitto) -> Iterator[World]:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "personal" / "recordings").mkdir(parents=True)
    collector = Collector(
        tmp_path, database, mosquitto.url, archive=tmp_path / "archive", tombstone_key_file=tmp_path / "key",
        batch_age=0.05,
    )  # fmt: skip
    with collector:
        yield World(tmp_path, database, mosquitto, collector)


def hostile() -> list[Message]:
    """Messages of the neighbour, and of nobody that is registered, that name her meter, home and tenancy's home."""
    his = f"borough/smart-meter/{BERT.meter}/reading"
    time = rfc3339(START)
    return [
        (his, json.dumps({"time": time, ANNA.meter: 1.0}).encode()),
        (his, json.dumps({"time": time, f"use_of_{ANNA.meter}_today": 1.0, "import_interval": 0.5}).encode()),
        (his, json.dumps({"time": rfc3339(START + HALF_HOUR), "import_interval": f"as {ANNA.meter}"}).encode()),
        (his, f"no JSON, but the home {ANNA.uprn} of {ANNA.meter}".encode()),
        (f"borough/smart-meter/unknown-{ANNA.meter}/reading", b'{"power": 1}'),
        (f"borough/smart-meter/{BERT.meter}/{ANNA.meter}", b'{"power": 1}'),
        (f"borough/parking-bay/bay-of-{ANNA.uprn}/reading", b'{"occupied": 1}'),
        (f"borough/{ANNA.meter}", b"nothing"),
    ]


def honest() -> list[Message]:
    """Half-hours of both."""
    return [
        (
            f"borough/smart-meter/{who.meter}/reading",
            json.dumps({"time": rfc3339(START + place * HALF_HOUR), "import_interval": who.value}).encode(),
        )
        for place in range(10, 58)
        for who in (ANNA, BERT)
    ]


@pytest.mark.parametrize("way", ["command", "page"])
def test_what_others_said_of_it_goes_too(
    world: World, timescale: Cluster, parts: Parts, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect.connect(world.database) as connection:
        for who in (BERT, ANNA):
            world.tenancies[who.meter] = household.add(connection, who)
    world.collector.start()
    make_session(world.broker.port, "borough-recorder", ["borough/#"])
    sent = honest() + hostile()
    publish(world.broker.port, sent)
    assert grows(world.database, "public.reading", 2 * 48 + 1)
    assert grows(world.database, "public.rejected", 6)
    world.borough("record", str(world.personal / "recordings"), "--messages", str(len(sent)))
    accounts = world.folder / "accounts"
    accounts.mkdir()
    world.more["BOROUGH_ACCOUNTS_FOLDER"] = str(accounts)
    world.borough("devices", "credentials", str(accounts))
    words = [ANNA.meter, ANNA.uprn, ANNA.name, world.tenancy(ANNA)]
    assert {word for word, _ in world.look(ANNA)} >= {ANNA.meter, ANNA.uprn}
    begin = timescale.server.log.stat().st_size if timescale.server is not None else 0

    for name, value in world.settings().items():
        monkeypatch.setenv(name, value)
    if way == "command":
        report = json.loads(world.borough("erase", world.tenancy(ANNA), "--yes", "--json"))
        assert report["pending"] == report["not_given"] == []
        assert report["broker_accounts"] == [ANNA.meter]
    else:
        rights = for_pages(read_settings())
        with connect.connect(world.database, autocommit=True) as connection:
            cookie = site.make_session(connection, None, ["data-protection"])
        options = site.options(world.database, erase=rights.erase, erasure=rights.erasure)
        with site.running(options) as url, site.client(url, cookie) as browser:
            number = world.tenancy(ANNA)
            fields = {"csrf": site.csrf(cookie), "number": number, "again": number}
            assert "Everything has been erased" in browser.post("/data-protection/erase", data=fields).text

    text = backups.text(parts, world.database)
    assert [line for line in text.splitlines() if any(word in line for word in words)] == []
    found = world.look(ANNA)
    # the collector's log says which topics nobody reads, as it always did
    assert [one for one in found if one[1] != "log"] == []
    for path in accounts.iterdir():
        assert ANNA.meter not in path.read_text(), path.name
        assert BERT.meter in path.read_text(), path.name
    if timescale.server is not None:
        said = timescale.server.log.read_bytes()[begin:].decode()
        assert [word for word in words if word in said] == []
    assert count(world.database, "public.reading") == 48 + 1, "his own, also of a message that named her"
    # what could not be looked through was kept without its bytes, so that it names nobody
    assert ask(world.database, "select reason, detail from public.rejected") == [("unreadable", "(personal)")]
