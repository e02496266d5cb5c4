"""``borough demo``: a simulated borough on this machine."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from borough.demo_state import default_folder, reset
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, tell


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=86_400 * 365, help="End by itself after this many seconds.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port of the page; a free one otherwise.")] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The one folder that keeps the demo's data.")
    ] = None,
    start_over: Annotated[
        bool,
        typer.Option(
            "--reset",
            help="End a running demo and remove its folder. Alone it ends there, with --seconds it starts anew.",
        ),
    ] = False,
    json_output: Json = False,
) -> int:
    """Run a simulated borough: four families of devices, a broker, the collector, a database and one page.

    Everything runs on 127.0.0.1 and ends with Ctrl-C. At the end the accounting is printed; status 1 if it does not
    add up. Not the place for real data.

    Example: borough demo --seconds 30 --json
    """
    folder = state or default_folder()
    if start_over:
        removed = reset(folder)
        tell(f"{folder} is removed." if removed else f"There was nothing to remove in {folder}.")
        if seconds is None:
            return 0
    logging.getLogger().setLevel(logging.WARNING)
    try:
        from borough.demo import DemoOptions, Interrupted, run_demo
    except ModuleNotFoundError as error:
        raise Failure(
            f"the demo's own parts are not installed ({error.name}): pip install 'borough-telemetry[demo]'"
        ) from None
    try:
        report = run_demo(DemoOptions(folder, seconds, port))
    except Interrupted:
        tell("The demo was ended before it was up.")
        return 130
    except FileNotFoundError as error:
        if error.filename != "setpriv":
            raise
        raise UsageError("the demo needs the program setpriv (on Debian in the package util-linux)") from None
    if json_output:
        show_json(report.as_json())
    else:
        for line in report.lines():
            say(line)
    return 0 if report.adds_up else 1


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo")(demo)
