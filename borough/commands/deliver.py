"""``borough deliver``: what gives cause for messages is looked at, and what stands in the outbox is handed over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from borough import logs
from borough.database import WrongZone, reachable, require_schema, require_zone
from borough.delivery import outbox
from borough.delivery.outbox import DeliverOptions, Worker
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json
from borough.service import sleep, stopped_by_signal
from borough.settings.addresses import database_place
from borough.settings.delivery import deliver_options
from borough.settings.settings import need_database_url, read_settings, unknown_variables, variable
from devices.counts import counted
from store import outbox_work
from store.connect import Connection, connect
from store.session_lock import given_back

log = logging.getLogger(__name__)

#: A statement that takes longer is given up [s].
_STATEMENT, _LOCK = 60.0, 10.0
#: Where nothing is due it is asked again so soon [s]: a code to sign in is waited for.
_SOON = 1.0
#: After a fault of the database [s].
_PAUSE = 2.0


def deliver(
    every: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            help="As a service: look for cause every so many seconds; the outbox is looked at every second.",
        ),
    ] = None,
    alive: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="As a service: touch this file while all goes on, for a health check."),
    ] = None,
    json_output: Json = False,
) -> int:
    """Hand messages to people over: alerts, notes and codes by e-mail through the relay of BOROUGH_SMTP_URL.

    Looks whether anything gives cause for a message, then hands over what is due. Once, it shows what it did, with
    status 1 where something failed. Several may run at once. Its logs name no address; as a service it ends with
    status 0 on SIGTERM or Ctrl-C, with the e-mail that it is handing over.

    Example: borough deliver --every 60
    """
    if alive is not None and every is None:
        raise UsageError("--alive is of a service: give --every too")
    settings = read_settings()
    url = need_database_url(settings)
    options = deliver_options(settings)
    logs.set_up(settings.log_level if every is not None else "error")
    if every is not None:
        for warning in unknown_variables():
            log.warning("%s", warning)
        _serve(url, options, every, alive)
        return 0
    worker = Worker(options)
    with reachable(url), _connection(url, options) as connection, given_back(connection):
        failed = []
        if outbox_work.alone_with_triggers(connection):
            failed = outbox.look(connection, options.triggers, _now())
        try:
            while worker.turn(connection, lambda: False):
                pass
        finally:
            worker.close()
    done = dict(worker.done)
    if json_output:
        show_json({"done": done, "triggers_failed": failed, "relay": worker.problem or None})
    else:
        say(f"{counted(done.get('sent', 0), 'e-mail')} handed over of {counted(done.get('looked', 0), 'message')} due.")
        for word, told in (("again", "are tried again"), ("failed", "failed"), ("perhaps", "were perhaps sent")):
            if count := done.get(word):
                say(f"{counted(count, 'message')}: {told}; see: borough outbox list")
        if options.mail is None:
            say(f"No relay is set ({variable('smtp_url')}): e-mails wait.")
        if worker.problem:
            say(f"The relay: {worker.problem}; e-mails wait.")
        for name in failed:
            say(f"Looking for cause failed: {name}; the log says why")
    return 1 if failed or worker.problem or done.get("failed") or done.get("perhaps") else 0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("deliver")(deliver)


def _serve(url: str, options: DeliverOptions, every: float, alive: Path | None) -> None:
    """Two threads: one looks for cause, this one hands over, so that no code waits until all is looked at."""
    stop = threading.Event()
    stopped_by_signal(stop.set)
    if options.mail is None:
        log.warning("no relay is set (%s): e-mails wait", variable("smtp_url"))
    log.info("begins: looks for cause every %g seconds", every)
    looker = threading.Thread(target=_look, args=(url, options, every, stop), name="triggers")
    looker.start()
    worker = Worker(options)

    def tell() -> None:
        """Say that it lives: asked before each e-mail, so that many slow ones are no standstill."""
        if alive is not None and looker.is_alive():
            try:
                alive.touch()
            except OSError as error:
                raise Failure(f"--alive {alive}: {error.strerror}") from None

    try:
        _again(url, options, stop, lambda connection: _hand_over(connection, worker, stop, tell))
    finally:
        stop.set()
        worker.close()
        looker.join()
    log.info("ended: %s", ", ".join(f"{word} {count}" for word, count in sorted(worker.done.items())) or "did nothing")


def _hand_over(connection: Connection, worker: Worker, stop: threading.Event, tell: Callable[[], None]) -> None:
    def stopped() -> bool:
        tell()
        return stop.is_set()

    while not stopped():
        if not worker.turn(connection, stopped):
            sleep(_SOON, stop.is_set)


def _look(url: str, options: DeliverOptions, every: float, stop: threading.Event) -> None:
    def looking(connection: Connection) -> None:
        held = False
        while not stop.is_set():
            held = held or outbox_work.alone_with_triggers(connection)
            if held:
                outbox.look(connection, options.triggers, _now())
            sleep(every, stop.is_set)

    try:
        _again(url, options, stop, looking)
    except WrongZone:
        pass  # the other thread ends with the same words


def _again(url: str, options: DeliverOptions, stop: threading.Event, work: Callable[[Connection], None]) -> None:
    """Work with a connection until told to stop; a database that is away is waited for."""
    told = ""
    while not stop.is_set():
        try:
            with reachable(url), _connection(url, options) as connection:
                if told:
                    log.info("the database is there")
                told = ""
                work(connection)
        except WrongZone:
            raise  # waiting does not mend a setting
        except (Failure, psycopg.Error) as error:
            text = str(error) if isinstance(error, Failure) else f"{database_place(url)}: {type(error).__name__}"
            if text != told:
                log.error("%s", text)
            told = text
            sleep(_PAUSE, stop.is_set)


def _connection(url: str, options: DeliverOptions) -> Connection:
    connection = connect(url, "borough deliver", autocommit=True, statement_timeout=_STATEMENT, lock_timeout=_LOCK)
    try:
        require_schema(connection, url)
        require_zone(connection, options.rules.zone)
    except BaseException:
        connection.close()
        raise
    return connection


def _now() -> datetime:
    return datetime.now(UTC)
