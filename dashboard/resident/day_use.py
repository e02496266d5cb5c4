"""A home's day by half-hour: what of it is there, as a drawing, a table and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from analytics.energy.profile import Profile
from analytics.report import words as report_words
from dashboard import figures
from dashboard.figures import Cell, Figure, Key
from dashboard.labels import FUEL_WORDS, amount, watts

#: Power [W] from which the axis of a day counts kilowatts.
_KILOWATTS = 5_000
_HOURS_A_YEAR = 8_760


@dataclass(frozen=True, slots=True)
class DayUse:
    """One local day: local times at which its half-hours begin, their energy [Wh], None where it was not measured.

    ``background`` [W]: what is always on, None where too little is known to say.
    """

    day: date
    starts: Sequence[str]
    watt_hours: Sequence[float | None]
    background: float | None
    #: The day's figure [Wh], an estimate where not all of it was measured; None where there is none.
    whole: int | None = None
    #: How much of it was measured.
    minutes: int = 0
    #: Nothing later is here: what lacks at its end may still come.
    newest: bool = False
    #: Of electricity the shape of the two weeks that end with the day.
    profile: Profile | None = None

    @property
    def total(self) -> float | None:
        """What was measured of the day [Wh]; None where nothing was."""
        known = [value for value in self.watt_hours if value is not None]
        return sum(known) if known else None

    @property
    def measured_words(self) -> str:
        """How much of it was measured: ``10 minutes``, ``about 5 hours``."""
        if self.minutes >= 120:
            return f"About {round(self.minutes / 60)} hours"
        return report_words.sentence(report_words.count(self.minutes, "minute", "minutes"))

    @property
    def coming(self) -> int:
        """Half-hours at the end of the newest day that are not here yet."""
        places = [place for place, value in enumerate(self.watt_hours, 1) if value is not None]
        return len(self.watt_hours) - places[-1] if places and self.newest else 0

    @property
    def until(self) -> str | None:
        """The local time until which the newest day goes so far; None where a day goes to its end, gaps or not."""
        return self.starts[-self.coming] if self.coming else None

    @property
    def gaps(self) -> int:
        """Half-hours that were not measured and will not be."""
        return sum(value is None for value in self.watt_hours) - self.coming


def day_figure(fuel: str, found: DayUse) -> Figure:
    """Half-hours as columns of mean power."""
    power = [None if value is None else 2 * value for value in found.watt_hours]
    most = max(value for value in power if value is not None)
    kilo = most >= _KILOWATTS
    unit = "kilowatts (kW)" if kilo else "watts (W)"
    place = power.index(most)
    verb = "gave back" if fuel == "export" else "used"
    least = "at least " if found.gaps else ""
    headline = f"You {verb} {least}{amount(round(found.total or 0))} on {report_words.day(found.day, weekday=True)}"
    if found.until is not None:
        headline += f" so far, until {found.until}"
    if most > 0:
        headline += f", the most at about {found.starts[place]}"
    lacks = ["not measured"] if found.gaps else []
    lacks += ["not here yet"] if found.coming else []
    keys = [Key("column", "Average power in each half-hour")]
    if found.background is not None:
        keys.append(Key("background", f"Always on: about {watts(found.background)}"))
    if lacks:
        keys.append(Key("gap", report_words.sentence(", or ".join(lacks))))
    said = (
        f"Column chart of your {fuel} in {len(power)} half-hours. Highest at {found.starts[place]} with {watts(most)}."
        + (f" About {watts(found.background)} is always on." if found.background is not None else "")
        + "".join(f" {note}" for note in _lacking(found))
    )
    return Figure(
        name="day",
        headline=headline,
        drawing=figures.day(found.starts, power, found.background, said, kilo=kilo),
        caption=f"{FUEL_WORDS[fuel]} by half-hour, {report_words.day(found.day)}",
        columns=("Half-hour from", "Average power", "Energy"),
        rows=[
            (
                Cell(start),
                Cell(_lack(found, slot)) if watt is None else Cell(watts(watt), round(watt / (1000 if kilo else 1), 3)),
                Cell("") if energy is None else Cell(f"{energy / 1000:.3f} kWh"),
            )
            for slot, (start, watt, energy) in enumerate(zip(found.starts, power, found.watt_hours, strict=True))
        ],
        keys=keys,
        csv=f"/home/data/half-hours.csv?fuel={fuel}&from={found.day.isoformat()}&to={found.day.isoformat()}",
        unit=unit,
        chart="step",
        lines=("Average power",),
    )


def day_notes(fuel: str, found: DayUse) -> list[str]:
    """What a day that was not measured whole is, in sentences; none for one that was."""
    said = _lacking(found)
    if found.total is None or not said or found.until is not None:
        return said
    if found.whole is not None:
        verb = "gave back" if fuel == "export" else "used"
        said.append(f"By what was measured you {verb} about {amount(found.whole)} in the whole day.")
    return said


def _lacking(found: DayUse) -> list[str]:
    said = []
    if found.until is not None:
        said.append(f"Readings have reached us until {found.until}. The rest of the day may still come.")
    if found.gaps and found.total is not None:
        some = report_words.sentence(report_words.hours(found.gaps))
        said.append(f"{some} of this day {'were' if found.gaps > 2 else 'was'} not measured.")
    return said


def _lack(found: DayUse, place: int) -> str:
    return "not here yet" if place >= len(found.watt_hours) - found.coming else "not measured"


def background_words(fuel: str, found: DayUse | None, rate: float | None, *, own: bool) -> Sequence[str]:
    """What is always on, in watts and pounds a year; nothing where it is not known."""
    if fuel != "electricity" or found is None or found.background is None:
        return ()
    said = [f"About {watts(found.background)} are on all the time, day and night."]
    if rate is not None:
        pence = found.background * _HOURS_A_YEAR / 1000 * rate
        by = "your unit rate" if own else "a guide price, which is not your bill"
        said.append(f"Over a year that is about {report_words.about_pounds(pence)}, by {by}.")
    said.append("It is what your home draws in the quietest hours of the last two weeks of nights.")
    said.append("Fridges, freezers and medical equipment are part of it and must stay on.")
    return said
