"""Whom the site is for: an entry for each audience on the start page, and its name in the header and in titles.

The site is the council's; an audience has a part of it. A new one adds its row here and its section of the start page,
`templates/<audience>/entry.html`, beside its rows in ``dashboard/roles.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dashboard import roles


@dataclass(frozen=True, slots=True)
class Audience:
    """A part of the site; its pages begin with ``paths`` (whole parts of a path)."""

    #: In headings, the header and titles.
    name: str
    #: Its first page: without this route there is no entry.
    first: str
    paths: tuple[str, ...]
    #: Its section of the start page.
    template: str
    #: Anybody sees the entry, for it says how to get in; else whoever may open the first page.
    public: bool = False


AUDIENCES: tuple[Audience, ...] = (
    Audience(
        "Home energy",
        "/home",
        ("/home", "/left", "/sign-in/code", "/assist", "/programme", "/data-protection"),
        "resident/entry.html",
        public=True,
    ),
    Audience("Movement", "/care", ("/care",), "care/entry.html", public=True),
    Audience(
        "Parking operations",
        "/parking/board",
        tuple(f"/parking/{page}" for page in ("board", "queue", "patterns", "precision", "health", "wall", "events")),
        "operations/entry.html",
    ),
    Audience("Parking", "/parking", ("/parking",), "public/parking_entry.html", public=True),
    Audience("Air quality", "/air", ("/air",), "public/air_entry.html", public=True),
    Audience("Open data", "/open-data", ("/open-data",), "open_data/entry.html", public=True),
    Audience("Operation", "/overview", ("/overview", "/engineer"), "engineer/entry.html"),
)


def audience_of(path: str) -> Audience | None:
    """Whose page a path is; None for those that are everybody's."""
    return next(
        (one for one in AUDIENCES if any(path == start or path.startswith(f"{start}/") for start in one.paths)), None
    )


def entries(paths: Collection[str], held: Collection[str], *, account: bool, demo: bool) -> list[Audience]:
    """The audiences that a visitor with the roles ``held`` is offered, of those with a route in ``paths``."""
    return [
        one
        for one in AUDIENCES
        if one.first in paths and (one.public or roles.allowed(roles.need(one.first), held, account=account, demo=demo))
    ]
