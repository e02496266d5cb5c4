"""All looks in their order, each on its own, and no fault told twice."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from borough.database import reachable
from borough.doctor import backups, disk, retention
from borough.doctor import broker as brokers
from borough.doctor import settings as by_settings
from borough.doctor.broker_file import acl_files, broker_file, rights
from borough.doctor.database import database
from borough.doctor.finding import Finding, ill
from borough.doctor.mail import mail
from borough.doctor.mosquitto import Unreadable
from borough.doctor.probe import Broker
from borough.errors import Failure, SettingsError
from borough.settings.settings import Settings, need_database_url, read_settings
from devices.device import Device
from ingest.errors import OptionsError
from store import registry
from store.connect import connect


def examine(configuration: Path | None = None, acl: Path | None = None) -> list[Finding]:
    """Everything that has to be right here. ``configuration`` is a file of Mosquitto, ``acl`` one that is to come."""
    try:
        settings = read_settings()
    except SettingsError as error:
        return [ill("settings", str(error))]
    now = datetime.now(UTC)
    met, seen = _broker(settings)
    found = [*by_settings.of_collector(settings), *by_settings.of_pages(settings)]
    found += database(settings, None if seen is None else brokers.waiting(seen))
    found += met
    found += _broker_files(settings, configuration, acl, None if seen is None else seen.version)
    found += by_settings.of_letters(settings)
    found += mail(settings)
    found += by_settings.files(settings)
    found += retention.contradictions(settings)
    found += disk.of_folders(settings, now)
    found += backups.backups(settings, now)
    return _once(found)


def _broker(settings: Settings) -> tuple[list[Finding], Broker | None]:
    try:
        return brokers.broker(settings)
    except (Failure, OptionsError) as error:
        return [ill("broker", str(error))], None


def _broker_files(
    settings: Settings, configuration: Path | None, acl: Path | None, version: str | None
) -> Iterable[Finding]:
    """The broker's configuration, and the collector's rights by each ACL file: those in place, and one to come."""
    found: list[Finding] = []
    paths = [] if acl is None else [acl]
    try:
        if configuration is not None:
            found += broker_file(configuration, settings, version)
            if not any(item.code == "broker-file" for item in found):
                for path in acl_files(configuration):
                    if os.access(path, os.R_OK):
                        paths.append(path)
                    elif acl is None:
                        found.append(ill("broker-file-unseen", f"acl_file {path} is not seen from here"))
        devices = _devices(settings) if paths else []
        for path in dict.fromkeys(paths):
            found += rights(path, settings, devices)
    except OptionsError:
        pass  # the settings' own finding says it
    except Unreadable as error:
        found.append(ill("broker-file", str(error)))
    return found


def _devices(settings: Settings) -> list[Device]:
    """The registered devices, for the topics of those with names of several levels; none where they cannot be had."""
    try:
        url = need_database_url(settings)
        with reachable(url), connect(url, "borough doctor") as connection:
            return list(registry.load(connection)[0])
    except (Failure, ValueError, psycopg.Error):
        return []  # the database's own finding says it


def _once(found: Iterable[Finding]) -> list[Finding]:
    """Without findings that say in the same words what another one has said."""
    kept: list[Finding] = []
    for item in found:
        if item.found not in {other.found for other in kept}:
            kept.append(item)
    return kept
