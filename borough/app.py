"""The commands of ``borough`` put together: one visible list.

A module is imported when its command is asked for: each brings libraries that the others do without.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

from borough.output import say

#: Names of the commands in the order of the help; ``borough/commands/`` has a module of the same name for each.
COMMANDS = (
    "migrate",
    "devices",
    "homes",
    "places",
    "weather",
    "bays",
    "decode",
    "collect",
    "rejected",
    "simulate",
    "record",
    "replay",
    "reconcile",
    "work",
    "jobs",
    "correct",
    "complete",
    "analyse",
    "fleet",
    "watch",
    "announce",
    "deliver",
    "outbox",
    "nudges",
    "explain",
    "letters",
    "trial",
    "subject",
    "erase",
    "publish",
    "maintain",
    "serve",
    "doctor",
    "demo",
)


def make_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line: the one command that ``arguments`` begin with, or all where they begin with none."""
    app = typer.Typer(
        help="Borough Telemetry: collects what a borough's sensors say and keeps every reading exactly once.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(_group)  # a single command stays a command of `borough`
    first = tuple(arguments[:1])
    for name in first if first and first[0] in COMMANDS else COMMANDS:
        import_module(f"borough.commands.{name}").register(app)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        say(f"borough {version('borough-telemetry')}")
        raise typer.Exit


def _group(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    pass
