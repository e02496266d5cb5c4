"""What the web application needs to know; ``borough/site.py`` makes it from the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from analytics.energy.prices import Energy, load
from dashboard.replays import Replays
from dashboard.simulation import Simulation
from devices.bays import GRACE, SILENCE
from devices.csvw import OPEN_GOVERNMENT_LICENCE
from devices.device import Origin
from devices.parking_account import Account
from devices.tried import Taken, Tried
from store.erasures import State
from store.rejected import RejectedMessage
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
class DemoMail:
    """An e-mail that the relay of a demo took; ``html``: its other form, as it came."""

    name: str
    to: str
    subject: str
    at: str
    text: str
    html: str
    headers: Sequence[tuple[str, str]] = ()


class Trials(Protocol):
    """Rejected messages tried and taken by the collector's way. All raise devices.tried.NotTried; psycopg.Error."""

    def formats(self) -> Sequence[str]:
        """Formats that the subscriptions name."""

    def differing(self) -> Sequence[tuple[str, str]]:
        """Collectors that run, and formats that they read otherwise than this site: nothing is taken then."""

    def installed(self, mapping: str) -> bool:
        """Whether a format that a subscription names is read with this very mapping (a mapping file's text)."""

    def try_again(
        self, messages: Sequence[RejectedMessage], mapping: str | None, instead: str | None
    ) -> Sequence[Tried]:
        """What would become of messages, as things are or by a mapping file's text. Stores nothing."""

    def take(self, messages: Sequence[RejectedMessage], account_id: int | None) -> Taken:
        """Take messages once more, as things are, each once."""


@dataclass(frozen=True, slots=True)
class OpenData:
    """What is said of open data: ``licence`` (an address), ``contact`` (an e-mail address), ``organisation`` (as
    catalogues of the government name it); ``folder`` of the snapshots. None: there is none. ``origin``: of the devices
    whose data are open."""

    licence: str = OPEN_GOVERNMENT_LICENCE
    contact: str | None = None
    organisation: str | None = None
    folder: Path | None = None
    origin: Origin = "real"


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """One site. What it cannot do (``simulation``, ``erase``, ``erasure``, ``trials``, ``subject``) is None."""

    """One site. What it cannot do (``simulation``, ``erase``, ``erasure``, ``subject``, ``replays``) is None."""

    database_url: str = field(repr=False)
    #: Signs the cookie of a sign-in under way and the tokens of forms: the same for all processes of a site.
    secret: str = field(repr=False)
    #: Names that it answers to.
    hosts: Sequence[str] = ("127.0.0.1", "localhost")
    #: Addresses and networks of those that are believed to say from where a request came, nobody by default.
    proxies: Sequence[str] = ()
    #: As people see it, without a path; None where it is whatever name was asked for. Cookies are for https alone
    #: unless it is None or begins with http.
    public_url: str | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/London"))
    #: None: nobody can sign in, except in a demo.
    sign_in: SignIn | None = None
    #: A session ends when it was not used for so long.
    session_idle: timedelta = timedelta(minutes=30)
    #: A session ends after so long in any case.
    session_lifetime: timedelta = timedelta(hours=12)
    council_name: str = "Your council"
    council_address: Sequence[str] = ()
    help_line: str | None = None
    #: The council's parking account, the oldest year first; empty where it gave none.
    parking_accounts: Sequence[Account] = ()
    open_data: OpenData = field(default_factory=OpenData)
    #: All data are simulated, and codes of the purpose ``demo`` sign in.
    demo: bool = False
    #: Prices and factors.
    energy: Energy = field(default_factory=load, repr=False)
    #: So much of a month's days must have a value for the month to count as whole.
    coverage: float = 0.9
    #: Processes of the site on this machine, which share out what is open at once.
    workers: int = 1
    #: So many clients of each live page are served by one process.
    live_clients: int = 600
    #: Time over that is no overstay yet, and how long a bay is known after a reading of a sensor without a heartbeat.
    parking_grace: timedelta = GRACE
    parking_silence: timedelta = SILENCE
    #: Addresses of brokers at which new observations are published (`borough announce`), as people reach them.
    observation_endpoints: Sequence[str] = ()
    #: E-mails that a demo's relay took, the newest first.
    mailbox: Callable[[], Sequence[DemoMail]] | None = None
    #: How far a demo is.
    simulation: Callable[[], Simulation] | None = None
    #: Takes a tenancy's id, erases everything about it and says how far that is.
    erase: Callable[[int], State] | None = None
    #: How far the erasure of a tenancy is; None: nobody asked for it.
    erasure: Callable[[int], State | None] | None = None
    #: None: rejected messages are only looked at.
    trials: Trials | None = None
    #: All that is held about a tenancy: JSON in pieces of bytes, each made with a connection of its own.
    subject: Callable[[int, Open], Iterator[bytes]] | None = None
    #: The report of the worked example as a document, None while it is made; None: there is none here.
    example: Callable[[], Mapping[str, Any] | None] | None = None
    #: What is needed to start replays and simulations; None: nothing is.
    replays: Replays | None = None

    @property
    def open_origin(self) -> Origin:
        """Of which devices data are open: never of real and of simulated ones together."""
        return "simulated" if self.demo else self.open_data.origin

    @property
    def secure(self) -> bool:
        """Whether people reach it by https."""
        return self.public_url is not None and urlsplit(self.public_url).scheme == "https"

    @property
    def session_cookie(self) -> str:
        """Name of the session's cookie; ``__Host-`` makes browsers refuse it from any other host or path."""
        return "__Host-borough" if self.secure else "borough"
