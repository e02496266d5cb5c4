"""``borough reconcile``: what was published against what is stored."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.database import database
from borough.errors import UsageError
from borough.output import Json, say, show_json, show_table, tell
from borough.settings.settings import read_settings
from devices.counts import counted

#: Between two looks while waiting [s]; never more than the looking itself takes.
_LOOK = 0.5


def reconcile(
    ledgers: Annotated[list[Path], typer.Argument(metavar="LEDGER...", help="Ledgers of one run (.parquet).")],
    wait: Annotated[
        float, typer.Option(min=0, help="Wait so many seconds at most until nothing is missing any more.")
    ] = 0.0,
    report: Annotated[Path | None, typer.Option(help="Write a page about it here (.html).")] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Put the charts' script into the page instead of beside it.")
    ] = False,
    json_output: Json = False,
) -> int:
    """Compare a ledger with the store, in readings: stored, duplicates, rejected as intended, lost, wrong.

    Where the truth of simulated bays stands beside it, compare what is recorded of parking with that too;
    where that of simulated homes does, how many of their emergencies were noticed.

    Status 1 if anything is lost, has a wrong value or time, or was rejected although it should not have been.

    Example: borough reconcile day.parquet --wait 30 --report day.html
    """
    from borough.scoring.bays import score_bays
    from borough.scoring.homes import score_homes
    from borough.scoring.reconcile import reconcile as compare
    from borough.scoring.reconcile import survey
    from simulators.ledger import LedgerError
    from simulators.truth_table import TruthError

    if report is not None and not report.absolute().parent.is_dir():
        raise UsageError(f"--report {report}: the folder does not exist")
    try:
        found = survey(ledgers)
    except LedgerError as error:
        raise UsageError(str(error)) from None
    if found.first is None:
        raise UsageError(f"ledger {ledgers[0]}: is of a dry run, nothing was published that could be compared")
    until = time.monotonic() + wait
    while True:
        begun = time.monotonic()
        with database() as connection:
            result = compare(connection, ledgers, found)
        if result.good or time.monotonic() >= until:
            break
        time.sleep(min(max(_LOOK, time.monotonic() - begun), max(0.0, until - time.monotonic())))
    try:
        with database() as connection:
            settings = read_settings()
            grace = timedelta(minutes=settings.parking_grace)
            result.bays = score_bays(connection, ledgers, settings.time_zone, grace)
            result.homes = score_homes(connection, ledgers, time.time_ns() // 1_000)
    except TruthError as error:
        raise UsageError(str(error)) from None
    document = result.document()
    if report is not None:
        from borough.scoring.page import write_report

        for path in write_report(report, result, [path.name for path in ledgers], inline=inline):
            tell(f"written: {path}")
    if json_output:
        show_json(document)
    else:
        _show(document, good=result.good)
    return 0 if result.good else 1


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("reconcile")(reconcile)


def _show(document: dict[str, Any], *, good: bool) -> None:
    from borough.scoring.result import WORDS

    rows = [*document["families"].items(), ("all", document)]
    show_table(
        ("family", *(word.replace("_", " ") for word in WORDS), "lag p99 [s]"),
        [
            (name, *(counts[word] for word in WORDS), "" if counts["lag"] is None else f"{counts['lag']['p99']:.3f}")
            for name, counts in rows
        ],
    )
    for example in document["examples"][:5]:
        say(
            f"{example['became'].replace('_', ' ')}: {example['property']} of {example['device']} at "
            f"{example['stored_time']:%Y-%m-%dT%H:%M:%SZ}, expected {example['stored_value']:g}"
            + (f" (fault: {example['fault']})" if example["fault"] else "")
        )
    if document["bays"] is not None:
        _show_bays(document["bays"])
    if document["homes"] is not None:
        _show_homes(document["homes"])
    if good:
        say(f"Of {counted(document['published'], 'reading')} nothing is lost and nothing is wrong.")
    else:
        say(
            f"Of {counted(document['published'], 'reading')} {document['lost']:,} "
            f"{'is' if document['lost'] == 1 else 'are'} lost, {document['wrong_value']:,} have a "
            f"wrong value, {document['wrong_time']:,} a wrong time, and {document['rejected_unexpectedly']:,} were "
            "rejected although they should not have been."
        )


def _show_bays(bays: dict[str, Any]) -> None:
    words = ("true", "found", "altered", "missed", "invented")
    show_table(
        ("bays", *words), [(name, *(bays[name].get(word, "") for word in words)) for name in ("stays", "overstays")]
    )
    for cause, counts in bays["causes"].items():
        what = ", ".join(f"{number:,} {word}" for word, number in counts.items())
        say(f"stays not as they were, {'for no known reason' if cause == 'none' else f'fault {cause}'}: {what}")
    occupancy = bays["occupancy"]
    if occupancy["quarters"]:
        say(
            f"Occupancy is off by {occupancy['mean_absolute_error']:.2%} on average, over "
            f"{counted(occupancy['quarters'], 'quarter hour')} of zones."
        )


def _show_homes(homes: dict[str, Any]) -> None:
    found = homes["emergencies"]
    say(
        f"Emergencies in watched homes: {found['true']:,}, of which {found['found']:,} found while they lasted and "
        f"{found['told']:,} told to a carer; {counted(homes['false'], 'false alert')}. In homes that nobody watches: "
        f"{found['unwatched']:,}."
    )
