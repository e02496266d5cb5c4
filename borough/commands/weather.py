"""``borough weather``: temperatures of places by day, so that a change of use can be told from a change of weather."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from borough.database import database
from borough.errors import UsageError
from borough.output import Json, say, show_json
from borough.settings.settings import read_settings
from devices.counts import counted
from devices.lengths import NAME, refusal
from devices.registry import RegistryError
from devices.weather_file import FEWEST_HOURS, TOLD, WeatherFile
from store import weather
from store.connect import Connection

app = typer.Typer(help="Temperatures of places by local day, from files.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv file with day,celsius or, by the hour, time,celsius.")],
    name: Annotated[str, typer.Option("--place", help="Whose temperatures they are, such as a weather station.")],
    lon: Annotated[float | None, typer.Option(help="Where it is, the first time.", min=-180, max=180)] = None,
    lat: Annotated[float | None, typer.Option(help="Where it is, the first time.", min=-90, max=90)] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="They are made up: for simulated homes alone.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and change nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Import the temperatures [Celsius] of a place: of local days, or of hours, of which a day needs 22.

    All of it or, if anything is wrong, nothing. A day that is imported again is corrected; others stay as they are.

    Example: borough weather import heathrow.csv --place heathrow --lon -0.45 --lat 51.48
    """
    if not name.strip() or (wrong := refusal(name, NAME)) is not None:
        raise UsageError(f"--place {'is empty' if not name.strip() else wrong}")
    zone = read_settings().time_zone
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            read = WeatherFile(text, zone)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: nothing was imported: its first line is not UTF-8 text") from None
    except RegistryError as error:
        raise _refuse(file, len(error.problems), [str(one) for one in error.problems]) from None
    if read.wrong:
        raise _refuse(file, read.wrong, [str(one) for one in read.problems])
    with database() as connection:
        where = _place(connection, name, lon, lat, simulated=simulated)
        try:
            done = weather.put(connection, where, read.days)
        except weather.OtherOrigin as error:
            says, would = ("simulated", "real") if error.simulated else ("real", "simulated")
            raise UsageError(f"{name} is a {says} place: give {would} temperatures a --place of their own") from None
        if dry_run:
            connection.rollback()
    if json_output:
        counts = {"lines": read.lines, "empty": read.empty, "short": read.short, **done._asdict()}
        show_json({"dry_run": dry_run, "place": name, **counts})
        return
    for count, words in ((done.new, "new"), (done.changed, "changed"), (done.unchanged, "unchanged")):
        if count:
            say(f"{counted(count, 'day')} {words}")
    if read.short:
        say(f"{counted(read.short, 'day')} not taken, because fewer than {counted(FEWEST_HOURS, 'hour')} are there")
    if read.empty:
        say(f"{counted(read.empty, 'line')} without a temperature")
    say("Nothing was changed." if dry_run else "Imported.")


@app.command("list")
def list_(json_output: Json = False) -> None:
    """List the places and the days that are known of each.

    Example: borough weather list --json
    """
    with database() as connection:
        found = weather.places(connection)
    if json_output:
        show_json(
            [
                {
                    "place": one.place.name,
                    "lon": one.place.lon,
                    "lat": one.place.lat,
                    "origin": "simulated" if one.place.simulated else "real",
                    "days": one.days,
                    "first": None if one.first is None else one.first.isoformat(),
                    "last": None if one.last is None else one.last.isoformat(),
                }
                for one in found
            ]
        )
        return
    if not found:
        say("No place is known; import temperatures with: borough weather import FILE --place NAME")
    for one in found:
        span = "" if one.first is None or one.last is None else f" from {one.first} to {one.last}"
        made_up = ", simulated" if one.place.simulated else ""
        say(f"{one.place.name} ({one.place.lon:g}, {one.place.lat:g}{made_up}): {counted(one.days, 'day')}{span}")


def _place(
    connection: Connection, name: str, lon: float | None, lat: float | None, *, simulated: bool
) -> weather.Place:
    """Where the place is: what is said, else what is known. Raises UsageError."""
    known = weather.place(connection, name)
    if (lon is None) != (lat is None):
        raise UsageError("--lon and --lat say together where the place is: give both")
    if lon is not None and lat is not None:
        return weather.Place(name, lon, lat, simulated)
    if known is None:
        raise UsageError(f"no place {name} is known yet: say where it is with --lon and --lat")
    return weather.Place(name, known.lon, known.lat, simulated)


def _refuse(file: Path, count: int, problems: list[str]) -> UsageError:
    more = [f"{count - TOLD:,} more"] if count > TOLD else []
    return UsageError(f"{file}: nothing was imported, {counted(count, 'problem')}:", [*problems, *more])


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    made.add_typer(app, name="weather")
