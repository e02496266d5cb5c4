"""``borough devices credentials``: the broker's accounts and rights, one for each device or gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from borough import broker_accounts
from borough.broker_accounts import ACL, PASSWORDS, SECRETS, TOLD
from borough.database import database
from borough.errors import UsageError
from borough.output import Json, say, show_json
from borough.settings.collector import subscriptions
from borough.settings.settings import read_settings
from devices.counts import counted
from devices.credentials import Accounts, Files, accounts, lost_reads
from devices.models import model_of
from store import registry


def credentials(
    folder: Annotated[Path, typer.Argument(help="Folder for passwords, acl and secrets.csv.")],
    rotate: Annotated[bool, typer.Option("--rotate", help="Give every device and the collector a new secret.")] = False,
    fewer_rights: Annotated[
        bool, typer.Option("--fewer-rights", help="Let the collector lose what it could read until now.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Write Mosquitto's password and ACL files, and a list of the secrets for whoever sets up the devices.

    A device may publish to the topics of its model alone; a gateway (the devices' attribute `gateway`) to those of its
    devices. Known secrets stay, new devices get one, retired and erased ones lose theirs. Secrets are never shown. Tell
    the broker afterwards: kill -HUP.

    Example: borough devices credentials /etc/mosquitto/borough
    """
    from ingest.device_names import is_further  # slow to import, and only needed here

    settings = read_settings()
    subscribed = subscriptions(settings)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; make it first, and let nobody else read it")
    with database() as connection:
        devices = registry.load(connection)[0]
    filters = [*broker_accounts.filters(settings, devices), *TOLD]
    topics = {device.model: model_of(device.model).topics for device in devices}
    old = Files(_read(folder / PASSWORDS), _read(folder / SECRETS))
    try:
        made = accounts(devices, topics, filters, old, rotate=rotate)
    except ValueError as error:
        raise UsageError(f"{folder}: {error}") from None
    # a name of several levels that is no more takes nobody's messages with it
    lost = [topic for topic in lost_reads(_read(folder / ACL), made.acl) if not is_further(subscribed, topic)]
    if lost and not fewer_rights:
        raise UsageError(
            f"the collector would lose its right to read {', '.join(lost)}, and a broker that is told so throws away"
            " what waits for it: run it with the collector's settings (BOROUGH_SUBSCRIPTIONS), or say --fewer-rights"
        )
    for name, text in ((SECRETS, made.secret_list), (PASSWORDS, made.passwords), (ACL, made.acl)):
        broker_accounts.write(folder / name, text, keep_mode=name != SECRETS)
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
        f"{folder}: {counted(len(made.added), 'account')} added, {len(made.kept)} kept, {len(made.rotated)} "
        f"with a new secret,"
        f" {len(made.removed)} removed{': ' + ', '.join(made.removed) if made.removed else ''}."
    )
    say(
        f"The secrets are in {folder / SECRETS}, which only its owner can read. The broker reads {PASSWORDS} and {ACL}."
    )


def _read(path: Path) -> str:
    try:
        return broker_accounts.read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}") from None
