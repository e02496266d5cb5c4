"""``borough demo``: a simulated borough on this machine."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from borough.demo.state import default_folder, reset
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
    fleet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Another fleet file than the demo's own.", show_default=False)
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=100_000, help="Simulated seconds a second, once the history is loaded.")
    ] = 60.0,
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

    Weeks of history are loaded through the broker first; then the devices speak --speed times as fast as the clock,
    with some faults. Everything runs on 127.0.0.1 and ends with Ctrl-C. At the end the accounting is printed, with
    --seconds the score of the run's ledger too; status 1 if it does not add up. Not the place for real data.

    Example: borough demo --seconds 30 --json
    """
    folder = state or default_folder()
    if start_over:
        removed = reset(folder)
        tell(f"{folder} is removed." if removed else f"There was nothing to remove in {folder}.")
        if seconds is None:
            return 0
    logging.getLogger().setLevel(logging.WARNING)
    # until the demo has its own: a KeyboardInterrupt within an extension module that is being loaded is swallowed there
    before = signal.signal(signal.SIGINT, _leave)
    try:
        from borough.demo.plan import DEMO_FLEET
        from borough.demo.run import DemoOptions, Interrupted, run_demo
    except ModuleNotFoundError as error:
        raise Failure(
            f"the demo's own parts are not installed ({error.name}): pip install 'borough-telemetry[demo]'"
        ) from None
    try:
        report = run_demo(DemoOptions(folder, fleet or DEMO_FLEET, seconds, port, speed))
    except Interrupted:
        tell("The demo was ended before it was up.")
        return 130
    except FileNotFoundError as error:
        if error.filename != "setpriv":
            raise
        raise UsageError("the demo needs the program setpriv (on Debian in the package util-linux)") from None
    finally:
        signal.signal(signal.SIGINT, before)
    if json_output:
        show_json(report.as_json())
    else:
        for line in report.lines():
            say(line)
    return 0 if report.good else 1


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(130)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo")(demo)
