"""Uploads of engineers: recordings, tables, fleets and mappings that a job is then started with."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from dashboard.engineer.receiving import drain, receive
from dashboard.engineer.shelf import Incoming, Refused, Shelf, Upload, amount
from dashboard.replays import KIND_WORDS, Replays, Unfit
from dashboard.web.guard import CSRF_HEADER, check_token, reads_its_body
from dashboard.web.site import Site
from dashboard.web.values import Word
from dashboard.web.visitor import Anybody, Visitor
from store import jobs

log = logging.getLogger(__name__)

#: Where uploads are sent to; its body is counted here and not with all others.
PATH = "/engineer/jobs/uploads"
NOT_SET = (
    "Nothing can be uploaded or started here: BOROUGH_JOBS_FOLDER is not set. An installation in production needs none:"
    " replays and simulations are started only where BOROUGH_INSTALLATION is test or demo."
)


def router(site: Site) -> APIRouter:
    """The list with its form, an upload, and its removal."""
    routes = APIRouter()

    @routes.get(PATH)
    def page(request: Request, removed: Word = "") -> Response:
        """What is there, and the form for more."""
        return _page(site, request, done="The upload has been removed." if removed else "")

    @routes.post(PATH)
    @reads_its_body
    async def take(request: Request, visitor: Anybody) -> Response:
        """Take one file, read what it is, and show that."""
        replays = site.options.replays
        try:
            if replays is None or replays.why_not:
                raise Refused(409, NOT_SET if replays is None else replays.why_not)
            made = await _take(site, replays, request, visitor)
        except (Refused, OSError) as error:
            if isinstance(error, OSError):
                # which file of ours it was is for the log, and the rest for whoever sees to the machine
                log.error("an upload cannot be kept: %s", error.strerror)
                error = Refused(507, f"The jobs' folder cannot be written to: {error.strerror}.")
            await drain(request)
            return await run_in_threadpool(
                _page, site, request, problem=str(error), problems=error.problems, status=error.status
            )
        return RedirectResponse(f"{PATH}/{made.id}", status_code=303)

    @routes.get(PATH + "/{upload}")
    def one(request: Request, upload: Word) -> Response:
        """What an upload holds, and its problems by line."""
        replays, found = _found(site, upload)
        with site.connection() as connection:
            users = users_of(jobs.names(connection), found)
        context = {
            "page": "jobs",
            "upload": found,
            "size": amount(found.size),
            "kind": KIND_WORDS[found.checked.kind],
            "users": users,
            "why_not": replays.why_not,
        }
        return site.page(request, "engineer/upload.html", context)

    @routes.post(PATH + "/{upload}/remove")
    def remove(upload: Word) -> Response:
        """Remove an upload that no job reads."""
        replays, found = _found(site, upload)
        with site.connection() as connection:
            if users_of(jobs.names(connection), found):
                return RedirectResponse(f"{PATH}/{found.id}", status_code=303)  # its page says which
        shelf_of(replays).remove(found.id)
        return RedirectResponse(f"{PATH}?removed=yes", status_code=303)

    return routes


def shelf_of(replays: Replays) -> Shelf:
    """The uploads of an installation."""
    return Shelf(replays.folder, replays.limits)


def users_of(names: dict[int, list[str]], upload: Upload) -> list[int]:
    """The jobs that read an upload, the newest first."""
    return sorted((job for job, files in names.items() if upload.file in files), reverse=True)


def _found(site: Site, upload_id: str) -> tuple[Replays, Upload]:
    replays = site.options.replays
    found = None if replays is None else shelf_of(replays).find(upload_id)
    if replays is None or found is None:
        raise HTTPException(404)
    return replays, found


async def _take(site: Site, replays: Replays, request: Request, visitor: Visitor) -> Upload:
    """Raises Refused; HTTPException."""

    def check(token: str | None) -> None:
        # in the header it has been checked already
        if CSRF_HEADER not in request.headers:
            check_token(visitor, token)

    shelf = shelf_of(replays)
    await run_in_threadpool(_sweep, site, shelf)
    room = shelf.receiving()
    incoming = await run_in_threadpool(room.__enter__)
    try:
        shown = await receive(request, incoming, check)
        return await run_in_threadpool(_keep, replays, incoming, shown, visitor.account_id)
    finally:
        room.__exit__(None, None, None)


def _keep(replays: Replays, incoming: Incoming, shown: str, by: int | None) -> Upload:
    reader = replays.reader
    try:
        incoming.name(shown, reader.suffix(incoming.path))
        return incoming.keep(shown, by, reader.check(incoming.named, shown))
    except Unfit as error:
        raise Refused(400, str(error), error.problems) from None


def _sweep(site: Site, shelf: Shelf) -> None:
    with site.connection() as connection:
        used = {file for files in jobs.names(connection).values() for file in files}
    shelf.sweep(used, datetime.now(UTC))


def _page(
    site: Site,
    request: Request,
    *,
    done: str = "",
    problem: str = "",
    problems: tuple[str, ...] = (),
    status: int = 200,
) -> Response:
    replays = site.options.replays
    context: dict[str, Any] = {
        "page": "jobs",
        "done": done,
        "problem": problem,
        "problems": problems,
        "why_not": NOT_SET if replays is None else replays.why_not,
        "uploads": [],
    }
    if replays is not None:
        shelf, limits = shelf_of(replays), replays.limits
        context |= {
            "uploads": [(one, KIND_WORDS[one.checked.kind], amount(one.size)) for one in shelf.all()],
            "limits": limits,
            "most": amount(limits.size),
            "total": amount(limits.total),
            "bytes": limits.size,
        }
    return site.page(request, "engineer/uploads.html", context, status)
