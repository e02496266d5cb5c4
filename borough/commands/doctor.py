"""``borough doctor``: what stands in the way of collecting, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from borough.doctor.examination import examine
from borough.output import Json, show_json, show_table


def doctor(
    configuration: Annotated[
        Path | None, typer.Option("--broker-config", help="Mosquitto's configuration file, to be read and checked.")
    ] = None,
    acl: Annotated[
        Path | None, typer.Option("--acl", help="An ACL file of Mosquitto, to be checked before it is put in place.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Status 1 for warnings too.")] = False,
    json_output: Json = False,
) -> int:
    """Check settings, files, broker, database, clocks, disks, retention and backups; each fault with what to do.

    Status 1 if anything is wrong. A warning, what may come to be wrong, leaves it at 0.

    Example: borough doctor --broker-config /etc/mosquitto/mosquitto.conf
    """
    found = examine(configuration, acl)
    if json_output:
        show_json([item.document() for item in found])
    else:
        show_table(
            ("check", "state", "found", "what to do"),
            [(item.name, item.state, item.found, item.todo or "") for item in found],
        )
    bad = ("wrong", "warning") if strict else ("wrong",)
    return int(any(item.state in bad for item in found))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("doctor")(doctor)
