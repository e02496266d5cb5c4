"""``borough simulate``: a fleet of devices that do not exist, through the production path."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from borough.errors import BrokerAway, Failure, UsageError
from borough.output import Json, say, show_json, show_table
from borough.settings.collector import broker_options, registry_known
from borough.settings.settings import read_settings
from devices.counts import counted
from devices.device import DEVICE_ID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def simulate(
    fleet: Annotated[Path | None, typer.Argument(help="Fleet file (.toml).", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the file's.")] = None,
    start: Annotated[str, typer.Option(help="Begin at this instant instead of the file's (UTC unless it says).")] = "",
    hours: Annotated[float | None, typer.Option(min=0.001, help="Simulated hours instead of the file's days.")] = None,
    speed: Annotated[
        str, typer.Option(help="max, 1 (real time) or so many simulated seconds a second; never ahead of the clock.")
    ] = "max",
    connections: Annotated[
        Literal["one", "gateway", "device"], typer.Option(help="One connection for all, by gateway, or by device.")
    ] = "one",
    format: Annotated[str, typer.Option(help="What all speak: native, senml-json, senml-cbor, vendor, …")] = "",
    pack: Annotated[int, typer.Option(min=1, max=10_000, help="Readings in a SenML message.")] = 48,
    register: Annotated[
        bool, typer.Option("--register", help="Register the devices and bays first; needs the database.")
    ] = False,
    gateway: Annotated[
        str, typer.Option(metavar="NAME", help="Register them as behind this gateway, whose account speaks for them.")
    ] = "",
    ledger: Annotated[
        Path | None,
        typer.Option(help="Write a ledger here, for borough reconcile, and the truth of bays and homes beside it."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Generate everything, publish nothing.")] = False,
    check: Annotated[
        str, typer.Option(metavar="DATASET", help="Compare the model with a recording in $BOROUGH_RECORDINGS instead.")
    ] = "",
    json_output: Json = False,
) -> int:
    """Publish what a fleet of simulated devices says, with faults if its file asks for them, and keep a ledger.

    Ctrl-C ends it early; the ledger then holds what is out. Status 1 if the broker took some of it and nobody was
    subscribed.

    Example: borough simulate simulators/fleets/demo.toml --hours 24 --register --ledger day.parquet
    """
    if check:
        return _check(check, json_output=json_output)
    if fleet is None:
        raise UsageError("which fleet? Give a fleet file, such as simulators/fleets/demo.toml")
    from borough.simulate import Asked, simulation_of, simulation_speed, simulation_start

    pace = simulation_speed(speed)
    asked = Asked(fleet, seed, simulation_start(start), hours, format or None, pack)
    simulation = simulation_of(asked)
    if ledger is not None and not ledger.absolute().parent.is_dir():
        raise UsageError(f"--ledger {ledger}: the folder does not exist")
    if gateway and not (register and DEVICE_ID.match(gateway)):
        raise UsageError(f"--gateway {gateway!r}: needs --register, and letters, digits and . _ : @ - only")
    return _Run(simulation, ledger, gateway, json_output=json_output).start(
        pace, connections, register, dry_run=dry_run
    )


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("simulate")(simulate)


class _Run:
    def __init__(self, simulation: Any, ledger: Path | None, gateway: str, *, json_output: bool) -> None:
        self.simulation, self.ledger, self.gateway, self.json_output = simulation, ledger, gateway, json_output
        #: Up to where it went out [us].
        self.until: int = simulation.span[1]

    def start(
        self, speed: float | None, mode: Literal["one", "gateway", "device"], register: bool, *, dry_run: bool
    ) -> int:
        """Run it, and print what was done; the exit status."""
        from borough.simulate import summary, write_truth
        from simulators.run import dry_run as run_dry

        begun = time.monotonic()
        with ExitStack() as stack:
            watch = self._watch(stack)
            if dry_run:
                if register:
                    self._register()
                progress = run_dry(self.simulation, self._writer(stack), watch)
                unheard = 0
            else:
                progress, unheard = self._publish(speed, mode, register, watch)
        if self.ledger is not None:
            write_truth(self.simulation, self.until, self.ledger)
        done = summary(self.simulation, progress, time.monotonic() - begun, dry=dry_run)
        if self.json_output:
            show_json({**done, "unheard": unheard})
        else:
            self._tell(done, unheard)
        return 1 if unheard else 0

    def _publish(
        self,
        speed: float | None,
        mode: Literal["one", "gateway", "device"],
        register: bool,
        watch: Callable[[Any], None],
    ) -> tuple[Any, int]:
        from borough.replay.sender import Stop
        from borough.simulate import send
        from simulators.ledger import LedgerWriter
        from simulators.run import Clock

        settings = read_settings()
        broker_options(settings)  # what is wrong with it is told before anything is registered
        if register:
            self._register()
        clock = Clock(self.simulation.span[0], time.time_ns() // 1_000, speed)
        stop = Stop()
        path = self.ledger
        writer = None if path is None else lambda: LedgerWriter(path)
        try:
            with stop.on_signals():
                progress, unheard = send(self.simulation, settings, clock, mode, writer, watch, stop)
        except BrokerAway as error:
            raise Failure(f"{error}; no ledger was kept") from None
        if stop.asked:
            self.until = progress.at
        return progress, unheard

    def _register(self) -> None:
        from borough.simulate import register_fleet

        settings = read_settings()
        if register_fleet(settings, self.simulation, self.gateway):
            time.sleep(registry_known(settings))

    def _writer(self, stack: ExitStack) -> Any:
        from simulators.ledger import LedgerWriter

        return None if self.ledger is None else stack.enter_context(LedgerWriter(self.ledger))

    def _watch(self, stack: ExitStack) -> Callable[[Any], None]:
        from borough.replay.progress import ProgressLine

        start, end = self.simulation.span
        state = {"at": start}
        line = ProgressLine(lambda: min(1.0, max(0.0, (state["at"] - start) / (end - start))))
        stack.callback(line.end)

        def watch(progress: Any) -> None:
            state["at"] = progress.at
            moment = _EPOCH + timedelta(microseconds=progress.at)
            line.show(progress.messages, f"simulated {moment:%Y-%m-%d %H:%M}")

        return watch

    def _tell(self, done: dict[str, Any], unheard: int) -> None:
        words = ("stored", "duplicate", "rejected", "thinned", "unsent")
        show_table(
            ("family", "devices", "format", *words),
            [
                (family, done["devices"][family], done["formats"][family], *(counts[word] for word in words))
                for family, counts in done["expected"].items()
            ],
        )
        verb = "published" if done["published"] else "made, none published"
        say(
            f"{counted(done['messages'], 'message')} with {counted(done['readings'], 'reading')} {verb} in "
            f"{done['seconds']:.1f} s."
        )
        if unheard:
            say(
                f"{counted(unheard, 'message was', 'messages were')} dropped by the broker: nobody is "
                f"subscribed. Start borough collect first."
            )


def _check(dataset: str, *, json_output: bool) -> int:
    from borough.scoring.fleet_check import show_check
    from simulators.calibrate import DATASETS, check
    from simulators.recordings import RecordingError

    if dataset not in DATASETS:
        raise UsageError(f"--check {dataset!r}; one of {', '.join(DATASETS)}")
    folder = os.environ.get("BOROUGH_RECORDINGS")
    if not folder:
        raise UsageError("--check needs the folder with the recordings in the environment variable BOROUGH_RECORDINGS")
    try:
        report = check(dataset, Path(folder))
    except RecordingError as error:
        raise Failure(str(error)) from None
    show_check(report, as_json=json_output)
    return 0
