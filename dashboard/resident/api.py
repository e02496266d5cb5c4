"""The API of a household: what its pages show, for programs. Reading only; choices are made on pages.

Long lists come in pages with a cursor and a ``Link`` header, every answer has an ETag, and a wrong wish gets
problem+json.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response

from analytics.energy.profile import PARTS
from analytics.periods import Period, parse_period, starting
from dashboard.resident import models
from dashboard.resident.choices import who
from dashboard.resident.day_parts import DayPart, not_whole, read_parts
from dashboard.resident.day_shape import read_shape
from dashboard.resident.home import ComparisonView, household_reports, show
from dashboard.resident.household import half_hours, known_fuels
from dashboard.resident.net import read_net_days
from dashboard.resident.use import MONTHS, newest
from dashboard.resident.weather import read_changes
from dashboard.web import values
from dashboard.web.api import PROBLEMS, After, Limit, answer
from dashboard.web.errors import problem
from dashboard.web.household import Access, Household, looks
from dashboard.web.site import Site
from dashboard.web.values import Day, Flag, PeriodKey, cursor_of
from dashboard.web.visitor import Resident
from store import accounts, comparisons, daily, homes
from store.comparisons import Comparison
from store.connect import Connection
from store.times import midnight

#: Days that one answer may span: a year and some, and a month.
DAYS_AT_ONCE, HALF_HOUR_DAYS_AT_ONCE = 400, 31
#: Items of a page of a list.
_PAGE = 50
#: What the log says of the reader.
_BY = "By a program"

From = Annotated[Day | None, Query(alias="from", description="First local day; without it as many as are allowed")]
Net = Annotated[Flag, Query(description="Less what was given to the grid; with fuel=electricity")]
To = Annotated[Day | None, Query(alias="to", description="Last local day; without it the last that is over")]


def router(site: Site) -> APIRouter:
    """Routes below /api/v1/home."""
    routes = APIRouter(prefix="/api/v1/home", tags=["home"], responses=PROBLEMS)

    @routes.get(
        "",
        operation_id="getHome",
        response_model=models.Home,
        summary="Whose data these are",
        description="Days on which the home was theirs, fuels that are measured, and what is known of the home.",
    )
    def home(request: Request, access: Annotated[Access, looks("looked at the details", _BY)]) -> Response:
        with access.open() as (connection, household):
            fuels = known_fuels(connection, household, 10_000)
        return answer(
            request,
            models.Home(
                from_=household.first,
                to=None if household.tenancy.to_day is None else household.tenancy.to_day - timedelta(days=1),
                time_zone=site.zone.key,
                fuels=fuels,  # type: ignore[arg-type]  # the table holds no other
                details=_details(household) if household.lives else None,
            ),
        )

    @routes.get(
        "/comparisons",
        operation_id="listComparisons",
        response_model=models.Comparisons,
        summary="All comparisons",
        description="Every week, four weeks and month that was compared with similar homes, the newest first.",
    )
    @site.lane.work
    def list_comparisons(
        request: Request,
        access: Annotated[Access, looks("looked at the comparisons", _BY)],
        fuel: models.Fuel | None = None,
        kind: models.Kind | None = None,
        after: After = None,
        limit: Limit = _PAGE,
    ) -> Response:
        with access.open() as (connection, household):
            found = comparisons.of_tenancy(connection, household.tenancy.id, kind=kind, fuel=fuel, limit=100_000)
            place = 0 if after is None else next((at for at, one in enumerate(found, 1) if _name(one) == after), -1)
            if place < 0:
                access.tells_nothing()
                return problem(400, "Something in this request is not right", "Not right: cursor.")
            page = found[place : place + limit]
            shown = household_reports(site, connection, household, page)
        following = cursor_of(_name(page[-1])) if page and len(found) > place + limit else None
        items = [comparison_model(one) for one in shown]
        return answer(request, models.Comparisons(items=items, next=following), following)

    @routes.get(
        "/comparisons/{fuel}/{period}",
        operation_id="getComparison",
        response_model=models.Comparison,
        summary="One period of one fuel",
        description="What was found for one period: the same figures as on the page and in the letter.",
    )
    def get_comparison(
        request: Request,
        access: Annotated[Access, looks("looked at the comparison")],
        fuel: models.Fuel,
        period: Annotated[PeriodKey, Path(examples=["2026-W07"])],
    ) -> Response:
        wanted = parse_period(period)
        with access.open() as (connection, household):
            found = show(site, connection, household, wanted, fuel)
            if found is None:
                access.tells_nothing()
                return problem(404, "Not found", "There is no comparison of this fuel and period.")
            access.detail = found.report.period
        return answer(request, comparison_model(found))

    @routes.get(
        "/days",
        operation_id="listDays",
        response_model=models.Days,
        summary="Use by local day",
        description="Use by local day, in kWh; null where a day was not measured or only a part of it was.",
    )
    @site.lane.work
    def list_days(
        request: Request,
        access: Annotated[Access, looks("looked at the days", _BY)],
        fuel: models.Fuel,
        begin: From = None,
        end: To = None,
        net: Net = False,
    ) -> Response:
        if net and fuel != "electricity":
            return problem(400, "Something in this request is not right", "Not right: net. It is for electricity.")
        with access.open() as (connection, household):
            span = _span(household, begin, end, DAYS_AT_ONCE)
            if isinstance(span, Response):
                access.tells_nothing()
                return span
            if net and "export" not in known_fuels(connection, household, 10_000):
                access.tells_nothing()
                return problem(404, "Not found", "It is not known what this home gives to the grid.")
            days = _net_days(connection, household, span) if net else _days(site, connection, household, fuel, span)
        return answer(request, models.Days(fuel=fuel, net=net, items=days))

    @routes.get(
        "/half-hours",
        operation_id="listHalfHours",
        response_model=models.HalfHours,
        summary="Use by half-hour",
        description="Use by half-hour of local days, in kWh; null where it was not measured.",
    )
    @site.lane.work
    def list_half_hours(
        request: Request,
        access: Annotated[Access, looks("looked at the half-hours", _BY)],
        fuel: models.Fuel,
        begin: From = None,
        end: To = None,
    ) -> Response:
        items: list[models.HalfHour] = []
        with access.open() as (connection, household):
            span = _span(household, begin, end, HALF_HOUR_DAYS_AT_ONCE)
            if isinstance(span, Response):
                access.tells_nothing()
                return span
            for place, day in enumerate(half_hours(site, connection, household.home.id, fuel, *span)):
                start = midnight(span[0] + timedelta(days=place), site.zone) // 1_000_000
                items += [
                    models.HalfHour(
                        start=datetime.fromtimestamp(start + 1800 * slot, UTC).astimezone(site.zone),
                        kwh=None if math.isnan(value) else round(float(value) / 1000, 3),
                    )
                    for slot, value in enumerate(day)
                ]
        return answer(request, models.HalfHours(fuel=fuel, items=items))

    @routes.get(
        "/weather",
        operation_id="listWeatherMonths",
        response_model=models.WeatherMonths,
        summary="Use and the weather",
        description="Months of use beside what the weather explains of them.",
    )
    @site.lane.work
    def list_weather_months(
        request: Request, access: Annotated[Access, looks("looked at the year", _BY)], fuel: models.Fuel
    ) -> Response:
        with access.open() as (connection, household):
            found = read_changes(site, connection, household, fuel, MONTHS)
        items = [
            models.WeatherMonth(
                month=one.first,
                days=one.days,
                kwh=one.actual / 1000,
                expected_kwh=one.expected / 1000,
                percent=round(one.percent, 1),
                chance_kwh=one.chance / 1000,
            )
            for one in found
        ]
        return answer(request, models.WeatherMonths(fuel=fuel, items=items))

    @routes.get(
        "/shape",
        operation_id="getDayShape",
        response_model=models.DayShape,
        summary="When it is used",
        description="At what times of the day electricity is used, over two weeks of half-hours.",
    )
    @site.lane.work
    def get_day_shape(request: Request, access: Annotated[Access, looks("looked at a day", _BY)]) -> Response:
        with access.open() as (connection, household):
            last = newest(connection, household, "electricity") or household.end - timedelta(days=1)
            first, end, found = read_shape(site, connection, household, last)
        shares = None if found.shares is None else np.round(found.shares, 3).tolist()
        return answer(
            request,
            models.DayShape(
                from_=first,
                to=end - timedelta(days=1),
                background_watts=None if math.isnan(found.background) else round(found.background, 1),
                peak_share=None if math.isnan(found.peak_share) else round(found.peak_share, 3),
                parts=None if shares is None else dict(zip(PARTS, shares, strict=True)),
                days=found.days,
                days_away=found.away,
            ),
        )

    @routes.get(
        "/consents",
        operation_id="listConsents",
        response_model=models.Consents,
        summary="Consents",
        description="What the household has agreed to, since when and until when.",
    )
    def list_consents(request: Request, access: Annotated[Access, looks("looked at the consents", _BY)]) -> Response:
        with access.open() as (connection, household):
            given = homes.consents(connection, household.tenancy.id)
        items = [
            models.Consent(
                purpose=one.purpose,  # type: ignore[arg-type]  # the table holds no other
                given_at=one.given_at,
                withdrawn_at=one.withdrawn_at,
                channel=one.channel,
            )
            for one in given
        ]
        return answer(request, models.Consents(items=items))

    @routes.get(
        "/access",
        operation_id="listAccess",
        response_model=models.Looks,
        summary="Who looked",
        description="Who looked at the household's data, when and at what; the newest first.",
    )
    def list_access(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks("looked at who looked", _BY)],
        after: After = None,
        limit: Limit = _PAGE,
    ) -> Response:
        below = None if after is None else values.number(after)
        if after is not None and below is None:
            return problem(400, "Something in this request is not right", "Not right: cursor.")
        with access.open() as (connection, household):
            found = accounts.accesses(connection, household.tenancy.id, below=below, limit=limit + 1)
        following = cursor_of(str(found[limit - 1].id)) if len(found) > limit else None
        items = [
            models.Look(at=look.at, who=who(look, visitor.account_id), action=look.action, detail=look.detail)
            for look in found[:limit]
        ]
        return answer(request, models.Looks(items=items, next=following), following)

    return routes


def comparison_model(shown: ComparisonView) -> models.Comparison:
    """A comparison for programs: nothing that the page does not show."""
    one, words = shown.comparison, shown.report
    said = [*words.lead, words.suppressed, words.difference_text, words.percentile, words.change]
    said += [words.cost, words.carbon, *words.neighbours, words.help, *words.notes]
    return models.Comparison(
        fuel=one.fuel,  # type: ignore[arg-type]  # the tables hold no other words
        kind=one.kind,  # type: ignore[arg-type]
        period=_period_of(one).key,
        from_=one.from_day,
        to=one.to_day - timedelta(days=1),
        state=one.state,  # type: ignore[arg-type]
        reason=one.reason,
        own_kwh=_kwh(one.own),
        before_kwh=_kwh(one.before),
        estimated_days=one.estimated_days,
        missing_days=one.missing_days,
        neighbours=models.Neighbours(
            homes=one.homes,
            average_kwh=_kwh(one.average),
            efficient_kwh=_kwh(one.efficient),
            difference_kwh=None if one.own is None or one.average is None else _kwh(one.own - one.average),
            tenths_used_less=one.tenths,
        )
        if one.compared
        else None,
        cost=None
        if words.cost is None or one.cost is None or one.tariff is None
        else models.Cost(pence=one.cost, tariff=one.tariff, own_tariff=one.tariff_own),
        carbon_g=None if words.carbon is None else one.carbon,
        headline=words.headline,
        sentences=[sentence for sentence in said if sentence],
        actions=[models.Action(title=one.title, text=one.text, estimate=one.estimate) for one in words.actions],
        revision=one.revision,
        settled=one.final,
    )


def _span(household: Household, begin: date | None, last: date | None, most: int) -> tuple[date, date] | Response:
    """The own days of a wish, the end not included; or what is wrong with it."""
    end = household.end if last is None or last >= household.end else last + timedelta(days=1)
    first = max(household.first, end - timedelta(days=most)) if begin is None else begin
    if (end - first).days > most:
        return problem(400, "Too many days at once", f"Ask for at most {most} days.")
    return household.clip(first, end)


def _days(
    site: Site, connection: Connection, household: Household, fuel: str, span: tuple[date, date]
) -> list[models.Day]:
    use = daily.read_days(connection, fuel, *span, np.array([household.home.id], np.int64))
    known = [None if one < 0 else one for one in use.watt_hours[0].tolist()]
    parts: dict[date, DayPart] = {}
    for start, end in not_whole(site, span[0], use.minutes[0]):
        parts |= read_parts(site, connection, household.home.id, fuel, start, end)
    found = _day_models(span[0], known, use.minutes[0].tolist())
    for one, whole in zip(found, known, strict=True):
        part = parts.get(one.day, DayPart(whole if one.minutes_measured else None, None))
        one.measured_kwh, one.measured_until = _kwh(part.watt_hours), part.until
    return found


def _net_days(connection: Connection, household: Household, span: tuple[date, date]) -> list[models.Day]:
    use = read_net_days(connection, household.home.id, *span)
    return _day_models(span[0], use.net, use.minutes.tolist())


def _day_models(first: date, watt_hours: Sequence[int | None], minutes: Sequence[int]) -> list[models.Day]:
    return [
        models.Day(day=first + timedelta(days=place), kwh=_kwh(one), minutes_measured=measured)
        for place, (one, measured) in enumerate(zip(watt_hours, minutes, strict=True))
    ]


def _details(household: Household) -> models.Details:
    details, tenancy = household.home.details, household.tenancy
    return models.Details(
        dwelling=details.dwelling,
        heating=details.heating,
        heat_network=details.heat_network,
        floor_area_m2=details.floor_area,
        bedrooms=details.bedrooms,
        epc=details.epc,
        tenure=details.tenure,
        occupants=tenancy.occupants,
        electric_vehicle=tenancy.electric_vehicle,
        medical_equipment=tenancy.medical_equipment,
        large_print=tenancy.large_print,
        letters=tenancy.letters,
    )


def _period_of(one: Comparison) -> Period:
    return starting(one.kind, one.from_day)  # type: ignore[arg-type]  # the table checks it


def _name(one: Comparison) -> str:
    return f"{one.to_day.isoformat()} {one.kind} {one.fuel}"


def _kwh(watt_hours: int | None) -> float | None:
    return None if watt_hours is None else watt_hours / 1000
