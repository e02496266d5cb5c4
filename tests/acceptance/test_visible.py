"""No command lets what a stranger wrote steer a terminal: every command, at a terminal and in a pipe, plain and JSON.

Hostile text stands wherever commands read: in arguments, names of files and settings, files, messages, and in every
column of the database that takes it, written there past the imports. A command without a case here fails the test.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from paho.mqtt import publish

from borough.postgres_server import free_port
from borough.replay.recording import Recorded, RecordingWriter
from devices.bays import Bay
from devices.bays_file import BaysFile, Given
from devices.device import Device
from ingest.archive_files import Frame, FrameEncoder
from simulators import ledger
from store import bays_import, jobs, registry
from store.connect import connect
from tests.tools.poison import poison
from tests.tools.servers import Cluster, Mosquitto
from tests.tools.steering import HOSTILE, OURS, SHOWN, TOPIC, steering
from tests.tools.terminal import Case, Output, Terminals
from tests.unit.borough.test_cli import ALL
from tests.worlds import household, trial_town
from tests.worlds.household import KEY, Household

pytestmark = pytest.mark.timeout(3_600)

ADA = Household("100021048377", "meter-ada", f"Ada {HOSTILE}", HOSTILE, 0.25, date(2026, 1, 1))
BEA = Household("100021048378", "meter-bea", f"Bea {HOSTILE}", HOSTILE, 0.5, date(2026, 1, 1))
#: Columns whose words the program knows and looks up: with others in them commands say so and show nothing more.
OWN_WORDS = re.compile(
    r"\.(id|device|device_id|property|family|model|origin|kind|fuel|state|step|role|roles|dwelling|heating|payment"
    r"|purpose|channel|source|epc|uprn|reason|unit|name|session|collector|issuer|subject)$"
)


@dataclass(frozen=True, slots=True)
class World:
    """A database with two households, a broker, and files with hostile names that hold hostile text."""

    url: str
    cluster: Cluster
    broker: Mosquitto
    folder: Path
    terminals: Terminals
    ada: int
    bea: int
    home: int
    rejection: int
    correction: int
    job: int

    def publish(self, topic: str, *, retain: bool = False) -> None:
        publish.single(topic, HOSTILE, qos=1, retain=retain, hostname="127.0.0.1", port=self.broker.port)

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def cases(self) -> dict[tuple[str, ...], list[Case]]:
        """Each command with what is asked of it."""
        away = Case(settings={"BOROUGH_DATABASE_URL": self.cluster.url(quote(HOSTILE))})
        unknown = {f"BOROUGH_{HOSTILE}": "1"}
        place = self.folder / "jobs"
        place.mkdir(exist_ok=True)
        test = {"BOROUGH_INSTALLATION": "test", "BOROUGH_JOBS_FOLDER": str(place)}
        port = free_port()
        bays = self.file(f"{HOSTILE}.csv", f'device_id,family,model,lon,lat\n"{HOSTILE}",x,y,z,1\n')
        changed = self.file("changed.csv", "device_id,family,model,lon,lat\nbay-1,parking-bay,native,,\n")
        heads = "uprn,address,lon,lat,dwelling,heating,from,meters"
        homes = self.file(f"homes {HOSTILE}.csv", f'{heads}\n1,"{HOSTILE}"\n')
        heads = "id,street,zone,kind,lon,lat"
        register = self.file(f"bays {HOSTILE}.csv", f'{heads}\n"{HOSTILE}","{HOSTILE}",A,"{HOSTILE}",0,51\n')
        weather = self.file(f"weather {HOSTILE}.csv", f'day,celsius\n"{HOSTILE}",1\n2026-01-01,"{HOSTILE}"\n')
        message = self.file("message", json.dumps({"time": "2026-02-01T00:30:00Z", HOSTILE: 1}))
        key = f"{json.dumps(HOSTILE)} = 1\n"
        fleet = self.file(f"{HOSTILE}.toml", f'name = "demo"\nseed = 1\nstart = 2026-01-05\n{key}')
        mapping = self.file(f"map {HOSTILE}.toml", f'name = "a"\nfamily = "air-monitor"\n{key}')
        good = self.file("good.toml", MAPPING)
        table = self.file(
            f"table {HOSTILE}.csv", f'station,day,PM10\na,2013-07-01,"{HOSTILE}"\n"{HOSTILE}",2013-07-01,1\n'
        )
        energy = self.file(f"energy {HOSTILE}.toml", key)
        place_ = self.file("one.env", f"BOROUGH_DATABASE_URL={self.url}\n")
        boroughs = self.file(f"boroughs {HOSTILE}.toml", f'[[borough]]\nname = "one"\nsettings = "{place_}"\n')
        folder = self.folder / f"folder {HOSTILE}"
        folder.mkdir(exist_ok=True)
        self.publish(f"stray/{TOPIC}", retain=True)
        with psycopg.connect(self.url) as connection:
            (first,) = connection.execute("select min(id) from personal.message").fetchone() or ()
        sent = str(first)
        record = (str(folder), "--filter", "stray/#", "--messages", "1", "--seconds", "60")
        span = ("--period", "2026-01-01/2026-02-01")
        return {
            ("migrate",): [away],
            ("devices", "add"): [
                Case([HOSTILE, "--family", HOSTILE, "--attribute", HOSTILE]),
                Case(["bay-9", "--family", "parking-bay", "--attribute", f"{HOSTILE}=x"], shows=False),
            ],
            ("devices", "import"): [Case([str(bays)]), Case([str(changed), "--dry-run"]), Case(["no\udcff\x1b[31m"])],
            ("devices", "list"): [Case(shows=False), away],
            ("devices", "show"): [Case(["bay-1"]), Case([HOSTILE])],
            ("devices", "status"): [Case(shows=False), Case(["--silent-after", HOSTILE])],
            ("devices", "retire"): [Case([HOSTILE])],
            ("devices", "export"): [Case(raw=True), Case(["--format", "geojson"], raw=True), Case([str(folder)])],
            ("devices", "credentials"): [Case([str(folder)]), Case([HOSTILE])],
            ("homes", "import"): [Case([str(homes)])],
            ("homes", "status"): [Case(shows=False), away],
            ("bays", "import"): [
                Case([str(register)]), Case([str(bays), str(register), "--what", HOSTILE]),
                Case(["--from-devices", "--dry-run"], shows=False), Case(["--from-devices", "--since", HOSTILE]),
            ],
            ("bays", "list"): [Case(), away],
            ("bays", "return"): [Case(["--year", "2026", "--out", str(bays / HOSTILE)])],
            ("places", "import"): [Case([str(bays)]), Case([HOSTILE])],
            ("places", "status"): [Case(shows=False), away],
            ("weather", "import"): [Case([str(weather), "--place", "here"])],
            ("weather", "list"): [away],
            ("bays", "export"): [Case(raw=True), Case(["--format", "geojson"], raw=True), Case([str(folder)])],
            ("rejected", "list"): [Case(), Case(["--reason", HOSTILE])],
            ("rejected", "show"): [
                Case([str(self.rejection)]),
                Case([str(self.rejection), "--raw"], raw=True, json=False),
            ],
            ("rejected", "try"): [Case(["--all", "--mapping", HOSTILE]), Case(["--all"], shows=False)],
            ("rejected", "retry"): [Case(["--family", HOSTILE]), Case(["--all"], shows=False)],
            ("decode",): [
                Case(["native", "--family", "parking-bay"], stdin=message),
                Case([HOSTILE], stdin=message),
                Case(["glow"], stdin=message, shows=False),
            ],
            ("simulate",): [Case([str(fleet), "--dry-run"]), Case(["--check", HOSTILE])],
            ("record",): [Case(record), Case([str(folder), "--filter", f"{HOSTILE}#"])],
            ("replay",): [
                Case([str(table), "--mapping", str(mapping), "--dry-run"]),
                Case([str(table), "--mapping", str(good), "--dry-run"]),
                Case([str(self.folder / f"{HOSTILE}.btr"), "--dry-run", "--format", HOSTILE]),
                Case([str(self.folder / f"{HOSTILE}.btr"), "--dry-run"], shows=False),
            ],
            ("reconcile",): [Case([str(self.folder / "lost.parquet")]), Case([str(bays)])],
            ("correct",): [
                Case(["--from", HOSTILE, *span, "--reason", HOSTILE]),
                Case(["--from", str(self.folder), *span, "--reason", HOSTILE], shows=False),
            ],
            ("correct", "list"): [Case()],
            ("correct", "restated"): [Case()],
            ("correct", "show"): [Case([str(self.correction), "--values", "5"])],
            ("correct", "archive"): [Case(settings={"BOROUGH_ARCHIVE": str(self.folder / "archive")})],
            ("complete",): [Case(shows=False), Case(["--device", HOSTILE])],
            ("explain",): [
                Case([str(self.home), "2026-W06", "--neighbours"]),
                Case([str(self.home), "2026-02"]),
                Case(["1", HOSTILE]),
            ],
            ("nudges", "preview"): [Case(["--period", "2026-02"], shows=False), Case(["--period", HOSTILE])],
            ("letters",): [
                Case(["--period", "2026-W06", "--out", str(folder / "letters")], shows=False),
                Case(["--period", HOSTILE, "--out", "x"]),
            ],
            ("trial", "design"): [Case([str(fleet)]), Case(["--name", HOSTILE, "--arm", f"{HOSTILE}=1"])],
            ("trial", "status"): [Case(["winter"]), Case([HOSTILE])],
            **{("trial", what): [Case(["winter"], shows=False), Case([HOSTILE])] for what in ("assign", "look", "end")},
            ("trial", "example"): [Case(["--homes", HOSTILE], shows=False), Case(["--out", str(folder / "no" / "x")])],
            ("trial", "report"): [Case([HOSTILE, "--out", str(folder / "report.html")])],
            ("trial", "export-panel"): [Case([HOSTILE, "--out", str(folder / "panel.csv")])],
            ("subject",): [
                Case([str(self.ada)]),
                Case([str(self.ada), "--out", str(folder / "subject.zip")], json=False),
            ],
            ("erase",): [Case([str(self.ada), "--dry-run"]), Case([str(self.bea), "--yes"], shows=False)],
            ("publish",): [
                Case(settings={"BOROUGH_OPEN_DATA_FOLDER": str(folder / "snapshots")}, shows=False),
                Case(["--withdraw", HOSTILE, "--reason", "Wrong."], settings={"BOROUGH_OPEN_DATA_FOLDER": str(folder)}),
            ],
            ("maintain",): [Case(shows=False), away],
            ("fleet", "run"): [
                Case([str(fleet), "--", "analyse"]),
                Case([str(boroughs), "--wait", "0", "--", "trial", "status", "winter"]),
                Case([str(boroughs), "--only", HOSTILE, "--", "analyse"]),
                Case([str(boroughs), "--", HOSTILE]),
                Case([str(boroughs), "--scheduler", f"tls://{HOSTILE}", "--", "analyse"], shows=False),
            ],
            ("fleet", "analyse"): [Case(["--groups", HOSTILE], shows=False)],
            ("doctor",): [Case(settings=unknown), Case(settings={"BOROUGH_MQTT_SOURCE": HOSTILE}),
                Case(settings={"BOROUGH_MQTT_URL": f"mqtt://{TOPIC}"}, shows=False)],
            ("demo",): [
                Case(["--reset", "--state", str(self.folder / HOSTILE)]),
                Case(["--state", str(folder)]),
                Case(["--state", str(folder), "--fleet", str(fleet), "--seconds", "1"]),
            ],
            ("analyse",): [
                Case(settings={"BOROUGH_ENERGY_FILE": str(energy)}),
                Case(["--watch", "60"], settings=unknown, until=lambda said: b"begins" in said),
            ],
            ("collect",): [
                Case(settings={"BOROUGH_METRICS_HOST": HOSTILE}),
                Case(settings={"BOROUGH_MAPPINGS": HOSTILE}),
                Case(settings={**unknown, "BOROUGH_METRICS_PORT": "0"}, until=self.collected),
            ],
            ("watch",): [
                Case(settings={"BOROUGH_ALARM_WEBHOOK_URL": HOSTILE}, shows=False),
                Case(settings={"BOROUGH_ALARM_FOLDERS": HOSTILE}, shows=False),
                Case(["--every", "60"], settings=unknown, until=lambda said: b"watches" in said),
            ],
            ("announce",): [Case(["--versions", HOSTILE]), Case(settings={"BOROUGH_OBSERVATION_ENDPOINTS": HOSTILE})],
            ("deliver",): [
                Case(settings={"BOROUGH_SMTP_URL": HOSTILE}, shows=False),
                Case(["--every", "60"], settings=unknown, until=lambda said: b"begins" in said),
            ],
            ("outbox", "list"): [Case(shows=False), Case(["--state", HOSTILE]), Case(["--kind", HOSTILE])],
            ("outbox", "show"): [Case([sent], shows=False), Case([HOSTILE], shows=False)],
            ("outbox", "retry"): [Case([sent], shows=False), Case([HOSTILE], shows=False)],
            ("analyse", "movement"): [Case(["--score", "--seed", HOSTILE], shows=False)],
            ("work",): [Case(["--once"], settings={"BOROUGH_INSTALLATION": "test", "BOROUGH_JOBS_FOLDER": HOSTILE}),
                Case(["--once"], settings=test, shows=False)],
            ("jobs", "ask"): [
                Case([str(fleet)], settings=test), Case([str(table), "--set", f"mapping={HOSTILE}"], settings=test),
                Case([str(good), "--set", HOSTILE], settings=test),
            ],
            ("jobs", "list"): [Case(settings=test)],
            ("jobs", "show"): [Case([str(self.job)], settings=test)],
            **{("jobs", what): [Case([str(self.job)], settings=test, shows=False)]
                for what in ("pause", "resume", "stop", "remove")},
            ("serve",): [
                Case(settings={"BOROUGH_WEB_HOST": f"127.0.0.1{HOSTILE}"}),
                Case(settings={**unknown, "BOROUGH_WEB_PORT": str(port)}, until=lambda said: asked(said, port)),
            ],
        }  # fmt: skip

    def collected(self, _said: bytes) -> bool:
        """Whether the collector has refused a message of a hostile topic, which comes to it until it has."""
        self.publish(f"borough/parking-bay/{TOPIC}/reading")
        with psycopg.connect(self.url) as connection:
            found = connection.execute("select count(*) from rejected where topic like '%%' || %s || '%%'", (TOPIC,))
            return found.fetchone() != (0,)


MAPPING = """name = "air"
family = "air-monitor"
[device]
column = "station"
[time]
columns = ["day"]
pattern = "%Y-%m-%d"
zone = "Europe/London"
[[reading]]
property = "pm10"
path = "PM10"
"""


def asked(said: bytes, port: int) -> bool:
    """Ask a page with a hostile host and path, once the site listens."""
    if b"Listening" not in said:
        return False
    with socket.create_connection(("127.0.0.1", port)) as site:
        head = f"GET /{HOSTILE[:20]} HTTP/1.1\r\nHost: {TOPIC}\x1b[31m\r\nConnection: close\r\n\r\n"
        site.sendall(head.encode())
        while site.recv(65_536):
            pass
    return True


@pytest.fixture(scope="module")
def _broker(parts: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(parts.mosquitto, tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture(params=["shown", "everything"])
def world(request: pytest.FixtureRequest, timescale: Cluster, _broker: Mosquitto, tmp_path: Path) -> Iterator[World]:
    """Hostile text in the columns that are shown as they are, or in every column that takes it."""
    name = timescale.create()
    url = timescale.url(name)
    bay = Device("bay-1", "parking-bay", "native", attributes={HOSTILE: HOSTILE})
    with connect(url) as connection:
        registry.add(connection, [bay])
        marked = Bay("b1", "Dock Street", "A", "pay", -0.1, 51.5)
        bays_import.import_file(connection, BaysFile([Given("", marked)]), UTC)
        ada, bea = (household.add(connection, who) for who in (ADA, BEA))
        for who, tenancy in ((ADA, ada), (BEA, bea)):
            household.trace(connection, who, tenancy, date(2026, 2, 2))
            household.read(connection, who, date(2026, 2, 2), 2)
            household.reject(connection, who, household.NOW, HOSTILE.encode())
        connection.execute("delete from personal.cell_member")  # its cells are not there
        connection.execute(
            "insert into personal.kept_file (path, kind, tenancy_id) values (%s, 'export', %s), (%s, 'export', %s)",
            (f"/none/{HOSTILE}", ada, f"/none/b{HOSTILE}", bea),
        )
        connection.execute(
            "insert into superseded (series_id, time, old_value, new_value, arrival, source)"
            " select min(id), now(), 1, 2, now(), %s from personal.series",
            (HOSTILE,),
        )
        trial_town.told(connection, ada, HOSTILE)
        job = jobs.ask(connection, "replay", HOSTILE, {"mapping": HOSTILE}, None, [f"uploads/x/{HOSTILE}"])
        assert jobs.take(connection, "w") is not None
        jobs.finish(connection, job, "w", "failed", {"phase": HOSTILE, "remarks": [HOSTILE]}, None, HOSTILE)
        numbers = connection.execute(
            "select (select max(id) from rejected), (select max(id) from correction),"
            " (select home_id from personal.tenancy where id = %s)",
            (ada,),
        ).fetchone()
    assert numbers is not None
    poisoned = poison(url, OWN_WORDS if request.param == "shown" else None)
    assert {"public.rejected.topic", "public.rejected.detail", "public.correction.author"} <= poisoned
    with RecordingWriter(tmp_path / f"{HOSTILE}.btr") as writer:
        writer.add(Recorded(1_767_225_600_000_000, f"borough/{HOSTILE}", HOSTILE.encode(), 1, retained=False))
    pq.write_table(pa.Table.from_pylist([LOST], ledger.SCHEMA), tmp_path / "lost.parquet")
    frames = tmp_path / "archive/open" / HOSTILE / "2026-01-01" / "a.frames"
    frames.parent.mkdir(parents=True)
    frames.write_bytes(FrameEncoder().encode(Frame([HOSTILE], [b"x"], [HOSTILE], np.array([0]))))
    settings = {
        "BOROUGH_DATABASE_URL": url, "BOROUGH_MQTT_URL": _broker.url, "BOROUGH_COUNCIL_NAME": HOSTILE,
        "BOROUGH_COUNCIL_ADDRESS": HOSTILE, "BOROUGH_TOMBSTONE_KEY_FILE": str(tmp_path / "key"),
        "BOROUGH_TOMBSTONE_LOG": str(tmp_path / "log"),
    }  # fmt: skip
    (tmp_path / "key").write_bytes(KEY)
    terminals = Terminals(tmp_path, settings)
    yield World(url, timescale, _broker, tmp_path, terminals, ada, bea, numbers[2], numbers[0], numbers[1], job)
    timescale.drop(name)


LOST = {
    "message": 0, "family": "parking-bay", "device": HOSTILE, "property": HOSTILE, "time": household.NOW, "value": 1.0,
    "due": household.NOW, "published": household.NOW, "fault": HOSTILE, "expect": "stored", "reason": "",
    "stored_time": household.NOW, "stored_value": 1.0, "tolerance": 0,
}  # fmt: skip


def look(said: Output, case: Case, *, terminal: bool, usual: bool) -> Iterator[str]:
    """What is wrong: signs that steer, a line that a stranger wrote for us, a status that is none of ours.

    ``usual``: a database that our program can have written; with words of its own spoilt it may fail, but visibly.
    """
    for raw in (said.out, said.errors):
        if case.raw and not terminal:
            continue
        text = raw.decode()
        if terminal:
            text = OURS.sub("", text)
        if found := steering(text):
            yield f"{found} in {raw!r}"
        if "\nFORGED" in text and not case.raw:
            yield f"a forged line in {raw!r}"
    if usual and said.status not in (0, 1, 2, 130):
        yield f"status {said.status}: {said}"


def test_no_command_lets_a_stranger_steer_the_terminal(world: World, request: pytest.FixtureRequest) -> None:
    shown = request.node.callspec.params["world"] == "shown"
    faults = []
    every = world.cases()
    assert set(every) == set(ALL), "each command needs its case here"
    for path, cases in every.items():
        options = [option for parameter in ALL[path].params for option in parameter.opts]
        wrong = Case([f"--{HOSTILE}"], json=False)
        for case in (*cases, wrong):
            if not shown and (case.until is not None or case.settings or case is wrong):
                continue  # it reads nothing of the database
            seen = False
            ways = [(True, False), (True, True), (False, False)]
            for terminal, as_json in ways if shown else ways[:2]:
                if as_json and (not case.json or case.until is not None or "--json" not in options):
                    continue
                said = world.terminals.run(
                    [*path, *case.arguments, *(["--json"] if as_json else [])],
                    terminal=terminal, settings=case.settings, stdin=case.stdin, until=case.until,
                )  # fmt: skip
                faults += [(path, case.arguments, it) for it in look(said, case, terminal=terminal, usual=shown)]
                if as_json and said.out:
                    json.loads(said.out)
                seen = seen or SHOWN.search(said.out + said.errors) is not None
            if shown and case.shows and not seen:
                faults.append((path, case.arguments, "nothing hostile was shown"))
    assert not faults, "\n".join(map(ascii, faults))
