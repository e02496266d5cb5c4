"""The command line: every command has help with an example, a mistake is one line, and all is documented."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from borough import cli, output
from borough.app import make_app
from borough.commands.rejected_options import chosen
from borough.database import connect_reason
from borough.demo.report import Report
from borough.doctor import probe
from borough.doctor import settings as by_settings
from borough.duration import duration
from borough.errors import Failure, UsageError
from borough.logs import JsonLines
from store.batch import Counts
from tests.tools.servers import PATIENCE

ROOT = Path(__file__).parents[3]
AWAY = "postgresql://borough:hidden-word@127.0.0.1:1/borough"


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that can be typed, with its path."""
    group = typer.main.get_command(make_app()) if group is None else group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:  # a group that does something by itself
                yield (*path, name), command
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands())


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("BOROUGH_"):
            monkeypatch.delenv(name)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.run(arguments)
    out, errors = capsys.readouterr()
    assert "Traceback" not in errors
    assert "hidden-word" not in out + errors
    return status, out, errors


def test_the_commands_are_those_of_the_contract() -> None:
    contract = {
        "migrate", "devices", "decode", "collect", "rejected", "simulate", "record", "replay", "reconcile", "correct",
        "complete", "analyse", "explain", "serve", "letters", "trial", "subject", "erase", "export", "places",
        "maintain", "doctor", "demo", "homes", "bays", "watch", "work", "jobs", "deliver",
        "outbox", "weather", "nudges", "publish", "announce", "fleet",
    }  # fmt: skip
    assert {path[0] for path in ALL} <= contract
    assert {path[1] for path in ALL if path[0] == "devices"} == {
        "add", "import", "list", "show", "retire", "status", "credentials", "export",
    }  # fmt: skip
    assert {path[1] for path in ALL if path[0] == "rejected"} == {"list", "show", "try", "retry"}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_an_example(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(make_app(path), [*path, "--help"])
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert re.search(rf"Example: .*borough {' '.join(path)}\b", text), text
    for parameter in ALL[path].params:
        if parameter.name != "help":
            assert parameter.help, f"{parameter.name} has no help"


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_commands_and_options_are_documented(path: tuple[str, ...]) -> None:
    page = (ROOT / "docs/reference/commands.md").read_text()
    found = re.search(rf"^##+ `borough {' '.join(path)}`$(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"borough {' '.join(path)} is not in docs/reference/commands.md"
    for parameter in ALL[path].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert f"`{option}" in found[1], f"{option} is not described"


def test_documented_commands_exist() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text()
    named = {tuple(name.split()) for name in re.findall(r"^##+ `borough ([a-z -]+)`$", page, re.MULTILINE)}
    assert named == set(ALL)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["colect"], "borough: No such command 'colect'. Did you mean 'collect', 'correct', 'complete'; see: borough"),
        (["devices", "show"], "borough: Missing argument 'device_id'; see: borough devices show --help"),
        (["devices", "list", "--jsn"], "see: borough devices list --help"),
        (["demo", "--seconds", "soon"], "see: borough demo --help"),
        (["demo", "--port", "0"], "see: borough demo --help"),
        (["collect"], "borough: BOROUGH_DATABASE_URL is not set; give the database as postgresql://"),
        (["migrate"], "borough: BOROUGH_DATABASE_URL is not set"),
        (["devices", "import", "nowhere.csv"], "borough: nowhere.csv: No such file or directory"),
        (["devices", "export", "--format", "xlsx"], "borough: --format 'xlsx'; one of csv, geojson"),
        (["rejected", "list", "--reason", "bored"], "borough: --reason 'bored'; one of unreadable, "),
        (["rejected", "retry"], "borough: say which rejections: either their numbers, or options"),
        (["rejected", "try"], "borough: say which rejections: either their numbers, or options"),
        (["rejected", "try", "1", "--in-place-of", "x"], "borough: --in-place-of is said of a mapping"),
        (["correct"], "borough: say why with --reason"),
        (["correct", "--reason", "x"], "borough: say which readings with --period A/B"),
        (["correct", "--reason", "x", "--period", "2026-02-02/2026-02-01"], "the period ends before it begins"),
        (["correct", "--reason", "x", "--period", "2026-02-01/soon"], "borough: --period '2026-02-01/soon'"),
        (["correct", "--reason", "x", "--period", "2026-02-01/2026-02-02"], "borough: say where the messages are"),
        (["correct", "archive"], "borough: BOROUGH_ARCHIVE is not set"),
        (["complete", "--from", "yesterday"], "borough: --from 'yesterday' is no date such as 2026-03-01"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    status, out, errors = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert errors.count("\n") == 1
    assert expected in errors


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["devices"]):
        status, _, errors = run(capsys, *arguments)
        assert status == 2
        assert errors.startswith("Usage: borough")


def test_every_problem_of_a_devices_file_is_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "bays.csv"
    file.write_text("device_id,family,model,lon,lat\nb/1,parking-bay,native,,\nb2,parking-bay,native,x,51\n")
    status, out, errors = run(capsys, "devices", "import", str(file))
    assert (status, out) == (2, "")
    head, first, second = errors.splitlines()
    assert head == f"borough: {file}: nothing was imported, 2 problems:"
    assert first.startswith("  line 2: device id 'b/1'")
    assert second.startswith("  line 3: lon 'x' is not a number")


def test_a_database_that_is_away_is_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOROUGH_DATABASE_URL", AWAY)
    for arguments in (["migrate"], ["maintain"], ["devices", "list"], ["rejected", "list"], ["devices", "export"]):
        status, out, errors = run(capsys, *arguments)
        assert (status, out) == (1, "")
        assert errors == "borough: the database at 127.0.0.1:1/borough cannot be reached: Connection refused\n"


def test_doctor_says_what_is_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOROUGH_LETTER_FONTS", str(tmp_path))
    monkeypatch.setenv("BOROUGH_DATABASE_URL", AWAY)
    monkeypatch.setenv("BOROUGH_MQTT_URL", "mqtt://u:hidden-word@127.0.0.1:1")
    monkeypatch.setenv("BOROUGH_METRIC_PORT", "1")
    status, out, errors = run(capsys, "doctor", "--json")
    assert (status, errors) == (1, "")
    checks = json.loads(out)
    assert [(check["name"], check["ok"]) for check in checks] == [
        ("settings", True),
        ("settings", False),
        ("energy", True),
        ("site", True),
        ("database", False),
        ("broker", False),
        ("letters", False),
        ("bank holidays", True),
        ("mail", True),
        ("backups", True),
    ]
    assert "no font for names in " in checks[6]["found"]
    assert "Bengali" in checks[6]["found"]
    assert "Debian's fonts-noto-core and fonts-droid-fallback (or fonts-noto-cjk)" in checks[6]["found"]
    assert "BOROUGH_METRICS_PORT is one" in checks[1]["found"]
    monkeypatch.setenv("BOROUGH_BATCH_AGE", "0")
    status, out, _ = run(capsys, "doctor")
    assert status == 1
    assert out.startswith("check\tstate\tfound\twhat to do\nsettings\twrong\tBOROUGH_BATCH_AGE")


def test_doctor_names_a_broker_that_takes_the_connection_and_says_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOROUGH_DATABASE_URL", AWAY)
    monkeypatch.setattr(probe, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system takes connections for it
        monkeypatch.setenv("BOROUGH_MQTT_URL", f"mqtt://127.0.0.1:{silent.getsockname()[1]}")
        for source, hint in (("mqtt5", True), ("paho", False)):
            monkeypatch.setenv("BOROUGH_MQTT_SOURCE", source)
            status, out, _ = run(capsys, "doctor")
            assert status == 1
            (broker,) = [line for line in out.splitlines() if line.startswith("broker\t")]
            assert broker.startswith("broker\twrong\t")
            assert "does not answer when we sign in" in broker
            assert ("BOROUGH_MQTT_SOURCE=paho" in broker) is hint


def test_doctor_finds_the_letters_fonts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, letter_fonts: list[Path]
) -> None:
    monkeypatch.setenv("BOROUGH_DATABASE_URL", AWAY)
    monkeypatch.setenv("BOROUGH_LETTER_FONTS", ":".join(str(folder) for folder in letter_fonts))
    _, out, _ = run(capsys, "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)}
    assert checks["letters"] == {
        "name": "letters", "ok": True, "state": "ok", "found": "there are fonts for names in every script",
        "code": None, "todo": None,
    }  # fmt: skip


def loaded_by(*arguments: str) -> set[str]:
    code = (
        f"import sys; from borough import cli; cli.run({[*arguments, '--help']!r});"
        " print(*(name[17:] for name in sys.modules if name.startswith('borough.commands.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    return set(done.stderr.split())


def test_the_help_knows_every_module_and_a_command_loads_its_own_alone() -> None:
    assert loaded_by() == {path.stem for path in (ROOT / "borough" / "commands").glob("*.py")} - {"__init__"}
    assert loaded_by("decode") == {"decode"}


def test_the_reader_of_a_pipe_may_leave() -> None:
    """`borough … --help | head -0`: no traceback, whatever was not read."""
    code = (
        "import sys; from types import SimpleNamespace; from borough import app, cli, output\n"
        "def flood(): [output.say('x' * 1000) for _ in range(10_000)]\n"
        "sys.modules['borough.commands.flood'] = SimpleNamespace(register=lambda made: made.command('flood')(flood))\n"
        "app.COMMANDS += ('flood',)\n"
        "sys.exit(cli.run(['flood']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read().decode()
    process.stderr.close()
    assert (process.wait(60), errors) == (1, "")


@pytest.mark.parametrize("delay", [0.15, 0.5])
def test_a_collector_that_is_stopped_at_once_ends_well(delay: float) -> None:
    """SIGTERM while it starts. Before its program runs nobody can catch the signal: then it ends by it."""
    environment = {**os.environ, "BOROUGH_DATABASE_URL": AWAY, "BOROUGH_METRICS_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "borough", "collect"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )
    time.sleep(delay)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in errors


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15min", 900), ("1h", 3600), ("2 d", 172_800)])
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1.5h", "1w", "99999999d"])
def test_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="no length of time"):
        duration(text)


def test_options_choose_rejections() -> None:
    which = chosen("smart-meter", "", "bad_time", "", waiting=True)
    assert (which.family, which.device, which.reason, which.since, which.waiting) == (
        "smart-meter", None, "bad_time", None, True,
    )  # fmt: skip
    with pytest.raises(UsageError, match="--family 'cars'"):
        chosen("cars", "", "", "")


def test_plain_lines_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_table(("a", "b", "c"), [("x\ty", None, True), ("é", 1.5, False)])
    assert capsys.readouterr().out == "a\tb\tc\nx\\ty\t\tyes\né\t1.5\tno\n"


def test_why_a_connection_failed() -> None:
    error = psycopg.OperationalError(
        'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused\n\tIs the server up?'
    )
    assert connect_reason(error) == "Connection refused"
    assert connect_reason(psycopg.OperationalError("")) == "OperationalError"


def test_log_lines_are_json_and_quote_no_values() -> None:
    try:
        raise ValueError("5.25 kWh at 1 High Street")
    except ValueError:
        record = logging.LogRecord("ingest", logging.WARNING, "", 1, "batch of %d", (3,), sys.exc_info())
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["logger"], line["message"], line["error"]) == (
        "warning", "ingest", "batch of 3", "ValueError",
    )  # fmt: skip
    assert line["at"][0].startswith("test_log_lines")
    assert "High Street" not in JsonLines().format(record)


def counts(stored: int, received: int = 2) -> Counts:
    return Counts(messages_received=received, messages_decoded=2, readings_decoded=3, readings_stored=stored)


@pytest.mark.parametrize(
    ("report", "adds_up"),
    [
        (Report({"smart-meter": counts(3)}, stored_in_table=3, published=2, received=2), True),
        (Report({"smart-meter": counts(3)}, stored_in_table=3, published=1, received=2), True),
        (Report({"smart-meter": counts(2)}, stored_in_table=2, published=2, received=2), False),
        (Report({"smart-meter": counts(3, received=3)}, stored_in_table=3, published=2, received=2), False),
        (Report({"smart-meter": counts(3)}, stored_in_table=2, published=2, received=2), False),
        (Report({"smart-meter": counts(3)}, stored_in_table=3, published=3, received=2), False),
        (Report({}, stored_in_table=0, published=0, received=0), True),
    ],
)
def test_the_demos_report_tells_when_it_does_not_add_up(report: Report, adds_up: bool) -> None:
    assert report.adds_up is adds_up
    assert report.as_json()["adds_up"] is adds_up
    assert report.lines()[-1] == ("The accounting adds up." if adds_up else "The accounting DOES NOT add up.")


def test_the_demos_report_uses_the_words_of_the_accounting() -> None:
    report = Report({"smart-meter": counts(3)}, 3, 2, 2).as_json()
    assert set(report["messages"]) == {"received", "decoded", "ignored", "rejected", "in_flight"}
    assert set(report["readings"]) == {
        "decoded", "stored", "restated", "duplicates", "thinned", "rejected", "refused",
    }  # fmt: skip
    assert report["families"]["smart-meter"] == {"messages": report["messages"], "readings": report["readings"]}


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"borough {version('borough-telemetry')}\n", "")


def test_the_doctor_knows_whether_this_years_bank_holidays_are_known() -> None:
    assert by_settings.bank_holidays(date(2028, 12, 31)) == "of England and Wales, 2012 to 2028"
    with pytest.raises(Failure, match="known from 2012 to 2028 and not of 2029"):
        by_settings.bank_holidays(date(2029, 1, 1))
