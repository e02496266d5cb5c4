"""Who may open what: one table, by the beginning of a path. What is in no row of it is not served at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

RESIDENT = "resident"
#: Roles that an issuer gives; whoever has none is a resident once a tenancy is theirs.
ROLES = ("resident", "assist", "parking-ops", "carer", "engineer", "programme", "data-protection")
ROLE_WORDS = {
    "resident": "You",
    "assist": "Council helper",
    "parking-ops": "Parking officer",
    "carer": "Carer",
    "engineer": "Engineer",
    "programme": "Programme officer",
    "data-protection": "Data protection officer",
}


@dataclass(frozen=True, slots=True)
class Need:
    """What a visitor must be. ``roles`` empty and ``account`` False: anybody. ``demo``: open to all in a demo.
    ``alone``: the row is of this one path, and what is below it has rows of its own.

    The role ``resident`` is one who has a tenancy, and ``carer`` also one whom a resident has named, whatever an issuer
    says.
    """

    roles: frozenset[str] = frozenset()
    account: bool = False
    demo: bool = False
    alone: bool = field(default=False, compare=False)


ANYBODY = Need()
SIGNED_IN = Need(account=True)


def _role(*roles: str, demo: bool = False) -> Need:
    return Need(frozenset(roles), account=True, demo=demo)


#: Beginning of a path (whole parts) -> who may open it. The longest beginning counts.
ROUTES: dict[str, Need] = {
    "/": ANYBODY,
    "/accessibility": ANYBODY,
    "/privacy": ANYBODY,
    "/complaints": ANYBODY,
    "/parking/feed": ANYBODY,
    "/open-data": ANYBODY,
    "/sta": ANYBODY,
    "/air": ANYBODY,
    "/air/alerts": ANYBODY,
    "/api/v1/air": ANYBODY,
    "/plotly.min.js": ANYBODY,
    "/health": ANYBODY,
    "/stop": ANYBODY,
    "/demo/mailbox": ANYBODY,
    "/sign-in": ANYBODY,
    "/sign-in/code": SIGNED_IN,
    "/sign-out": SIGNED_IN,
    "/sign-out/done": ANYBODY,
    "/parking/board": _role("parking-ops", "engineer"),
    "/parking/queue": _role("parking-ops", "engineer"),
    "/parking/patterns": _role("parking-ops", "engineer"),
    "/parking/precision": _role("parking-ops", "engineer"),
    "/parking/health": _role("parking-ops", "engineer"),
    "/parking/wall": _role("parking-ops", "engineer"),
    "/parking/events": _role("parking-ops", "engineer"),
    "/parking": Need(alone=True),
    "/parking/live": ANYBODY,
    "/overview": _role("engineer", demo=True),
    "/engineer": _role("engineer"),
    "/home": _role(RESIDENT),
    "/care": _role("carer"),
    "/left": ANYBODY,
    "/api/v1/home": _role(RESIDENT),
    "/programme": _role("programme"),
    "/data-protection": _role("data-protection"),
    "/assist": _role("assist"),
}

#: What the navigation offers, in this order, to whoever may open it.
NAVIGATION = (
    ("/home", "My home"),
    ("/care", "Movement notices"),
    ("/assist", "Enter a slip"),
    ("/programme", "Programme"),
    ("/data-protection", "Data protection"),
    ("/parking/board", "Parking"),
    ("/overview", "What is arriving"),
    ("/engineer", "Pipeline"),
)


def work(held: Iterable[str]) -> list[tuple[str, str]]:
    """Path and words of the pages at which somebody with the roles ``held`` works: not those that are open to all."""
    some = set(held) - {RESIDENT}
    return [(path, words) for path, words in NAVIGATION if not need(path).roles.isdisjoint(some)]


def landing(held: Iterable[str], *, tenancy: bool) -> str:
    """Where somebody is sent after a sign-in: to the one page at which they work or live, to the start where there are
    several or none of them; who is nobody yet enters a code."""
    some = set(held) - {RESIDENT}
    places = [path for path, _ in work(some)] + (["/home"] if tenancy else [])
    if len(places) == 1:
        return places[0]
    return "/" if places or some else "/sign-in/code"


def need(path: str) -> Need:
    """What the table asks of who opens ``path`` (a route's template). Raises LookupError where it says nothing."""
    whole = path.rstrip("/")
    parts = whole.split("/")
    while len(parts) > 1:
        beginning = "/".join(parts)
        found = ROUTES.get(beginning)
        if found is not None and (beginning == whole or not found.alone):
            return found
        parts.pop()
    if path == "/":
        return ROUTES["/"]
    raise LookupError(f"dashboard/roles.py does not say who may open {path}")


def allowed(wanted: Need, roles: Iterable[str], *, account: bool, demo: bool) -> bool:
    """Whether somebody with ``roles`` (and an account or none) gets in."""
    if (wanted.demo and demo) or wanted == ANYBODY:
        return True
    return account and (not wanted.roles or not wanted.roles.isdisjoint(roles))
