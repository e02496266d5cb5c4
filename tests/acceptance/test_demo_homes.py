"""The demo's households: somebody signs in with a printed link, sees how the home compares, and leaves."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from borough.postgres_server import PostgresError, embedded_binaries, private_folder
from simulators import ledger
from tests.conftest import unavailable
from tests.tools.program import environment
from tests.tools.servers import PATIENCE, wait_for

BOROUGH = str(Path(sys.executable).with_name("borough"))
#: Enough homes of one kind for an efficient figure (two cells of 50 less one), and two whole weeks of them.
FLEET = """
name = "street"
seed = 5
start = 2026-01-05T00:00:00Z
days = 22
[smart-meter]
count = 104
properties = ["import_interval"]
dwellings = { terraced = 1.0 }
heating = { gas = 1.0 }
planted = { empty = 2 }
"""
STATES = {
    "great": "one of those that use least",
    "good": "less electricity than the average",
    "more": "more electricity than the average",
    "looks empty": "Your electricity use",
}


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder for the demo where `nobody` gets to."""
    try:
        embedded_binaries()
    except PostgresError as error:
        unavailable(str(error))
    folder = private_folder() / f"demo-homes-{uuid.uuid4().hex[:8]}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


class Demo:
    """A running demo; ``said`` is what it has printed for people."""

    def __init__(self, state: Path, fleet: Path) -> None:
        self.process = subprocess.Popen(
            [BOROUGH, "demo", "--state", str(state), "--fleet", str(fleet), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def links(self) -> dict[str, str]:
        """What was printed beside each link that signs in."""
        return dict(re.findall(r"^  (\S.*?) {2,}(http\S+/sign-in/demo/\S+)$", self.said, re.MULTILINE))

    def end(self) -> str:
        """Ctrl-C; standard output."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        self.process.wait(60)
        self._reader.join(60)
        self.process.stdout.close()
        assert self.process.stderr is not None
        self.process.stderr.close()
        return out


@contextmanager
def sign_in(link: str) -> Iterator[httpx.Client]:
    """A browser that has pressed the button behind a printed link."""
    with httpx.Client(base_url=link[: link.index("/sign-in")], follow_redirects=True, timeout=PATIENCE) as browser:
        post(browser, browser.get(link), link)
        yield browser


def post(browser: httpx.Client, page: httpx.Response, address: str, **fields: str) -> httpx.Response:
    """Send the form of a page."""
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token is not None, page.text
    done = browser.post(
        address, data={"csrf": token[1], **fields}, headers={"Origin": str(browser.base_url).rstrip("/")}
    )
    assert done.status_code == 200, done.text
    return done


def erase_by_command(said: str, state: Path) -> None:
    """Erase one more household, as an operator does who has the demo's key; its ledgers are known to the database."""
    found = re.search(r"BOROUGH_DATABASE_URL=(\S+) BOROUGH_DATABASE_PASSWORD_FILE=(\S+)", said)
    assert found is not None, said
    settings = {
        "BOROUGH_DATABASE_URL": found[1],
        "BOROUGH_DATABASE_PASSWORD_FILE": found[2],
        "BOROUGH_TOMBSTONE_KEY_FILE": str(state / "tombstone.key"),
        "BOROUGH_TOMBSTONE_LOG": str(state / "tombstones.log"),
    }
    url = found[1].replace("postgres@", f"postgres:{Path(found[2]).read_text().strip()}@")
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select t.id, m.device_id from personal.tenancy t join personal.home_meter m on m.home_id = t.home_id"
            " where t.id not in (select tenancy_id from personal.sign_in_code where tenancy_id is not null)"
            " order by 1 limit 1"
        ).fetchone()
        assert row is not None
    done = subprocess.run(
        [BOROUGH, "erase", str(row[0]), "--yes", "--json"], env=environment(settings), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["ledger_rows"] >= 22 * 48, "the demo's ledgers lose it too"
    assert {one["kind"] for one in report["pending"]} <= {"ledger"}, "one may be being written"
    for rows in ledger.read(sorted((state / "ledger").glob("*.parquet"))):
        assert row[1] not in {rows.devices[place] for place in set(rows.device.tolist())}


def test_sign_in_compare_and_leave(state: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "street.toml"
    fleet.write_text(FLEET)
    demo = Demo(state, fleet)
    try:
        assert wait_for(lambda: "data protection officer" in demo.said or demo.process.poll() is not None, 120)
        assert demo.process.poll() is None, demo.said
        links = demo.links()
        assert STATES.keys() <= links.keys(), links
        for name, words in STATES.items():
            with sign_in(links[name]) as browser:
                text = browser.get("/home").text
                assert words in text, name
                assert "simulated" in text
        with sign_in(links["more"]) as browser:
            held = json.loads(browser.get("/home/data/all.json").text)
            assert held
            sure = browser.get("/home/leave?sure=true")
            gone = post(browser, sure, "/home/leave", understood="yes")
            assert "erased" in gone.text
            assert browser.get("/home").url.path.startswith("/sign-in"), "signed out"
        erase_by_command(demo.said, state)
        # 22 days of half-hours, and those of the present so far
        with sign_in(links["great"]) as browser:
            assert "one of those that use least" in browser.get("/home").text
    finally:
        out = demo.end()
    assert demo.process.returncode == 0, out + demo.said
    report = json.loads(out)
    assert report["erased"] >= 2 * 22 * 48
    assert report["readings"]["stored"] == report["stored_in_table"] + report["erased"]
    assert report["adds_up"] is True
    again = subprocess.run(
        [BOROUGH, "demo", "--state", str(state), "--fleet", str(fleet), "--seconds", "6", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    second = json.loads(again.stdout)
    assert second["erased"] == report["erased"], "the household does not come back"
    assert second["adds_up"] is True
