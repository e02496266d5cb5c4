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

from analytics.periods import Period, parse_period, starting
from analytics.report.household import report
from dashboard.resident import models
from dashboard.resident.choices import who
from dashboard.resident.home import ComparisonView, show
from dashboard.resident.household import Own, half_hours, known_fuels, own
from dashboard.resident.net import read_net_days
from dashboard.web import values
from dashboard.web.api import PROBLEMS, After, Limit, answer
from dashboard.web.errors import problem
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

From = Annotated[Day | None, Query(alias="from", description="First local day; without it as many as are allowed")]
Net = Annotated[Flag, Query(description="Less what was given to the grid; with fuel=electricity")]
To = Annotated[Day | None, Query(alias="to", description="Last local day; without it the last that is over")]


def router(site: Site) -> APIRouter:
    """Routes below /api/v1/home."""
    routes = APIRouter(prefix="/api/v1/home", tags=["home"], responses=PROBLEMS)

    @routes.get("", operation_id="getHome", response_model=models.Home, summary="Whose data these are")
    def home(request: Request, visitor: Resident) -> Response:
        with site.connection() as connection:
            mine = own(site, connection, visitor)
            fuels = known_fuels(connection, mine, 10_000)
            site.log_access(connection, visitor, mine.tenancy.id, "looked at the details", "By a program")
        return answer(
            request,
            models.Home(
                from_=mine.first,
                to=None if mine.tenancy.to_day is None else mine.tenancy.to_day - timedelta(days=1),
                time_zone=site.zone.key,
                fuels=fuels,  # type: ignore[arg-type]  # the table holds no other
                details=_details(mine) if mine.lives else None,
            ),
        )

    @routes.get(
        "/comparisons", operation_id="listComparisons", response_model=models.Comparisons, summary="All comparisons"
    )
    @site.lane.work
    def list_comparisons(
        request: Request,
        visitor: Resident,
        fuel: models.Fuel | None = None,
        kind: models.Kind | None = None,
        after: After = None,
        limit: Limit = _PAGE,
    ) -> Response:
        with site.lane.connection() as connection:
            mine = own(site, connection, visitor)
            found = comparisons.of_tenancy(connection, mine.tenancy.id, kind=kind, fuel=fuel, limit=100_000)
            place = 0 if after is None else next((at for at, one in enumerate(found, 1) if _name(one) == after), -1)
            if place < 0:
                return problem(400, "Something in this request is not right", "Not right: cursor.")
            page = found[place : place + limit]
            shown = _with_words(site, connection, mine, page)
            site.log_access(connection, visitor, mine.tenancy.id, "looked at the comparisons", "By a program")
        following = cursor_of(_name(page[-1])) if page and len(found) > place + limit else None
        items = [comparison_model(one) for one in shown]
        return answer(request, models.Comparisons(items=items, next=following), following)

    @routes.get(
        "/comparisons/{fuel}/{period}",
        operation_id="getComparison",
        response_model=models.Comparison,
        summary="One period of one fuel",
    )
    def get_comparison(
        request: Request,
        visitor: Resident,
        fuel: models.Fuel,
        period: Annotated[PeriodKey, Path(examples=["2026-W07"])],
    ) -> Response:
        wanted = parse_period(period)
        with site.connection() as connection:
            mine = own(site, connection, visitor)
            found = show(site, connection, mine, wanted, fuel)
            detail = None if found is None else found.report.period
            site.log_access(connection, visitor, mine.tenancy.id, "looked at the comparison", detail)
        if found is None:
            return problem(404, "Not found", "There is no comparison of this fuel and period.")
        return answer(request, comparison_model(found))

    @routes.get("/days", operation_id="listDays", response_model=models.Days, summary="Use by local day")
    @site.lane.work
    def list_days(
        request: Request, visitor: Resident, fuel: models.Fuel, begin: From = None, end: To = None, net: Net = False
    ) -> Response:
        if net and fuel != "electricity":
            return problem(400, "Something in this request is not right", "Not right: net. It is for electricity.")
        with site.lane.connection() as connection:
            mine = own(site, connection, visitor)
            span = _span(mine, begin, end, DAYS_AT_ONCE)
            if isinstance(span, Response):
                return span
            if net and "export" not in known_fuels(connection, mine, 10_000):
                return problem(404, "Not found", "It is not known what this home gives to the grid.")
            days = _net_days(connection, mine, span) if net else _days(connection, mine, fuel, span)
            site.log_access(connection, visitor, mine.tenancy.id, "looked at the days", "By a program")
        return answer(request, models.Days(fuel=fuel, net=net, items=days))

    @routes.get(
        "/half-hours", operation_id="listHalfHours", response_model=models.HalfHours, summary="Use by half-hour"
    )
    @site.lane.work
    def list_half_hours(
        request: Request, visitor: Resident, fuel: models.Fuel, begin: From = None, end: To = None
    ) -> Response:
        items: list[models.HalfHour] = []
        with site.lane.connection() as connection:
            mine = own(site, connection, visitor)
            span = _span(mine, begin, end, HALF_HOUR_DAYS_AT_ONCE)
            if isinstance(span, Response):
                return span
            for place, day in enumerate(half_hours(site, connection, mine.home.id, fuel, *span)):
                start = midnight(span[0] + timedelta(days=place), site.zone) // 1_000_000
                items += [
                    models.HalfHour(
                        start=datetime.fromtimestamp(start + 1800 * slot, UTC).astimezone(site.zone),
                        kwh=None if math.isnan(value) else round(float(value) / 1000, 3),
                    )
                    for slot, value in enumerate(day)
                ]
            site.log_access(connection, visitor, mine.tenancy.id, "looked at the half-hours", "By a program")
        return answer(request, models.HalfHours(fuel=fuel, items=items))

    @routes.get("/consents", operation_id="listConsents", response_model=models.Consents, summary="Consents")
    def list_consents(request: Request, visitor: Resident) -> Response:
        with site.connection() as connection:
            given = homes.consents(connection, visitor.tenancy)
            site.log_access(connection, visitor, visitor.tenancy, "looked at the consents", "By a program")
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

    @routes.get("/access", operation_id="listAccess", response_model=models.Looks, summary="Who looked")
    def list_access(request: Request, visitor: Resident, after: After = None, limit: Limit = _PAGE) -> Response:
        below = None if after is None else values.number(after)
        if after is not None and below is None:
            return problem(400, "Something in this request is not right", "Not right: cursor.")
        with site.connection() as connection:
            looks = accounts.accesses(connection, visitor.tenancy, below=below, limit=limit + 1)
            site.log_access(connection, visitor, visitor.tenancy, "looked at who looked", "By a program")
        following = cursor_of(str(looks[limit - 1].id)) if len(looks) > limit else None
        items = [
            models.Look(at=look.at, who=who(look, visitor.account_id), action=look.action, detail=look.detail)
            for look in looks[:limit]
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
            difference_kwh=_kwh(words.difference),
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


def _with_words(site: Site, connection: Connection, mine: Own, page: Sequence[Comparison]) -> list[ComparisonView]:
    near = {day: comparisons.neighbourhood(connection, mine.home.id, day) for day in {one.quarter for one in page}}
    tariffs = homes.tariffs(connection, mine.tenancy.id)
    return [
        ComparisonView(
            one,
            report(
                one,
                mine.home.details,
                near[one.quarter],
                help_line=site.options.help_line,
                energy=site.options.energy,
                tariffs=tariffs,
                tenancy=mine.tenancy,
            ),
            near[one.quarter],
            None,
        )
        for one in page
    ]


def _span(mine: Own, begin: date | None, last: date | None, most: int) -> tuple[date, date] | Response:
    """The own days of a wish, the end not included; or what is wrong with it."""
    end = mine.end if last is None or last >= mine.end else last + timedelta(days=1)
    first = max(mine.first, end - timedelta(days=most)) if begin is None else begin
    if (end - first).days > most:
        return problem(400, "Too many days at once", f"Ask for at most {most} days.")
    return mine.clip(first, end)


def _days(connection: Connection, mine: Own, fuel: str, span: tuple[date, date]) -> list[models.Day]:
    use = daily.read_days(connection, fuel, *span, np.array([mine.home.id], np.int64))
    known = [None if one < 0 else one for one in use.watt_hours[0].tolist()]
    return _day_models(span[0], known, use.minutes[0].tolist())


def _net_days(connection: Connection, mine: Own, span: tuple[date, date]) -> list[models.Day]:
    use = read_net_days(connection, mine.home.id, *span)
    return _day_models(span[0], use.net, use.minutes.tolist())


def _day_models(first: date, watt_hours: Sequence[int | None], minutes: Sequence[int]) -> list[models.Day]:
    return [
        models.Day(day=first + timedelta(days=place), kwh=_kwh(one), minutes_measured=measured)
        for place, (one, measured) in enumerate(zip(watt_hours, minutes, strict=True))
    ]


def _details(mine: Own) -> models.Details:
    details, household = mine.home.details, mine.tenancy
    return models.Details(
        dwelling=details.dwelling,
        heating=details.heating,
        heat_network=details.heat_network,
        floor_area_m2=details.floor_area,
        bedrooms=details.bedrooms,
        epc=details.epc,
        tenure=details.tenure,
        occupants=household.occupants,
        electric_vehicle=household.electric_vehicle,
        medical_equipment=household.medical_equipment,
        large_print=household.large_print,
        letters=household.letters,
    )


def _period_of(one: Comparison) -> Period:
    return starting(one.kind, one.from_day)  # type: ignore[arg-type]  # the table checks it


def _name(one: Comparison) -> str:
    return f"{one.to_day.isoformat()} {one.kind} {one.fuel}"


def _kwh(watt_hours: int | None) -> float | None:
    return None if watt_hours is None else watt_hours / 1000
