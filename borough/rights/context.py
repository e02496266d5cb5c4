"""What an erasure needs, and what it says it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from borough.errors import Failure, SettingsError
from borough.rights.files import Swept
from borough.settings.collector import collector_options, tombstone_key
from borough.settings.settings import Settings, need_database_url, variable
from ingest.options import CollectorOptions
from store.erasures import Item


class Busy(Failure):
    """Another erasure is running."""


@dataclass(frozen=True, slots=True)
class ErasureContext:
    """What an erasure needs. ``folders`` hold ledgers, recordings and exports of homes; ``accounts`` the broker's
    accounts as `borough devices credentials` writes them, None where nobody said where."""

    url: str = field(repr=False)
    key: bytes = field(repr=False)
    log: Path
    zone: ZoneInfo
    options: CollectorOptions = field(repr=False)
    folders: Sequence[Path]
    accounts: Path | None = None

    def not_given(self) -> list[str]:
        """What was not looked through because nobody said where it is, in words."""
        found = []
        if self.options.archive is None:
            found.append(f"an archive ({variable('archive')} is not set)")
        if not self.folders:
            found.append(
                f"ledgers, recordings, exports and letters in folders ({variable('personal_folders')} is not set)"
            )
        if self.accounts is None:
            found.append(f"the broker's accounts and rights ({variable('accounts_folder')} is not set)")
        return found


@dataclass(slots=True)
class Report:
    """What was erased, or would be: rows by table, files by kind. ``mentioned``: files somebody must look at.

    ``pending``: all that is not done yet, ``accounts``: names that were taken out of the broker's files. ``nobody``: no
    erasure is known at all, neither to a log nor to the database.
    """

    tenancies: list[int] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    meters: int = 0
    merged: list[str] = field(default_factory=list)
    mentioned: list[str] = field(default_factory=list)
    swept: Swept = field(default_factory=Swept)
    pending: list[Item] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    nobody: bool = False


def erasure_context(settings: Settings, folders: Sequence[Path] = ()) -> ErasureContext:
    """What an erasure needs by the settings. Raises SettingsError."""
    if settings.tombstone_log is None:
        raise SettingsError(
            f"{variable('tombstone_log')} is not set; give a file outside the database in which erasures are noted"
        )
    return ErasureContext(
        need_database_url(settings),
        tombstone_key(settings),
        settings.tombstone_log,
        settings.time_zone,
        collector_options(settings),
        [*settings.personal_folders, *([] if settings.jobs_folder is None else [settings.jobs_folder]), *folders],
        settings.accounts_folder,
    )


def kinds(items: Sequence[Item]) -> str:
    """What is left in words that name nobody: how many of each kind."""
    words = Counter(KINDS[one.kind] for one in items)
    return "; ".join(f"{what}: {number}" for what, number in sorted(words.items()))


KINDS = {
    "recording": "recordings that are being written",
    "ledger": "ledgers that are being written",
    "archive": "archives that cannot be read",
    "damaged": "files that cannot be read or written",
    "folder": "folders that are not there",
    "file": "files that cannot be removed",
    "look": "files that name it and that somebody must look at",
    "accounts": "accounts of the broker that cannot be written",
}
