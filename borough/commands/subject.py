"""``borough subject``: everything that is held about a tenancy, for the person who asks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from borough.database import reachable
from borough.errors import UsageError
from borough.output import Json, say, show_json_pieces
from borough.rights import export as subjects
from borough.settings.settings import read_settings
from store import accounts
from store.connect import connect


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("subject")(subject)


def subject(
    tenancy: Annotated[int, typer.Argument(help="The tenancy's number (14 digits).")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The ZIP file to write.")] = None,
    json_output: Json = False,
) -> None:
    """Export everything that is held about a tenancy: as a ZIP file, or as JSON.

    The access is noted in the household's own log, and the file where the tenancy's erasure finds it.

    Example: borough subject 48213377105926 --out subject.zip
    """
    if (out is None) != json_output:
        raise UsageError("say either --out FILE or --json")
    if out is not None and (out.is_dir() or not out.resolve().parent.is_dir()):
        raise UsageError(f"--out {out}: {'is a folder' if out.is_dir() else 'its folder is not there'}")
    context = subjects.subject_context(read_settings())
    with reachable(context.url):
        if out is None:
            subjects.write_json(context, tenancy, show_json_pieces)
            counts = {}
        else:
            counts = subjects.write_zip(context, tenancy, out)
        with connect(context.url, "borough subject") as connection:
            accounts.log_access(connection, tenancy, None, "data-protection", "exported everything", datetime.now(UTC))
    if out is not None:
        say(f"Written to {out}: " + ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items()))
        say("It holds a household's data: hand it over, then delete it.")
