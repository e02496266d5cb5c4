"""The right to leave, in the demo: its tombstones' key and log stand in its folder, with how much was erased."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from borough.erase import erasing, subjects
from borough.settings import Settings, tombstone_key
from devices.device import Device
from store import tombstones
from store.connect import Connection
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
    """Erases and exports households of one demo. ``gone``: readings erased since its folder was made.

    The fleet's ledgers are left alone: they say what a simulator sent, and one of them is being written.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.key_file = folder / "tombstone.key"
        if not self.key_file.exists():
            self.key_file.touch(mode=0o600)
            self.key_file.write_bytes(secrets.token_bytes(32))
        self._count = folder / "erased.json"
        self.gone = int(json.loads(self._count.read_text())) if self._count.exists() else 0
        settings = _DemoSettings(
            database_url=url, tombstone_key_file=self.key_file, tombstone_log=folder / "tombstones.log"
        )
        self._key = tombstone_key(settings)
        self._erase, self._subject = erasing.means(settings), subjects.means(settings)

    def left(self, connection: Connection, devices: Sequence[Device]) -> set[str]:
        """Which of these meters belong to households that have left for good. Raises psycopg.Error."""
        marks = {found.mark for found in tombstones.load(connection, self._key)[0] if found.kind == "meter"}
        return {device.id for device in devices if tombstones.mark(self._key, device.id) in marks}

    def erase(self, tenancy_id: int) -> None:
        """Erase a tenancy. Raises Failure, psycopg.Error, OSError."""
        report = erasing.erase(self._erase, tenancy_id)
        self.gone += report.rows["public.reading"]
        self._count.write_text(json.dumps(self.gone))

    def subject(self, tenancy_id: int, open_: Open) -> Iterator[bytes]:
        """All that is held about a tenancy. Raises Failure, psycopg.Error."""
        return subjects.subject(self._subject, tenancy_id, open_)
