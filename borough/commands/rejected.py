"""``borough rejected``: messages and readings that could not be taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from borough.commands import rejected_try
from borough.commands.rejected_options import Device, Family, Limit, Since, Until, Why, chosen
from borough.database import database
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_bytes, show_json, show_table
from borough.settings.collector import collector_options
from borough.settings.settings import read_settings
from devices.counts import counted
from devices.decoding import Reason
from ingest import retry as ingest_retry
from store import rejected as table
from store.connect import Connection
from store.rejected import Filter

_PORTION = 200
#: Rows of the list that are read at once.
_LISTED = 10_000

app = typer.Typer(help="Messages and readings that could not be taken.", no_args_is_help=True)


@app.command("list")
def list_(
    family: Family = "",
    device: Device = "",
    reason: Why = "",
    since: Since = "",
    until: Until = "",
    before: Annotated[int | None, typer.Option(min=0, help="Go on behind the one with this number.")] = None,
    limit: Limit = 100,
    json_output: Json = False,
) -> None:
    """List rejections, the newest first, how many there are by family and reason, and how many were only counted.

    Example: borough rejected list --reason unknown_device --since 1h
    """
    which = chosen(family, device, reason, since, until)
    with database() as connection:
        rows = table.find(connection, which, limit, before)
        counts = table.count(connection, which)
        left_out = table.count_left_out(connection, which)
    if json_output:
        show_json(
            {
                "rejected": [row._asdict() for row in rows],
                "counts": _by_reason(counts),
                "left_out": _by_reason(left_out),
            }
        )
        return
    show_table(
        ("id", "arrival", "topic", "property", "reason", "detail"),
        [(row.id, row.arrival, row.topic, row.property, row.reason, row.detail) for row in rows],
    )
    total = sum(counts.values())
    shown = f" ({len(rows)} shown; --limit shows more)" if len(rows) < total and before is None else ""
    if before is not None:
        shown = f" ({len(rows)} shown" + (f"; go on with --before {rows[-1].id})" if rows else ")")
    say(f"{counted(total, 'rejection is', 'rejections are')} kept{shown}.")
    if left_out:
        which_ones = ", ".join(f"{count} {of} {why}".rstrip() for (of, why), count in sorted(left_out.items()))
        more = counted(sum(left_out.values()), "more was", "more were")
        say(f"{more} counted and not kept, past the limit of a device, hour and reason: {which_ones}.")


def _by_reason(counts: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [{"family": of, "reason": why, "count": count} for (of, why), count in sorted(counts.items())]


@app.command("show")
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="The rejection's number in the list.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the message's bytes to standard output, nothing else.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Show one rejection with the bytes of its message. They can be a household's: look with care.

    Example: borough rejected show 17 --raw | borough decode native
    """
    with database() as connection:
        found = table.get(connection, number)
    if found is None:
        raise Failure(f"rejection {number} is not kept; see: borough rejected list")
    if raw:
        if found.payload is None:
            raise Failure(f"the bytes of rejection {number} are not kept any more")
        if found.size is not None and not found.payload:
            raise Failure(f"the bytes of rejection {number}: {_not_kept(found)}")
        show_bytes(found.payload)
        return
    text = None if found.payload is None else found.payload.decode("utf-8", "backslashreplace")
    if json_output:
        shown: dict[str, Any] = {**found.row._asdict(), "personal": found.personal}
        show_json(
            {
                **shown,
                "size": found.size,
                "payload_hex": None if found.payload is None else found.payload.hex(),
                "payload": text,
            }
        )
        return
    facts = [(name.replace("_", " "), value) for name, value in found.row._asdict().items()]
    message = "(not kept any more)" if text is None else text
    if found.size is not None:
        message += f"({_not_kept(found)})" if not text else f" (the beginning of {found.size:,} bytes)"
    show_table(("", "value"), [*facts, ("personal", found.personal), ("message", message)])


def _not_kept(found: table.RejectedMessage) -> str:
    why = "they cannot be looked through for a household's identifiers"
    if found.row.reason == Reason.UNKNOWN_TOPIC:
        why = "no subscription asks for this topic"
    return f"{found.size or 0:,} bytes, not kept: {why}"


@app.command("retry")
def retry(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Numbers of rejections.")] = None,
    family: Family = "",
    device: Device = "",
    reason: Why = "",
    since: Since = "",
    until: Until = "",
    everything: Annotated[bool, typer.Option("--all", help="All that are kept and were not tried again yet.")] = False,
    json_output: Json = False,
) -> int:
    """Take rejected messages once more, after a fix: a device registered, a decoder corrected.

    What is taken leaves the list, what is rejected again stays and is marked as tried. Name the rejections, or say by
    options which of those that were not tried again yet. Nothing is taken while a collector runs that reads a format
    with another decoder: restart it first. Status 1 if any is rejected again.

    Example: borough rejected retry --reason unknown_device
    """
    chosen_by = bool(family or device or reason or since or until or everything)
    if bool(numbers) == chosen_by:
        raise UsageError("say which rejections: either their numbers, or options such as --reason or --all")
    which = chosen(family, device, reason, since, until, waiting=True)
    options = collector_options(read_settings())
    taken, again, gone = 0, 0, 0
    with database() as connection:
        for ids in _portions(connection, numbers, which):
            found = [(number, table.get(connection, number)) for number in ids]
            connection.commit()  # the retry has a connection and transactions of its own
            unknown = [str(number) for number, message in found if message is None]
            if unknown and numbers:
                raise Failure(f"not kept: {', '.join(unknown)}; nothing was tried again")
            try:
                done = ingest_retry.retry(options, [message for _, message in found if message is not None])
            except ingest_retry.OtherDecoders as error:
                raise Failure(str(error)) from None
            taken, again, gone = taken + len(done.taken), again + len(done.rejected), gone + len(done.gone)
    if json_output:
        show_json({"taken": taken, "rejected_again": again, "bytes_gone": gone})
    else:
        say(f"{taken} taken, {again} rejected again, {gone} without their bytes.")
    return 1 if again else 0


def _portions(connection: Connection, numbers: Sequence[int] | None, which: Filter) -> Iterator[list[int]]:
    """Ids to try again, so many at a time that their messages fit into memory.

    In the order in which they came, as the collector would have taken them: of those that restate the last one wins.
    """
    if numbers:
        yield list(dict.fromkeys(numbers))
        return
    found: list[int] = []
    before: int | None = None
    while rows := table.find(connection, which, _LISTED, before):
        before = rows[-1].id
        found += [row.id for row in rows]
    found.reverse()
    for first in range(0, len(found), _PORTION):
        yield found[first : first + _PORTION]


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("try")(rejected_try.try_)
    made.add_typer(app, name="rejected")
