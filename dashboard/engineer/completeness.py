"""Completeness: which devices lack readings, one device's days as a calendar, and the gaps as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from analytics.pipeline.completeness_proof import DayProof, DeviceProof, Verdict
from dashboard.engineer.proofs import KEPT_SECONDS, Proofs, of_open
from dashboard.web.csv import Row, csv_file
from dashboard.web.site import Site
from dashboard.web.values import Day, Text, Whole
from devices.counts import counted
from devices.families import FAMILIES
from store.times import midnight, next_month

PATH = "/engineer/completeness"
#: Devices of a page; days of a family and of a single device that are looked at, by default and at most.
PAGE = 100
WEEK, MONTH, QUARTER, YEAR = 7, 31, 92, 366
VERDICT_WORDS: dict[Verdict, str] = {"complete": "Complete", "gaps": "Gaps", "cannot know": "Cannot be known"}
GAP_COLUMNS = ("device", "family", "day", "kind", "expected", "present", "missing")
DAY_COLUMNS = (
    "device", "family", "day", "state", "expected", "present", "missing_numbers", "register_minus_intervals", "verdict",
)  # fmt: skip

State = Literal["complete", "part", "missing", "silent", "none"]
#: A day's sign and word; of a part the percentage stands in the word's place.
SIGNS: dict[State, tuple[str, str]] = {
    "complete": ("\N{BLACK CIRCLE}", "complete"),
    "part": ("\N{CIRCLE WITH LEFT HALF BLACK}", "in part"),
    "missing": ("\N{MULTIPLICATION X}", "missing"),
    "silent": ("\N{WHITE CIRCLE}", "silent"),
    "none": ("\N{EN DASH}", "none due"),
}
SIGN_WORDS: dict[State, str] = {
    "complete": "all readings of its rhythm are there",
    "part": "some of them, in per cent",
    "missing": "none, though message numbers show that it sent some",
    "silent": "none, and nothing shows that it sent any",
    "none": "nothing was expected: no rhythm is known, or it had not begun",
}

_From = Annotated[Day | None, Query(alias="from")]
_To = Annotated[Day | None, Query(alias="to")]


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of the calendar; ``word`` says its state, ``more`` what else lacks."""

    day: date
    state: State
    sign: str
    word: str
    more: str


@dataclass(frozen=True, slots=True)
class Month:
    """A month as weeks of seven days from Monday on; None: a day of another month or that was not looked at."""

    name: str
    weeks: list[list[CalendarDay | None]]


class NoDays(ValueError):
    """The days that were asked for are none that can be looked at; the text says why."""


def router(site: Site) -> APIRouter:
    """The list of a family, the calendar of a device, and the files."""
    routes = APIRouter()
    proofs = Proofs(site)

    @routes.get(PATH)
    @site.lane.steps
    async def page(
        request: Request,
        family: Text = "air-monitor",
        begin: _From = None,
        end: _To = None,
        show: Literal["", "gaps", "cannot know", "complete"] = "",
        number: Annotated[Whole, Query(alias="page")] = 1,
    ) -> Response:
        """A family's open devices, the worst first."""
        if family not in FAMILIES:
            raise HTTPException(404)
        wrong, found = "", None
        first, last = _default(WEEK)
        try:
            first, last = days(begin, end, WEEK, MONTH)
            found = await proofs.of_family(family, midnight(first, UTC), midnight(last + timedelta(days=1), UTC))
        except NoDays as error:
            wrong = str(error)
        devices = [one for one in found.devices if show in ("", one.verdict)] if found else []
        pages = max(1, -(-len(devices) // PAGE))
        place = min(max(1, number), pages)
        given = {"family": family, "from": first.isoformat(), "to": last.isoformat()}
        context = {
            "page": "completeness",
            "wrong": wrong,
            "family": family,
            "families": list(FAMILIES),
            "personal": FAMILIES[family].personal,
            "first": first,
            "last": last,
            "show": show,
            "verdicts": VERDICT_WORDS,
            "devices": [(one, _address(one.device, given), percent(one.expected, one.present)) for one in
                        devices[(place - 1) * PAGE : place * PAGE]],
            "count": len(devices),
            "verdict_counts": [(words, sum(one.verdict == verdict for one in found.devices))
                               for verdict, words in VERDICT_WORDS.items()] if found else [],
            "households": None if found is None or not found.households else [
                (words, found.households[verdict]) for verdict, words in VERDICT_WORDS.items()
            ],
            "made": None if found is None else found.made,
            "minutes": round(KEPT_SECONDS / 60),
            "previous": _paged(given, show, place - 1) if place > 1 else None,
            "following": _paged(given, show, place + 1) if place < pages else None,
            "place": place,
            "page_count": pages,
            "csv": [(kind, f"{PATH}.csv?{urlencode(given | {'kind': kind})}") for kind in ("gaps", "all")],
        }  # fmt: skip
        return site.page(request, "engineer/completeness.html", context, 400 if wrong else 200)

    @routes.get(f"{PATH}.csv")
    @site.lane.work
    def csv(
        kind: Literal["gaps", "all"] = "gaps",
        family: Text = "",
        device: Text = "",
        begin: _From = None,
        end: _To = None,
    ) -> Response:
        """The gaps, or all days, of open devices: of one, of a family, or of all."""
        if family and family not in FAMILIES:
            raise HTTPException(404)
        try:
            first, last = days(begin, end, WEEK, YEAR if device else MONTH)
        except NoDays:
            raise HTTPException(400) from None
        span = midnight(first, UTC), midnight(last + timedelta(days=1), UTC)
        found = of_open(site, family or None, device or None, *span)
        if device:
            # before the answer begins: a household's device is not there
            found = iter(_existing(found))
        if kind == "gaps":
            return csv_file(site, "completeness-gaps", GAP_COLUMNS, gap_rows(found))
        return csv_file(site, "completeness", DAY_COLUMNS, day_rows(found))

    @routes.get(f"{PATH}/{{device}}")
    @site.lane.work
    def calendar(request: Request, device: Annotated[Text, Path()], begin: _From = None, end: _To = None) -> Response:
        """One device day by day."""
        wrong = ""
        try:
            first, last = days(begin, end, QUARTER, YEAR)
        except NoDays as error:
            wrong = str(error)
            first, last = _default(QUARTER)
        span = midnight(first, UTC), midnight(last + timedelta(days=1), UTC)
        (proof,) = _existing(of_open(site, None, device, *span))
        given = {"device": device, "from": first.isoformat(), "to": last.isoformat()}
        context = {
            "page": "completeness",
            "wrong": wrong,
            "proof": proof,
            "verdict": VERDICT_WORDS[proof.verdict],
            "months": [] if wrong else months(proof),
            "first": first,
            "last": last,
            "signs": [(*SIGNS[state], words) for state, words in SIGN_WORDS.items()],
            "numbers": sum(day.missing_numbers for day in proof.days),
            "gap_days": sum(day.gap for day in proof.days),
            "family_address": f"{PATH}?{urlencode({'family': proof.family})}",
            "series_address": f"/engineer/series?{urlencode({'q': device})}",
            "csv": [(kind, f"{PATH}.csv?{urlencode(given | {'kind': kind})}") for kind in ("gaps", "all")],
            "names": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        }
        return site.page(request, "engineer/completeness_device.html", context, 400 if wrong else 200)

    return routes


def days(begin: date | None, end: date | None, usual: int, most: int) -> tuple[date, date]:
    """First and last whole day (UTC) that are looked at, ``usual`` days where nothing is said. Raises NoDays."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    last = yesterday if end is None else min(end, yesterday)
    first = last - timedelta(days=usual - 1) if begin is None else begin
    if first > last:
        raise NoDays("the first day is after the last whole one")
    if (last - first).days >= most:
        raise NoDays(f"no more than {most} days are looked at together")
    return first, last


def state(day: DayProof) -> State:
    """How a day is as far as its rhythm tells; message numbers are apart."""
    if not day.expected:
        return "none"
    if day.present >= day.expected:
        return "complete"
    if day.present:
        return "part"
    return "missing" if day.missing_numbers else "silent"


def percent(expected: int, present: int) -> str:
    """How much of what was expected is there: 100 % only where all of it is, and 0 % only where nothing is."""
    if not expected:
        return "\N{EN DASH}"
    if present >= expected:
        return "100 %"
    return f"{min(99, max(1, 100 * present // expected))} %" if present else "0 %"


def months(proof: DeviceProof) -> list[Month]:
    """A device's days as calendar months."""
    known = {day.day: _calendar_day(day) for day in proof.days}
    found = []
    first = proof.days[0].day.replace(day=1)
    while first <= proof.days[-1].day:
        after = next_month(first)
        monday = first - timedelta(days=first.weekday())
        weeks = []
        while monday < after:
            week = [monday + timedelta(days=number) for number in range(7)]
            if any(day in known and first <= day < after for day in week):
                weeks.append([known.get(day) if first <= day < after else None for day in week])
            monday += timedelta(days=7)
        found.append(Month(f"{first:%B %Y}", weeks))
        first = after
    return found


def gap_rows(proofs: Iterable[DeviceProof]) -> Iterator[Row]:
    """One row for each kind of gap of a day: ``silence`` (no reading), ``readings`` (some lack), ``numbers`` (messages
    never came), ``register`` (it rose by more or less than the intervals say; missing: the difference)."""
    for proof in proofs:
        for day in proof.days:
            beginning = (proof.device, proof.family, day.day.isoformat())
            if day.present < day.expected:
                kind = "readings" if day.present else "silence"
                yield *beginning, kind, day.expected, day.present, day.expected - day.present
            if day.missing_numbers:
                yield *beginning, "numbers", "", "", day.missing_numbers
            if day.disagrees:
                yield *beginning, "register", "", "", day.difference


def day_rows(proofs: Iterable[DeviceProof]) -> Iterator[Row]:
    """Every day of every device."""
    for proof in proofs:
        for day in proof.days:
            yield (proof.device, proof.family, day.day.isoformat(), state(day), day.expected, day.present,
                   day.missing_numbers, "" if day.difference is None else day.difference, proof.verdict)  # fmt: skip


def _calendar_day(day: DayProof) -> CalendarDay:
    what = state(day)
    sign, word = SIGNS[what]
    more = [f"{counted(day.missing_numbers, 'message')} lost"] if day.missing_numbers else []
    more += ["register differs"] if day.disagrees else []
    said = percent(day.expected, day.present) if what == "part" else word
    return CalendarDay(day.day, what, sign, said, ", ".join(more))


def _default(usual: int) -> tuple[date, date]:
    return days(None, None, usual, usual)


def _existing(found: Iterator[DeviceProof]) -> list[DeviceProof]:
    """The proof of one device. Raises HTTPException 404 where there is none that is open."""
    known = list(found)
    if not known:
        raise HTTPException(404)
    return known


def _address(device: str, given: dict[str, str]) -> str:
    return f"{PATH}/{quote(device, safe='')}?{urlencode({'from': given['from'], 'to': given['to']})}"


def _paged(given: dict[str, str], show: str, number: int) -> str:
    return f"{PATH}?{urlencode(given | {'show': show, 'page': number})}"
