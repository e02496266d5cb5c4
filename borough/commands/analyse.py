"""``borough analyse``: the records of parking and air, daily use, neighbours, comparisons, and what is usual in homes;
once or as a service."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer

from analytics.periods import FINAL_AFTER
from borough import logs
from borough.commands.analyse_movement import movement
from borough.database import WrongZone, reachable, require_schema, require_zone
from borough.errors import AtWork, Failure, UsageError
from borough.output import Json, say, show_json
from borough.service import sleep, stopped_by_signal
from borough.settings.addresses import database_place
from borough.settings.energy import read_energy
from borough.settings.settings import Settings, need_database_url, read_settings, unknown_variables
from devices.counts import counted
from store.connect import Connection, connect
from store.session_lock import Busy
from store.times import local_day

if TYPE_CHECKING:
    from analytics.air.runner import AirSummary
    from analytics.movement.runner import MovementSummary
    from analytics.neighbours.period_comparison import HomesOptions
    from analytics.neighbours.runner import RunSummary
    from analytics.parking.days import ParkingOptions
    from analytics.parking.runner import ParkingSummary

log = logging.getLogger(__name__)

#: So many meters are named on a line.
_NAMED = 20


def analyse(
    context: typer.Context,
    watch: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="As a service: again every so many seconds.")
    ] = None,
    change_zone: Annotated[
        bool, typer.Option("--change-zone", help="Compute all stored days again, in the time zone of the settings.")
    ] = False,
    json_output: Json = False,
) -> int:
    """Compute what changed: parking, air, daily use of homes, their neighbours, comparisons of periods that are over.

    A period that ended over seven days ago is published and settled at once: readings of it that come later change
    nothing any more. Load a history whole before, or run --watch, which waits until its readings have stopped coming.

    Interrupted at any moment, the next one goes on with it; run again, it changes nothing. One runs at a time. As a
    service it ends with status 0 on SIGTERM or Ctrl-C, between two periods; its logs go to standard error.

    Stored days keep their time zone; settings with another one are refused, unless --change-zone says that it is meant.
    What was published stays as it was told.

    Example: borough analyse --watch 60
    """
    if context.invoked_subcommand:
        return 0
    if change_zone and watch is not None:
        raise UsageError("--change-zone is done once: say it without --watch, while no other analysis runs")
    settings = read_settings()
    options = homes_options(settings, patient=watch is not None)
    url = need_database_url(settings)
    if watch is None:
        summary, parking, air, movement = _once(url, settings, options, change_zone=change_zone)
    else:
        logs.set_up(settings.log_level)
        for warning in unknown_variables():
            log.warning("%s", warning)
        summary, parking, air, movement = _watch(url, settings, options, watch)
    if json_output or watch is None:
        _tell(summary, parking, air, movement, json_output=json_output)
    return 0


def once(settings: Settings, options: HomesOptions, *, json_output: bool) -> None:
    """One run with these options, and what it did. Raises SettingsError, Failure."""
    done = _once(need_database_url(settings), settings, options, change_zone=False)
    _tell(*done, json_output=json_output)


def _tell(
    summary: RunSummary, parking: ParkingSummary, air: AirSummary, movement: MovementSummary, *, json_output: bool
) -> None:
    """What a run did, on standard output."""
    if json_output:
        records = {"parking": parking_document(parking), "air": air_document(air), "movement": asdict(movement)}
        show_json({**document(summary), **records})
        return
    told = (*parking_sentences(parking), *air_sentences(air), *movement_sentences(movement), *sentences(summary))
    for line in told:
        say(line)
    if summary.beyond_supply:
        say(f"{_beyond(summary)}: {_named(summary.beyond_supply)}")
        say("If that is right, say so: the attribute supply [kW] of the device in your devices file.")
    if summary.falling:
        say(f"{_falling(summary)}: {_named(summary.falling)}")
        say("Such a register counts backwards while a home exports, or is broken; import and export need one each.")


def homes_options(settings: Settings, *, patient: bool = False) -> HomesOptions:
    """How homes are compared by the settings. Raises SettingsError."""
    from analytics.neighbours.period_comparison import HomesOptions

    return HomesOptions(
        zone=settings.time_zone,
        energy=read_energy(settings),
        vacant_watt_hours=settings.vacant_watt_hours,
        coverage=settings.coverage,
        patient=patient,
    )


def parking_options(settings: Settings, now: datetime) -> ParkingOptions:
    """How the record of parking is kept by the settings, at an instant."""
    from analytics.parking.days import ParkingOptions
    from devices.bank_holidays import bank_holidays

    kept = settings.retention_parking_bay
    # of the day on which readings were last deleted some may be gone
    floor = None if kept is None else local_day(now - timedelta(days=kept - 1), settings.time_zone)
    return ParkingOptions(
        zone=settings.time_zone,
        grace=settings.parking_grace * 60_000_000,
        silence=settings.parking_silence * 3_600_000_000,
        floor=floor,
        bank_holidays=bank_holidays().keys(),
    )


def parking_document(summary: ParkingSummary) -> dict[str, Any]:
    """What a run did to the record of parking, for programs."""
    recorded = summary.recorded_to
    return {
        "days": summary.days,
        "stays": summary.stays,
        "zones": summary.zones,
        "recorded_to": None if recorded is None else recorded.isoformat(),
    }


def parking_sentences(summary: ParkingSummary) -> list[str]:
    """What a run did to the record of parking, for people; nothing where there is no record."""
    if summary.recorded_to is None:
        return []
    changed = f"{counted(summary.days, 'day')} of bays, {counted(summary.stays, 'stay')}"
    changed += f", {counted(summary.zones, 'day')} of zones"
    return [f"Parking is recorded to {summary.recorded_to:%Y-%m-%d %H:%M:%S} UTC. Changed: {changed}."]


def air_document(summary: AirSummary) -> dict[str, Any]:
    """What a run did to the record of air, for programs."""
    recorded = summary.recorded_to
    return {
        "days": summary.days,
        "indices": summary.indices,
        "recorded_to": None if recorded is None else recorded.isoformat(),
    }


def air_sentences(summary: AirSummary) -> list[str]:
    """What a run did to the record of air, for people; nothing where there is no record."""
    if summary.recorded_to is None:
        return []
    changed = f"{counted(summary.days, 'day')} of pollutants"
    changed += f", {counted(summary.indices, 'daily index', 'daily indices')}"
    return [f"Air is recorded to {summary.recorded_to:%Y-%m-%d %H:%M:%S} UTC. Changed: {changed}."]


def movement_sentences(summary: MovementSummary) -> list[str]:
    """What a run learnt of movement in homes, for people; nothing where it learnt nothing."""
    if not summary.homes:
        return []
    few = f"; of {counted(summary.learning, 'home')} too little is known yet" if summary.learning else ""
    return [f"What is usual was learnt in {counted(summary.homes, 'home')}{few}."]


def document(summary: RunSummary) -> dict[str, Any]:
    """What a run did, for programs."""
    # ``settled`` is the word of our contract
    found = {"settled" if name == "finalised" else name: value for name, value in asdict(summary).items()}
    for name in ("published", "settled"):
        found[name] = [{"kind": kind, "from": first.isoformat(), "fuel": fuel} for kind, first, fuel in found[name]]
    found["cells"] = [quarter.isoformat() for quarter in summary.cells]
    at_once = [item for item in found["settled"] if item in found["published"]]
    return {**found, "settled_at_once": at_once, "compared": summary.compared}


def sentences(summary: RunSummary) -> list[str]:
    """What a run did, for people."""
    cells = ", ".join(quarter.isoformat() for quarter in summary.cells) or "none"
    at_once = len({*summary.published} & {*summary.finalised})
    final = (
        f"Settled at once and for ever, because they ended over {FINAL_AFTER.days} days ago: {at_once:,} of the "
        "periods published. Readings of them that come from now on are listed as late and change no figure."
    )
    return [
        f"Days of homes that changed: {summary.days:,}. Quarters that got their cells: {cells}.",
        f"Periods published: {len(summary.published):,}, with {counted(summary.rows, 'comparison')}.",
        f"Periods settled: {len(summary.finalised):,}, which revised {counted(summary.revised, 'comparison')}.",
        *([final] if at_once else []),
        f"Periods that are over and wait for their last days: {summary.waiting:,}.",
        f"Came too late for a settled period: {summary.late:,}.",
    ]


def _beyond(summary: RunSummary) -> str:
    count = len(summary.beyond_supply)
    meters = "1 meter says" if count == 1 else f"{count:,} meters say"
    return f"{meters} more than the supply carries, and these hours were left out"


def _falling(summary: RunSummary) -> str:
    count = len(summary.falling)
    meters = "1 meter has" if count == 1 else f"{count:,} meters have"
    return f"{meters} a register that fell more than once in a day, and these days have no figure"


def _named(meters: Sequence[str]) -> str:
    return ", ".join(meters[:_NAMED]) + (", …" if len(meters) > _NAMED else "")


def register(app: typer.Typer) -> None:
    """Add the command, and the scores below it, to the command line."""
    own = typer.Typer()
    own.callback(invoke_without_command=True)(analyse)
    own.command("movement")(movement)
    app.add_typer(own, name="analyse")


def _once(
    url: str, settings: Settings, options: HomesOptions, *, change_zone: bool
) -> tuple[RunSummary, ParkingSummary, AirSummary, MovementSummary]:
    with reachable(url), connect(url, "borough analyse") as connection:
        require_schema(connection, url)
        if not change_zone:
            require_zone(connection, options.zone)
        try:
            done = _run(connection, settings, options, set(), lambda: False, change_zone=change_zone)
            return (*done, _movement(connection, options, lambda: False))
        except Busy as error:
            raise AtWork(f"{error}; wait until it has ended") from None


def _run(
    connection: Connection,
    settings: Settings,
    options: HomesOptions,
    hidden: set[date],
    stopped: Callable[[], bool],
    *,
    change_zone: bool = False,
) -> tuple[RunSummary, ParkingSummary, AirSummary]:
    """All runners, those first whose pages are of now; another zone is taken by the homes' one."""
    from analytics.air import runner as monitors
    from analytics.neighbours import runner as homes
    from analytics.parking import runner as bays

    now = datetime.now(UTC)
    given = parking_options(settings, now)
    if change_zone:
        summary = homes.run(connection, options, now, hidden, stopped, change_zone=True)
        return summary, bays.run(connection, given, stopped), monitors.run(connection, options.zone, stopped)
    parking = bays.run(connection, given, stopped)
    air = monitors.run(connection, options.zone, stopped)
    return homes.run(connection, options, now, hidden, stopped), parking, air


def _movement(connection: Connection, options: HomesOptions, stopped: Callable[[], bool]) -> MovementSummary:
    from analytics.movement import runner
    from devices.bank_holidays import bank_holidays

    return runner.run(connection, options.zone, bank_holidays().keys(), datetime.now(UTC), stopped)


def _watch(
    url: str, settings: Settings, options: HomesOptions, seconds: float
) -> tuple[RunSummary, ParkingSummary, AirSummary, MovementSummary]:
    """Run again and again until a signal; a database that is away is waited for."""
    from analytics.air.runner import AirSummary
    from analytics.movement.runner import MovementSummary
    from analytics.neighbours.runner import RunSummary
    from analytics.parking.runner import ParkingSummary

    stopped = stopped_by_signal()
    total, parked, aired, learnt = RunSummary(), ParkingSummary(), AirSummary(), MovementSummary()
    hidden: set[date] = set()
    log.info("begins: every %g seconds, days of %s", seconds, options.zone.key)
    while not stopped():
        try:
            with reachable(url), connect(url, "borough analyse") as connection:
                require_schema(connection, url)
                require_zone(connection, options.zone)
                summary, parking, air = _run(connection, settings, options, hidden, stopped)
                movement = _movement(connection, options, stopped)
        except Busy as error:
            log.info("%s", error)
        except WrongZone:
            raise  # waiting does not mend a setting
        except (Failure, psycopg.Error) as error:
            log.warning("%s", error if isinstance(error, Failure) else f"{database_place(url)}: {type(error).__name__}")
            hidden.clear()
        else:
            total.add(summary)
            parked.add(parking)
            aired.add(air)
            learnt.add(movement)
            if movement.homes:
                log.info("%s", " ".join(movement_sentences(movement)))
            if parking.days or parking.stays:
                log.info("%s", " ".join(parking_sentences(parking)))
            if air.days:
                log.info("%s", " ".join(air_sentences(air)))
            if summary.days or summary.compared or summary.late:
                log.info("%s", " ".join(sentences(summary)))
            if summary.beyond_supply:
                # without their ids: each is a household's
                log.warning("%s; --json names them at the end", _beyond(summary))
            if summary.falling:
                log.warning("%s; --json names them at the end", _falling(summary))
        sleep(seconds, stopped)
    log.info("ended")
    return total, parked, aired, learnt
