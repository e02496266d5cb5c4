"""``borough record``: live traffic into recordings."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Annotated

import typer

from borough.duration import duration
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, tell
from borough.replay.progress import ProgressLine
from borough.replay.recorder import Recording, RecordOptions
from borough.replay.recorder import record as run
from borough.settings.collector import broker_options
from borough.settings.settings import read_settings
from devices.counts import counted
from ingest.filters import common_topic

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(kB|MB|GB|B)?\Z", re.IGNORECASE)
_UNITS = {"b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "": 1}


def record(
    folder: Annotated[Path, typer.Argument(help="Where the recordings go; it must exist.")],
    filter: Annotated[
        list[str] | None, typer.Option("--filter", help="An MQTT topic filter; repeatable. Without: borough/#.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="What the files' names begin with.")] = "recording-",
    file_size: Annotated[str, typer.Option(help="Begin a new file at this size, such as 500MB.")] = "",
    file_age: Annotated[str, typer.Option(help="Begin a new file after this time, such as 1h.")] = "",
    seconds: Annotated[float, typer.Option(min=0, help="End after so many seconds; 0 is never.")] = 0,
    messages: Annotated[int, typer.Option(min=0, help="End after so many messages; 0 is never.")] = 0,
    client_id: Annotated[str, typer.Option(help="The session at the broker; two recorders need two.")] = (
        "borough-recorder"
    ),
    json_output: Json = False,
) -> int:
    """Record live traffic until Ctrl-C: topic, bytes, arrival, QoS and retained flag of every message.

    A message is acknowledged when the disk has it. The session is the recorder's own, so collectors miss nothing; it
    outlives the recorder by an hour, within which a new start with the same --client-id goes on without a gap.

    Example: borough record recordings --filter 'borough/air-monitor/#' --file-size 500MB
    """
    options = RecordOptions(
        folder=_folder(folder),
        prefix=prefix,
        filters=_filters(filter or ["borough/#"]),
        file_bytes=_bytes(file_size),
        file_seconds=duration(file_age).total_seconds() if file_age else 0.0,
        seconds=seconds,
        messages=messages,
    )
    if "/" in prefix:
        raise UsageError(f"--prefix {prefix!r} holds a /; it is the beginning of a file's name")
    broker = replace(broker_options(read_settings()), client_id=client_id)

    async def main() -> Recording:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await run(broker, options, stop, _teller())

    state = asyncio.run(main())
    if not state.connected and not state.messages:
        raise Failure(f"the broker at {broker.host}:{broker.port} was never reached: {state.problem or 'no answer'}")
    result = {"messages": state.messages, "bytes": state.bytes, "files": [str(path) for path in state.files]}
    if json_output:
        show_json({**result, "sessions_lost": state.lost})
    else:
        say(
            f"{counted(state.messages, 'message')} in {counted(len(state.files), 'file')}, "
            f"{counted(state.bytes, 'byte')}."
        )
        for path in state.files:
            say(str(path))
    if state.too_long:
        tell(
            f"{counted(state.too_long, 'message is', 'messages are')} missing, too long for a recording "
            f"(docs/reference/recording.md)."
        )
    if state.lost:
        tell(
            f"The broker had forgotten the session {counted(state.lost, 'time')}; what came while it was "
            f"away is missing."
        )
    return 0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("record")(record)


def _teller() -> Callable[[Recording], None]:
    line = ProgressLine()
    told = ""

    def show(state: Recording) -> None:
        nonlocal told
        if state.problem and state.problem != told and not state.connected:
            tell(f"The broker is away: {state.problem}")
            told = state.problem
        line.show(state.messages, f"{state.bytes / 1e6:,.1f} MB, {counted(len(state.files), 'file')}")

    return show


def _folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"{folder}: is no folder; make it first")
    return folder


def _bytes(text: str) -> int:
    match = _SIZE.match(text.strip())
    if not text:
        return 0
    if match is None:
        raise UsageError(f"--file-size {text!r} is no size such as 500MB")
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()])


def _filters(filters: list[str]) -> list[str]:
    for name in filters:
        levels = name.split("/")
        wrong = any(("+" in level or "#" in level) and len(level) > 1 for level in levels) or "#" in levels[:-1]
        if not name or wrong or "\0" in name or name.startswith("$share"):
            raise UsageError(f"--filter {name!r} is no MQTT topic filter")
    for one, other in combinations(filters, 2):
        if (topic := common_topic(one, other)) is not None:
            raise UsageError(
                f"--filter {one!r} and --filter {other!r} overlap: both take {topic!r}, and the broker may deliver such"
                " a message twice"
            )
    return filters
