"""Great Britain on paper: what its boroughs would need and cost, from measured prices and named assumptions.

    .venv/bin/python -m scripts.scale                          # the tables of docs/explanation/scale.md
    .venv/bin/python -m scripts.scale processor_year=400       # with an input of your own

Each input has its source, and says so where it is an assumption. A test holds the document to what this prints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

_DAY = 86_400
_GB = 1e9


def _input(value: float, unit: str, source: str) -> float:
    found: float = field(default=value, metadata={"unit": unit, "source": source})
    return found


@dataclass(frozen=True)
class Inputs:
    """What is reckoned from, by name; each with unit and source."""

    homes: float = _input(30e6, "homes", "assumption: Great Britain, a meter each that is read every half-hour")
    borough: float = _input(1e5, "homes", "assumption: a borough")
    bay_events: float = _input(3e5, "readings a borough and day", "assumption: 10,000 bays with 30 events each")
    air: float = _input(2_304_000, "readings a borough and day", "assumption: 200 monitors with 8 series a minute")
    crowd: float = _input(600, "s", "assumption: all meters send within ten minutes of the half-hour")
    message: float = _input(5.2, "us of a processor a message", "measured: `collectors_1_cpu`")
    broker: float = _input(
        6.4, "us of a processor a message", "measured: `collectors_1_broker_cpu`, it hands one message over"
    )
    database: float = _input(3.1, "us of a processor a message", "measured: `collectors_1_database_cpu`")
    row: float = _input(100, "bytes a reading", "measured: `reading_row`, with its index")
    column: float = _input(9.5, "bytes a reading", "measured: `reading_column`, TimescaleDB Community")
    hot: float = _input(30, "days", "the default of `BOROUGH_COLUMNSTORE_AFTER`")
    kept: float = _input(1_096, "days", "assumption: readings are kept for three years")
    analyse: float = _input(300, "s of a processor a day", "assumption: `analyse_day` (5.5 s) each hour, twice over")
    connection: float = _input(814, "bytes", "measured: `broker_connection`, without TLS and the kernel's share")
    collector: float = _input(123e6, "bytes", "measured: `peak_memory`, the database away and 300,000 messages waiting")
    processors: float = _input(4, "processors a borough", "assumption: one machine, with a second one beside it")
    memory: float = _input(16, "GB a borough", "assumption: the same")
    machines: float = _input(2, "machines a borough", "assumption: one works, one has the replica and stands by")
    copies: float = _input(3, "disks' worth", "assumption: database, replica, backups")
    processor_year: float = _input(250, "pounds a year", "assumption, no price list: put in your own")
    memory_year: float = _input(30, "pounds a GB and year", "assumption, no price list: put in your own")
    disk_year: float = _input(1.2, "pounds a GB and year", "assumption, no price list: put in your own")
    people_year: float = _input(5_000, "pounds a borough and year", "assumption: a tenth of a person who runs it")


def boroughs(given: Inputs) -> float:
    """How many boroughs there are."""
    return given.homes / given.borough


def table(given: Inputs) -> Iterator[tuple[str, float, str, float, str]]:
    """What it needs: the words, of a borough, its unit, of all boroughs, its unit."""
    count = boroughs(given)
    meters = given.borough * 48
    readings = meters + given.bay_events + given.air
    mean, meters_mean = readings / _DAY, meters / _DAY
    # what does not come with the half-hour comes evenly; each message has one reading
    peak = given.borough / given.crowd + (given.bay_events + given.air) / _DAY
    yield "readings of meters, on average", meters_mean, "a second", meters_mean * count, "a second"
    yield "readings of all families, on average", mean, "a second", mean * count, "a second"
    yield "messages at the busiest", peak, "a second", peak * count, "a second"
    for who, price in (("collectors", given.message), ("brokers", given.broker), ("databases", given.database)):
        busy = 100 * peak * price / 1e6
        yield f"{who} at the busiest", busy, "% of a processor", busy * count / 100, "processors"
    yield "memory of a collector, the database away", given.collector / 1e6, "MB", given.collector * count / _GB, "GB"
    lines = given.borough * given.connection
    yield "memory of the broker for connections", lines / 1e6, "MB", lines * count / _GB, "GB"
    analysis = 100 * given.analyse / _DAY
    yield "analysis", analysis, "% of a processor", analysis * count / 100, "processors"
    disk = readings * (min(given.hot, given.kept) * given.row + max(given.kept - given.hot, 0) * given.column) / _GB
    yield "readings on disk", disk, "GB", disk * count / 1_000, "TB"
    machine = given.machines * (given.processors * given.processor_year + given.memory * given.memory_year)
    yield "machines", machine, "pounds a year", machine * count / 1e6, "million pounds a year"
    disks = disk * given.copies * given.disk_year
    yield "disks", disks, "pounds a year", disks * count / 1e6, "million pounds a year"
    yield "people", given.people_year, "pounds a year", given.people_year * count / 1e6, "million pounds a year"
    whole = machine + disks + given.people_year
    yield "together", whole, "pounds a year", whole * count / 1e6, "million pounds a year"
    yield (
        "together, for a home",
        100 * whole / given.borough,
        "pence a year",
        100 * whole / given.borough,
        "pence a year",
    )


def text(given: Inputs) -> str:
    """The two tables, as Markdown."""
    lines = ["| input | value | unit | where it is from |", "|---|---|---|---|"]
    for one in fields(given):
        value = getattr(given, one.name)
        lines.append(f"| `{one.name}` | {value:,.10g} | {one.metadata['unit']} | {one.metadata['source']} |")
    lines += ["", f"| what | a borough | Great Britain, {boroughs(given):,.0f} boroughs |", "|---|---|---|"]
    lines += [
        f"| {words} | {_said(own)} {unit} | {_said(whole)} {whole_unit} |"
        for words, own, unit, whole, whole_unit in table(given)
    ]
    return "\n".join(lines) + "\n"


def _said(value: float) -> str:
    """Two figures, and no more: what is reckoned so is not known better."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def main(arguments: Sequence[str]) -> int:
    """Print the tables; status 2 where an argument is no ``name=value`` of an input."""
    names = {one.name for one in fields(Inputs)}
    changes = {}
    for argument in arguments:
        name, _, value = argument.partition("=")
        try:
            changes[name] = float(value.replace(",", ""))
        except ValueError:
            changes[name] = -1.0
        if name not in names or not 0 < changes[name] < 1e12:
            print(
                f"{argument!r} is no input with a value over 0; inputs are {', '.join(sorted(names))}", file=sys.stderr
            )
            return 2
    print(text(replace(Inputs(), **changes)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
