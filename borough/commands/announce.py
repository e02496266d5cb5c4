"""``borough announce``: subscribers at the broker are told of observations as they are stored."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import psycopg
import typer

from borough import logs
from borough.database import reachable, require_schema
from borough.errors import Failure, SettingsError, UsageError
from borough.output import Json, say, show_json
from borough.publishing.observations import AnnounceOptions, Announcer
from borough.service import sleep, stopped_by_signal
from borough.settings.addresses import database_place
from borough.settings.collector import broker_options
from borough.settings.settings import Settings, need_database_url, read_settings, unknown_variables, variable
from devices.counts import counted
from store import observation_queue
from store.connect import Connection, connect
from store.session_lock import given_back
from store.sta_entities import VERSIONS, Version

log = logging.getLogger(__name__)

#: A statement that takes longer is given up [s].
_STATEMENT, _LOCK = 60.0, 10.0
#: After a fault of the database or the broker, and between two looks whether another publisher has ended [s].
_PAUSE = 2.0


def announce(
    every: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="As a service: look for new readings every so many seconds."),
    ] = None,
    versions: Annotated[
        str,
        typer.Option("--versions", metavar="LIST", help="Versions of SensorThings whose topics are served."),
    ] = ",".join(VERSIONS),
    end: Annotated[
        bool, typer.Option("--end", help="Queue nothing any more, and forget what is queued; publishes nothing.")
    ] = False,
    alive: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="As a service: touch this file while all goes on, for a health check."),
    ] = None,
    json_output: Json = False,
) -> int:
    """Tell subscribers at the broker of open observations, by SensorThings' topics v1.1/Observations and the like.

    From its first run on, what is stored or changed is queued with its transaction and published once the broker can
    be reached: at least once, in the order of each Datastream, nothing of a household. Without --every it publishes
    what is queued, with status 1 where the broker does not take it. Of several services one publishes and the others
    wait. Where nothing was told for a week, nothing more is queued. A service ends with status 0 on SIGTERM.

    Example: borough announce --every 1
    """
    if alive is not None and every is None:
        raise UsageError("--alive is of a service: give --every too")
    if end and every is not None:
        raise UsageError("--end publishes nothing: leave --every out")
    settings = read_settings()
    url = need_database_url(settings)
    logs.set_up(settings.log_level if every is not None else "error")
    if end:
        _end(url, json_output=json_output)
        return 0
    options = _options(settings, _versions(versions))
    if every is not None:
        for warning in unknown_variables():
            log.warning("%s", warning)
        _serve(url, options, every, alive)
        return 0
    with reachable(url), _connection(url) as connection, given_back(connection):
        if not observation_queue.lock(connection):
            raise Failure("another borough announce is at work; it publishes what is queued")
        announcer = Announcer(options)
        announcer.since = observation_queue.begin(connection)
        try:
            while announcer.turn(connection):
                pass
        finally:
            announcer.close()
        waiting, ended = observation_queue.waiting(connection), _ended(connection)
    done, since = announcer.done, announcer.since
    if json_output:
        told = {"since": since, "told": done.told, "messages": done.messages, "passed": done.passed, "waiting": waiting}
        show_json({**told, "ended": ended})
    elif ended:
        say("Nothing was told for a week: queued is only what is stored first from now on, until that could be told.")
    else:
        say(
            f"{counted(done.told, 'observation')} told in {counted(done.messages, 'message')};"
            f" queued are those stored since {since:%Y-%m-%d %H:%M:%S} UTC."
        )
    return 0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("announce")(announce)


def _versions(text: str) -> tuple[Version, ...]:
    asked = [part.strip() for part in text.split(",")]
    unknown = [part for part in asked if part not in VERSIONS]
    if unknown or len(set(asked)) < len(asked):
        raise UsageError(f"--versions {text!r}: give one or both of {', '.join(VERSIONS)}, with a comma between them")
    return tuple(cast("Version", part) for part in asked)


def _options(settings: Settings, versions: tuple[Version, ...]) -> AnnounceOptions:
    if settings.web_url is None:
        raise SettingsError(
            f"{variable('web_url')} is not set: observations name the site's public address, such as"
            " https://sensors.council.example"
        )
    broker = broker_options(settings)
    if broker.transport != "tcp":
        raise SettingsError(f"{variable('mqtt_url')}: borough announce speaks mqtt:// and mqtts://, no websockets")
    return AnnounceOptions(
        broker=broker,
        origin="real" if settings.installation == "production" else "simulated",
        site=settings.web_url,
        versions=versions,
    )


def _end(url: str, *, json_output: bool) -> None:
    with reachable(url), _connection(url) as connection, given_back(connection):
        if not observation_queue.lock(connection):
            raise Failure("another borough announce is at work; end it first")
        forgotten = observation_queue.end(connection)
    if json_output:
        show_json({"forgotten": forgotten})
    else:
        say(f"Nothing is queued any more; {counted(forgotten, 'observation')} will be told to nobody.")


def _serve(url: str, options: AnnounceOptions, every: float, alive: Path | None) -> None:
    stopped = stopped_by_signal()
    announcer = Announcer(options)
    log.info("begins: looks for new readings every %g seconds", every)
    told = begun = ""
    try:
        while not stopped():
            try:
                with reachable(url), _connection(url) as connection, given_back(connection):
                    announcer.since, what = _wait_for_turn(connection, stopped)
                    if what not in ("", begun):  # not at each try while the broker is away
                        log.info("%s", what)
                        begun = what
                    while not stopped():
                        full = announcer.turn(connection)
                        if told:
                            log.info("goes on")
                            told = ""
                        _touch(alive)
                        if not full:
                            sleep(every, stopped)
            except (Failure, psycopg.Error) as error:
                text = str(error) if isinstance(error, Failure) else f"{database_place(url)}: {type(error).__name__}"
                if text != told:
                    log.error("%s", text)
                told = text
                sleep(_PAUSE, stopped)
    finally:
        announcer.close()
    done = announcer.done
    log.info("ended: %d observations told in %d messages", done.told, done.messages)


def _wait_for_turn(connection: Connection, stopped: Callable[[], bool]) -> tuple[datetime | None, str]:
    """Until this is the publisher; then whatever is stored is queued: since when, and what is to be said of it.

    None: it is to end.
    """
    waits = False
    while not stopped() and not observation_queue.lock(connection):
        if not waits:
            log.info("another borough announce is at work; this one waits")
            waits = True
        sleep(_PAUSE, stopped)
    if stopped():
        return None, ""
    since = observation_queue.begin(connection)
    if _ended(connection):
        return since, "nothing was told for a week: publishes only what is stored first, until that could be told"
    return since, f"publishes what is stored since {since.isoformat()}"


def _ended(connection: Connection) -> bool:
    found = observation_queue.publisher(connection, 0)
    return found is not None and found.ended


def _touch(alive: Path | None) -> None:
    if alive is not None:
        try:
            alive.touch()
        except OSError as error:
            raise Failure(f"--alive {alive}: {error.strerror}") from None


def _connection(url: str) -> Connection:
    connection = connect(url, "borough announce", autocommit=True, statement_timeout=_STATEMENT, lock_timeout=_LOCK)
    try:
        require_schema(connection, url)
    except BaseException:
        connection.close()
        raise
    return connection
