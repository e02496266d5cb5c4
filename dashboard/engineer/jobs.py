"""Replays and simulations: what has been started, how far it is, and what is started next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.engineer import asking, job_words
from dashboard.engineer.job_events import JobEvents, mark
from dashboard.engineer.runs import charts_of
from dashboard.engineer.uploads import NOT_SET, PATH
from dashboard.replays import KIND_WORDS
from dashboard.web.forms import Form, form_token, new_token
from dashboard.web.guard import may_still
from dashboard.web.site import Site
from dashboard.web.values import Fields, Flag, Whole, Word
from dashboard.web.visitor import Anybody
from store import jobs
from store.jobs import Job, NotSo

#: Jobs of a page.
PAGE = 30
#: How often a page without scripts asks again where that is wished [s].
REFRESH = 5
#: The fields of a form as they stand before anybody has typed.
_TYPED = {
    "connections": "one",
    "speed": "fastest",
    "faults": "file",
    "register": "yes",
}


def router(site: Site) -> APIRouter:
    """The list, the form, a job with its wishes, and the events of all of them."""
    routes = APIRouter()
    feed = site.events.add(JobEvents())

    @routes.get("/engineer/jobs")
    def page(request: Request, before: Whole | None = None, removed: Whole | None = None) -> Response:
        """What has been started, the newest first."""
        now = datetime.now(UTC)
        with site.connection() as connection:
            found = jobs.find(connection, before=before, limit=PAGE + 1)
        replays = site.options.replays
        context = {
            "page": "jobs",
            "jobs": [
                (one, job_words.KINDS[one.kind], job_words.standing(one, now), job_words.scored(one.score))
                for one in found[:PAGE]
            ],
            "next": found[PAGE - 1].id if len(found) > PAGE else None,
            "first": before is None,
            "removed": removed,
            "why_not": _why_not(site),
            "uploads": PATH,
            "installation": None if replays is None else replays.installation,
            "marks": ",".join(f"{one.id}:{one.state}" for one in found[:PAGE]),
        }
        return site.page(request, "engineer/jobs.html", context)

    @routes.get("/engineer/jobs/events")
    def events(request: Request) -> Response:
        """Which jobs change, as they do."""
        return site.events.stream(feed, request, may_still)

    @routes.get("/engineer/jobs/new")
    def new(request: Request, what: Word = "") -> Response:
        """What can be started; for one thing, how."""
        return _form(site, request, what, Form({}))

    @routes.post("/engineer/jobs/new")
    def ask(request: Request, visitor: Anybody, given: Fields) -> Response:
        """Start it, or say beside each field what is wrong."""
        replays, form = site.options.replays, Form(given)
        choice = None if replays is None else asking.find(replays, given.get("what", "")[:40])
        if replays is None or replays.why_not or choice is None:
            return _form(site, request, given.get("what", "")[:40], form, status=409)
        wanted, token = asking.read(form, choice, replays), form_token(given)
        if token is None:
            raise HTTPException(400)
        if form.errors:
            return _form(site, request, choice.key, form, status=400)
        with site.connection() as connection:
            made = jobs.ask(
                connection,
                choice.kind,
                wanted.name,
                wanted.options,
                visitor.account_id,
                wanted.files,
                token=token,
            )
        return RedirectResponse(f"/engineer/jobs/{made}", status_code=303)

    @routes.get("/engineer/jobs/{job}")
    def one(request: Request, job: Whole, refresh: Flag = False, refused: Word = "") -> Response:
        """How far a job is, its score as it forms, and what can be done with it."""
        with site.connection() as connection:
            found = _found(jobs.get(connection, job))
            others = [other for other in jobs.find(connection, limit=PAGE) if other.id != job and other.score]
        live = found.state in ("waiting", "running")
        context = {
            "page": "jobs",
            "job": found,
            "kind": job_words.KINDS[found.kind],
            "standing": job_words.standing(found, datetime.now(UTC)),
            "score": job_words.scored(found.score),
            "asked": job_words.options_of(found),
            "words": job_words,
            "others": others,
            "live": live,
            "refresh": REFRESH if refresh and live else None,
            "seconds": REFRESH,
            "refused": refused,
            "mark": mark(found),
            "charts": charts_of(site.options.replays, job) is not None,
        }
        return site.page(request, "engineer/job.html", context)

    @routes.post("/engineer/jobs/{job}")
    def wish(job: Whole, given: Fields) -> Response:
        """Pause, go on, stop or remove it."""
        what = given.get("wish", "")
        try:
            with site.connection() as connection:
                _found(jobs.get(connection, job))
                if what in ("pause", "stop"):
                    jobs.wish(connection, job, "pause" if what == "pause" else "stop")
                elif what == "resume":
                    jobs.resume(connection, job)
                elif what == "remove":
                    jobs.remove(connection, job)
                    return RedirectResponse(f"/engineer/jobs?removed={job}", status_code=303)
                else:
                    raise HTTPException(400)
        except NotSo:
            # it has gone on meanwhile: its page says how it stands now
            return RedirectResponse(f"/engineer/jobs/{job}?{urlencode({'refused': what})}", status_code=303)
        return RedirectResponse(f"/engineer/jobs/{job}", status_code=303)

    return routes


def _why_not(site: Site) -> str:
    replays = site.options.replays
    return NOT_SET if replays is None else replays.why_not


def _found(job: Job | None) -> Job:
    if job is None:
        raise HTTPException(404)
    return job


def _form(site: Site, request: Request, key: str, form: Form, *, status: int = 200) -> Response:
    replays = site.options.replays
    context: dict[str, Any] = {"page": "jobs", "why_not": _why_not(site), "uploads": PATH}
    if replays is None or replays.why_not:
        return site.page(request, "engineer/new_jobs.html", {**context, "choices": []}, status)
    choice = asking.find(replays, key) if key else None
    if choice is None:
        found = asking.choices(replays)
        context |= {
            "gone": bool(key),
            "groups": [
                (title, [one for one in found if one.what == what])
                for what, title in (("fleet", "Fleets to simulate"), ("recording", "Recordings"), ("table", "Tables"))
            ],
        }
        return site.page(request, "engineer/new_jobs.html", context, 404 if key and status == 200 else status)
    default = {
        **_TYPED,
        "name": choice.title[:60],
        "format": {"table": "native", "recording": "recorded"}.get(choice.what, ""),
    }
    if choice.upload is not None and choice.upload.checked.mapping:
        default["mapping"] = choice.upload.checked.mapping
    context |= {
        "choice": choice,
        "kind": KIND_WORDS[choice.what],
        "form": form,
        "typed": dict(form.typed) if form.typed else default,
        # two presses of the button, or a page that is sent again, ask for one job
        "token": new_token(),
        "installation": replays.installation,
        "mappings": {"": "Choose a mapping", **asking.mappings(replays)} if choice.what == "table" else {},
        "formats": {
            "fleet": asking.FLEET_FORMATS,
            "table": asking.TABLE_FORMATS,
            "recording": asking.RECORDING_FORMATS,
        }[choice.what],
        "connections": asking.CONNECTIONS,
        "fault_choices": asking.FAULT_CHOICES,
        "faults": replays.faults,
    }
    return site.page(request, "engineer/new_job.html", context, status)
