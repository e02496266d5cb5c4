"""``borough doctor``: what stands in the way of collecting."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as paho
import typer
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from borough.commands.devices import registered
from borough.database import reachable, require_schema, require_zone
from borough.errors import Failure, SettingsError
from borough.output import Json, show_json, show_table
from borough.settings.addresses import database_place
from borough.settings.collector import collector_options, tombstone_key
from borough.settings.energy import read_energy
from borough.settings.jobs import half_set
from borough.settings.settings import Settings, need_database_url, read_settings, unknown_variables, variable
from borough.site import site_options
from devices.bank_holidays import known_years
from devices.counts import counted
from ingest.errors import OptionsError
from ingest.options import BrokerOptions
from ingest.source import SPEAKS_MQTT5
from ingest.tls import tls_context
from simulators.publisher import Protocol, Publisher, PublishError, Unanswered
from store import migrations, tombstones
from store.connect import connect
from store.tier import tier
from store.times import local_day

#: How long the broker may take for each step.
_ANSWER_SECONDS = 5.0


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str


def doctor(json_output: Json = False) -> int:
    """Check settings, files, database, broker, sign-in and the letters' fonts. Status 1 if anything is wrong.

    Example: borough doctor
    """
    checks = _checks()
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


def _checks() -> list[Check]:
    """Whatever stops a command from working: one check a kind, each on its own, and no fault told twice."""
    try:
        settings = read_settings()
    except SettingsError as error:
        return [Check("settings", False, str(error))]
    found = [_attempt("settings", lambda: _collecting(settings))]
    found += [Check("settings", False, text) for text in unknown_variables()]
    looks: list[tuple[str, Callable[[], str]]] = [
        ("energy", lambda: _energy(settings)),
        ("site", lambda: _site(settings)),
        ("database", lambda: _database(settings)),
        ("broker", lambda: _broker(settings)),
        ("letters", lambda: _letters(settings)),
        ("bank holidays", lambda: _bank_holidays(local_day(datetime.now(UTC), settings.time_zone))),
    ]
    found += [Check("files", False, text) for text in _absent(settings)]
    if (half := half_set(settings)) is not None:
        found.append(Check("jobs", False, half))
    for name, look in looks:
        check = _attempt(name, look)
        if check.ok or check.found not in {other.found for other in found}:
            found.append(check)
    return found


def _attempt(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (Failure, OptionsError) as error:
        return Check(name, False, str(error))


def _collecting(settings: Settings) -> str:
    options = collector_options(settings)
    return f"{counted(len(options.subscriptions), 'subscription')}, source {options.broker.source}"


def _energy(settings: Settings) -> str:
    read_energy(settings)
    return "our own prices and factors" if settings.energy_file is None else str(settings.energy_file)


def _bank_holidays(today: date) -> str:
    """Whether this year's are known: bays' hours that do not hold on them would be taken for holding."""
    years = known_years()
    if today.year not in years:
        raise Failure(f"bank holidays are known from {years[0]} to {years[-1]} and not of {today.year}; update borough")
    return f"of England and Wales, {years[0]} to {years[-1]}"


def _site(settings: Settings) -> str:
    """What the pages need, sign-in and erasure included."""
    options = site_options(settings)
    signs_in = (
        f"nobody can sign in: {variable('oidc_issuer')} is not set"
        if options.sign_in is None
        else f"sign-in at {options.sign_in.issuer}"
    )
    erases = "" if options.erase is not None else f"; nobody can be erased: {variable('tombstone_log')} is not set"
    return signs_in + erases


def _absent(settings: Settings) -> list[str]:
    """A line for each folder or file of the settings that is not there or cannot be used as it has to be."""
    found = []
    for field, folders in (("personal_folders", settings.personal_folders), ("letter_fonts", settings.letter_fonts)):
        if field in settings.model_fields_set:
            found += [f"{variable(field)}: {folder} is no folder" for folder in folders if not folder.is_dir()]
    if settings.accounts_folder is not None and not settings.accounts_folder.is_dir():
        found.append(f"{variable('accounts_folder')}: {settings.accounts_folder} is no folder")
    # the collector and the first erasure make what is not there yet, if they can
    for field, path in (("archive", settings.archive), ("tombstone_log", settings.tombstone_log)):
        if path is not None and (text := _unusable(path, folder=field == "archive")):
            found.append(f"{variable(field)}: {text}")
    return found


def _unusable(path: Path, *, folder: bool) -> str | None:
    """Why nothing can be written at a path; None where it can be, or be made."""
    if path.exists():
        if path.is_dir() != folder:
            return f"{path} is {'no' if folder else 'a'} folder"
        return None if os.access(path, os.W_OK) else f"{path} cannot be written"
    above = path.parent
    while folder and not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        return f"{above} is no folder"
    return None if os.access(above, os.W_OK) else f"{path} cannot be made in {above}"


def _database(settings: Settings) -> str:
    url = need_database_url(settings)
    with reachable(url), connect(url, "borough doctor") as connection:
        require_schema(connection, url)
        require_zone(connection, settings.time_zone)
        registered(connection)
        key = None if settings.tombstone_key_file is None else tombstone_key(settings)
        try:
            tombstones.load(connection, key)
        except tombstones.WrongKey as error:
            raise Failure(
                f"{variable('tombstone_key_file')}: {error}: a collector stores nothing without it, and the broker"
                " keeps the messages"
            ) from None
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
        _by_websockets(broker, place)
        return f"{place} lets us in by websockets, MQTT 3.1.1"
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


def _by_websockets(broker: BrokerOptions, place: str) -> None:
    """Sign in as the collector's source does that speaks websockets. Raises Failure."""
    answers: list[ReasonCode] = []
    client = paho.Client(
        CallbackAPIVersion.VERSION2, f"{broker.client_id}-doctor", transport="websockets", reconnect_on_failure=False
    )
    client.ws_set_options(broker.path)
    client.connect_timeout = _ANSWER_SECONDS
    client.on_connect = lambda _client, _data, _flags, code, _properties: answers.append(code)
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    try:
        if broker.tls:
            client.tls_set_context(tls_context(broker))
        client.connect(broker.host, broker.port)
        until = time.monotonic() + _ANSWER_SECONDS
        while not answers and (left := until - time.monotonic()) > 0:
            if client.loop(left) != paho.MQTT_ERR_SUCCESS:
                break
    except TimeoutError:
        raise Failure(f"the broker at {place} does not answer when we sign in") from None
    except (OSError, ValueError) as error:
        raise Failure(f"the broker at {place}: {error}") from None
    finally:
        client.disconnect()
    if not answers:
        raise Failure(f"the broker at {place} does not answer when we sign in")
    if answers[0].is_failure:
        raise Failure(f"the broker refuses the connection: {answers[0]} ({place})")


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
