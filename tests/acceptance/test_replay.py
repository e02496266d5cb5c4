"""Recordings through Mosquitto and `borough collect` into TimescaleDB: every cell arrives, whatever is killed.

What must arrive is read from the files by ``tests.tools.recordings``, which knows none of our mappings.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from borough import cli
from borough.replay.recording import RecordingReader
from simulators.publisher import Publisher
from tests.tools.account import table_account, total
from tests.tools.collector import Collector
from tests.tools.load import ask, assert_stored, count, native_load, register
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.recordings import DATASETS, Dataset, folder_of_recordings
from tests.tools.servers import PATIENCE, Mosquitto, wait_for


class Setting:
    """A database and a broker, and the command between them."""

    def __init__(self, folder: Path, database: str, mosquitto: Mosquitto) -> None:
        self.folder = folder
        self.database = database
        self.mosquitto = mosquitto
        self.environment = environment(
            {
                "BOROUGH_DATABASE_URL": database,
                "BOROUGH_MQTT_URL": mosquitto.url,
                "BOROUGH_REGISTRY_REFRESH": "0.05",
            }
        )

    def collector(self) -> Collector:
        """A collector that does not run yet."""
        return Collector(self.folder, self.database, self.mosquitto.url, registry_refresh=0.05)

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start the command."""
        return subprocess.Popen(
            [*WITH_US, *BOROUGH, *map(str, arguments)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def here(self, *arguments: str | Path, status: int = 0) -> dict[str, Any]:
        """Run the command to its end in this process, which saves its start; what it says as JSON."""
        out, errors = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
            for name in [name for name in os.environ if name.startswith("BOROUGH_")]:
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            found = cli.run([*map(str, arguments), "--json"])
        assert found == status, f"{arguments}: {found} {errors.getvalue()}{out.getvalue()}"
        said: dict[str, Any] = json.loads(out.getvalue())
        return said

    def run(self, *arguments: str | Path, status: int = 0, timeout: float = 100) -> dict[str, Any]:
        """Run the command to its end; what it says as JSON."""
        process = self.start(*arguments, "--json")
        out, errors = process.communicate(timeout=timeout)
        assert process.returncode == status, f"{arguments}: {process.returncode} {errors}{out}"
        assert "Traceback" not in errors
        found: dict[str, Any] = json.loads(out)
        return found

    def arrived(self, messages: int, timeout: float = 100) -> None:
        """Wait until so many messages are accounted for."""
        question = "select coalesce(sum(messages_received), 0)::int8 from public.accounting"

        def all_there() -> bool:
            ((found,),) = ask(self.database, question)
            return int(str(found)) >= messages

        assert wait_for(all_there, timeout, 0.05), total(table_account(self.database))


@pytest.fixture
def setting(tmp_path: Path, database: str, mosquitto: Mosquitto) -> Setting:
    return Setting(tmp_path, database, mosquitto)


def replayed(setting: Setting, dataset: Dataset, folder: Path, *options: str) -> dict[tuple[str, str, int], float]:
    """Replay a dataset with a ledger, score it, and compare with what its files hold; what must be stored."""
    expected = dataset.expected(folder)
    ledger = setting.folder / f"{dataset.mapping}.parquet"
    source = folder / dataset.files
    before = int(str(ask(setting.database, "select coalesce(sum(messages_received), 0)::int8 from accounting")[0][0]))
    arguments: list[str | Path] = ["--mapping", dataset.mapping, "--register", "--ledger", ledger, *options]
    said = setting.here("replay", source, *arguments)
    assert said["finished"]
    assert said["readings"] == len(expected)
    assert said["expected"].get("stored") == len(expected)
    setting.arrived(before + said["messages"], 600)
    score = setting.here("reconcile", ledger)
    assert {word: score[word] for word in ("published", "stored", "rejected")} == {
        "published": len(expected), "stored": len(expected), "rejected": 0,
    }  # fmt: skip
    assert [score[word] for word in ("lost", "wrong_value", "wrong_time", "duplicates", "rejected_unexpectedly")] == [
        0
    ] * 5
    origins = {row[0] for row in ask(setting.database, "select origin from personal.device where id = any(%s)",
                                     list({key[0] for key in expected}))}  # fmt: skip
    assert origins == {dataset.origin}
    return expected


def test_a_sample_of_every_dataset_arrives_whole(setting: Setting, tmp_path: Path) -> None:
    everything: dict[tuple[str, str, int], float] = {}
    with setting.collector().start() as collector:
        for number, dataset in enumerate(DATASETS):
            folder = tmp_path / dataset.mapping
            dataset.sample(folder)
            everything |= replayed(
                setting, dataset, folder, *(["--format", "senml", "--pack", "5"] if number % 2 else [])
            )
        assert collector.stop() == 0
    assert_stored(setting.database, everything)
    kinds = ask(
        setting.database, "select distinct property from personal.series where device_id = 'DE_KN_residential4'"
    )
    assert {row[0] for row in kinds} == {"import_register", "export_register"}
    assert total(table_account(setting.database)).readings_rejected == 0, "a car park with -1 free spaces included"


def test_a_recording_of_westminster_arrives_whole(setting: Setting) -> None:
    folder = folder_of_recordings()
    if folder is None:
        pytest.skip("the folder with the recordings is not here; BOROUGH_RECORDINGS names it")
    with setting.collector().start():
        expected = replayed(setting, DATASETS[0], folder)
    assert_stored(setting.database, expected)
    assert sum(key[0] == "London-Westminster" for key in expected) == 1_608 + 1_648


@pytest.mark.soak
@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.mapping)
def test_every_recording_arrives_whole(setting: Setting, dataset: Dataset) -> None:
    folder = folder_of_recordings()
    if folder is None:
        pytest.skip("the folder with the recordings is not here; BOROUGH_RECORDINGS names it")
    with setting.collector().start():
        expected = replayed(setting, dataset, folder)
    assert_stored(setting.database, expected)


HOMES, HALF_HOURS = 6, 6_000


def meters(folder: Path) -> tuple[Path, dict[tuple[str, str, int], float]]:
    """A table of homes by column, and what must be stored."""
    path = folder / "homes.csv"
    start = 1_325_376_000
    expected = {}
    with path.open("w") as file:
        file.write("at," + ",".join(f"h{home}" for home in range(HOMES)) + "\n")
        for row in range(HALF_HOURS):
            second = start + row * 1_800
            cells = [round((row * 7 + home * 13) % 1_000 / 1_000, 3) for home in range(HOMES)]
            file.write(f"{second}," + ",".join(map(str, cells)) + "\n")
            for home, cell in enumerate(cells):
                expected[f"h{home}", "import_interval", second * 1_000_000] = float(cell)
    mapping = """
name = "homes"
family = "smart-meter"
order = "time"
[device]
headings = { except = [] }
[time]
path = "at"
epoch = "s"
[[reading]]
property = "import_interval"
"""
    (folder / "homes.toml").write_text(mapping)
    return path, expected


def test_killed_and_resumed_loses_and_doubles_nothing(setting: Setting, tmp_path: Path) -> None:
    path, expected = meters(tmp_path)
    checkpoint, ledger = tmp_path / "checkpoint", tmp_path / "ledger.parquet"
    command: list[str | Path] = [
        "replay",
        path,
        "--mapping",
        tmp_path / "homes.toml",
        "--ledger",
        ledger,
        "--checkpoint",
        checkpoint,
    ]

    def sent() -> int:
        return int(json.loads(checkpoint.read_text())["sent"]) if checkpoint.exists() else 0

    with setting.collector().start():
        setting.run(*command, "--register", "--until", "2012-01-01T00:00:01Z", "--checkpoint", tmp_path / "other")
        kills = 0
        for _ in range(2):
            before = sent()
            process = setting.start(*command)
            # in the middle of a chunk, as soon as another one is on record
            assert wait_for(lambda: process.poll() is not None or sent() > before, 30, 0.001)  # noqa: B023
            process.kill()
            process.communicate(timeout=PATIENCE)
            kills += process.returncode == -signal.SIGKILL
        assert kills == 2, "the replay was over before it could be killed"
        middle = sent()
        assert 0 < middle < len(expected)
        said = setting.run(*command)
        assert said["finished"]
        assert said["sent_before"] == middle
        assert said["messages"] == len(expected) - middle
        assert said["readings"] == len(expected)
        assert not checkpoint.exists()
        assert wait_for(lambda: count(setting.database, "public.reading") >= len(expected), 60)
        score = setting.run("reconcile", ledger)
    assert (score["published"], score["stored"]) == (len(expected), len(expected))
    assert [score[word] for word in ("lost", "wrong_value", "wrong_time")] == [0, 0, 0]
    assert_stored(setting.database, expected)


def test_ctrl_c_pauses_and_the_same_command_goes_on(setting: Setting, tmp_path: Path) -> None:
    path, expected = meters(tmp_path)
    checkpoint = tmp_path / "checkpoint"
    command: list[str | Path] = [
        "replay",
        path,
        "--mapping",
        tmp_path / "homes.toml",
        "--checkpoint",
        checkpoint,
        "--register",
    ]
    with setting.collector().start():
        # 125 days in a bit less than 4 s
        process = setting.start(*command, "--speed", "3000000", "--json")
        assert wait_for(lambda: checkpoint.exists() and json.loads(checkpoint.read_text())["sent"] > 500, 20)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130, errors
        said = json.loads(out)
        assert not said["finished"]
        assert json.loads(checkpoint.read_text())["sent"] == said["messages"] < len(expected)
        rest = setting.run(*command)
        assert rest["messages"] == len(expected) - said["messages"]
        assert wait_for(lambda: count(setting.database, "public.reading") >= len(expected), 60)
    assert_stored(setting.database, expected)
    # a graceful pause doubles nothing, not even at the broker
    assert total(table_account(setting.database)).messages_received == len(expected)


def test_a_lost_broker_is_waited_for(setting: Setting, tmp_path: Path) -> None:
    path, expected = meters(tmp_path)
    with setting.collector().start():
        arguments = ("--mapping", tmp_path / "homes.toml", "--register", "--speed", "4000000", "--json")
        process = setting.start("replay", path, *arguments)
        assert wait_for(lambda: count(setting.database, "public.reading") > 1_000, 20)
        setting.mosquitto.restart()
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert json.loads(out)["messages"] == len(expected)
        assert wait_for(lambda: count(setting.database, "public.reading") >= len(expected), 60)
    assert_stored(setting.database, expected)


def test_live_traffic_recorded_and_replayed(setting: Setting, tmp_path: Path) -> None:
    """A recorder is killed and started again: every message is in its files, and a replay stores them all."""
    load = native_load(11, 3_000, devices=50)
    folder = tmp_path / "recordings"
    folder.mkdir()

    def recorded() -> set[tuple[str, bytes]]:
        return {(item.topic, item.payload) for path in folder.iterdir() for item in RecordingReader(path)}

    arguments = ("record", folder, "--filter", "borough/#", "--file-size", "5kB")
    with Publisher("127.0.0.1", setting.mosquitto.port) as publisher:
        first = setting.start(*arguments)
        assert wait_for(lambda: publisher.publish(load.messages[:1]).unheard == 0, 20, 0.2)
        publisher.publish(load.messages[:1_500])
        assert wait_for(lambda: len(recorded()) > 100, 20)
        first.kill()
        first.communicate(timeout=PATIENCE)
        publisher.publish(load.messages[1_500:])  # nobody records; the broker keeps them
        second = setting.start(*arguments, "--json")
        assert wait_for(lambda: len(recorded()) == 3_000, 20)
        second.send_signal(signal.SIGINT)
        out, errors = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, errors
    assert json.loads(out)["sessions_lost"] == 0
    assert recorded() == set(load.messages)
    assert len(list(folder.iterdir())) >= 2
    register(setting.database, load.devices)
    ledger = tmp_path / "ledger.parquet"
    with setting.collector().start():
        said = setting.run("replay", *sorted(folder.iterdir()), "--ledger", ledger)
        assert said["expected"]["stored"] == 3_000
        setting.arrived(said["messages"])
        score = setting.run("reconcile", ledger)
    assert [score[word] for word in ("lost", "wrong_value", "wrong_time")] == [0, 0, 0]
    assert_stored(setting.database, load.expected)


def test_nobody_subscribed_is_said(setting: Setting, tmp_path: Path) -> None:
    path, _ = meters(tmp_path)
    process = setting.start("replay", path, "--mapping", tmp_path / "homes.toml", "--until", "2012-01-02", "--json")
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert json.loads(out)["unheard"] == 48 * HOMES
    assert "start borough collect before a replay" in errors


def test_shifted_to_now_the_last_reading_is_now(setting: Setting, tmp_path: Path) -> None:
    path, expected = meters(tmp_path)
    arguments = ("--mapping", tmp_path / "homes.toml", "--register", "--shift", "now", "--from", "2012-03-01")
    with setting.collector().start():
        said = setting.run("replay", path, *arguments)
        assert said["expected"] == {"stored": said["readings"]}
        assert wait_for(lambda: count(setting.database, "public.reading") >= said["readings"], 30)
    ((late, early, whole),) = ask(
        setting.database,
        "select extract(epoch from now() - max(time))::float8, extract(epoch from max(time) - min(time))::float8,"
        " bool_and(extract(epoch from time)::int8 % 1800 = 0) from reading",
    )
    assert 0 <= float(str(late)) < 1_800 + 60
    seconds = [key[2] // 1_000_000 for key in expected if key[2] >= 1_330_560_000_000_000]
    assert float(str(early)) == max(seconds) - min(seconds)
    assert whole is True
