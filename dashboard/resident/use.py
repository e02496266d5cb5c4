"""A home's own use: month by month over a year, and half-hour by half-hour over a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response

from analytics.energy.daily_use import NONE
from analytics.energy.half_hours import NIGHTS, background, by_clock
from analytics.energy.prices import Energy, filled
from analytics.report import words as report_words
from dashboard import figures
from dashboard.figures import Cell, Column, Figure, Key
from dashboard.labels import FUEL_WORDS, amount, month_words, watts
from dashboard.resident.home import Link
from dashboard.resident.household import Own, half_hours, is_whole, known_fuels, own
from dashboard.resident.net import net_figure, read_net_months
from dashboard.web.site import Site
from dashboard.web.values import Day, Flag, Word
from dashboard.web.visitor import Resident
from devices.homes import FUELS, Register, Tariff
from store import comparisons, daily, homes
from store.connect import Connection
from store.times import midnight, next_month

#: The same month of the year before is the best measure of a month.
MONTHS = 13
#: Power [W] from which the axis of a day counts kilowatts.
_KILOWATTS = 5_000
_HOURS_A_YEAR = 8_760


@dataclass(frozen=True, slots=True)
class Month:
    """One month of own use: ``own`` [Wh] or None, ``average`` as shown or None; ``known``: how many days have a value.

    ``part``: it is the sum of the known days; otherwise the others count as their mean.
    """

    first: date
    own: int | None
    part: bool
    known: int
    average: int | None


@dataclass(frozen=True, slots=True)
class DayUse:
    """One local day: local times at which its half-hours begin, their energy [Wh], None where it was not measured.

    ``background`` [W]: what is always on, None where too little is known to say.
    """

    day: date
    starts: Sequence[str]
    watt_hours: Sequence[float | None]
    background: float | None

    @property
    def total(self) -> float | None:
        """What was measured of the day [Wh]; None where nothing was."""
        known = [value for value in self.watt_hours if value is not None]
        return sum(known) if known else None


def router(site: Site) -> APIRouter:
    """Routes /home/year and /home/day."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/year")
    def year(
        request: Request,
        visitor: Resident,
        fuel: Word | None = None,
        net: Flag = False,
    ) -> Response:
        with site.connection() as connection:
            mine = own(site, connection, visitor)
            known = known_fuels(connection, mine, MONTHS)
            chosen = pick(known, fuel)
            gives = chosen == "electricity" and "export" in known
            if net and not gives:
                raise HTTPException(404)
            if net:
                figure = net_figure(read_net_months(connection, mine, MONTHS, site.options.coverage))
            else:
                months = [] if chosen is None else read_months(connection, mine, chosen, site.options.coverage)
                figure = year_figure(chosen or "", months)
            detail = "Electricity, net" if net else FUEL_WORDS.get(chosen or "")
            site.log_access(connection, visitor, mine.tenancy.id, "looked at the year", detail)
        context = {
            "own": mine,
            "fuels": _tabs("/home/year", known, chosen),
            "figure": figure,
            "fuel": chosen,
            "gives": gives,
            "net": net,
        }
        return site.page(request, "resident/year.html", context)

    @routes.get("/home/day")
    def day(
        request: Request,
        visitor: Resident,
        fuel: Word | None = None,
        date: Day | None = None,
    ) -> Response:
        with site.connection() as connection:
            mine = own(site, connection, visitor)
            last = mine.end - timedelta(days=1)
            if date is not None and not mine.has(date):
                raise HTTPException(404)
            known = known_fuels(connection, mine, MONTHS)
            chosen = pick(known, fuel)
            wanted = date or newest(connection, mine, chosen) or last
            found = None if chosen is None else read_day(site, connection, mine, chosen, wanted)
            tariffs = [one for one in homes.tariffs(connection, mine.tenancy.id) if one.fuel == chosen]
            detail = f"{FUEL_WORDS.get(chosen or '', 'Nothing')}, {report_words.day(wanted)}"
            site.log_access(connection, visitor, mine.tenancy.id, "looked at a day", detail)
        price, own_price = _rate(site.options.energy, chosen or "", wanted, tariffs)
        query = f"{'' if chosen is None else f'fuel={chosen}&'}date="
        context = {
            "own": mine,
            "fuel": chosen,
            "day": wanted,
            "weekday": report_words.day(wanted, weekday=True),
            "fuels": _tabs("/home/day", known, chosen, f"&date={wanted.isoformat()}" if date else ""),
            "figure": None if found is None or found.total is None else day_figure(chosen or "", found),
            "background": _background_words(chosen or "", found, price, own=own_price),
            "previous": query + (wanted - timedelta(days=1)).isoformat()
            if mine.has(wanted - timedelta(days=1))
            else None,
            "following": query + (wanted + timedelta(days=1)).isoformat()
            if mine.has(wanted + timedelta(days=1))
            else None,
            "asked": date is not None,
            "late": date is None and wanted < last,
            "last": last,
        }
        return site.page(request, "resident/day.html", context)

    return routes


def pick(known: Sequence[str], fuel: str | None) -> str | None:
    """The fuel to show: the one wished for, else the first; None where nothing is known. Raises HTTPException 404."""
    if fuel is None:
        return known[0] if known else None
    if fuel not in FUELS or fuel not in known:
        raise HTTPException(404)
    return fuel


def newest(connection: Connection, mine: Own, fuel: str | None) -> date | None:
    """The newest of one's own days that has readings of a fuel; None where the last months have none.

    Meters report days late: yesterday would often be an empty page. Raises psycopg.Error.
    """
    months = mine.months(MONTHS)
    if fuel is None or not months:
        return None
    return daily.newest_day(connection, fuel, mine.home.id, *mine.clip(months[0], mine.end))


def read_months(connection: Connection, mine: Own, fuel: str, coverage: float) -> list[Month]:
    """The last months with a day of one's own, the earliest first. Raises psycopg.Error.

    A month that was compared shows the figures of its comparison; another is whole where so much of its days is known
    as ``coverage`` says, else the sum of what is known.
    """
    firsts = mine.months(MONTHS)
    if not firsts:
        return []
    begin, end = mine.clip(firsts[0], mine.end)
    use = daily.read_days(connection, fuel, begin, end, np.array([mine.home.id], np.int64))
    published = {
        one.from_day: one
        for one in comparisons.of_tenancy(connection, mine.tenancy.id, kind="month", fuel=fuel, limit=MONTHS + 1)
    }
    found = []
    for first in firsts:
        following = next_month(first)
        low, high = max(first, begin), min(following, end)
        days = use.watt_hours[0, (low - begin).days : (high - begin).days]
        some = days[days != NONE]
        whole = is_whole(days != NONE, (following - first).days, coverage)
        total = None if not len(some) else int(filled(days[None, :]).sum() if whole else some.sum())
        compared = published.get(first)
        if compared is not None and compared.own is not None:
            whole, total = True, compared.own
        average = compared.average if compared is not None and compared.compared else None
        found.append(Month(first, total, not whole, len(some), average))
    return found


def year_figure(fuel: str, months: Sequence[Month]) -> Figure | None:
    """Months as columns, or None where there is nothing."""
    known = [month for month in months if month.own is not None]
    if not known:
        return None
    whole = [month for month in known if not month.part]
    compared = any(month.average is not None for month in months)
    columns = [
        Column(
            month_words(month.first),
            f"{month.first:%b}",
            None if month.own is None else month.own / 1000,
            None if month.average is None else month.average / 1000,
            part=month.part,
        )
        for month in months
    ]
    headline = _year_headline(fuel, known, whole)
    keys = [Key("column", "Your home")]
    if any(month.part for month in known):
        keys.append(Key("part", "Your home, some days missing"))
    if compared:
        keys.append(Key("average", "Average of similar homes"))
    said = "; ".join(f"{month_words(month.first)} {amount(month.own)}" for month in known if month.own is not None)
    return Figure(
        name="year",
        headline=headline,
        drawing=figures.year(columns, f"Column chart of your {fuel} by month: {said}."),
        caption=f"{FUEL_WORDS[fuel]} by month, in kWh",
        columns=("Month", "Your home", *(["Similar homes"] if compared else []), "Days known"),
        rows=[
            [
                Cell(month_words(month.first), f"{month.first:%Y-%m}"),
                _energy(month.own),
                *([_energy(month.average, "not shown")] if compared else []),
                Cell(str(month.known)),
            ]
            for month in months
        ],
        keys=keys,
        csv=f"/home/data/months.csv?fuel={fuel}",
        unit="kWh a month",
        chart="bar",
        lines=("Your home", *(["Similar homes"] if compared else [])),
    )


def _year_headline(fuel: str, known: Sequence[Month], whole: Sequence[Month]) -> str:
    ranked = sorted(whole, key=lambda month: month.own or 0)
    if len(ranked) < 2:
        last = known[-1]
        return f"You used {amount(last.own or 0)} of {_noun(fuel)} in {month_words(last.first)}"
    least, most = ranked[0], ranked[-1]
    return (
        f"{'You gave most back' if fuel == 'export' else f'You used most {_noun(fuel)}'} in {month_words(most.first)} "
        f"({amount(most.own or 0)}) and least in {month_words(least.first)} ({amount(least.own or 0)})"
    )


def read_day(site: Site, connection: Connection, mine: Own, fuel: str, wanted: date) -> DayUse:
    """One day's half-hours and the background load of the two weeks that end with it. Raises psycopg.Error."""
    first, end = mine.clip(wanted - timedelta(days=NIGHTS - 1), wanted + timedelta(days=1))
    if fuel != "electricity":
        first = wanted
    dates = [first + timedelta(days=place) for place in range((end - first).days)]
    days = half_hours(site, connection, mine.home.id, fuel, first, end)
    begin = midnight(wanted, site.zone) // 1_000_000
    last = days[-1]
    starts = [
        f"{datetime.fromtimestamp(begin + 1800 * place, UTC).astimezone(site.zone):%H:%M}" for place in range(len(last))
    ]
    always = float("nan")
    if fuel == "electricity":
        nights = [by_clock(one, day, site.zone) for day, one in zip(dates, days, strict=True)]
        always = background(np.array(nights))
    values = [None if math.isnan(value) else float(value) for value in last]
    return DayUse(wanted, starts, values, None if math.isnan(always) else always)


def day_figure(fuel: str, found: DayUse) -> Figure:
    """Half-hours as columns of mean power."""
    power = [None if value is None else 2 * value for value in found.watt_hours]
    most = max(value for value in power if value is not None)
    kilo = most >= _KILOWATTS
    unit = "kilowatts (kW)" if kilo else "watts (W)"
    place = power.index(most)
    verb = "gave back" if fuel == "export" else "used"
    headline = f"You {verb} {amount(round(found.total or 0))} on {report_words.day(found.day, weekday=True)}"
    if most > 0:
        headline += f", the most at about {found.starts[place]}"
    gaps = sum(value is None for value in power)
    keys = [Key("column", "Average power in each half-hour")]
    if found.background is not None:
        keys.append(Key("background", f"Always on: about {watts(found.background)}"))
    if gaps:
        keys.append(Key("gap", "Not measured"))
    said = (
        f"Column chart of your {fuel} in {len(power)} half-hours. Highest at {found.starts[place]} with {watts(most)}."
        + (f" About {watts(found.background)} is always on." if found.background is not None else "")
        + (f" {gaps} half-hours were not measured." if gaps else "")
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
                Cell("not measured") if watt is None else Cell(watts(watt), round(watt / (1000 if kilo else 1), 3)),
                Cell("") if energy is None else Cell(f"{energy / 1000:.3f} kWh"),
            )
            for start, watt, energy in zip(found.starts, power, found.watt_hours, strict=True)
        ],
        keys=keys,
        csv=f"/home/data/half-hours.csv?fuel={fuel}&from={found.day.isoformat()}&to={found.day.isoformat()}",
        unit=unit,
        chart="step",
        lines=("Average power",),
    )


def _background_words(fuel: str, found: DayUse | None, rate: float | None, *, own: bool) -> Sequence[str]:
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


def _rate(energy: Energy, fuel: str, day: date, tariffs: Sequence[Tariff]) -> tuple[float | None, bool]:
    """Pence a kWh of what is on all day, by the own price of a day, else the reference; whether it is one's own."""
    dated = [one for one in tariffs if one.from_day <= day and one.registers]
    if dated:
        registers = dated[-1].registers
        return sum(_register(registers, minute).rate for minute in range(0, 1440, 30)) / 48, True
    price = energy.price(fuel, day)
    return (None if price is None else price.rate), False


def _register(registers: Sequence[Register], minute: int) -> Register:
    """The rate of a minute of the local day: the first that fits, else the last."""
    for one in registers:
        inside = one.start <= minute < one.end if one.start < one.end else minute >= one.start or minute < one.end
        if one.start == one.end or inside:
            return one
    return registers[-1]


def _tabs(path: str, known: Sequence[str], chosen: str | None, more: str = "") -> list[Link]:
    return [Link(FUEL_WORDS[fuel], f"{path}?fuel={fuel}{more}", fuel == chosen) for fuel in known]


def _energy(watt_hours: int | None, nothing: str = "not known") -> Cell:
    return Cell(nothing) if watt_hours is None else Cell(amount(watt_hours), report_words.shown(watt_hours) / 1000)


def _noun(fuel: str) -> str:
    return report_words.FUEL.get(fuel, "energy")
