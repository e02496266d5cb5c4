"""``borough replay``: recordings and tables through the production path, at any speed, with a ledger for the score."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.commands.device_status import duration
from borough.errors import UsageError
from borough.output import Json
from borough.replay import plan
from borough.replay.job import Job
from borough.replay.pace import speed_of
from borough.replay.recording import RecordingError
from borough.settings.settings import read_settings
from devices.mapping import MappingError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(help="Recordings (.btr), or tables (.csv, .ndjson, .parquet), or a folder of tables."),
    ],
    mapping: Annotated[
        str, typer.Option(help="How a table reads: a mapping's name or file. Without: by the table's name.")
    ] = "",
    speed: Annotated[
        str, typer.Option(help="flat-out, real, or a number: so many times as fast as it was recorded.")
    ] = "flat-out",
    start: Annotated[str, typer.Option("--from", help="Only from this recorded instant on (UTC unless it says).")] = "",
    until: Annotated[str, typer.Option(help="Only before this recorded instant.")] = "",
    shift: Annotated[
        str,
        typer.Option(
            help="Move all times: by 364d, 12h, …, or now: the first reading to now at real speed, else the last."
        ),
    ] = "",
    format: Annotated[
        str, typer.Option(help="native or senml; of recordings: recorded (their own bytes) or native.")
    ] = "",
    pack: Annotated[int, typer.Option(min=1, max=10_000, help="Readings in a SenML message, at most.")] = 48,
    register: Annotated[
        bool, typer.Option("--register", help="Register the table's devices first; needs the database.")
    ] = False,
    ledger: Annotated[Path | None, typer.Option(help="Write a ledger here, for borough reconcile.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Keep here how far it is; if it is there, go on from it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, send nothing.")] = False,
    json_output: Json = False,
) -> int:
    """Send a recording or a table to the broker as devices would, QoS 1, and write down what should become of it.

    Ctrl-C pauses (with --checkpoint the same command goes on), Ctrl-Z holds. Status 1 if nobody was subscribed to some
    of it, or if cells could not be read.

    Example: borough replay air.csv --mapping openaq --register --ledger air.parquet
    """
    settings = read_settings()
    pace = _speed(speed)
    options = _options(files, mapping, pace, start, until, shift, format, pack)
    try:
        job = Job(settings, options, pace, checkpoint, register=register and not dry_run)
        if dry_run:
            return job.dry_run(ledger, json_output=json_output)
        return job.run(ledger, json_output=json_output)
    except (MappingError, RecordingError) as error:
        raise UsageError(str(error)) from None


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("replay")(replay)


def _options(
    files: list[Path], mapping: str, speed: float, start: str, until: str, shift: str, format: str, pack: int
) -> plan.ReplayOptions:
    if format not in ("", "native", "senml", "recorded"):
        raise UsageError(f"--format {format!r}; one of native, senml, recorded")
    if format == "recorded" and not plan.is_recording(files):
        raise UsageError("--format recorded is for recordings; a table is sent as native or senml")
    begin, end = _instant("--from", start), _instant("--until", until)
    if begin is not None and end is not None and begin >= end:
        raise UsageError(f"--from {start} is not before --until {until}")
    moved: Any = "now" if shift == "now" else _shift(shift)
    return plan.ReplayOptions(
        paths=files,
        mapping=mapping,
        format=format or "recorded",  # type: ignore[arg-type]
        pack=pack,
        start=begin,
        end=end,
        shift=moved,
        real_speed=speed == 1,
    )


def _speed(text: str) -> float:
    try:
        return speed_of(text)
    except ValueError:
        raise UsageError(f"--speed {text!r} is neither flat-out, real nor a number such as 60") from None


def _instant(option: str, text: str) -> int | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no date or time such as 2013-10-27T01:00:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _shift(text: str) -> int:
    if not text:
        return 0
    back = text.startswith("-")
    try:
        amount = duration(text.removeprefix("-")) // timedelta(microseconds=1)
    except UsageError:
        raise UsageError(f"--shift {text!r} is neither now nor a length of time such as 364d or -12h") from None
    return -amount if back else amount
