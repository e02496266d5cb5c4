"""``borough outbox``: what became of messages to people, for operators. Addresses and words are not shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

import typer

from borough.database import database
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, show_table
from devices.counts import counted
from store import outbox_list
from store.outbox import SECRET, Kind, State

#: What `list` counts of what came to its end.
_DAYS = 7

group = typer.Typer(
    name="outbox",
    help="Look what became of messages to people. Addresses and words are not shown.",
    no_args_is_help=True,
)


@group.command("list")
def list_(
    state: Annotated[str, typer.Option(help=f"Only these states, with commas: {', '.join(get_args(State))}.")] = "",
    kind: Annotated[str, typer.Option(help=f"Only this kind: {', '.join(get_args(Kind))}.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 50,
    json_output: Json = False,
) -> None:
    """List messages, the newest first, and what counts there are.

    Example: borough outbox list --state failed,perhaps
    """
    states = [part.strip() for part in state.split(",") if part.strip()]
    if wrong := [one for one in states if one not in get_args(State)]:
        raise UsageError(f"--state {wrong[0]!r}; one or more of {', '.join(get_args(State))}")
    if kind and kind not in get_args(Kind):
        raise UsageError(f"--kind {kind!r}; one of {', '.join(get_args(Kind))}")
    with database() as connection:
        found = outbox_list.listed(connection, states=states, kind=kind or None, limit=limit)
        sums = outbox_list.counts(connection, datetime.now(UTC), timedelta(days=_DAYS))
        relay = outbox_list.relay(connection)
    if json_output:
        show_json(
            {
                "messages": [one._asdict() for one in found],
                "counts": [one._asdict() for one in sums],
                "relay": None if relay is None else relay._asdict(),
            }
        )
        return
    if relay is not None and relay.problem is not None:
        say(f"The relay, since {relay.failing_since}: {relay.problem}")
    if sums:
        show_table(
            ("kind", "state", "messages", "oldest"), [(one.kind, one.state, one.messages, one.oldest) for one in sums]
        )
        say("")
    if not found:
        say("No such messages." if states or kind else "No messages.")
        return
    show_table(
        ("id", "kind", "by", "state", "due", "tries", "reason"),
        [(one.id, one.kind, one.channel, one.state, one.due_at, one.tries, one.reason or "") for one in found],
    )


@group.command("show")
def show(
    message: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")], json_output: Json = False
) -> None:
    """Show one message and what the relay said at each try.

    Example: borough outbox show 17
    """
    with database() as connection:
        found = outbox_list.one(connection, message)
        tries = outbox_list.attempts(connection, message)
    if found is None:
        raise Failure(f"there is no message {message}; its household may have been erased, or its time was over")
    if json_output:
        show_json({**found._asdict(), "attempts": [one._asdict() for one in tries]})
        return
    show_table(("what", "value"), [(name, "" if value is None else value) for name, value in found._asdict().items()])
    if tries:
        say("")
        show_table(("try", "at", "stage", "answer"), [(one.number, one.at, one.stage, one.answer) for one in tries])


@group.command("retry")
def retry(
    messages: Annotated[list[int], typer.Argument(metavar="ID…", help="Their numbers in the list.")],
    perhaps: Annotated[
        bool, typer.Option("--perhaps", help="Also what was perhaps sent: whoever gets it may get it twice.")
    ] = False,
) -> int:
    """Have messages tried again now: those that failed, expired or were withheld, or wait for their pause.

    All rules hold as before: one that was withheld is withheld again unless its reason has gone. What was sent is not
    sent again.

    Example: borough outbox retry 17 18
    """
    refused = 0
    with database() as connection:
        for number in messages:
            found = outbox_list.one(connection, number)
            why = None
            if found is None:
                why = "there is none of this number"
            elif found.state == "sent":
                why = "it was sent"
            elif found.state == "perhaps" and not perhaps:
                why = "it was perhaps sent; with --perhaps it is sent once more"
            elif found.void is not None:
                why = f"nobody is told of it any more: {found.void}"
            elif found.kind in SECRET and found.expires_at <= datetime.now(UTC):
                why = "its code or link is of no use any more; whoever wants it asks for a new one"
            elif not outbox_list.retry(connection, number, datetime.now(UTC)):
                why = "it is being sent at this moment"
            if why is not None:
                say(f"message {number}: {why}")
                refused += 1
    say(f"{counted(len(messages) - refused, 'message')} tried again when borough deliver looks next.")
    return 1 if refused else 0


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(group)
