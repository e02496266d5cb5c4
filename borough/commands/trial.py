"""``borough trial``: nudges that are tried before they are believed: design, draw, status, end."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from analytics.trial import runner
from analytics.trial.draw import parts_of
from analytics.trial.eligibility import LEAST_HOMES, Why
from analytics.trial.facts import NOT_ELIGIBLE
from analytics.trial.power import Power, power
from analytics.trial.prior_use import summary
from analytics.trial.report_facts import TEXTS
from analytics.trial.runner import Listed
from borough.commands import trial_example, trial_looks
from borough.commands.trial_words import FEWEST, by_arm, find, outline, said, said_homes, state, told
from borough.database import database, require_zone
from borough.delivery.nudges import withhold
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, show_table
from borough.settings.settings import read_settings
from devices.files import WRITTEN, read_bytes
from devices.registry import RegistryError
from devices.trial_file import TrialFile, design_of, read_trial
from store import comparisons, trials
from store.connect import Connection
from store.times import local_day
from store.trials import Design, NotAssigned, Trial

app = typer.Typer(help="Trials of nudges: design, draw, look, report.", no_args_is_help=True)

#: Months of use that the power calculation looks at.
_YEARS = 24
#: A design's, where nobody says others.
_MONTHS, _TARGET = 12, 2.0
#: Savings whose power is told, as shares.
_SAVINGS = (0.01, 0.02, 0.03, 0.04)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The trial's name.")]


@app.command("design")
def design(
    file: Annotated[Path | None, typer.Argument(help="A .toml file with the design.")] = None,
    name: Annotated[str, typer.Option(help="In place of a file: the trial's name, such as winter-2026.")] = "",
    fuel: Annotated[str, typer.Option(help="electricity, gas or heat.")] = "",
    begins: Annotated[str, typer.Option(help="The first day of a month, such as 2026-12-01.")] = "",
    months: Annotated[int, typer.Option(help="How long it shall run.")] = _MONTHS,
    target: Annotated[float, typer.Option(help="The least saving that it shall find [percent of use].")] = _TARGET,
    arm: Annotated[
        list[str] | None, typer.Option(help="ARM=HOMES in a block. Repeatable, nothing=1 one of them.")
    ] = None,
    simulations: Annotated[
        int, typer.Option(help="How often the trial is tried; fewer are quicker and say less.", min=100, max=20_000)
    ] = 2_000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what these homes can show, and write nothing.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Design a trial: say who could take part and what it would find, and write the design down. Nobody is drawn yet.

    It warns where the saving that it shall find cannot be detected with these homes.

    Example: borough trial design winter.toml --dry-run
    """
    read = _read(file, {"name": name, "fuel": fuel, "begins": begins, "months": months, "target": target}, arm or [])
    settings = read_settings()
    now = datetime.now(UTC)
    with database() as connection:
        require_zone(connection, settings.time_zone)
        if read.begins <= local_day(now, settings.time_zone):
            raise UsageError(f"{read.begins} is over or today: a trial is drawn before its first day")
        listed = runner.listed(connection, read.fuel, read.begins, now, settings.time_zone, back=_YEARS)
        found, problem = _power(listed, read, simulations)
        made = Design(
            read.name, listed.origin, read.fuel, read.arms, read.shares, read.begins, read.months, read.target,
            read.fixed_cost, read.costs, read.texts, _plain_power(found),
        )  # fmt: skip
        if not dry_run and trials.add(connection, made, now) is None:
            raise UsageError(f"there is a trial {read.name} already, and a design stays as it was: take another name")
    if json_output:
        show_json({
            "dry_run": dry_run, "name": read.name, "origin": listed.origin, "eligible": told(len(listed.tenancy)),
            "not_eligible": {str(why): told(count) for why, count in listed.left_out.items()},
            "strata": len(listed.strata.names), **_plain_power(found), "problem": problem,
            "not_answered": [key for key in TEXTS if key not in read.texts],
        })  # fmt: skip
        return
    _say_listed(listed)
    _say_power(found, problem, read)
    missing = [question for key, question in TEXTS.items() if key not in read.texts]
    if missing:
        say(f"The report will say 'not known' of: {'; '.join(missing)}.")
    say("Nothing was written." if dry_run else f"Designed. Next: borough trial assign {read.name} --dry-run")


@app.command("assign")
def assign(
    name: Name,
    seed: Annotated[str, typer.Option(help="A word that the draw follows from; without it one is made.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many would be drawn, and write nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Draw the members of a trial, once, before its first day, and write down what the draw rests on.

    All of it or, whatever happens, nothing. Who is in which arm is printed nowhere.

    Example: borough trial assign winter-2026 --dry-run
    """
    settings = read_settings()
    now = datetime.now(UTC)
    today = local_day(now, settings.time_zone)
    with database() as connection:
        require_zone(connection, settings.time_zone)
        trial = find(connection, name)
        try:
            trials.require_unassigned(trial, today)
        except NotAssigned as error:
            raise UsageError(str(error)) from None
        if not dry_run:
            trials.hold(connection)
            # it may have waited for hours, and the first day may have come
            now = datetime.now(UTC)
            today = local_day(now, settings.time_zone)
        listed = runner.listed(connection, trial.design.fuel, trial.design.begins, now, settings.time_zone)
        _require_homes(listed, trial)
        try:
            drawn = runner.drawn(trial, listed, seed or runner.new_seed())
        except ValueError as error:
            raise UsageError(str(error)) from None
        counts = np.bincount(drawn.arm, minlength=len(trial.design.arms)).tolist()
        if min(counts) < LEAST_HOMES:
            raise Failure(f"an arm of {trial.design.name} would have fewer than {FEWEST}: take fewer arms")
        if not dry_run:
            _write(connection, trial, drawn, now, today)
    shown = dict(zip(map(str, trial.design.arms), counts, strict=True))
    if json_output:
        show_json({
            "dry_run": dry_run, "trial": trial.design.name, "seed": drawn.seed, "program": drawn.program,
            "hash": drawn.digest, "eligible": len(drawn.tenancy), "arms": shown, "strata": len(drawn.strata),
            "not_eligible": {str(why): told(count) for why, count in listed.left_out.items()},
        })  # fmt: skip
        return
    _say_listed(listed)
    show_table(("arm", "homes"), shown.items())
    say(f"Seed: {drawn.seed}")
    say(f"SHA-256 of the list: {drawn.digest}")
    if dry_run:
        say(f"Nothing was written. The same draw, while the list is the same: --seed {drawn.seed}")
    else:
        say(f"Assigned, and drawn again with the same result. The trial begins on {trial.design.begins}.")


@app.command("status")
def status(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One trial; without it all are listed.")] = None,
    json_output: Json = False,
) -> int:
    """List trials, or show one: members by arm, who left, whether the draw made again agrees, what was done with it.

    Status 1 where the draw made again gives other arms than those that were written down.

    Example: borough trial status winter-2026
    """
    settings = read_settings()
    today = local_day(datetime.now(UTC), settings.time_zone)
    with database() as connection:
        require_zone(connection, settings.time_zone)
        if name is None:
            _list(trials.all_trials(connection), today, json_output=json_output)
            return 0
        trial = find(connection, name)
        counts = trials.members_by_arm(connection, trial, today)
        events = trials.events(connection, trial.id)
        again = runner.again(trial, trials.members(connection, trial.id))
    if json_output:
        show_json({
            **outline(trial, today), "seed": trial.seed, "program": trial.program, "hash": trial.eligible_hash,
            "homes": by_arm(counts), "draw_agrees": again.agrees, "draw_problem": again.why or None,
            "events": [{"at": event.at, "what": event.what} for event in events],
        })  # fmt: skip
        return 1 if again.agrees is False else 0
    design_ = trial.design
    say(
        f"{design_.name}: {state(trial, today)}; {design_.fuel}, {design_.origin}, from {design_.begins} for"
        f" {design_.months} months; shall find a saving of {design_.target:g} %."
    )
    if trial.assigned_at is not None:
        show_table(
            ("arm", "drawn", "withdrew", "moved out", "erased"),
            [(arm, *map(said, (one.members + one.erased, one.withdrew, one.moved, one.erased)))
             for arm, one in counts.items()],
        )  # fmt: skip
        say(f"Seed {trial.seed}, list {trial.eligible_hash}, drawn by {trial.program}.")
        say("The draw made again gives the same." if again.agrees else f"The draw cannot be confirmed: {again.why}.")
    for event in events:
        say(f"{event.at:%Y-%m-%d %H:%M}Z {event.what}")
    if any(event.what == "exported" for event in events) and any(trial.erased):
        say("Homes were erased. Files that were exported before hold them still: destroy those and export anew.")
    return 1 if again.agrees is False else 0


@app.command("end")
def end(
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    json_output: Json = False,
) -> None:
    """End a trial. Its members see all of what is published from today on. It cannot be taken back.

    Example: borough trial end winter-2026 --dry-run
    """
    settings = read_settings()
    with database() as connection:
        require_zone(connection, settings.time_zone)
        trial = find(connection, name)
        now = datetime.now(UTC)
        today = local_day(now, settings.time_zone)
        try:
            trials.end(connection, trial.id, today, now)
        except NotAssigned as error:
            raise UsageError(str(error)) from None
        if dry_run:
            connection.rollback()
    if json_output:
        show_json({"dry_run": dry_run, "trial": trial.design.name, "ended_on": today.isoformat()})
    else:
        ended = f"{trial.design.name} ended on {today}. Next: borough trial report {trial.design.name} --out FILE"
        say(f"{trial.design.name} would end today, {today}. Nothing was changed." if dry_run else ended)


def _read(file: Path | None, options: dict[str, Any], arms: list[str]) -> TrialFile:
    given = any(options[key] for key in ("name", "fuel", "begins")) or bool(arms)
    if (file is None) != given:
        raise UsageError("name a file, or say --name, --fuel, --begins and --arm in its place")
    if file is not None and (options["months"], options["target"]) != (_MONTHS, _TARGET):
        raise UsageError(f"{file}: --months and --target have no effect beside a file: say them in it")
    try:
        if file is not None:
            read = read_trial(read_bytes(file, WRITTEN).decode("utf-8").replace("\r\n", "\n"), TEXTS)
        else:
            read = design_of({**options, "begins": _day(options["begins"]), "arms": _arms(arms)}, TEXTS)
        # a design stays as it was: one that nobody could draw from must not be written
        parts_of(read.shares)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is not UTF-8 text") from None
    except RegistryError as error:
        where = "the options" if file is None else str(file)
        raise UsageError(f"{where}: nothing was designed:", [str(problem) for problem in error.problems]) from None
    except ValueError as error:
        raise UsageError(f"{file or 'the options'}: nothing was designed: {error}") from None
    return read


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _arms(given: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        word, _, share = one.partition("=")
        if word in found:
            raise UsageError(f"--arm {word} is given twice")
        found[word] = int(share) if share.isdecimal() and share.isascii() and len(share) < 4 else share
    return found


def _require_homes(listed: Listed, trial: Trial) -> None:
    if listed.origin != trial.design.origin:
        raise Failure(
            f"{trial.design.name} was designed for homes that are {trial.design.origin}; those here are {listed.origin}"
        )
    if len(listed.tenancy) < LEAST_HOMES * len(trial.design.arms):
        raise Failure(
            f"{said_homes(len(listed.tenancy))} can take part; {len(trial.design.arms)} arms need at least"
            f" {LEAST_HOMES * len(trial.design.arms)}. Why others cannot: borough trial design --dry-run"
        )


def _write(connection: Connection, trial: Trial, drawn: trials.Drawn, now: datetime, today: date) -> None:
    """Write a draw, read it back and make it again. Raises UsageError, Failure; then nothing is kept."""
    try:
        trials.assign(connection, trial.id, drawn, now, today)
    except NotAssigned as error:
        raise UsageError(str(error)) from None
    # as of today: an arm of another trial, whose year ends before this one begins, is shown all until then
    comparisons.hide(connection, today)
    withhold(connection, today, now)
    written = find(connection, trial.design.name)
    again = runner.again(written, trials.members(connection, trial.id))
    if not again.agrees:
        raise Failure(f"nothing was written: {again.why}")


def _power(listed: Listed, read: TrialFile, simulations: int) -> tuple[Power | None, str | None]:
    """What a trial of these homes would find, or why nobody can say."""
    try:
        of = summary(listed.use)
        return power(of, read.shares, read.months, _SAVINGS, target=read.target / 100, simulations=simulations), None
    except ValueError as error:
        return None, str(error)


def _plain_power(found: Power | None) -> dict[str, Any]:
    if found is None:
        return {"smallest": None, "warnings": []}
    return {
        "smallest": None if found.smallest is None else 100 * found.smallest,
        "expected": found.prior.source,
        "arms": [
            {
                "homes": told(arm.homes), "control": told(arm.control),
                "smallest": None if arm.smallest is None else 100 * arm.smallest,
                "power": {f"{100 * one.saving:g}": one.power for one in arm.tested},
                "power_expected": arm.expected.power,
            }
            for arm in found.arms
        ],
        "warnings": list(found.warnings), "simulations": found.simulations,
    }  # fmt: skip


def _say_listed(listed: Listed) -> None:
    say(f"{said_homes(len(listed.tenancy))} can take part ({listed.origin}).")
    for why, count in listed.left_out.items():
        if count:
            say(f"{said_homes(count)} cannot: {NOT_ELIGIBLE[Why(why)]}.")


def _say_power(found: Power | None, problem: str | None, read: TrialFile) -> None:
    if found is None:
        say(f"What it would find cannot be said: {problem}.")
        return
    show_table(
        ("arm", "homes", "least saving found in 8 of 10", *(f"{saving:.0%} is found in" for saving in _SAVINGS)),
        [
            (read.arms[arm.arm], said(arm.homes), "none" if arm.smallest is None else f"{arm.smallest:.1%}",
             *(f"{one.power:.0%}" for one in arm.tested))
            for arm in found.arms
        ],
    )  # fmt: skip
    for warning in found.warnings:
        say(f"Warning: {warning}")


def _list(found: list[Trial], today: date, *, json_output: bool) -> None:
    if json_output:
        show_json([outline(trial, today) for trial in found])
        return
    show_table(
        ("trial", "state", "fuel", "begins", "months", "arms"),
        [
            (one.design.name, state(one, today), one.design.fuel, one.design.begins, one.design.months,
             ", ".join(one.design.arms))
            for one in found
        ],
    )  # fmt: skip


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    trial_looks.register(app)
    trial_example.register(app)
    made.add_typer(app, name="trial")
