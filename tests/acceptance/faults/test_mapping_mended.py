"""A vendor changes a word: its messages are rejected, a mapping is tried on them, installed, and they are taken, beside
a real collector that goes on all the time. The account adds up to the message at the end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg

from borough.settings.settings import Settings
from borough.trials import Trials
from tests.acceptance.faults.conftest import Collect
from tests.tools import forked
from tests.tools.load import device, grows, register
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto
from tests.tools.site import client, csrf, make_session, options, running
from tests.worlds.rejections import RIGHT, WRONG

QUERY = "reason=bad_value&family=parking-bay"
MESSAGES = [("vendor/v-1", b'{"state": "taken"}'), ("vendor/v-1", b'{"state": "free"}')] * 10


def stored(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("select count(*) from public.reading").fetchone()
    assert row is not None
    return int(row[0])


def test_a_mapping_is_mended_beside_a_running_collector(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path
) -> None:
    mappings, subscriptions = tmp_path / "mappings", tmp_path / "subscriptions.toml"
    mappings.mkdir()
    (mappings / "bay.toml").write_text(WRONG)
    subscriptions.write_text('[[subscription]]\nformat = "bay-vendor"\n')
    register(database, [device("v-1", "parking-bay", "bay-vendor")])
    own: dict[str, Any] = {"mappings": mappings, "subscriptions": subscriptions}
    collector = collect(database, mosquitto.url, **own).start()
    publish(mosquitto.port, MESSAGES)
    assert grows(database, "public.rejected", 10)
    assert grows(database, "public.reading", 10)
    settings = Settings(database_url=database, mappings=mappings, subscriptions=subscriptions)
    with psycopg.connect(database, autocommit=True) as connection:
        cookie = make_session(connection, None, ["engineer"])
    with running(options(database, trials=Trials(settings))) as url, client(url, cookie) as engineer:
        engineer.headers["X-CSRF-Token"] = csrf(cookie)

        def post(what: str, **given: str) -> str:
            return engineer.post(f"/engineer/rejected/{what}?{QUERY}", data=given).text

        tried = post("try", how="mapping", mapping=RIGHT)
        assert "10 of 10 messages would be taken" in tried
        assert "stands in this form alone" in tried
        # installed, and not yet what the collector reads with
        (mappings / "bay.toml").write_text(RIGHT)
        assert "Nothing can be taken now." in post("try", how="now")
        assert "with another decoder" in post("take")
        variables = {f"BOROUGH_{name.upper()}": str(path) for name, path in own.items()}
        refused = forked.run(["rejected", "retry", "--all"], {"BOROUGH_DATABASE_URL": database, **variables})
        assert refused.returncode == 1
        assert "reads the format bay-vendor with another decoder" in refused.stderr
        assert stored(database) == 10
        assert collector.stop() == 0
        collector = collect(database, mosquitto.url, **own).start()
        # while it is taken the collector goes on, and reads the new word by itself
        publish(mosquitto.port, MESSAGES[:1])
        assert "Take 10 messages" in post("try", how="now")
        assert "10 rejections were taken" in " ".join(re.sub("<[^>]+>", " ", post("take")).split())
        assert grows(database, "public.reading", 21)
        page = " ".join(re.sub("<[^>]+>", " ", engineer.get("/engineer/rejected").text).split())
    assert "parking-bay 10 0 0 10 0" in page
    with psycopg.connect(database) as connection:
        live = connection.execute(
            "select sum(messages_received), sum(messages_decoded), sum(readings_stored), sum(readings_rejected)"
            " from accounting where collector <> 'retry'"
        ).fetchone()
        again = connection.execute(
            "select sum(messages_received), sum(messages_decoded), sum(readings_stored), sum(readings_rejected)"
            " from accounting where collector = 'retry'"
        ).fetchone()
        values = connection.execute("select value, count(*) from public.reading group by value order by 1").fetchall()
    assert live == (21, 21, 11, 10)
    assert again == (10, 10, 10, 0)
    assert values == [(0.0, 10), (1.0, 11)]
