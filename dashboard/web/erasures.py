"""How far an erasure is, in words; and the form for leaving that was sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from dashboard.web.exceptions import Elsewhere
from dashboard.web.site import Site
from store import accounts, erasures
from store.erasures import ItemKind, State

LEAVE = "/home/leave"

#: What is left of each kind: what it is, and who does it when.
_KINDS: Mapping[ItemKind, tuple[str, str]] = {
    "recording": ("a recording of messages that is still being written", "It is gone through when it has ended."),
    "ledger": ("a ledger that is still being written", "It is gone through when it is whole."),
    "archive": ("an archive of messages that cannot be read just now", "We try it again."),
    "damaged": ("a file of readings that cannot be read or written just now", "We try it again."),
    "folder": ("a folder that is not there just now", "It is gone through when it is there."),
    "file": ("a file that could not be removed", "We try it again."),
    "look": ("a file that names the household and that we do not know", "Somebody of the council must look at it."),
    "accounts": ("the broker's list of accounts", "We try it again."),
}


def left(state: State) -> list[tuple[str, str, int]]:
    """What is left of an erasure, without names: what it is, what happens with it, how many of the kind."""
    if state.erased is None:
        return [("rows of the database", "They are being deleted.", 1)]
    found = [] if state.swept else [("files that are being gone through", "It goes on by itself.", 1)]
    counts = Counter(one.kind for one in state.items)
    return [*found, *((*_KINDS[kind], counts[kind]) for kind in _KINDS if counts[kind])]


def places(state: State) -> Sequence[tuple[str, str]]:
    """(path, what it is) of each file that is left, for whoever can look at it."""
    return [(one.path, _KINDS[one.kind][0]) for one in state.items]


def left_path(state: State) -> str:
    """The page that says how far it is to whoever left: its reference is chance and names nobody."""
    return f"/left?{urlencode({'reference': state.reference})}"


async def already_left(request: Request, site: Site) -> None:
    """Raise Elsewhere, to the page of who has left, where the form for leaving comes once more from a sign-in that
    ended with the household."""
    token = request.cookies.get(site.options.session_cookie)
    if token and request.method == "POST" and request.url.path == LEAVE:
        state = await run_in_threadpool(_state, site, token)
        if state is not None:
            raise Elsewhere(left_path(state))


def _state(site: Site, token: str) -> State | None:
    with site.connection() as connection:
        return erasures.by_session(connection, accounts.hashed(token))
