"""``borough explain``: what stands behind one home's comparison, for the operator who is asked about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analytics.periods import Period, parse_period
from borough.commands.analyse import homes_options
from borough.database import database, require_zone
from borough.errors import UsageError
from borough.output import Json, say, show_json, show_table
from borough.settings.settings import read_settings
from devices.counts import counted
from devices.homes import COMPARED
from devices.trials import Sight
from store import accounts, homes, nudges
from store.connect import Connection

if TYPE_CHECKING:
    from analytics.neighbours.explain import Explained

_HOME = re.compile(r"[0-9]{1,14}\Z")


def explain(
    home: Annotated[str, typer.Argument(metavar="HOME", help="A pseudonym (14 digits) or a UPRN.")],
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="2026-W07, 2026-02 or 4w-2026-W07.")],
    fuel: Annotated[str, typer.Option(help="electricity, gas or heat; all of them without it.")] = "",
    neighbours: Annotated[
        bool, typer.Option("--neighbours", help="Name the neighbours' pseudonyms, which is noted for the household.")
    ] = False,
    json_output: Json = False,
) -> int:
    """Show what stands behind a home's numbers: readings, days, neighbours, tariff, factor, and the sums made again.

    The household can read that somebody looked. Status 1 where what is stored is not what would be computed now.

    Example: borough explain 100023336956 2026-W07 --fuel electricity
    """
    from analytics.neighbours.explain import explain as gather

    try:
        asked = parse_period(period)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if fuel and fuel not in COMPARED:
        raise UsageError(f"--fuel {fuel!r}; one of {', '.join(COMPARED)}")
    if not _HOME.match(home):
        raise UsageError("HOME is a pseudonym of 14 digits or a UPRN of up to 12 digits")
    options = homes_options(read_settings())
    with database() as connection:
        require_zone(connection, options.zone)
        found = homes.home(connection, int(home)) if len(home) == 14 else homes.by_uprn(connection, home)
        if found is None:
            raise UsageError("there is no such home")
        explained = gather(connection, options, found.id, asked, (fuel,) if fuel else COMPARED)
        told = _nudges(connection, found.id, asked, datetime.now(UTC).astimezone(options.zone).date())
        for tenancy in {int(row["tenancy_id"]) for item in explained if (row := item.told or item.recomputed)}:
            what = "an operator had the comparison explained" + (", with its neighbours" if neighbours else "")
            accounts.log_access(connection, tenancy, None, "operator", what, datetime.now(UTC), asked.key)
    documents = [_document(item, neighbours=neighbours) for item in explained]
    if json_output:
        show_json({
            "home": found.id, "period": asked.key, "from": asked.start.isoformat(), "to": asked.end.isoformat(),
            "quarter": asked.quarter.isoformat(), "program": options.program, "fuels": documents, "nudges": told,
        })  # fmt: skip
    else:
        _say(found.id, asked, options.program, explained, neighbours=neighbours)
        for one in told:
            _say_nudge(one)
    return 0 if all(item.equal for item in explained) else 1


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("explain")(explain)


def _nudges(connection: Connection, home: int, period: Period, today: date) -> list[dict[str, Any]]:
    """What the home's households were told of a month, as far as they may be shown it today, and what became of it."""
    if period.kind != "month":
        return []
    found = []
    for one in nudges.of_month(connection, home, period.start):
        base = {"id": one.id, "tenancy": one.tenancy, "kind": one.kind, "made_at": one.made_at, "trial": one.trial,
                "arm": one.arm}  # fmt: skip
        if one.kind in nudges.shown(connection, one.tenancy, today):
            base |= {"fuel": one.fuel, "subject": one.subject, "text": one.text, "facts": one.facts,
                     "actions": one.actions}  # fmt: skip
        messages = [message._asdict() for message in nudges.messages(connection, one)]
        found.append({**base, "messages": messages})
    return found


def _say_nudge(one: Mapping[str, Any]) -> None:
    say("")
    arm = "" if one["arm"] is None else f", arm {one['arm']} of trial {one['trial']}"
    say(f"Nudge {one['id']} ({one['kind']}{arm}), made {one['made_at']:%Y-%m-%d %H:%M}Z")
    if "text" in one:
        for line in (one["subject"], *one["text"].split("\n")):
            say(f"  {line}".rstrip())
        show_table(("it rests on", "value"), [(name.replace("_", " "), value) for name, value in one["facts"].items()])
    else:
        say("Its words are not shown while the household is in a trial that lets it see less.")
    if one["messages"]:
        show_table(
            ("message", "by", "state", "reason", "due"),
            [(m["id"], m["channel"], m["state"], m["reason"] or "", m["due_at"]) for m in one["messages"]],
        )
    else:
        say("The outbox keeps none of its messages any more.")


def _document(item: Explained, *, neighbours: bool) -> dict[str, Any]:
    found: dict[str, Any] = _plain(asdict(item))
    for name in ("run", "cells", "days", "late"):
        found[name] = _plain(_named(getattr(item, name)))
    if item.neighbours is not None:
        ids = found["neighbours"].pop("ids")
        if neighbours:
            found["neighbours"]["homes"] = ids
    return {**found, "equal": item.equal}


def _named(value: Any) -> Any:
    """Named tuples as objects: their names say what the numbers are."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _named(part) for name, part in value._asdict().items()}
    if isinstance(value, list):
        return [_named(part) for part in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _named(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _plain(value: Any) -> Any:
    """Days as text; the rest as it is."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _say(home: int, period: Period, program: str, explained: list[Explained], *, neighbours: bool) -> None:
    say(f"Home {home}, {period.key}: {period.start} up to and without {period.end}; cells of {period.quarter}.")
    if not explained:
        say("Nothing was told of this period: no use, it is not over, or nobody lived there throughout.")
    for item in explained:
        _say_fuel(item, program, neighbours=neighbours)


def _say_fuel(item: Explained, program: str, *, neighbours: bool) -> None:
    say("")
    say(item.fuel.capitalize())
    if item.run is None:
        say("Not published yet: nothing was told.")
    else:
        settled = "not settled" if item.run.settled_at is None else f"settled {item.run.settled_at:%Y-%m-%d %H:%M}Z"
        say(f"Published {item.run.published_at:%Y-%m-%d %H:%M}Z, {settled}, by {item.run.program}; now {program}.")
    rows = dict(item.recomputed or {})
    told = item.told or {}
    show_table(
        ("", "told", "computed now"),
        [(name.replace("_", " "), told.get(name), rows.get(name)) for name in (told or rows)],
    )
    if item.run is not None:
        say("What was told is what is computed now." if item.equal else f"Not the same: {', '.join(item.differs)}.")
    if item.kept:
        say("Other homes count now than when it was published, so figures of others stay as they were told.")
    say(f"Readings: {item.known_days} of {len(item.days)} days have a value; their sum is {item.own_readings:,} Wh.")
    show_table(
        ("day", "Wh", "minutes", "of", "series", "readings", "first", "last"),
        [
            (
                day.day,
                day.watt_hours,
                day.minutes,
                day.of,
                reading.property,
                reading.number,
                reading.first,
                reading.last,
            )
            for day in item.days
            for reading in day.readings
        ]
        + [(day.day, day.watt_hours, day.minutes, day.of, "no reading") for day in item.days if not day.readings],
    )
    for year, factor, source in item.carbon:
        say(f"Carbon: {factor:g} kg CO2e a kWh in {year} ({source}).")
    for entry in item.late:
        say(f"Came too late on {entry.noted_at:%Y-%m-%d}: own use was {entry.was}, would be {entry.would_be} Wh.")
    _say_neighbours(item, neighbours=neighbours)


def _say_neighbours(item: Explained, *, neighbours: bool) -> None:
    near = item.neighbours
    if item.sight != Sight.ALL:
        seen = "its own use" if item.sight == Sight.OWN else "the efficient figure"
        say(f"The household takes part in a trial and sees {seen} alone, so nothing more of others is shown here.")
        return
    if near is None:
        say("The home is in no cell of this quarter.")
        return
    made = "" if item.cells is None else f", made {item.cells.made_at:%Y-%m-%d} by {item.cells.program}"
    say(f"Neighbours by cells ({near.step}, up to {near.reach:,.0f} m){made}:")
    show_table(
        ("cell", "homes", "count", "used", "floor area [m2]", "away [m]"),
        [
            (one.cell, one.homes, one.counting, one.used, f"{one.floor_area:.1f}", f"{one.metres:,.0f}")
            for one in near.cells
        ],
    )
    if not near.counts:
        say("The home itself does not count in this period, so nothing of the others is told to it.")
        return
    say(
        f"{counted(near.n, 'neighbour counts', 'neighbours count')}: {near.total:,} Wh together, taken as "
        f"{near.rounded_total:,}, "
        f"{'one' if near.dominated else 'none'} of them with over 15 % of it; the {near.lowest_n} that use least "
        f"{near.lowest_total:,}; {near.less} used less."
    )
    if neighbours:
        say("Their pseudonyms: " + ", ".join(map(str, near.ids)))
