"""``borough replay``: recordings and tables through the production path, at any speed, with a ledger for the score."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.errors import UsageError
from borough.output import Json, say, show_json, tell
from borough.replay.asked import replay_options, replay_speed
from borough.replay.job import Job, Replayed, register_devices
from borough.replay.progress import ProgressLine
from borough.replay.recording import RecordingError
from borough.replay.sender import Progress, Stop
from borough.replay.sources import remarks
from borough.settings.settings import read_settings
from devices.counts import counted
from devices.mapping import MappingError
from simulators.ledger import LedgerWriter

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
    pace = replay_speed(speed)
    options = replay_options(
        files, mapping=mapping, speed=pace, start=start, until=until, shift=shift, form=format, pack=pack
    )
    try:
        job = Job(settings, options, pace, checkpoint, register=register and not dry_run)
        if register and not dry_run:
            register_devices(settings, job.source.devices(), tell)
        writer = None if ledger is None else lambda: LedgerWriter(ledger)
        done = job.dry_run(writer) if dry_run else _run(job, writer)
    except (MappingError, RecordingError) as error:
        raise UsageError(str(error)) from None
    return _report(job, done, dry=dry_run, json_output=json_output)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("replay")(replay)


def _run(job: Job, writer: Callable[[], LedgerWriter] | None) -> Replayed:
    """Send everything, and say meanwhile how far it is."""
    if job.resumed:
        tell(f"Going on after message {job.checkpoint.sent:,} of an earlier start.")
    line = ProgressLine(lambda: job.source.fraction)

    def show(progress: Progress) -> None:
        if progress.sent:
            at = (_EPOCH + timedelta(microseconds=progress.at)).strftime("%Y-%m-%d %H:%M")
            line.show(progress.sent, f"at {at}")

    stop = Stop()
    with stop.on_signals():
        done = job.run(writer, stop, show)
    line.end()
    if done.done and job.path is not None:
        job.path.unlink(missing_ok=True)
    return done


def _report(job: Job, done: Replayed, *, dry: bool, json_output: bool) -> int:
    left = job.source.left_out()
    progress = done.progress
    result: dict[str, Any] = {
        "finished": done.done,
        "messages": progress.sent,
        "sent_before": progress.skipped,
        "readings": done.readings,
        "expected": done.expected,
        "unreadable": left.unreadable,
        "unheard": progress.unheard,
        "seconds": round(done.seconds, 3),
        **left.beside,
    }
    if json_output:
        show_json(result)
    else:
        _say(result, dry=dry, at=progress.at, path=job.path)
    for text in remarks(left, progress.unheard):
        tell(text)
    if not done.done:
        return 130
    return 1 if progress.unheard or left.unreadable or left.lost else 0


def _say(result: dict[str, Any], *, dry: bool, at: int, path: Path | None) -> None:
    words = ", ".join(f"{number:,} {word}" for word, number in result["expected"].items())
    verb = "would be sent" if dry else "sent"
    rate = f" in {result['seconds']:.1f} s ({result['messages'] / max(result['seconds'], 1e-3):,.0f}/s)"
    say(
        f"{counted(result['messages'], 'message')} {verb}{'' if dry else rate}; "
        f"{counted(result['readings'], 'reading')}: {words}."
    )
    if result["finished"] and not result["readings"] and not result["messages"] + result["sent_before"]:
        say("There is nothing in these files between --from and --until that is mapped.")
    if not result["finished"]:
        then = f" at {(_EPOCH + timedelta(microseconds=at)).isoformat()}" if at else ""
        how = f"the same command goes on ({path})" if path else "without --checkpoint it starts anew"
        say(f"Paused{then}; {how}.")
