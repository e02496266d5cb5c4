"""What the web application needs to know; ``borough/site.py`` makes it from the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from analytics.energy.prices import Energy, load
from dashboard.simulation import Simulation
from store.erasures import State
from store.subject import Open


@dataclass(frozen=True, slots=True)
class SignIn:
    """An OpenID Connect issuer and what it knows us by; ``secret`` None: a public client.

    ``tenancy_claim`` of the ID token names a tenancy by its pseudonym, ``roles_claim`` a list of roles.
    """

    issuer: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    tenancy_claim: str = "borough_tenancy"
    roles_claim: str = "borough_roles"


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """One site.

    ``hosts``: names that it answers to. ``proxies``: addresses and networks of those that are believed to say from
    where a request came, nobody by default. ``public_url``: as people see it, without a path, None where it is whatever
    name was asked for; cookies are for https alone unless it is None or begins with http. ``secret`` signs the cookie
    of a sign-in under way and the tokens of forms: the same for all processes of a site. ``sign_in`` None: nobody can
    sign in, except in a demo. ``session_idle``: a session ends when it was not used for so long, ``session_lifetime``:
    in any case. ``demo``: all data are simulated, and codes of the purpose ``demo`` sign in.

    ``energy``: prices and factors. ``coverage``: so much of a month's days must have a value for the month to count as
    whole. ``simulation`` tells how far a demo is. ``erase`` takes a tenancy's id, erases everything about it and says
    how far that is; ``erasure`` says how far it is (None: nobody asked for it); ``subject`` says all that is held about
    it: JSON in pieces of bytes, each made with a connection of its own. None where the site cannot. ``workers``:
    processes of the site on this machine, which share out what is open at once.
    """

    database_url: str = field(repr=False)
    secret: str = field(repr=False)
    hosts: Sequence[str] = ("127.0.0.1", "localhost")
    proxies: Sequence[str] = ()
    public_url: str | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/London"))
    sign_in: SignIn | None = None
    session_idle: timedelta = timedelta(minutes=30)
    session_lifetime: timedelta = timedelta(hours=12)
    council_name: str = "Your council"
    council_address: Sequence[str] = ()
    help_line: str | None = None
    demo: bool = False
    energy: Energy = field(default_factory=load, repr=False)
    coverage: float = 0.9
    workers: int = 1
    simulation: Callable[[], Simulation] | None = None
    erase: Callable[[int], State] | None = None
    erasure: Callable[[int], State | None] | None = None
    subject: Callable[[int, Open], Iterator[bytes]] | None = None

    @property
    def secure(self) -> bool:
        """Whether people reach it by https."""
        return self.public_url is not None and urlsplit(self.public_url).scheme == "https"

    @property
    def session_cookie(self) -> str:
        """Name of the session's cookie; ``__Host-`` makes browsers refuse it from any other host or path."""
        return "__Host-borough" if self.secure else "borough"
