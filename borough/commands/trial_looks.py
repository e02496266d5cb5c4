"""``borough trial look|report|export-panel``: what a trial says so far, in all, and as arrays for others to check."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from analytics.trial import facts, report_document, runner
from analytics.trial.eligibility import LEAST_HOMES
from analytics.trial.panel import Panel
from analytics.trial.report_facts import Noted
from borough import whole_file
from borough.commands.trial_words import FEWEST, find
from borough.database import database, require_zone
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, show_table, tell
from borough.settings.energy import read_energy
from borough.settings.settings import Settings, read_settings
from devices.counts import counted
from store import trial_panel, trials
from store.connect import Connection, see_one_moment
from store.trials import Trial

Name = Annotated[str, typer.Argument(metavar="NAME", help="The trial's name.")]


def look(name: Name, json_output: Json = False) -> None:
    """Look at the effect so far, with an interval that stays true however often one looks. Each look is noted.

    Months count once they have settled. Nothing is told of an arm with fewer than 15 homes.

    Example: borough trial look winter-2026
    """
    settings = read_settings()
    with database() as connection:
        trial, panel, _ = _panel(connection, settings, name)
        found = runner.looks(panel, trial.design.months)
        if not found:
            raise Failure(f"nothing can be told yet: no arm and the control have {FEWEST} each with a known month")
        newest = max(one.month for one in found)
        noted = [
            Noted(_first(one.month), str(one.arm), one.effect, one.low, one.high, one.fixed_low, one.fixed_high)
            for one in found
        ]
        told = [one for one in noted if one.month == _first(newest)]
        detail = {"month": _first(newest).isoformat(), "looks": report_document.plain_looks(told)}
        trials.note(connection, trial.id, "looked", detail, datetime.now(UTC))
    mean = panel.control_mean
    if json_output:
        show_json({
            "trial": trial.design.name, "month": detail["month"], "level": 0.95, "control_mean": mean,
            "looks": report_document.plain_looks(noted),
        })  # fmt: skip
        return
    show_table(
        ("until", "arm", "effect [kWh/day]", "of the control's use", "true however often one looks", "of one look"),
        [
            (f"{one.month:%Y-%m}", one.arm, f"{one.effect:+.3f}", _share(one.effect, mean),
             f"{one.low:+.3f} to {one.high:+.3f}", f"{one.fixed_low:+.3f} to {one.fixed_high:+.3f}")
            for one in noted
        ],
    )  # fmt: skip
    for one in told:
        sure = one.low > 0 or one.high < 0
        say(f"{one.arm}: " + ("an effect is shown." if sure else "no effect is shown yet: 0 lies in the interval."))
    say("This look was noted.")


def report(
    name: Name,
    out: Annotated[Path, typer.Option(help="The file that the report is written to (HTML).")],
    json_output: Json = False,
) -> None:
    """Write the whole report of a trial to one HTML file: the fixed list that evaluators ask for.

    It is noted, and what it said stays on the page of the programme. Of a trial that runs it says that it does.

    Example: borough trial report winter-2026 --out winter-2026.html
    """
    from analytics.trial.report import report as make_report
    from dashboard.staff.trial_report import html

    settings = read_settings()
    energy = read_energy(settings)
    with database() as connection:
        trial, panel, until = _panel(connection, settings, name)
        made = make_report(panel, facts.facts(connection, trial, until), energy=energy)
        document = report_document.document(made)
        _write(out, html(made))
        trials.note(connection, trial.id, "reported", document, datetime.now(UTC))
    if json_output:
        show_json({"file": str(out), "report": document})
    else:
        say(f"The report of {trial.design.name} is in {out}: {counted(panel.months, 'month')} until {until}.")


def export_panel(
    name: Name,
    out: Annotated[Path, typer.Option(help="The file that the panel is written to (CSV).")],
    json_output: Json = False,
) -> None:
    """Write the panel of a trial for another analysis: homes by months, under the trial's own numbers.

    The numbers lead to no home, but use by month is personal still: keep the file as you keep readings, and destroy it.
    An erasure does not reach it.

    Example: borough trial export-panel winter-2026 --out panel.csv
    """
    from analytics.trial import panel_csv

    settings = read_settings()
    with database() as connection:
        trial, panel, _ = _panel(connection, settings, name)
        if panel.homes < LEAST_HOMES:
            raise Failure(f"a panel of fewer than {FEWEST} is given to nobody")
        text = panel_csv.write(panel)
        # noted first: a file that may be there and nobody knows of would outlive an erasure
        trials.note(connection, trial.id, "exported", {"months": panel.months}, datetime.now(UTC))
        connection.commit()
        _write(out, text, private=True)
    if json_output:
        show_json({"file": str(out), "homes": panel.homes, "months": panel.months})
    else:
        say(f"{counted(panel.homes, 'home')} by {counted(panel.months, 'month')} are in {out}.")
        tell("This file is personal data. An erasure does not reach it: destroy it when the analysis is done.")


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command("look")(look)
    app.command("report")(report)
    app.command("export-panel")(export_panel)


def _panel(connection: Connection, settings: Settings, name: str) -> tuple[Trial, Panel, date]:
    """A trial with the panel of its months that have settled, and the day after the last of them."""
    # a home that is erased meanwhile is in all figures or in none; the version of the tables was read before
    connection.commit()
    see_one_moment(connection)
    require_zone(connection, settings.time_zone)
    trial = find(connection, name)
    if trial.assigned_at is None:
        raise UsageError(f"{trial.design.name} has no members: borough trial assign {trial.design.name} --dry-run")
    settled = trial_panel.settled(connection, trial.design.fuel)
    if settled is None or settled <= trial.design.begins:
        raise Failure(
            f"no month of {trial.design.name} has settled yet; its first month begins on {trial.design.begins}"
        )
    try:
        panel = runner.panel(connection, trial, settled, settings.time_zone)
    except ValueError as error:
        raise Failure(f"{trial.design.name}: {error}") from None
    if not panel.months:
        raise Failure(f"{trial.design.name} ended before its first month was over: there is nothing to look at")
    return trial, panel, _first(int(panel.month[-1]) + 1)


def _first(month: int) -> date:
    """The first day of a month since 1970-01."""
    return date(1970 + month // 12, month % 12 + 1, 1)


def _share(effect: float, mean: float) -> str:
    """Of the control's use, which may be none: of heat in summer."""
    return f"{effect / mean:+.1%}" if mean > 0 else "not known"


def _write(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file whole, readable by its owner alone where it is ``private``. Raises UsageError."""
    try:
        whole_file.write(path, text, private=private)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
