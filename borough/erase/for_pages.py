"""What the pages may ask for: erase a tenancy, and say all that is held about one. Made from the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from borough.erase import erasing, subjects
from borough.settings import Settings
from store.subject import Open


class ForPages(NamedTuple):
    """``erase(tenancy_id)``; None where the settings name no key and log for tombstones. ``subject(tenancy_id,
    open)``: JSON in pieces.

    Both raise borough.errors.Failure where there is no such tenancy; psycopg.Error, OSError.
    """

    erase: Callable[[int], None] | None
    subject: Callable[[int, Open], Iterator[bytes]]


def for_pages(settings: Settings) -> ForPages:
    """The two by the settings. Raises SettingsError."""
    subject_means = subjects.means(settings)

    def subject(tenancy_id: int, open_: Open) -> Iterator[bytes]:
        return subjects.subject(subject_means, tenancy_id, open_)

    if settings.tombstone_key_file is None and settings.tombstone_log is None:
        return ForPages(None, subject)
    erase_means = erasing.means(settings)

    def erase(tenancy_id: int) -> None:
        erasing.erase(erase_means, tenancy_id)

    return ForPages(erase, subject)
