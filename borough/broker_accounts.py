"""The folder with the broker's accounts: read, replaced file by file, and cleared of devices that were erased."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from borough.settings.collector import formats, subscriptions
from borough.settings.settings import Settings
from devices import credentials
from devices.device import Device

#: The three files, in the order of writing: a secret that a device may already have is never lost.
SECRETS, PASSWORDS, ACL = "secrets.csv", "passwords", "acl"

#: What Mosquitto tells of itself and the collector's account may read: its version, what it threw away, and what it
#: holds, of which the retained messages wait for nobody.
VERSION = "$SYS/broker/version"
DROPPED = "$SYS/broker/publish/messages/dropped"
STORED = "$SYS/broker/store/messages/count"
RETAINED = "$SYS/broker/retained messages/count"
TOLD = (DROPPED, STORED, RETAINED, VERSION)


def read(path: Path) -> str:
    """A file's text; empty where there is none. Raises OSError, UnicodeDecodeError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def filters(settings: Settings, devices: Iterable[Device]) -> list[str]:
    """What a collector with these settings subscribes, further filters for names of several levels included.

    Raises OptionsError.
    """
    from ingest.device_names import further_filters  # slow to import

    subscribed = subscriptions(settings)
    further = further_filters(subscribed, formats(settings), devices)
    return [*(item.filter for item in subscribed), *(topic_filter for topic_filter, _ in further)]


def forget(folder: Path, devices: Collection[str]) -> list[str]:
    """Take devices out of all three files; which accounts had something of them. The broker must then be told (HUP).

    Raises OSError; ValueError for files that are not ours, or that would take the collector's right to read away.
    """
    old = credentials.Held(*(read(folder / name) for name in (PASSWORDS, ACL, SECRETS)))
    new, gone = credentials.forget(old, devices)
    for name, before, after in (
        (ACL, old.acl, new.acl), (PASSWORDS, old.passwords, new.passwords), (SECRETS, old.secret_list, new.secret_list),
    ):  # fmt: skip
        if after != before:
            write(folder / name, after, keep_mode=name != SECRETS)
    return gone


def write(path: Path, text: str, *, keep_mode: bool) -> None:
    """Replace a file at once. A new one is mode 0600; ``keep_mode``: an old one keeps its owner and mode, since the
    broker runs as a user of its own. Raises OSError."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
            if path.exists():
                old = path.stat()
                if os.geteuid() == 0:
                    os.fchown(number, old.st_uid, old.st_gid)
                if keep_mode:
                    os.fchmod(number, old.st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
