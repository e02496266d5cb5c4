"""``borough erase``: everything that is held about a tenancy goes, and does not come back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.database import reachable
from borough.erase import erasing
from borough.erase.erasing import Report
from borough.errors import UsageError
from borough.output import Json, agreed, say, show_json, show_table
from borough.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("erase")(erase)


def erase(
    tenancy: Annotated[int | None, typer.Argument(help="The tenancy's number (14 digits).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Repeat all erasures, after a backup was restored; finish what is left.")
    ] = False,
    folder: Annotated[
        list[Path] | None, typer.Option(help="A further folder with ledgers, recordings or exports. Repeatable.")
    ] = None,
    json_output: Json = False,
) -> int:
    """Erase a tenancy: readings, use, comparisons, letters, sign-ins, archive, ledgers, recordings, exports.

    What comes later of its meters and days is refused. It cannot be undone. Interrupted, the same command goes on with
    it. Status 1 where a file could not be done.

    Example: borough erase 48213377105926 --dry-run
    """
    if (tenancy is None) != again:
        raise UsageError("name one tenancy, or say --again")
    folders = folder or []
    erasing.check_folders(folders)
    need = erasing.means(read_settings(), folders)
    with reachable(need.url):
        if dry_run:
            if tenancy is None:
                raise UsageError("--dry-run needs a tenancy")
            report = erasing.dry_run(need, tenancy)
        elif tenancy is None:
            report = erasing.again(need)
        else:
            if not yes:
                _ask(tenancy)
            report = erasing.erase(need, tenancy)
    _show(report, dry_run=dry_run, json_output=json_output)
    return 1 if report.swept.problems else 0


def _ask(tenancy: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask: say --yes, or look first with --dry-run")
    agreed(f"Erase everything that is held about tenancy {tenancy}? It cannot be undone.")


def _show(report: Report, *, dry_run: bool, json_output: bool) -> None:
    swept = report.swept
    if json_output:
        shown: dict[str, Any] = {
            "dry_run": dry_run,
            "tenancies": report.tenancies,
            "rows": dict(sorted(report.rows.items())),
            "ledger_rows": swept.ledger_rows,
            "recorded_messages": swept.recorded_messages,
            "archived_messages": swept.archived_messages,
            "files_written_anew": swept.files,
            "files_removed": swept.removed,
            "merged_print_runs": report.merged,
            "mentioned_in": report.mentioned,
            "problems": swept.problems,
        }
        show_json(shown)
        return
    show_table(("table", "rows"), sorted(report.rows.items()))
    if dry_run:
        for path in report.mentioned:
            say(f"Would be removed: {path}")
        say("Archive, ledgers and recordings would be gone through too. Nothing was changed.")
        return
    say(
        f"Messages removed from the archive: {swept.archived_messages}, from recordings: {swept.recorded_messages}; "
        f"rows removed from ledgers: {swept.ledger_rows}; files written anew: {swept.files}, removed: {swept.removed}."
    )
    for path in report.merged:
        say(f"The print run {path} was removed whole, since a letter cannot be taken out of it; make it again.")
    for path in report.mentioned:
        say(f"Look at {path}: it names the tenancy, its UPRN or a meter, and this program does not know such files.")
    for problem in swept.problems:
        say(f"Not done: {problem}; then run: borough erase --again")
    if not swept.problems:
        say("Erased." if report.tenancies else "Nothing is left to do.")
