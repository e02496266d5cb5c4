"""``borough nudges``: who would be told of a month now, and why others are told nothing. Nothing is told by it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from analytics.periods import Period, parse_period
from borough.database import database, require_zone
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, show_table
from borough.settings.settings import read_settings
from devices.counts import counted
from store import accounts, nudges
from store.nudges import Month

group = typer.Typer(
    name="nudges", help="Look what households would be told of a month. Nothing is told by it.", no_args_is_help=True
)
#: Households that are looked at together.
_PORTION = 2_000


@group.callback()
def _nudges() -> None:
    pass  # a group of one command stays a group


@group.command("preview")
def preview(
    period: Annotated[str, typer.Option(metavar="MONTH", help="Such as 2026-02.")],
    tenancy: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Show what this one would be told, which is noted for it.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Show how many households would be told of a month now, by kind, and why others are told nothing.

    Example: borough nudges preview --period 2026-02
    """
    # commands load what they need when they are asked for
    from analytics.nudges.words import nudge
    from borough.delivery.nudges import choose, due_now
    from borough.settings.delivery import deliver_options

    month = _month(period)
    options = deliver_options(read_settings()).triggers
    now = datetime.now(UTC)
    today = now.astimezone(options.zone).date()
    asked = Month(month.start, month.end)
    with database() as connection:
        require_zone(connection, options.zone)
        settled = asked in nudges.months(connection, today)
        which = None if tenancy is None else [tenancy]
        due = due_now(connection, options, asked, today, now, tenancies=which)
        kinds, none, words = Counter[str](), Counter[str](), None
        for first in range(0, len(due), _PORTION):
            chosen, without = choose(connection, options, asked, due[first : first + _PORTION], today)
            none += without
            kinds.update(one.facts.kind for one in chosen)
            if tenancy is not None and chosen:
                words = nudge(chosen[0].facts)
        told = nudges.counts(connection, asked)
        if tenancy is None:
            none.update(dict(nudges.others(connection, asked, today, now, [one.tenancy for one in due])))
        elif words is not None:
            accounts.log_access(
                connection, tenancy, None, "operator", "an operator looked what a note would say", now, month.key
            )
    found: dict[str, Any] = {
        "period": month.key, "settled": settled, "due": dict(kinds), "none": dict(none), "told": told,
    }  # fmt: skip
    if tenancy is not None:
        if words is None:
            raise Failure(_nothing(settled=settled, why=next(iter(none), None)))
        found |= {"subject": words.subject, "text": words.text, "grade": round(words.grade, 1)}
    if json_output:
        show_json(found)
        return
    if not settled:
        long = counted(nudges.LATEST.days, "day")
        say(f"{month.key} is not settled in all fuels, or ended over {long} ago: nobody is told.")
    if words is not None:
        for line in (words.subject, "", *words.text.split("\n"), f"Reading grade {words.grade:.1f}."):
            say(line)
        return
    say(f"{counted(sum(told.values()), 'household')} told, {counted(kinds.total(), 'household')} due.")
    rows = [(kind, told.get(kind, 0), kinds.get(kind, 0)) for kind in sorted({*told, *kinds})]
    if rows:
        show_table(("kind", "told", "due"), rows)
    if none:
        say("")
        show_table(("told nothing, because", "households"), none.most_common())


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(group)


def _month(text: str) -> Period:
    try:
        found = parse_period(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if found.kind != "month":
        raise UsageError(f"--period {text!r}: nudges are of months, such as 2026-02")
    return found


def _nothing(*, settled: bool, why: str | None) -> str:
    if why is not None:
        return f"this household is told nothing: {why}"
    more = "" if settled else "; the month is not settled, or long over"
    return f"this household is told nothing: it is not there, did not agree, stopped, or was told already{more}"
