"""``borough erase``: everything that is held about a tenancy goes, and does not come back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.database import reachable
from borough.errors import UsageError
from borough.output import Json, agreed, say, show_json, show_table
from borough.rights import erase as erasing
from borough.rights.context import Report, erasure_context
from borough.settings.settings import read_settings


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
    it. Status 1 where something is not done yet, and for --again without the folder of the log.

    Example: borough erase 48213377105926 --dry-run
    """
    if (tenancy is None) != again:
        raise UsageError("name one tenancy, or say --again")
    folders = folder or []
    erasing.check_folders(folders)
    context = erasure_context(read_settings(), folders)
    with reachable(context.url):
        if dry_run:
            if tenancy is None:
                raise UsageError("--dry-run needs a tenancy")
            report = erasing.dry_run(context, tenancy)
        elif tenancy is None:
            report = erasing.again(context)
        else:
            if not yes:
                _ask(tenancy)
            report = erasing.erase(context, tenancy)
    if report.nobody and not json_output:
        say(
            f"Nobody was erased: the database knows of no erasure, and {context.log} is not there. If this database was"
            " restored and somebody was erased after its backup, bring the log back first, and run this again."
        )
        return 0
    if json_output:
        _show_json(report, context.not_given(), context.log, dry_run=dry_run)
    else:
        _show(report, context.not_given(), dry_run=dry_run)
    return 1 if report.pending else 0


def _ask(tenancy: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask: say --yes, or look first with --dry-run")
    agreed(f"Erase everything that is held about tenancy {tenancy}? It cannot be undone.")


def _show_json(report: Report, not_given: Sequence[str], log: Path, *, dry_run: bool) -> None:
    swept = report.swept
    shown: dict[str, Any] = {
        "dry_run": dry_run,
        "nobody": report.nobody,
        "log": str(log),
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
        "pending": [one._asdict() for one in report.pending],
        "broker_accounts": report.accounts,
        "not_given": list(not_given),
    }
    show_json(shown)


def _show(report: Report, not_given: Sequence[str], *, dry_run: bool) -> None:
    swept = report.swept
    show_table(("table", "rows"), sorted(report.rows.items()))
    if dry_run:
        for path in report.mentioned:
            say(f"Would be removed: {path}")
        say("Archive, ledgers and recordings would be gone through too. Nothing was changed.")
        _not_given(not_given, "Would not be looked through")
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
        say(f"Not done: {problem}")
    if report.accounts:
        say(f"Taken out of the broker's accounts: {', '.join(report.accounts)}. Tell the broker: kill -HUP.")
    _not_given(not_given, "Not looked through")
    if report.pending:
        say(
            "It is not done yet. borough serve and borough maintain go on with it by themselves where they have these"
            " settings, and so does: borough erase --again"
        )
    elif not report.tenancies:
        say("Nothing is left to do.")
    else:
        say("Erased from the database and from what was given." if not_given else "Erased.")


def _not_given(what: Sequence[str], words: str) -> None:
    for one in what:
        say(f"{words}, and may hold readings and names: {one}.")
