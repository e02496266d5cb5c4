"""The comparison: how a home did in a period against similar homes nearby; and who those are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request, Response

from analytics.periods import KINDS, Period, parse_period, period_of, starting
from analytics.report import words as report_words
from analytics.report.household import Report, report
from dashboard import figures
from dashboard.figures import Bar, Cell, Figure
from dashboard.labels import EARLIER_WORDS, FUEL_WORDS, KIND_WORDS, NEWEST_WORDS
from dashboard.web.household import Access, Household, looks
from dashboard.web.site import Site
from dashboard.web.values import PeriodKey, Word
from devices.homes import COMPARED, HomeDetails, Tariff
from devices.trials import Sight
from store import comparisons, homes, trials
from store.comparisons import Comparison, Neighbourhood, PublishedPeriod
from store.connect import Connection

#: How many earlier periods are offered by link.
_EARLIER = 12


@dataclass(frozen=True, slots=True)
class Link:
    """One choice of several; ``here``: it is the one that is shown."""

    text: str
    href: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """The fuel and period that are shown, and what else there is to choose."""

    fuel: str
    period: Period
    fuels: Sequence[Link]
    periods: Sequence[Link]
    earlier: Sequence[Link]
    earlier_words: str


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison with all that is said of it: what page and API show."""

    comparison: Comparison
    report: Report
    neighbourhood: Neighbourhood | None
    tariff: Tariff | None


def router(site: Site) -> APIRouter:
    """Routes /home and /home/neighbours."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home")
    def compare(
        request: Request,
        access: Annotated[Access, looks("looked at the comparison")],
        fuel: Word | None = None,
        period: PeriodKey | None = None,
    ) -> Response:
        with access.open() as (connection, household):
            published = comparisons.periods(connection, household.tenancy.id)
            chosen = choose(published, fuel, period, household.today)
            found = None if chosen is None else show(site, connection, household, chosen.period, chosen.fuel)
            access.detail = None if found is None else said(found)
        context: dict[str, Any] = {"household": household, "chosen": chosen, "shown": found}
        if found is None or chosen is None:
            return site.page(request, "resident/nothing-yet.html", context)
        figure = comparison_figure(found, f"/home/data/comparisons.csv?fuel={chosen.fuel}&period={chosen.period.key}")
        return site.page(request, "resident/home.html", {**context, "report": found.report, "figure": figure})

    @routes.get("/home/neighbours")
    def neighbours(request: Request, access: Annotated[Access, looks("looked at who the neighbours are")]) -> Response:
        with access.open() as (connection, household):
            member = trials.of_tenancy(connection, household.tenancy.id, household.today)
            sight = Sight.ALL if member is None else member.sight
            newest = comparisons.of_tenancy(connection, household.tenancy.id, limit=1)
            near = comparisons.neighbourhood(connection, household.home.id, newest[0].quarter) if newest else None
            agreed = [one.withdrawn_at is None for one in homes.consents(connection, household.tenancy.id)
                      if one.purpose == "comparison"]  # fmt: skip
        # the groups of a quarter stay as they are, whoever leaves
        withdrew = bool(agreed) and not any(agreed)
        near = None if withdrew else near
        if sight == Sight.OWN:
            return site.page(request, "resident/neighbours-trial.html", {"household": household})
        context = {
            "household": household,
            "near": near,
            "newest": newest[0] if newest else None,
            "zone": sight == Sight.ZONE,
            "withdrew": withdrew,
            **neighbour_words(near),
        }
        return site.page(request, "resident/neighbours.html", context)

    return routes


def choose(published: Sequence[PublishedPeriod], fuel: str | None, period: str | None, today: date) -> Chosen | None:
    """What to show of the periods that a tenancy was ``published`` of (the newest first); None where there is nothing.

    Without a wish electricity's newest week, or what there is instead. Raises HTTPException 404 for a fuel or period
    that is not there, however it is written.
    """
    known: dict[str, dict[str, Period]] = {}
    for one in published:
        found = starting(one.kind, one.from_day)  # type: ignore[arg-type]  # the table checks it
        known.setdefault(one.fuel, {})[found.key] = found
    if not known and fuel is None and period is None:
        return None
    fuel = next((name for name in COMPARED if name in known), "") if fuel is None else fuel
    periods = known.get(fuel)
    if not periods:
        raise HTTPException(404)
    newest = {kind: next((p for p in periods.values() if p.kind == kind), None) for kind in KINDS}
    shown = periods.get(period) if period else next((p for p in newest.values() if p is not None), None)
    if shown is None:
        raise HTTPException(404)
    same = [one for one in periods.values() if one.kind == shown.kind]
    return Chosen(
        fuel,
        shown,
        [
            Link(FUEL_WORDS[name], _address(name, shown if shown.key in known[name] else None), name == fuel)
            for name in COMPARED
            if name in known
        ],
        [Link(_newest(one, today), _address(fuel, one), one == shown) for one in newest.values() if one is not None],
        [Link(_name(one), _address(fuel, one), one == shown) for one in same[1 : 1 + _EARLIER]],
        EARLIER_WORDS[shown.kind],
    )


def show(site: Site, connection: Connection, household: Household, period: Period, fuel: str) -> ComparisonView | None:
    """A comparison with its words; None where there is none. Raises psycopg.Error."""
    found = comparisons.one(connection, household.tenancy.id, period.kind, period.start, fuel)
    return None if found is None else household_reports(site, connection, household, [found])[0]


def household_reports(
    site: Site, connection: Connection, household: Household, found: Sequence[Comparison]
) -> list[ComparisonView]:
    """Comparisons of a household with their words, in the order given. Raises psycopg.Error.

    What the words need besides is read once for all of them.
    """
    quarters = {one.quarter for one in found}
    near = {day: comparisons.neighbourhood(connection, household.home.id, day) for day in quarters}
    tariffs = homes.tariffs(connection, household.tenancy.id)
    shown = []
    for one in found:
        words = report(
            one,
            household.home.details,
            near[one.quarter],
            help_line=site.options.help_line,
            energy=site.options.energy,
            tariffs=tariffs,
            tenancy=household.tenancy,
        )
        dated = [tariff for tariff in tariffs if tariff.fuel == one.fuel and tariff.from_day < one.to_day]
        shown.append(ComparisonView(one, words, near[one.quarter], dated[-1] if dated and one.tariff_own else None))
    return shown


def said(found: ComparisonView) -> str:
    """What was looked at, in words."""
    return f"{FUEL_WORDS[found.comparison.fuel]}, {found.report.period}"


def comparison_figure(found: ComparisonView, csv: str) -> Figure | None:
    """The bars with their finding, or None where nothing is compared."""
    words = found.report
    if not words.bars:
        return None
    bars = [Bar(bar.who, bar.label, bar.watt_hours, bar.text) for bar in words.bars]
    return Figure(
        name="comparison",
        headline=words.difference_text or words.headline,
        drawing=figures.bars(bars),
        caption=f"{FUEL_WORDS[words.fuel]}, {words.period}",
        columns=("Home", "Use"),
        rows=[(Cell(bar.label), Cell(bar.text, bar.value)) for bar in bars],
        csv=csv,
    )


def parsed(text: str) -> Period:
    """A period by its key. Raises HTTPException 404."""
    try:
        return parse_period(text)
    except ValueError:
        raise HTTPException(404) from None


_STEPS: Mapping[str, str] = {
    "area-15": "Homes whose floor area is within 15% of homes like yours. This is the closest match.",
    "area-30": "Homes whose floor area is within 30% of homes like yours. There were too few closer in size.",
    "any-area": "Homes of any size, because there were too few nearby of your size.",
    "few": "Homes of any size. There were too few for a figure for those that use least, so we show an average only.",
    "none": "There were too few homes like yours nearby, so we show no comparison.",
}


def neighbour_words(near: Neighbourhood | None) -> dict[str, str]:
    """How the neighbours were chosen, in words: like, size, area, reach, many, quarter. Empty where there are none."""
    if near is None:
        return {}
    return {
        "like": report_words.sentence(
            report_words.homes_like(HomeDetails(near.dwelling, near.heating, near.heat_network))
        ),
        "size": _STEPS.get(near.step, ""),
        "area": f"{round(near.floor_area, -1):.0f} square metres",
        "reach": report_words.distance(near.reach),
        "many": f"{max(near.neighbours // 10 * 10, 10):,}",
        "quarter": report_words.quarter_name(near.quarter),
    }


def _address(fuel: str, period: Period | None) -> str:
    return f"/home?fuel={fuel}{f'&period={period.key}' if period is not None else ''}"


def _newest(period: Period, today: date) -> str:
    """ "Last week" only while no later one is over: readings or the analysis may be weeks behind."""
    words = KIND_WORDS if period_of(period.kind, period.end).end > today else NEWEST_WORDS
    return words[period.kind]


def _name(period: Period) -> str:
    if period.kind == "month":
        return report_words.period_name("month", period.start, period.end)
    return report_words.days(period.start, period.end)
