"""``borough doctor``: what stands in the way of collecting."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import NamedTuple

import typer

from borough.database import reachable, require_schema
from borough.errors import Failure
from borough.output import Json, show_json, show_table
from borough.settings.addresses import database_place
from borough.settings.collector import collector_options
from borough.settings.settings import Settings, need_database_url, read_settings, unknown_variables, variable
from ingest.errors import OptionsError
from ingest.options import CollectorOptions
from ingest.source import SPEAKS_MQTT5
from ingest.tls import tls_context
from simulators.publisher import Protocol, Publisher, PublishError, Unanswered
from store import migrations
from store.connect import connect
from store.tier import tier

#: How long the broker may take for each step.
_ANSWER_SECONDS = 5.0


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str


def doctor(json_output: Json = False) -> int:
    """Check the settings, the database, its schema, the broker and the letters' fonts. Status 1 if anything is wrong.

    Example: borough doctor
    """
    checks = [*_settings()]
    if checks[0].ok:
        settings = read_settings()
        checks += [
            _attempt("database", lambda: _database(settings)),
            _attempt("broker", lambda: _broker(settings)),
            _attempt("letters", lambda: _letters(settings)),
        ]
    if json_output:
        show_json([check._asdict() for check in checks])
    else:
        show_table(
            ("check", "state", "found"), [(item.name, "ok" if item.ok else "wrong", item.found) for item in checks]
        )
    return 0 if all(check.ok for check in checks) else 1


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("doctor")(doctor)


def _settings() -> list[Check]:
    try:
        options: CollectorOptions = collector_options(read_settings())
    except OptionsError as error:
        return [Check("settings", False, str(error))]
    found = [Check("settings", True, f"{len(options.subscriptions)} subscriptions, source {options.broker.source}")]
    return found + [Check("settings", False, text) for text in unknown_variables()]


def _attempt(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except Failure as error:
        return Check(name, False, str(error))


def _database(settings: Settings) -> str:
    url = need_database_url(settings)
    with reachable(url), connect(url, "borough doctor") as connection:
        require_schema(connection, url)
        return f"{database_place(url)}, revision {migrations.head()}, {tier(connection)}"


def _broker(settings: Settings) -> str:
    """Signs in, under a name of its own: the collector's would take the session from the collector."""
    broker = collector_options(settings).broker
    place = f"{broker.host}:{broker.port}"
    try:
        socket.create_connection((broker.host, broker.port), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise Failure(f"the broker at {place} cannot be reached: {error.strerror or error}") from None
    if broker.transport == "websockets":
        return f"{place} takes connections"
    protocol: Protocol = 5 if broker.source == "mqtt5" else 4
    hint = f"; {SPEAKS_MQTT5}" if protocol == 5 else ""
    try:
        Publisher(
            broker.host,
            broker.port,
            client_id=f"{broker.client_id}-doctor",
            username=broker.username,
            password=broker.password,
            tls=tls_context(broker) if broker.tls else None,
            protocol=protocol,
            timeout=_ANSWER_SECONDS,
        ).close()
    except TimeoutError:
        raise Failure(f"the broker at {place} does not answer when we sign in{hint}") from None
    except PublishError as error:
        raise Failure(f"{error} ({place}){hint if isinstance(error, Unanswered) else ''}") from None
    except OSError as error:
        raise Failure(f"the broker at {place}: {error.strerror or error}") from None
    return f"{place} lets us in, MQTT {'5' if protocol == 5 else '3.1.1'}"


def _letters(settings: Settings) -> str:
    """Whether the names of all can be printed; without Typst no letters are made here, which is as it may be."""
    if find_spec("typst") is None:
        return "none are made here: Typst is not installed"
    from borough.delivery.letters.renderer import Renderer

    missing, packages = Renderer(datetime.now(UTC), settings.letter_fonts).scripts()
    if missing:
        raise Failure(
            f"no font for names in {', '.join(missing)}, so those letters are left to be written by hand: install"
            f" Debian's {' and '.join(packages)}, or name folders in {variable('letter_fonts')}"
        )
    return "there are fonts for names in every script"
