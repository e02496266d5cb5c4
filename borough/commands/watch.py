"""``borough watch``: the rules of alarms, looked at once or as a service."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import psycopg
import typer

from analytics.alarms.rules import BY_KEY
from borough import logs
from borough.database import WrongZone, reachable, require_schema, require_zone
from borough.delivery.alarms import Watcher, WatchOptions
from borough.errors import Failure
from borough.output import Json, say, show_json, show_table
from borough.service import sleep, stopped_by_signal
from borough.settings.addresses import database_place
from borough.settings.alarms import watch_options
from borough.settings.settings import need_database_url, read_settings, unknown_variables
from devices.counts import counted
from store import alarms
from store.connect import Connection, connect

log = logging.getLogger(__name__)

#: A look that takes longer is given up [s]: the next one may find a database that answers.
_STATEMENT, _LOCK = 60.0, 10.0


def watch(
    every: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="As a service: again every so many seconds.")
    ] = None,
    json_output: Json = False,
) -> int:
    """Look whether anything is wrong with the system: families gone silent, floods of rejections, days not computed.

    What begins and ends is told in the log, on the page Alarms, and by the webhook of BOROUGH_ALARM_WEBHOOK_URL. Once,
    it shows the open alarms, with status 1 where there is one. One watches at a time: a second service stands by and
    goes on where the first one ends. Its logs go to standard error; it ends with status 0 on SIGTERM or Ctrl-C.

    Example: borough watch --every 30
    """
    settings = read_settings()
    url = need_database_url(settings)
    options = watch_options(settings)
    if every is not None:
        logs.set_up(settings.log_level)
        for warning in unknown_variables():
            log.warning("%s", warning)
        _serve(url, options, every, stopped_by_signal())
        return 0
    logs.set_up("error" if settings.log_level in ("info", "warning") else settings.log_level)
    with reachable(url), _connection(url, options) as connection:
        if not alarms.lock(connection):
            raise Failure("another borough watch is looking already; its alarms stand on the page Alarms")
        watcher = Watcher(options)
        watcher.look(connection, _now())
        watcher.tell(connection, _now)
        found = alarms.history(connection, is_open=True, limit=1_000)
        waiting = [one for one in alarms.unended(connection) if one.begun_at is None]
    if json_output:
        show_json([{name: value for name, value in one._asdict().items() if name != "notices"} for one in found])
        return 1 if found else 0
    if found:
        show_table(
            ("since", "severity", "rule", "of", "what"),
            [(one.begun_at, one.severity, one.rule, one.subject, one.text) for one in found],
        )
    elif not waiting:
        say("Nothing is wrong.")
    for one in waiting:
        rule = BY_KEY[one.rule]
        lasts = counted(rule.holds // timedelta(minutes=1), "minute")
        say(f"No alarm yet, until it has lasted for {lasts}: {rule.title} ({one.subject}): {one.text}")
    return 1 if found else 0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("watch")(watch)


def _serve(url: str, options: WatchOptions, every: float, stopped: Callable[[], bool]) -> None:
    """Look again and again until told to stop; a database that is away is waited for."""
    watcher = Watcher(options)
    told, standing_by = "", False
    log.info("begins: every %g seconds", every)
    while not stopped():
        try:
            with reachable(url), _connection(url, options) as connection:
                held = False
                while not stopped():
                    held = held or alarms.lock(connection)
                    standing_by = not held
                    if not held:
                        told = _once(told, "another one watches; this one stands by")
                    else:
                        told = _once(told, "watches")
                        watcher.look(connection, _now())
                        watcher.back(connection, _now())
                        watcher.tell(connection, _now)
                    sleep(every, stopped)
        except WrongZone:
            raise  # waiting does not mend a setting
        except (Failure, psycopg.Error) as error:
            text = str(error) if isinstance(error, Failure) else f"{database_place(url)}: {type(error).__name__}"
            if text != told:
                log.error("%s", text)
            told = text
            if not standing_by:  # who stands by leaves it to the one who watched
                watcher.away(text, _now())
            sleep(every, stopped)
    log.info("ended")


def _connection(url: str, options: WatchOptions) -> Connection:
    connection = connect(url, "borough watch", autocommit=True, statement_timeout=_STATEMENT, lock_timeout=_LOCK)
    try:
        require_schema(connection, url)
        require_zone(connection, options.zone)
    except BaseException:
        connection.close()
        raise
    return connection


def _once(told: str, text: str) -> str:
    if text != told:
        log.info("%s", text)
    return text


def _now() -> datetime:
    return datetime.now(UTC)
