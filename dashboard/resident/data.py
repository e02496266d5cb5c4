"""My data: everything of one's own days as files, streamed in pieces, each with a short look into the database."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request, Response
from numpy.typing import NDArray

from analytics.periods import starting
from dashboard.labels import FUEL_WORDS
from dashboard.resident.day_parts import DayPart, not_whole, read_parts
from dashboard.resident.home import parsed
from dashboard.resident.household import half_hours, known_fuels
from dashboard.resident.net import read_net_days, read_net_months
from dashboard.resident.use import MONTHS, read_months
from dashboard.resident.weather import read_changes
from dashboard.web.csv import Row, csv_file
from dashboard.web.household import Access, Household, looks
from dashboard.web.site import Site
from dashboard.web.streams import Stream
from dashboard.web.values import Day, Flag, PeriodKey, Word
from dashboard.web.visitor import Resident, Visitor
from devices.homes import FUELS, State
from store import comparisons, daily
from store.comparisons import Comparison
from store.times import midnight, next_month

#: A file of more days than this counts as an export, of which there may be only so many in ten minutes.
_SMALL = 31
#: Days that are read together: of daily use, and of half-hours, which may be made of readings every ten seconds.
_YEAR, _BLOCK_DAYS = 366, 14

COMPARISON_COLUMNS = (
    "fuel", "kind", "period", "from", "to", "own_kwh", "before_kwh", "estimated_days", "missing_days", "state",
    "reason", "average_kwh", "efficient_kwh", "homes", "tenths_used_less", "cost_pence", "tariff", "own_tariff",
    "carbon_g", "revision", "settled",
)  # fmt: skip
DAY_COLUMNS = ("day", "fuel", "kwh", "minutes_measured", "whole_day", "measured_kwh", "measured_until")
#: The last four: what was used, what the weather would have made it, and how far chance puts them apart, over so many
#: days of which use and weather are known.
MONTH_COLUMNS = (
    "month", "fuel", "kwh", "whole_month", "similar_homes_kwh", "days_known", "weather_days", "weather_used_kwh",
    "weather_expected_kwh", "weather_chance_kwh",
)  # fmt: skip
#: Electricity from the grid less what was given to it, of days of which both are known.
NET_DAY_COLUMNS = ("day", "net_kwh", "taken_kwh", "given_kwh", "minutes_measured")
NET_MONTH_COLUMNS = ("month", "net_kwh", "taken_kwh", "given_kwh", "whole_month", "days_known")


def router(site: Site) -> APIRouter:
    """Routes below /home/data."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/data")
    def overview(request: Request, access: Annotated[Access, looks("looked at the list of data")]) -> Response:
        with access.open() as (connection, household):
            fuels = known_fuels(connection, household, 10_000)
        context = {"household": household, "fuels": fuels, "everything": site.options.subject is not None}
        return site.page(request, "resident/data.html", context)

    @routes.get("/home/data/days.csv")
    @site.lane.work
    def days(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks("downloaded the days")],
        fuel: Word | None = None,
        net: Flag = False,
    ) -> Response:
        if net and fuel not in (None, "electricity"):
            raise HTTPException(404)
        household, fuels = _opened(site, request, visitor, access, fuel)
        if net:
            return csv_file(site, "my-home-days-net", NET_DAY_COLUMNS, net_day_rows(site, household))
        return csv_file(site, "my-home-days", DAY_COLUMNS, day_rows(site, household, fuels))

    @routes.get("/home/data/months.csv")
    @site.lane.work
    def months(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks("downloaded the months")],
        fuel: Word | None = None,
        net: Flag = False,
    ) -> Response:
        if net and fuel not in (None, "electricity"):
            raise HTTPException(404)
        household, fuels = _opened(site, request, visitor, access, fuel)
        if net:
            return csv_file(site, "my-home-months-net", NET_MONTH_COLUMNS, net_month_rows(site, household))
        return csv_file(site, "my-home-months", MONTH_COLUMNS, month_rows(site, household, fuels))

    @routes.get("/home/data/half-hours.csv")
    @site.lane.work
    def half_hours(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks("downloaded the half-hours")],
        fuel: Word | None = None,
        begin: Annotated[Day | None, Query(alias="from")] = None,
        end: Annotated[Day | None, Query(alias="to")] = None,
    ) -> Response:
        def span(household: Household) -> tuple[date, date]:
            return household.clip(begin or household.first, household.end if end is None else end + timedelta(days=1))

        household, fuels = _opened(site, request, visitor, access, fuel, span)
        head = ("start", "fuel", "kwh")
        return csv_file(site, "my-home-half-hours", head, half_hour_rows(site, household, fuels, *span(household)))

    @routes.get("/home/data/comparisons.csv")
    @site.lane.work
    def compared(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks("downloaded the comparisons")],
        fuel: Word | None = None,
        period: PeriodKey | None = None,
    ) -> Response:
        wanted = None if period is None else parsed(period)
        days = None if wanted is None else (wanted.start, wanted.end)
        household, fuels = _opened(
            site, request, visitor, access, fuel, lambda household: days or (household.first, household.end)
        )
        with site.lane.connection() as connection:
            found = comparisons.of_tenancy(connection, household.tenancy.id, limit=100_000)
        rows = (
            comparison_row(one)
            for one in found
            if one.fuel in fuels and (wanted is None or (wanted.kind, wanted.start) == (one.kind, one.from_day))
        )
        return csv_file(site, "my-home-comparisons", COMPARISON_COLUMNS, rows)

    @routes.get("/home/data/all.json")
    @site.lane.work
    def everything(
        request: Request, visitor: Resident, access: Annotated[Access, looks("downloaded everything")]
    ) -> Response:
        if site.options.subject is None:
            raise HTTPException(404)
        site.limit(request, "export", visitor)
        with access.open() as (_, household):
            pass  # the look is in the log before the first piece is read
        pieces = site.options.subject(household.tenancy.id, site.lane.connection)
        headers = {"Content-Disposition": 'attachment; filename="my-home-everything.json"', "Cache-Control": "no-store"}
        return Stream(site.lane, pieces, media_type="application/json", headers=headers)

    return routes


def _opened(
    site: Site,
    request: Request,
    visitor: Visitor,
    access: Access,
    fuel: str | None,
    span: Callable[[Household], tuple[date, date]] = lambda household: (household.first, household.end),
) -> tuple[Household, Sequence[str]]:
    """Whose data they are, and of which fuels; the look is in the log. ``span``: the days that the file is of.

    Raises HTTPException 404; TooOften, where it is of more than some days and many were asked for; psycopg.Error.
    """
    if fuel is not None and fuel not in FUELS:
        raise HTTPException(404)
    access.detail = None if fuel is None else FUEL_WORDS[fuel]
    with access.open() as (_, household):
        start, end = span(household)
        if (end - start).days > _SMALL:
            site.limit(request, "export", visitor)
    return household, FUELS if fuel is None else (fuel,)


def _spans(site: Site, household: Household, start: date, end: date, days: int) -> Iterator[tuple[date, date]]:
    """What there may be something of between two days, in pieces of so many days; each is read by itself."""
    with site.lane.connection() as connection:
        known = daily.months(connection, np.array([household.home.id], np.int64))
    if known is not None:
        start, end = max(start, known[0]), min(end, next_month(known[1]))
        while start < end:
            yield start, min(start + timedelta(days=days), end)
            start += timedelta(days=days)


def day_rows(site: Site, household: Household, fuels: Sequence[str]) -> Iterator[Row]:
    """Day, fuel, kWh (empty: not known), minutes measured, whether that was the whole day; what was measured [kWh] and,
    where not the whole day was, until when."""
    for fuel in fuels:
        for start, end in _spans(site, household, household.first, household.end, _YEAR):
            with site.lane.connection() as connection:
                use = daily.read_days(connection, fuel, start, end, np.array([household.home.id], np.int64))
            parts: dict[date, DayPart] = {}
            for low, high in not_whole(site, start, use.minutes[0]):
                with site.lane.connection() as connection:
                    parts |= read_parts(site, connection, household.home.id, fuel, low, high)
            for place, (watt_hours, minutes) in enumerate(zip(use.watt_hours[0], use.minutes[0], strict=True)):
                if watt_hours < 0 and not minutes:
                    continue
                day = start + timedelta(days=place)
                whole = midnight(day + timedelta(days=1), site.zone) - midnight(day, site.zone)
                measured = int(minutes) * 60_000_000 >= whole
                part = parts.get(day, DayPart(int(watt_hours) if minutes else None, None))
                until = None if part.until is None else part.until.isoformat()
                yield (
                    day.isoformat(), fuel, _kwh(int(watt_hours)), int(minutes), "yes" if measured else "no",
                    _kwh(part.watt_hours), until,
                )  # fmt: skip


def net_day_rows(site: Site, household: Household) -> Iterator[Row]:
    """Day, net, taken, given [kWh] and minutes measured by both; net may be below zero."""
    for start, end in _spans(site, household, household.first, household.end, _YEAR):
        with site.lane.connection() as connection:
            use = read_net_days(connection, household.home.id, start, end)
        for place, net in enumerate(use.net):
            if net is not None:
                taken, given = int(use.taken[place]), int(use.given[place])
                day = start + timedelta(days=place)
                yield day.isoformat(), net / 1000, _kwh(taken), _kwh(given), int(use.minutes[place])


def month_rows(site: Site, household: Household, fuels: Sequence[str]) -> Iterator[Row]:
    """Month, fuel, kWh, whether it is whole, what similar homes used, how many days are known; and the weather."""
    for fuel in fuels:
        with site.lane.connection() as connection:
            found = read_months(connection, household, fuel, site.options.coverage)
            changes = {one.first: one for one in read_changes(site, connection, household, fuel, MONTHS)}
        for one in found:
            if one.own is not None:
                whole = "no" if one.part else "yes"
                it = changes.get(one.first)
                weather = (None,) * 4 if it is None else (it.days, *map(_kwh, (it.actual, it.expected, it.chance)))
                yield f"{one.first:%Y-%m}", fuel, _kwh(one.own), whole, _kwh(one.average), one.known, *weather


def net_month_rows(site: Site, household: Household) -> Iterator[Row]:
    """Month, net, taken, given [kWh], whether it is whole, and of how many days both are known."""
    with site.lane.connection() as connection:
        months = read_net_months(connection, household, MONTHS, site.options.coverage)
    for month in months:
        if month.net is not None:
            whole = "no" if month.part else "yes"
            yield f"{month.first:%Y-%m}", month.net / 1000, _kwh(month.taken), _kwh(month.given), whole, month.known


def half_hour_rows(site: Site, household: Household, fuels: Sequence[str], start: date, end: date) -> Iterator[Row]:
    """Local time with its distance from UTC, fuel, kWh; half-hours that were not measured are left out."""
    for fuel in fuels:
        for block, block_end in _spans(site, household, start, end, _BLOCK_DAYS):
            with site.lane.connection() as connection:
                use = daily.read_days(connection, fuel, block, block_end, np.array([household.home.id], np.int64))
                if not ((use.watt_hours[0] >= 0) | (use.minutes[0] > 0)).any():
                    continue
                days = half_hours(site, connection, household.home.id, fuel, block, block_end)
            for place, values in enumerate(days):
                yield from _half_hours_of(site, fuel, block + timedelta(days=place), values)


def _half_hours_of(site: Site, fuel: str, day: date, values: NDArray[np.float64]) -> Iterator[Row]:
    begin = midnight(day, site.zone) // 1_000_000
    for slot, value in enumerate(values):
        if not math.isnan(value):
            start = datetime.fromtimestamp(begin + 1800 * slot, UTC).astimezone(site.zone)
            yield start.isoformat(), fuel, f"{value / 1000:.3f}"


def comparison_row(one: Comparison) -> Row:
    """A comparison as it is shown; what is told to nobody of others stays empty."""
    compared = one.compared
    cost = None if one.state == State.NEUTRAL else one.cost
    period = starting(one.kind, one.from_day)  # type: ignore[arg-type]  # the table checks it
    return (
        one.fuel, one.kind, period.key, one.from_day.isoformat(), (one.to_day - timedelta(days=1)).isoformat(),
        _kwh(one.own), _kwh(one.before), one.estimated_days, one.missing_days, one.state, one.reason,
        _kwh(one.average) if compared else None, _kwh(one.efficient) if compared else None,
        one.homes if compared else None, one.tenths if compared else None, cost, None if cost is None else one.tariff,
        None if cost is None else "yes" if one.tariff_own else "no", None if one.state == State.NEUTRAL else one.carbon,
        one.revision,
        "yes" if one.final else "no",
    )  # fmt: skip


def _kwh(watt_hours: int | None) -> str | None:
    return None if watt_hours is None or watt_hours < 0 else f"{watt_hours / 1000:.3f}"
