"""``borough devices credentials``: the broker's accounts and rights, one for each device or gateway."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from borough.database import database
from borough.errors import UsageError
from borough.output import Json, say, show_json
from borough.settings import read_settings, subscriptions
from devices.credentials import Accounts, Files, accounts
from devices.models import model_of
from store import devices as table

#: The three files, in the order of writing: a secret that a device may already have is never lost.
SECRETS, PASSWORDS, ACL = "secrets.csv", "passwords", "acl"


def credentials(
    folder: Annotated[Path, typer.Argument(help="Folder for passwords, acl and secrets.csv.")],
    rotate: Annotated[bool, typer.Option("--rotate", help="Give every device and the collector a new secret.")] = False,
    json_output: Json = False,
) -> None:
    """Write Mosquitto's password and ACL files, and a list of the secrets for whoever sets up the devices.

    A device may publish to the topics of its model alone; a gateway (the devices' attribute `gateway`) to those of its
    devices. Known secrets stay, new devices get one, retired devices lose theirs. Secrets are never shown. Tell the
    broker afterwards: kill -HUP.

    Example: borough devices credentials /etc/mosquitto/borough
    """
    from ingest.broker_watch import TOPIC as DROPPED  # slow to import, and only needed here

    settings = read_settings()
    filters = [item.filter for item in subscriptions(settings)] + [DROPPED]
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; make it first, and let nobody else read it")
    with database() as connection:
        devices = table.load(connection)[0]
    topics = {device.model: model_of(device.model).topics for device in devices}
    old = Files(_read(folder / PASSWORDS), _read(folder / SECRETS))
    try:
        made = accounts(devices, topics, filters, old, rotate=rotate)
    except ValueError as error:
        raise UsageError(f"{folder}: {error}") from None
    for name, text in ((SECRETS, made.secret_list), (PASSWORDS, made.passwords), (ACL, made.acl)):
        _write(folder / name, text, keep_mode=name != SECRETS)
    _report(folder, made, json_output)


def _report(folder: Path, made: Accounts, json_output: bool) -> None:
    if json_output:
        show_json(
            {
                "added": list(made.added),
                "kept": len(made.kept),
                "rotated": list(made.rotated),
                "removed": list(made.removed),
            }
        )
        return
    say(
        f"{folder}: {len(made.added)} accounts added, {len(made.kept)} kept, {len(made.rotated)} with a new secret,"
        f" {len(made.removed)} removed{': ' + ', '.join(made.removed) if made.removed else ''}."
    )
    say(
        f"The secrets are in {folder / SECRETS}, which only its owner can read. The broker reads {PASSWORDS} and {ACL}."
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}") from None


def _write(path: Path, text: str, *, keep_mode: bool) -> None:
    """Replace a file at once. A new one is mode 0600; ``keep_mode``: an old one keeps its owner and mode, since the
    broker runs as a user of its own."""
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
