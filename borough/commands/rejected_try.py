"""``borough rejected try``: what would become of rejected messages. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.commands.rejected_options import Device, Family, Since, Until, Why, chosen
from borough.database import database
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, show_table
from borough.settings.collector import collector_options
from borough.settings.settings import read_settings
from devices.counts import counted
from devices.decoders.mapped import json_format
from devices.decoding import Format
from devices.files import read_text
from devices.mapping import MappingError
from devices.mapping_reader import read_mapping
from devices.tried import Tried
from ingest import trial
from store import rejected as table
from store import rejected_list
from store.connect import Connection
from store.rejected import RejectedMessage
from store.times import instant

#: Messages that are held at once, unless their bytes are too many.
_PORTION = 500


def try_(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Numbers of rejections.")] = None,
    family: Family = "",
    device: Device = "",
    reason: Why = "",
    since: Since = "",
    until: Until = "",
    everything: Annotated[bool, typer.Option("--all", help="All that are kept.")] = False,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A mapping file to read them by; it is installed nowhere.")
    ] = None,
    in_place_of: Annotated[
        str, typer.Option(metavar="FORMAT", help="The format that it stands in for; without it the one of its name.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many messages, the newest.")] = 1_000,
    json_output: Json = False,
) -> int:
    """Show what would become of rejected messages: with the registry and decoders of now, or by a mapping file.

    Nothing is stored. Readings are shown: they can be a household's, look with care. Status 1 if any message, or a
    reading of it, would be rejected again.

    Example: borough rejected try --reason unreadable --mapping fixed.toml
    """
    if bool(numbers) == bool(family or device or reason or since or until or everything):
        raise UsageError("say which rejections: either their numbers, or options such as --reason or --all")
    if in_place_of and mapping is None:
        raise UsageError("--in-place-of is said of a mapping; give its file with --mapping")
    which = chosen(family, device, reason, since, until)
    options = collector_options(read_settings())
    try:
        if mapping is not None:
            options = trial.with_format(options, _format(mapping), in_place_of or None)
    except trial.NoFormat as error:
        raise UsageError(str(error)) from None
    found: list[Tried] = []
    with database() as connection:
        for portion in _portions(connection, numbers, which, limit):
            found += trial.try_again(options, portion)
    outcomes = Counter(one.outcome for one in found)
    if json_output:
        show_json({"tried": [_document(one) for one in found], "outcomes": dict(sorted(outcomes.items()))})
    else:
        show_table(
            ("message", "outcome", "device", "property", "time", "value", "unit", "what"),
            [row for one in found for row in _rows(one)],
        )
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        say(f"Nothing was stored. Of {counted(len(found), 'message')}: {said or 'none'}.")
    return 1 if outcomes["rejected"] or outcomes["in part"] else 0


def _format(path: Path) -> Format:
    try:
        return json_format(read_mapping(read_text(path), str(path)))
    except OSError as error:
        raise UsageError(f"--mapping: {error.filename}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--mapping: {path} is not UTF-8 text") from None
    except MappingError as error:
        raise UsageError(f"--mapping: {error}") from None


def _portions(
    connection: Connection, numbers: Sequence[int] | None, which: table.Filter, limit: int
) -> Iterator[list[RejectedMessage]]:
    """Messages to try, so many at a time that they fit into memory, the newest first."""
    if numbers:
        found = [(number, table.get(connection, number)) for number in dict.fromkeys(numbers)]
        unknown = [str(number) for number, message in found if message is None]
        if unknown:
            raise Failure(f"not kept: {', '.join(unknown)}; nothing was tried")
        yield [message for _, message in found if message is not None]
        return
    before: int | None = None
    more = True
    while more and limit:
        messages, more = rejected_list.messages(connection, which, min(limit, _PORTION), before)
        if messages:
            before = messages[-1]
            limit -= len(messages)
            yield [one.item for one in rejected_list.whole(connection, messages)]


def _document(one: Tried) -> dict[str, Any]:
    return {
        "message": one.message,
        "outcome": one.outcome,
        "family": one.family,
        "status": one.status,
        "readings": [{**item._asdict(), "time": instant(item.time)} for item in one.readings],
        "rejections": [item._asdict() for item in one.rejections],
        "repeated": one.repeated,
        "thinned": one.thinned,
        "refused": one.refused,
    }


def _rows(one: Tried) -> Iterator[tuple[object, ...]]:
    number: object = one.message
    for item in one.readings:
        yield number, one.outcome, item.device, item.property, instant(item.time), item.value, item.unit, item.fate
    for rejection in one.rejections:
        yield number, one.outcome, "", rejection.property, "", "", "", f"{rejection.reason}: {rejection.detail}"
    if not one.readings and not one.rejections:
        yield number, one.outcome, "", "", "", "", "", "a status message" if one.status else ""
