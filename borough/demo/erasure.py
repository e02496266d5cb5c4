"""The right to leave, in the demo: its tombstones' key and log stand in its folder."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from borough.rights import erase as erasing
from borough.rights import export as subjects
from borough.rights import for_pages
from borough.rights.context import erasure_context
from borough.settings.collector import tombstone_key
from borough.settings.settings import Settings
from borough.trials import Trials
from devices.device import Device
from store import erasure, erasures, tombstones
from store.connect import Connection
from store.erasures import State
from store.subject import Open


class _DemoSettings(Settings):
    """The settings without the environment: a demo must never reach what is real."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is made with."""
        return (init_settings,)


class Erasure:
    """Erases and exports households of one demo; the fleet's ledgers are gone through too.

    ``context`` are what an erasure needs here; ``borough erase`` with the key and the log of the demo's folder does the
    same, since the database knows of the ledgers.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.key_file = folder / "tombstone.key"
        if not self.key_file.exists():
            self.key_file.touch(mode=0o600)
            self.key_file.write_bytes(secrets.token_bytes(32))
        self._ledgers = folder / "ledger"
        self._ledgers.mkdir(exist_ok=True)
        settings = _DemoSettings(
            database_url=url,
            tombstone_key_file=self.key_file,
            tombstone_log=folder / "tombstones.log",
            personal_folders=[self._ledgers],
        )
        #: rejected messages tried and taken, by what the demo's collector reads with too
        self.trials = Trials(settings)
        self._key = tombstone_key(settings)
        self.context, self._subject = erasure_context(settings), subjects.subject_context(settings)
        #: What demos of earlier versions counted in a file of their own.
        count = folder / "erased.json"
        self._before = int(json.loads(count.read_text())) if count.exists() else 0

    def note(self, connection: Connection) -> None:
        """Let whoever erases in this database know of the ledgers. Raises psycopg.Error."""
        erasure.keep_folder(connection, str(self._ledgers), "ledger")

    def left(self, connection: Connection, devices: Sequence[Device]) -> set[str]:
        """Which of these meters belong to households that have left for good. Raises psycopg.Error."""
        marks = {found.mark for found in tombstones.load(connection, self._key)[0] if found.kind == "meter"}
        return {device.id for device in devices if tombstones.mark(self._key, device.id) in marks}

    def version(self, connection: Connection) -> int:
        """Rises with every household that leaves. Raises psycopg.Error."""
        return tombstones.version(connection)

    def gone(self, connection: Connection) -> int:
        """How many readings were erased since the folder was made, by pages and by commands. Raises psycopg.Error."""
        return self._before + erasures.readings(connection)

    def erase(self, tenancy_id: int) -> State:
        """Erase a tenancy; how far it is. Raises Failure, psycopg.Error, OSError."""
        return for_pages.erase(self.context, tenancy_id)

    def erasure(self, tenancy_id: int) -> State | None:
        """How far the erasure of a tenancy is. Raises psycopg.Error."""
        return erasing.state(self.context, tenancy_id)

    def finish(self) -> None:
        """Go on with what is not done, when no ledger is being written. Raises Failure, psycopg.Error, OSError."""
        erasing.finish(self.context, patience=30.0)

    def subject(self, tenancy_id: int, open_: Open) -> Iterator[bytes]:
        """All that is held about a tenancy. Raises Failure, psycopg.Error."""
        return subjects.subject(self._subject, tenancy_id, open_)
