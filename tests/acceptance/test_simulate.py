"""A fleet with every fault, through a real broker and collector into TimescaleDB, and the score of it.

Nothing may be unaccounted for: what a fault should cost is in the ledger, what it did cost is in the store.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.tools import forked
from tests.tools.collector import Collector
from tests.tools.load import grows
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import PATIENCE, Mosquitto

FLEETS = Path(__file__).resolve().parents[2] / "simulators" / "fleets"
BAD = ("lost", "wrong_value", "wrong_time", "rejected_unexpectedly")
FAULTS = FLEETS / "faults-all.toml"

SUBSCRIPTIONS = """
[[subscription]]
topic = "glow/{device}/SENSOR/electricitymeter"
format = "glow"
[[subscription]]
topic = "glow/{device}/SENSOR/gasmeter"
format = "glow"
[[subscription]]
topic = "v3/+/devices/{device}/up"
format = "tts"
[[subscription]]
topic = "airgradient/readings/{device}"
format = "airgradient"
[[subscription]]
topic = "zigbee2mqtt/{device}"
format = "zigbee2mqtt"
"""


class Way:
    """The production path: a database, a broker and a collector, and the command line beside them."""

    def __init__(self, folder: Path, database: str, broker: Mosquitto, stack: ExitStack) -> None:
        self.folder, self.database, self.broker, self._stack = folder, database, broker, stack
        self.ledger = folder / "ledger.parquet"
        self.url = f"mqtt://127.0.0.1:{broker.port}"

    def collect(self, **settings: Any) -> Collector:
        """Start the collector."""
        return self._stack.enter_context(Collector(self.folder, self.database, self.url, **settings)).start()

    def run(self, *arguments: object, status: int = 0) -> dict[str, Any]:
        """Run ``borough … --json``."""
        settings = {"BOROUGH_DATABASE_URL": self.database, "BOROUGH_MQTT_URL": self.url}
        done = forked.run([*map(str, arguments), "--json"], settings)
        print(done.stdout[:9000], done.stderr[-3000:])
        assert done.returncode == status
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def execute(self, statement: str) -> int:
        """Change the database; how many rows."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement.encode()).rowcount


@pytest.fixture
def way(tmp_path: Path, database: str, mosquitto: Mosquitto) -> Iterator[Way]:
    with ExitStack() as stack:
        yield Way(tmp_path, database, mosquitto, stack)


def account_for_all(way: Way, *options: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Simulate with a ledger, reconcile, and require that all is as it should be."""
    sent = way.run("simulate", FAULTS, "--register", "--ledger", way.ledger, *options)
    score = way.run("reconcile", way.ledger, "--wait", 30)
    totals = {
        name: sum(counts[name] for counts in sent["expected"].values())
        for name in next(iter(sent["expected"].values()))
    }
    assert score["stored"] == totals["stored"]
    assert score["thinned"] == totals["thinned"]
    # the repeat of a conflict is a conflict or a duplicate, as the batches happen to be cut
    assert score["rejected"] + score["duplicates"] == totals["rejected"] + totals["duplicate"]
    assert 0 <= totals["rejected"] - score["rejected"] < 0.02 * totals["rejected"]
    for word in ("lost", "wrong_value", "wrong_time", "rejected_unexpectedly", "unexpected"):
        assert score[word] == 0, (word, score)
    assert score["published"] == score["stored"] + score["duplicates"] + score["rejected"] + score["thinned"]
    return sent, score


@pytest.mark.parametrize("speech", ["native", pytest.param("senml-json", marks=pytest.mark.soak), "senml-cbor"])
def test_every_fault_is_accounted_for(way: Way, speech: str) -> None:
    way.collect()
    sent, score = account_for_all(way, "--hours", 11, "--format", speech, "--pack", 4)
    assert sent["messages"] > 3_000
    assert score["rejected"] > 100
    met = {part for name in sent["faults"] for part in name.split("+")}
    assert {"outage", "clock_skew", "clock_drift", "clock_lost", "stuck", "battery", "silent", "units", "summer_time",
            "loss", "duplicate", "out_of_order", "spike", "not_a_number", "malformed"} == met  # fmt: skip


def test_every_fault_in_the_vendors_formats(way: Way) -> None:
    subscriptions = way.folder / "subscriptions.toml"
    subscriptions.write_text(SUBSCRIPTIONS)
    way.collect(subscriptions=subscriptions)
    sent, score = account_for_all(way, "--hours", 11, "--format", "vendor", "--connections", "gateway")
    assert sent["formats"] == {
        "parking-bay": "tts", "smart-meter": "glow", "air-monitor": "airgradient", "movement-sensor": "zigbee2mqtt",
    }  # fmt: skip
    assert score["families"]["smart-meter"]["thinned"] > 0


@pytest.mark.soak
def test_fifty_thousand_messages_with_every_fault(way: Way) -> None:
    way.collect()
    sent, _ = account_for_all(way, "--connections", "device")
    assert sent["messages"] >= 50_000


def test_damage_is_found_and_the_report_needs_no_network(way: Way) -> None:
    way.collect()
    account_for_all(way, "--hours", 2)
    page = way.folder / "score.html"
    way.run("reconcile", way.ledger, "--report", page)
    text = page.read_text()
    assert "Nothing is lost and nothing is wrong." in text
    assert "http://" not in text
    assert "https://" not in text
    assert (way.folder / "plotly.min.js").stat().st_size > 1_000_000

    first = "(select ctid from public.reading order by time, series_id limit 3)"
    last = "(select ctid from public.reading where value <> 7777 order by time desc, series_id limit 3)"
    assert way.execute(f"delete from public.reading where ctid in {first}") == 3
    score = way.run("reconcile", way.ledger, status=1)
    assert {word: score[word] for word in BAD if score[word]} == {"lost": 3}
    assert way.execute(f"update public.reading set value = 7777 where ctid in {last}") == 3
    score = way.run("reconcile", way.ledger, status=1)
    assert {word: score[word] for word in BAD if score[word]} == {"lost": 3, "wrong_value": 3}
    shift = f"update public.reading set time = time - interval '0.5 seconds' where ctid in {last}"
    assert way.execute(shift) == 3
    score = way.run("reconcile", way.ledger, "--report", page, "--inline", status=1)
    assert {word: score[word] for word in BAD if score[word]} == {"lost": 3, "wrong_value": 3, "wrong_time": 3}
    assert "3 wrong time" in page.read_text()
    assert page.stat().st_size > 1_000_000


def test_dry_run_twice_gives_the_same_bytes_and_is_not_reconciled(way: Way) -> None:
    ledgers = [way.folder / f"{name}.parquet" for name in "abc"]
    for ledger, seed in zip(ledgers, (7, 7, 8), strict=True):
        done = way.run("simulate", FAULTS, "--seed", seed, "--hours", 1, "--dry-run", "--ledger", ledger)
        assert done["published"] is False
    assert ledgers[0].read_bytes() == ledgers[1].read_bytes() != ledgers[2].read_bytes()
    refused = forked.run(["reconcile", str(ledgers[0])], {"BOROUGH_DATABASE_URL": way.database})
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "dry run" in refused.stderr


def test_stopped_early_the_ledger_holds_what_is_out(way: Way) -> None:
    way.collect()
    command = [*BOROUGH, "simulate", FAULTS, "--register", "--ledger", way.ledger, "--speed", "1800", "--json"]
    running = subprocess.Popen(
        [*WITH_US, *map(str, command), "--connections", "device"],
        env=environment({"BOROUGH_DATABASE_URL": way.database, "BOROUGH_MQTT_URL": way.url}),
        stdout=subprocess.PIPE,
    )
    assert grows(way.database, "public.reading", 500, 30)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0
    sent = json.loads(out)
    assert 0 < sent["messages"] < 20_000, "half an hour a second, for a few seconds"
    score = way.run("reconcile", way.ledger, "--wait", 30)
    assert score["published"] == sent["readings"]
    assert all(score[word] == 0 for word in BAD)


def test_a_borough_of_bays_is_registered_recorded_and_scored(way: Way) -> None:
    """With sensors that are perfect the record is the simulator's truth, read off the report too."""
    fleet, page = way.folder / "bays.toml", way.folder / "bays.html"
    fleet.write_text(
        'name = "bays"\nseed = 3\nstart = 2026-03-28T00:00:00Z\ndays = 2\n'
        "[parking-bay]\ncount = 40\nzone_streets = 1\ndisabled = 0.1\npersonal = 2\nswaps = 3\nsuspensions = 4\n"
        "demand = 3.0\n"
    )
    way.collect()
    way.run("simulate", fleet, "--register", "--ledger", way.ledger)
    assert way.run("reconcile", way.ledger, "--wait", 30)["bays"] is None, "nothing is recorded yet"
    way.run("analyse")
    score = way.run("reconcile", way.ledger, "--report", page)["bays"]
    assert score["stays"]["true"] == score["stays"]["found"] > 100
    assert score["overstays"]["true"] == score["overstays"]["found"] > 5
    assert score["causes"] == {}
    assert score["swaps"] == 3
    assert score["occupancy"]["mean_absolute_error"] == 0
    assert "What was made of bays" in page.read_text()
    assert len(way.run("bays", "list")) == 40
