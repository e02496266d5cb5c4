"""A home's own use: month by month over a year, and half-hour by half-hour over a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response

from analytics.energy.daily_use import NONE
from analytics.energy.half_hours import NIGHTS, by_clock
from analytics.energy.prices import Energy, filled
from analytics.energy.profile import Profile, profile
from analytics.report import words as report_words
from dashboard import figures
from dashboard.figures import Cell, Column, Figure, Key
from dashboard.labels import FUEL_WORDS, amount, month_words
from dashboard.resident.day_shape import shape
from dashboard.resident.day_use import DayUse, background_words, day_figure, day_notes
from dashboard.resident.home import Link
from dashboard.resident.household import half_hours, is_whole, known_fuels
from dashboard.resident.net import net_figure, read_net_months
from dashboard.resident.weather import told
from dashboard.web.household import Access, Household, looks
from dashboard.web.site import Site
from dashboard.web.values import Day, Flag, Word
from devices.homes import FUELS, Register, Tariff
from store import comparisons, daily, homes
from store.connect import Connection
from store.times import midnight, next_month

#: The same month of the year before is the best measure of a month.
MONTHS = 13


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


def router(site: Site) -> APIRouter:
    """Routes /home/year and /home/day."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/year")
    def year(
        request: Request,
        access: Annotated[Access, looks("looked at the year")],
        fuel: Word | None = None,
        net: Flag = False,
    ) -> Response:
        with access.open() as (connection, household):
            known = known_fuels(connection, household, MONTHS)
            chosen = pick(known, fuel)
            gives = chosen == "electricity" and "export" in known
            if net and not gives:
                raise HTTPException(404)
            months: list[Month] = []
            if net:
                figure = net_figure(read_net_months(connection, household, MONTHS, site.options.coverage))
            else:
                if chosen is not None:
                    months = read_months(connection, household, chosen, site.options.coverage)
                figure = year_figure(chosen or "", months)
            weather = told(site, connection, household, chosen) if months and chosen is not None else None
            access.detail = "Electricity, net" if net else FUEL_WORDS.get(chosen or "")
        context = {
            "household": household,
            "fuels": _tabs("/home/year", known, chosen),
            "figure": figure,
            "fuel": chosen,
            "gives": gives,
            "net": net,
            "weather": weather,
        }
        return site.page(request, "resident/year.html", context)

    @routes.get("/home/day")
    def day(
        request: Request,
        access: Annotated[Access, looks("looked at a day")],
        fuel: Word | None = None,
        date: Day | None = None,
    ) -> Response:
        with access.open() as (connection, household):
            last = household.end - timedelta(days=1)
            if date is not None and not household.has(date):
                raise HTTPException(404)
            known = known_fuels(connection, household, MONTHS)
            chosen = pick(known, fuel)
            latest = newest(connection, household, chosen)
            wanted = date or latest or last
            found = None if chosen is None else read_day(site, connection, household, chosen, wanted, latest)
            tariffs = [one for one in homes.tariffs(connection, household.tenancy.id) if one.fuel == chosen]
            access.detail = f"{FUEL_WORDS.get(chosen or '', 'Nothing')}, {report_words.day(wanted)}"
        price, own_price = _rate(site.options.energy, chosen or "", wanted, tariffs)
        query = f"{'' if chosen is None else f'fuel={chosen}&'}date="
        context = {
            "household": household,
            "fuel": chosen,
            "day": wanted,
            "weekday": report_words.day(wanted, weekday=True),
            "fuels": _tabs("/home/day", known, chosen, f"&date={wanted.isoformat()}" if date else ""),
            "figure": None if found is None or found.total is None else day_figure(chosen or "", found),
            "notes": () if found is None else day_notes(chosen or "", found),
            "found": found,
            "background": background_words(chosen or "", found, price, own=own_price),
            "shape": None if found is None else shape(found.profile),
            "previous": query + (wanted - timedelta(days=1)).isoformat()
            if household.has(wanted - timedelta(days=1))
            else None,
            "following": query + (wanted + timedelta(days=1)).isoformat()
            if household.has(wanted + timedelta(days=1))
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


def newest(connection: Connection, household: Household, fuel: str | None) -> date | None:
    """The newest of one's own days of which something of a fuel is known; None where the last months have none.

    Meters report days late: yesterday would often be an empty page. Raises psycopg.Error.
    """
    months = household.months(MONTHS)
    if fuel is None or not months:
        return None
    return daily.newest_day(connection, fuel, household.home.id, *household.clip(months[0], household.end))


def read_months(connection: Connection, household: Household, fuel: str, coverage: float) -> list[Month]:
    """The last months with a day of one's own, the earliest first. Raises psycopg.Error.

    A month that was compared shows the figures of its comparison; another is whole where so much of its days is known
    as ``coverage`` says, else the sum of what is known.
    """
    firsts = household.months(MONTHS)
    if not firsts:
        return []
    begin, end = household.clip(firsts[0], household.end)
    use = daily.read_days(connection, fuel, begin, end, np.array([household.home.id], np.int64))
    published = {
        one.from_day: one
        for one in comparisons.of_tenancy(connection, household.tenancy.id, kind="month", fuel=fuel, limit=MONTHS + 1)
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


def read_day(
    site: Site, connection: Connection, household: Household, fuel: str, wanted: date, latest: date | None = None
) -> DayUse:
    """One day's half-hours and the background load of the two weeks that end with it; ``latest``: the newest day of the
    fuel. Raises psycopg.Error."""
    first, end = household.clip(wanted - timedelta(days=NIGHTS - 1), wanted + timedelta(days=1))
    if fuel != "electricity":
        first = wanted
    dates = [first + timedelta(days=place) for place in range((end - first).days)]
    days = half_hours(site, connection, household.home.id, fuel, first, end)
    begin = midnight(wanted, site.zone) // 1_000_000
    last = days[-1]
    starts = [
        f"{datetime.fromtimestamp(begin + 1800 * place, UTC).astimezone(site.zone):%H:%M}" for place in range(len(last))
    ]
    always: Profile | None = None
    if fuel == "electricity":
        always = profile(np.array([by_clock(one, day, site.zone) for day, one in zip(dates, days, strict=True)]))
    values = [None if math.isnan(value) else float(value) for value in last]
    use = daily.read_days(connection, fuel, wanted, wanted + timedelta(days=1), np.array([household.home.id], np.int64))
    figure = int(use.watt_hours[0, 0])
    return DayUse(
        wanted,
        starts,
        values,
        None if always is None or math.isnan(always.background) else always.background,
        None if figure == NONE else figure,
        int(use.minutes[0, 0]),
        latest is None or wanted >= latest,
        always,
    )


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
