"""``borough replay`` and ``borough record``: what they refuse, and a dry run."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from borough import cli
from borough.replay.recording import Recorded, RecordingWriter
from simulators import ledger


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv"], "nowhere.csv: no packaged mapping is made for such a file; name one with --mapping"),
        (["openaq_x.csv"], "openaq_x.csv: No such file or directory"),
        (["x.btr"], "x.btr: No such file or directory"),
        (["x.btr", "y.csv"], "are replayed one after the other"),
        (["x.csv", "--mapping", "nothing.toml"], "nothing.toml: No such file or directory; packaged mappings are"),
        (["x.csv", "--speed", "slow"], "--speed 'slow' is neither flat-out, real nor a number"),
        (["x.csv", "--from", "noon"], "--from 'noon' is no date or time"),
        (["x.csv", "--from", "2013-02-01", "--until", "2013-01-01"], "--from 2013-02-01 is not before --until"),
        (["x.csv", "--shift", "later"], "--shift 'later' is neither now nor a length of time"),
        (["x.csv", "--format", "glow"], "--format 'glow'; one of native, senml, recorded"),
        (["x.csv", "--format", "recorded"], "--format recorded is for recordings"),
        (["good.btr", "--register"], "--mapping and --register are for tables"),
        (["good.btr", "--shift", "1d"], "with --shift give --format native too"),
        (["good.btr", "--format", "senml"], "senml is for tables"),
        (["bad.btr"], "bad.btr: is no recording"),
        (["."], "is a folder; say with --mapping which"),
        ([".", "--mapping", "openaq"], "holds no file that openaq.toml is made for (openaq_*.csv)"),
    ],
)
def test_mistakes_are_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOROUGH_DATABASE_URL", raising=False)
    with RecordingWriter(tmp_path / "good.btr") as writer:
        writer.add(Recorded(1_767_225_600_000_000, "borough/air-monitor/a/reading", b'{"pm10": 4}', 1, retained=False))
    (tmp_path / "bad.btr").write_text("time,value\n")
    assert cli.run(["replay", *arguments]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: is no folder; make it first"),
        ([".", "--filter", "a/#/b"], "--filter 'a/#/b' is no MQTT topic filter"),
        ([".", "--filter", "a+"], "--filter 'a+' is no MQTT topic filter"),
        (
            [".", "--filter", "a/+", "--filter", "b/#", "--filter", "+/c"],
            "--filter 'a/+' and --filter '+/c' overlap: both take 'a/c'",
        ),
        ([".", "--file-size", "big"], "--file-size 'big' is no size such as 500MB"),
        ([".", "--file-age", "1w"], "'1w' is no length of time"),
        ([".", "--prefix", "a/b"], "--prefix 'a/b' holds a /"),
    ],
)
def test_mistakes_of_a_recorder(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["record", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_dry_run_sends_nothing_and_tells_what_would_become_of_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "lcl_MAC1_x.csv"
    table.write_text(
        ",KWH/hh (per half hour) \n2013-10-27 00:30:00,0.1\n2013-10-27 01:00:00,20000\n2013-10-27 01:30:00,0.3\n"
    )
    path = tmp_path / "ledger.parquet"
    # no broker listens anywhere
    assert cli.run(["replay", str(table), "--dry-run", "--json", "--ledger", str(path)]) == 0
    said = orjson.loads(capsys.readouterr().out)
    assert (said["messages"], said["readings"], said["expected"]) == (3, 3, {"stored": 2, "rejected": 1})
    (rows,) = ledger.read([path])
    assert set(rows.published.tolist()) == {ledger.NO_TIME}
    options = ["--from", "2013-10-27T01:00:00Z", "--until", "2013-10-27T01:30:00Z"]
    assert cli.run(["replay", str(table), "--dry-run", "--json", *options]) == 0
    assert orjson.loads(capsys.readouterr().out)["messages"] == 1
