"""``borough letters``: the comparison of a period on paper."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analytics.periods import parse_period
from borough.database import reachable, require_schema, require_zone
from borough.errors import Failure, UsageError
from borough.output import Json, StatusLine, say, show_json, tell
from borough.settings.delivery import letter_rules
from borough.settings.energy import read_energy
from borough.settings.settings import need_database_url, read_settings, variable
from devices.counts import counted
from devices.homes import COMPARED
from store.connect import connect

if TYPE_CHECKING:
    from borough.delivery.letters.print_run import Made

#: So many letters that could not be made are told one by one.
_TOLD = 20


def letters(
    period: Annotated[str, typer.Option(help="The week (2026-W07), month (2026-02) or four weeks (4w-2026-W07).")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the letters; each period gets its own in it.")],
    tenancy: Annotated[int | None, typer.Option(metavar="ID", help="Only the letter to this tenancy.")] = None,
    fuel: Annotated[str, typer.Option(help="Only this fuel: electricity, gas or heat.")] = "",
    json_output: Json = False,
) -> int:
    """Make the letters about a period: a PDF for each home and one print run of all, with a list of its pages.

    Letters go to households that agreed to messages and did not turn letters down. Messages of the outbox that go by
    letter join them, each once. Run again it replaces them. One
    that cannot be made is listed for somebody's hand, and the status is 1.

    Example: borough letters --period 2026-W07 --out letters
    """
    from borough.delivery.letters.letter import Sender
    from borough.delivery.letters.print_run import Order, make

    try:
        wanted = parse_period(period)
    except ValueError as error:
        raise UsageError(f"--period: {error}") from None
    if fuel and fuel not in COMPARED:
        raise UsageError(f"--fuel {fuel!r}; one of {', '.join(COMPARED)}")
    settings = read_settings()
    if not settings.council_address:
        tell(f"{variable('council_address')} is not set: the letters have no address to send slips back to")
    order = Order(
        wanted,
        (fuel,) if fuel else COMPARED,
        out,
        Sender(settings.council_name, settings.council_address, settings.help_line, settings.web_url),
        read_energy(settings),
        tenancy,
        settings.letter_fonts,
        letter_rules(settings),
    )
    url = need_database_url(settings)
    begun = time.monotonic()
    line = StatusLine()

    def progress(done: int, of: int) -> None:
        if line.due():
            line.write(f"{done:,} of {counted(of, 'letter')}")

    with reachable(url), connect(url, "borough letters", autocommit=True) as connection:
        require_schema(connection, url)
        require_zone(connection, settings.time_zone)
        try:
            made = make(connection, order, datetime.now(settings.time_zone), progress)
        finally:
            line.end()
    if not made.letters and not made.not_made and tenancy is not None:
        raise Failure(
            f"tenancy {tenancy} gets no letter about {wanted.key}: there is none of this number, it has ended, did not"
            " agree to messages, turned letters down, or has no comparison of that period"
        )
    seconds = time.monotonic() - begun
    for one in made.not_made[:_TOLD]:
        tell(f"no letter to tenancy {one.tenancy}: {one.reason}")
    if made.not_made:
        tell(_by_hand(made))
    if json_output:
        listed = [one._asdict() for one in made.not_made]
        show_json({"period": wanted.key, **made._asdict(), "not_made": listed, "seconds": round(seconds, 3)})
        return 1 if made.not_made else 0
    say(
        f"{counted(made.letters, 'letter')} about {wanted.key} ({made.large:,} in large print), "
        f"{counted(made.pages, 'page')},"
        f" in {seconds:.1f} s, in {made.folder}"
    )
    if made.messages:
        say(f"{counted(made.messages, 'letter')} of these tell a message of the outbox.")
    if made.gone:
        verb = "gets" if made.gone == 1 else "get"
        say(f"{counted(made.gone, 'household')} left or withdrew meanwhile and {verb} none.")
    for run in made.print_run:
        say(f"Print run: {run}")
    return 1 if made.not_made else 0


def _by_hand(made: Made) -> str:
    """How many letters somebody must write, and where they are listed."""
    count = len(made.not_made)
    where = "" if made.not_made_list is None else f": see {made.not_made_list}"
    return f"{counted(count, 'letter')} could not be made and must be written by hand{where}"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("letters")(letters)
