"""``borough correct``: kept messages decoded again, and what they say takes the place of what is stored."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from borough.database import database, reachable, require_schema
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, show_table, tell
from borough.replay.recording import SUFFIX, RecordingError, RecordingReader
from borough.settings.collector import collector_options
from borough.settings.settings import need_database_url, read_settings
from devices.counts import counted
from devices.families import FAMILIES
from devices.mapping import MappingError
from ingest import archive_files
from ingest.archive_files import OPEN, PERSONAL, ArchiveError, Frame
from ingest.correct import (
    ArchiveSource,
    Corrected,
    CorrectionBusy,
    FrameSource,
    Request,
    Source,
    correct,
    day_before,
    period_of,
)
from ingest.options import CollectorOptions
from ingest.source import RETAIN
from store import corrections, restatements
from store.connect import connect
from store.corrections import Correction

app = typer.Typer()

#: What a table says is meant without a period [us since the Unix epoch]: 1900 to 2200.
_ALWAYS = (-2_208_988_800_000_000, 7_258_118_400_000_000)
#: Messages that are corrected together.
_FRAME = 5_000

Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")]


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    source: Annotated[
        Path | None, typer.Option("--from", help="The archive's folder (default: BOROUGH_ARCHIVE) or a recording.")
    ] = None,
    period: Annotated[
        str, typer.Option(help="Readings from A on and before B: A/B, dates or instants (UTC if not said).")
    ] = "",
    table: Annotated[
        list[Path] | None, typer.Option("--table", help="A table of better values, or a folder of such. Repeatable.")
    ] = None,
    mapping: Annotated[
        str, typer.Option(help="How the table reads: a mapping's name or file. Without: by the table's name.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why; kept with the correction.")] = "",
    author: Annotated[str, typer.Option(help="Who; by default the account that runs this.")] = "",
    family: Annotated[str, typer.Option(help="Only this family.")] = "",
    device: Annotated[str, typer.Option(help="Only this device.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be changed, and change nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Decode kept messages again with today's decoders and mappings, and supersede what is stored.

    With --table the values of a table take the place of what is stored, such as a supplier's settled half-hours. Old
    values, the decoder, author and reason are kept. Nothing outside the period is touched. Interrupted, the same
    command goes on with it; run twice, the second time changes nothing.

    Example: borough correct --from /srv/archive --period 2026-03-01/2026-04-01 --reason "occupied was inverted"
    """
    if context.invoked_subcommand is not None:
        return
    settings = read_settings()
    if not reason.strip():
        raise UsageError("say why with --reason; it is kept with the correction")
    if family and family not in FAMILIES:
        raise UsageError(f"--family {family!r}; one of {', '.join(FAMILIES)}")
    start, end = _ALWAYS if table and not period else _period(period)
    place = source or settings.archive
    if table and source:
        raise UsageError("--from is for kept messages and --table for a table of values: give one of them")
    if mapping and not table:
        raise UsageError("--mapping says how a --table reads, and there is none")
    if place is None and not table:
        raise UsageError("say where the messages are with --from, or set BOROUGH_ARCHIVE; or give a --table of values")
    request = Request(start, end, reason.strip(), author or _account(), family or None, device or None, dry_run)
    url = need_database_url(settings)
    with reachable(url), connect(url, "borough") as connection:
        require_schema(connection, url)
    with reachable(url), _told():
        options = collector_options(settings)
        if table:
            done = _from_table(options, table, mapping, request)
        else:
            assert place is not None
            done = correct(options, _source(place, request), request, _progress)
    _report(done, request, json_output=json_output)


def _from_table(options: CollectorOptions, table: list[Path], mapping: str, request: Request) -> Corrected:
    from borough.replay.better_values import correct_from_table
    from borough.replay.plan import table_files

    try:
        found, paths = table_files(table, mapping)
        if request.family not in (None, found.family):
            raise UsageError(f"--family {request.family}: the mapping {found.name} is of {found.family}")
        return correct_from_table(options, found, paths, request)
    except MappingError as error:
        raise UsageError(str(error)) from None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except CorrectionBusy:
        raise Failure("another correction is running; try again when it is done") from None
    except (ArchiveError, RecordingError) as error:
        raise Failure(str(error)) from None


def _period(text: str) -> tuple[int, int]:
    first, slash, last = text.partition("/")
    if not slash:
        raise UsageError("say which readings with --period A/B, such as 2026-03-01/2026-04-01 (B is not included)")
    try:
        return period_of(first.strip(), last.strip())
    except ValueError as error:
        raise UsageError(f"--period {text!r}: {error}") from None


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError("this account has no name; say who corrects with --author") from None


def _source(place: Path, request: Request) -> Source:
    if place.is_dir() and any((place / name).is_dir() for name in (OPEN, PERSONAL)):
        families = None if request.family is None else frozenset({request.family})
        return ArchiveSource(place.resolve(), families, request.device, day_before(request.start))
    if place.is_dir():
        paths = sorted(place.glob(f"*{SUFFIX}"))
        if not paths:
            raise UsageError(f"{place} is neither an archive nor a folder with recordings (*{SUFFIX})")
    elif place.is_file():
        paths = [place]
    else:
        raise UsageError(f"{place} is not there")
    return FrameSource(f"recording {place.resolve()}", lambda: _frames(paths))


def _frames(paths: list[Path]) -> Iterator[Frame]:
    """Recordings as frames. The devices are not known before the topics are matched."""
    for path in paths:
        topics: list[str] = []
        payloads: list[bytes] = []
        arrivals: list[int] = []
        flags: list[int] = []
        for message in RecordingReader(path):
            topics.append(message.topic)
            payloads.append(message.payload)
            arrivals.append(message.arrival)
            flags.append(RETAIN if message.retained else 0)
            if len(topics) >= _FRAME:
                yield Frame(topics, payloads, [""] * len(topics), np.array(arrivals, np.int64), flags)
                topics, payloads, arrivals, flags = [], [], [], []
        if topics:
            yield Frame(topics, payloads, [""] * len(topics), np.array(arrivals, np.int64), flags)


def _progress(messages: int, changed: int) -> None:
    tell(f"{counted(messages, 'message')} decoded, {counted(changed, 'reading')} changed")


def _report(done: Corrected, request: Request, *, json_output: bool) -> None:
    if json_output:
        show_json(
            {
                "correction": None if done.correction is None else done.correction.id,
                "dry_run": request.dry_run,
                "resumed": done.resumed,
                **asdict(done.tally),
                "outside": done.outside,
                "untimed": done.untimed,
                "days": [{"family": family, "day": day.isoformat()} for family, day in done.days],
                "published": [_plain(item._asdict()) for item in done.published],
            }
        )
        return
    tally, would = done.tally, "would be " if request.dry_run else ""
    if tally.messages:
        say(f"{counted(tally.messages, 'message')} decoded again; readings in the period: {tally.readings}.")
    else:
        say(f"Readings in the period: {tally.readings}.")
    say(
        f"Readings {would}superseded: {tally.superseded}; {would}added: {tally.inserted}; unchanged: {tally.unchanged};"
        f" repeated: {tally.repeated}; thinned: {tally.thinned}; rejected: {tally.rejected}."
    )
    if done.untimed:
        say(
            f"{counted(done.untimed, 'reading has', 'readings have')} no time of their own: a recording "
            f"cannot say when the collector got them."
        )
    if done.days:
        say(f"To be computed again: {counted(len(done.days), 'day')} of a family.")
    for item in done.published:
        say(f"Published from these days: {item.kind} {item.reference}, {item.first_day} to {item.last_day}.")
    if done.correction is not None:
        say(f"This is correction {done.correction.id}; see: borough correct show {done.correction.id}")
    elif not request.dry_run:
        say("Nothing differs: nothing was changed, and no correction is noted.")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if name.endswith("_day") else value for name, value in row.items()}


@app.command("list")
def list_(limit: Limit = 100, json_output: Json = False) -> None:
    """List corrections, the newest first.

    Example: borough correct list
    """
    with database() as connection:
        rows = corrections.listed(connection, limit)
    if json_output:
        show_json([row._asdict() for row in rows])
        return
    show_table(
        ("id", "at", "author", "reason", "from", "until", "superseded", "added", "state"),
        [
            (row.id, row.at, row.author, row.reason, row.period_start, row.period_end, row.superseded, row.inserted,
             _state(row))
            for row in rows
        ],
    )  # fmt: skip


def _state(row: Correction) -> str:
    return "not finished: run it again" if row.finished_at is None else "finished"


@app.command("restated")
def restated(
    device: Annotated[str, typer.Option(help="Only this device.")] = "",
    limit: Limit = 100,
    json_output: Json = False,
) -> None:
    """List readings that their sources restated, the newest first: old value, new value, when it came and from where.

    Example: borough correct restated --device meter-17
    """
    with database() as connection:
        rows = restatements.listed(connection, device or None, limit)
    if json_output:
        show_json([row._asdict() for row in rows])
        return
    show_table(
        ("device", "property", "time", "old value", "new value", "arrival", "source", "correction"),
        [
            (row.device, row.property, row.time, row.old_value, row.new_value, row.arrival, row.source or "",
             row.correction_id)
            for row in rows
        ],
    )  # fmt: skip


@app.command("show")
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="The correction's number in the list.")],
    values: Annotated[int, typer.Option(min=0, help="Show so many of the old and new values.")] = 0,
    json_output: Json = False,
) -> None:
    """Show one correction: what it changed by device and property, and what was published from those days.

    Example: borough correct show 3 --values 20
    """
    with database() as connection:
        found = corrections.get(connection, number)
        if found is None:
            raise Failure(f"there is no correction {number}; see: borough correct list")
        series = corrections.changed_series(connection, number)
        changed = corrections.changed_values(connection, number, values) if values else []
        devices = sorted({row[0] for row in series})
        published = corrections.published(connection, corrections.days(connection, number), devices)
    names = ("device", "family", "property", "superseded", "added", "first", "last")
    if json_output:
        show_json(
            {
                **found._asdict(),
                "series": [dict(zip(names, row, strict=True)) for row in series],
                "values": [
                    dict(zip(("device", "property", "time", "old", "new"), row, strict=True)) for row in changed
                ],
                "published": [_plain(item._asdict()) for item in published],
            }
        )
        return
    show_table(("", "value"), [(name.replace("_", " "), value) for name, value in found._asdict().items()])
    show_table(names, series)
    if changed:
        show_table(("device", "property", "time", "old value", "new value"), changed)
    for item in published:
        say(f"Published from these days: {item.kind} {item.reference}, {item.first_day} to {item.last_day}.")


@app.command("archive")
def archive(
    forget: Annotated[
        list[str] | None, typer.Option("--forget-device", help="Remove every message of this device. Repeatable.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Show what the archive holds, by family and class, or remove devices from it.

    Example: borough correct archive --forget-device meter-17
    """
    folder = read_settings().archive
    if folder is None:
        raise UsageError("BOROUGH_ARCHIVE is not set: there is no archive")
    if forget:
        with _told():
            messages, files = archive_files.forget(folder, forget)
        if json_output:
            show_json({"removed_messages": messages, "files": files})
        else:
            say(f"{counted(messages, 'message')} removed; {counted(files, 'file was', 'files were')} written anew.")
        return
    held: dict[tuple[str, bool], list[Any]] = {}
    for segment in archive_files.segments(folder):
        found = archive_files.summary(segment.path)
        row = held.setdefault((segment.family, segment.personal), [segment.day, segment.day, 0, 0])
        row[1] = segment.day
        row[2] += found.messages
        row[3] += found.bytes
    rows = [
        (family, "personal" if personal else "open", first.isoformat(), last.isoformat(), messages, size)
        for (family, personal), (first, last, messages, size) in sorted(held.items())
    ]
    names = ("family", "class", "first_day", "last_day", "messages", "bytes")
    if json_output:
        show_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        show_table([name.replace("_", " ") for name in names], rows)


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    made.add_typer(app, name="correct")
