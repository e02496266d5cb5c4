"""What the pages may ask for by the settings: erase a tenancy, how far that is, and all that is held about one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import psycopg

from borough.errors import Failure
from borough.rights import erase as erasing
from borough.rights import export as subjects
from borough.rights.context import ErasureContext, erasure_context, kinds
from borough.settings.settings import Settings
from store.erasures import State
from store.subject import Open

log = logging.getLogger(__name__)

#: How long a page waits for an erasure to end [s]; what takes longer goes on, and the page says so.
PATIENCE = 20.0


class ForPages(NamedTuple):
    """``erase(tenancy_id)`` and ``erasure(tenancy_id)`` say how far it is; None where the settings name no key and log
    for tombstones, like ``erasure_context``. ``subject(tenancy_id, open)``: JSON in pieces.

    They raise borough.errors.Failure where there is no such tenancy; psycopg.Error, OSError.
    """

    erase: Callable[[int], State] | None
    erasure: Callable[[int], State | None] | None
    subject: Callable[[int, Open], Iterator[bytes]]
    context: ErasureContext | None = None


def for_pages(settings: Settings) -> ForPages:
    """All by the settings. Raises SettingsError."""
    subject_context = subjects.subject_context(settings)

    def subject(tenancy_id: int, open_: Open) -> Iterator[bytes]:
        return subjects.subject(subject_context, tenancy_id, open_)

    if settings.tombstone_key_file is None and settings.tombstone_log is None:
        return ForPages(None, None, subject)
    context = erasure_context(settings)
    return ForPages(
        lambda tenancy_id: erase(context, tenancy_id),
        lambda tenancy_id: erasing.state(context, tenancy_id),
        subject,
        context,
    )


def erase(context: ErasureContext, tenancy_id: int, patience: float = PATIENCE) -> State:
    """Erase a tenancy; how far it is when it is done, or after ``patience`` [s], and then it goes on by itself.

    What cannot be done now is done by `borough.rights.finishing.Finisher`, also after a restart. Raises Failure where
    there is no such tenancy, or the first step fails; psycopg.Error, OSError.
    """
    found = erasing.ask(context, tenancy_id)
    if found.done is not None:
        return found
    failed: list[Exception] = []

    def run() -> None:
        try:
            erasing.finish(context, patience)
        except (Failure, OSError, psycopg.Error) as error:  # told to whoever waits; the next try meets it again
            failed.append(error)
            log.warning("an erasure could not go on: %s", type(error).__name__)

    thread = threading.Thread(target=run, name="erasure", daemon=True)
    thread.start()
    thread.join(patience)
    if failed:
        raise failed[0]
    found = erasing.ask_state(context, tenancy_id)
    log.info("an erasure is %s", "done" if found.done else f"pending ({kinds(found.items) or 'it goes on'})")
    return found
