"""Rejected messages tried again: a trial that stores nothing, and taking them by the collector's own way.

What is taken is read by what is installed, never by a mapping that stands in a form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from dashboard.engineer import rejected_looks
from dashboard.engineer.rejected_filter import Asked, Chosen
from dashboard.engineer.rejected_portions import Asking, Taking, Trial, take_portion, try_portion
from dashboard.engineer.rejected_words import FATE_WORDS, OUTCOME_WORDS
from dashboard.options import Trials
from dashboard.web import values
from dashboard.web.site import Site
from dashboard.web.values import Fields, Whole
from dashboard.web.visitor import Anybody, Visitor
from devices.text import flaw
from devices.tried import NotTried
from store import rejected_list
from store.connect import Connection
from store.times import instant

#: Signs of a mapping: more does not fit into a request.
LONGEST = 20_000
_TRY, _TAKE = "/engineer/rejected/try", "/engineer/rejected/take"
Number = Annotated[Whole | None, Query(alias="id")]


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked of a trial: ``mapping`` None: as things are; ``instead``: the format that it stands in for."""

    mapping: str | None = None
    instead: str = ""
    problem: str = ""
    #: whether the text of the mapping is what is wrong
    of_mapping: bool = False


def router(site: Site) -> APIRouter:
    """The trial and the taking."""
    routes = APIRouter()

    @routes.get(_TRY)
    @site.lane.work
    def ask(request: Request, visitor: Anybody, chosen: Asked, number: Number = None) -> Response:
        """How to try them."""
        _trials(site)
        with site.lane.connection() as connection:
            total = _count(site, connection, visitor, chosen, number)
        return _page(request, chosen, number, total, Form())

    @routes.post(_TRY)
    @site.lane.work
    def try_again(request: Request, visitor: Anybody, chosen: Asked, given: Fields, number: Number = None) -> Response:
        """What would become of them."""
        trials = _trials(site)
        with site.lane.connection() as connection:
            total = _count(site, connection, visitor, chosen, number)
        form = _form(given)
        if form.problem:
            return _page(request, chosen, number, total, form, status=400)
        try:
            asking = Asking(chosen, number, total, values.number(given.get("before", "")))
            found = try_portion(site, trials, visitor, asking, form.mapping, form.instead or None)
            differing = trials.differing()
            installed = form.mapping is None or trials.installed(form.mapping)
        except NotTried as error:
            of_mapping = str(error).startswith("the mapping")
            wrong = replace(form, problem=str(error), of_mapping=of_mapping)
            return _page(request, chosen, number, total, wrong, status=400)
        return _page(request, chosen, number, total, form, found, differing, installed=installed)

    @routes.post(_TAKE)
    @site.lane.work
    def take(request: Request, visitor: Anybody, chosen: Asked, given: Fields, number: Number = None) -> Response:
        """Take a portion of them, as things are."""
        trials = _trials(site)
        with site.lane.connection() as connection:
            rejected_looks.need_admission(site, connection, visitor, chosen)
            there = number is None or rejected_list.get(connection, number) is not None
            total = _count(site, connection, visitor, chosen, number) if there else 1
        # who sends the form of one twice is told so
        done, problem = _taking(given, total) if there else Taking(1, 1, missing=1), ""
        try:
            if there:
                done = take_portion(site, trials, visitor, Asking(chosen, number, total), done)
        except NotTried as error:
            problem = str(error)
        context = {
            "page": "rejected",
            "chosen": chosen,
            "number": number,
            "done": done,
            "problem": problem,
            "again": chosen.address(_TAKE, **_more(number)),
            "try": chosen.address(_TRY, **_more(number)),
        }
        return site.page(request, "engineer/rejected_taken.html", context, 409 if problem else 200)

    def _page(
        request: Request, chosen: Chosen, number: int | None, total: int, form: Form,
        trial: Trial | None = None, differing: Sequence[tuple[str, str]] = (), *,
        installed: bool = True, status: int = 200,
    ) -> Response:  # fmt: skip
        try:
            formats = _trials(site).formats()
        except NotTried as error:
            formats, form = [], form if form.problem else replace(form, problem=str(error))
        context = {
            "page": "rejected",
            "chosen": chosen,
            "number": number,
            "total": total,
            "form": form,
            "formats": formats,
            "trial": trial,
            "differing": differing,
            "installed": installed,
            "longest": LONGEST,
            "try": chosen.address(_TRY, **_more(number)),
            "take": chosen.address(_TAKE, **_more(number)),
            "outcomes": OUTCOME_WORDS,
            "fates": FATE_WORDS,
            "zone": site.zone,
            "instant": instant,
        }
        return site.page(request, "engineer/rejected_try.html", context, status)

    return routes


def _trials(site: Site) -> Trials:
    """What tries. Raises HTTPException 404 where this site only looks."""
    if site.options.trials is None:
        raise HTTPException(404)
    return site.options.trials


def _count(site: Site, connection: Connection, visitor: Visitor, chosen: Chosen, number: int | None) -> int:
    """How many messages it is about. Raises HTTPException 403, 404."""
    rejected_looks.need_admission(site, connection, visitor, chosen)
    if number is None:
        return rejected_list.count_messages(connection, chosen.filter)
    if rejected_list.get(connection, number) is None:
        raise HTTPException(404)
    return 1


def _form(given: Mapping[str, str]) -> Form:
    """What a form asks."""
    if given.get("how") != "mapping":
        return Form()
    text, instead = given.get("mapping", "").replace("\r\n", "\n"), given.get("instead", "")
    form = Form(text, instead, of_mapping=True)
    if not text.strip():
        return replace(form, problem="paste the text of a mapping file, or try them as things are")
    if len(text) > LONGEST:
        return replace(form, problem=f"the mapping has more than {LONGEST:,} signs: use borough rejected try --mapping")
    if (wrong := flaw(text, lines=True)) is not None:
        return replace(form, problem=f"the mapping {wrong}")
    return replace(form, of_mapping=False)


def _taking(given: Mapping[str, str], total: int) -> Taking:
    """How far it was by the form, which says it for the page's sake: what is taken hangs on nothing of it."""
    said = {one.name: values.number(given.get(one.name, "")) for one in fields(Taking)}
    after, last = said.pop("after"), said.pop("last")
    if after is None or last is None:
        return Taking(total)
    numbers = {name: number or 0 for name, number in said.items()}
    return Taking(**numbers, after=after, last=last)


def _more(number: int | None) -> dict[str, str]:
    return {} if number is None else {"id": str(number)}
