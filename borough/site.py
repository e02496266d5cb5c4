"""From the settings to the options of the web application, everything checked before it starts."""

from __future__ import annotations

import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from borough.errors import SettingsError
from borough.rights.for_pages import ForPages, for_pages
from borough.settings.energy import read_energy
from borough.settings.open_data import open_data
from borough.settings.parking import parking_accounts
from borough.settings.settings import Settings, need_database_url, secret_file, variable
from borough.trials import Trials
from dashboard.options import SignIn, SiteOptions
from dashboard.replays import Replays
from dashboard.web.forwarded import networks

#: Names that this machine itself is asked by: the health check's and a proxy's beside it.
_OWN = ("127.0.0.1", "localhost", "[::1]")
#: Shorter secrets could be guessed by trying.
_LEAST_SECRET = 32


def site_options(settings: Settings, rights: ForPages | None = None) -> SiteOptions:
    """Everything that the site needs; ``rights`` where they are made already. Raises SettingsError."""
    sign_in = _sign_in(settings)
    rights = for_pages(settings) if rights is None else rights
    return SiteOptions(
        database_url=need_database_url(settings),
        secret=_secret(settings, needed=sign_in is not None),
        hosts=_hosts(settings),
        proxies=_proxies(settings),
        public_url=settings.web_url,
        zone=settings.time_zone,
        sign_in=sign_in,
        session_idle=timedelta(seconds=settings.session_idle),
        council_name=settings.council_name,
        council_address=tuple(settings.council_address),
        help_line=settings.help_line,
        parking_accounts=parking_accounts(settings),
        open_data=open_data(settings),
        erase=rights.erase,
        erasure=rights.erasure,
        subject=rights.subject,
        trials=Trials(settings),
        replays=_replays(settings),
        energy=read_energy(settings),
        coverage=settings.coverage,
        workers=settings.web_workers,
        live_clients=settings.web_live_clients,
        parking_grace=timedelta(minutes=settings.parking_grace),
        parking_silence=timedelta(hours=settings.parking_silence),
        observation_endpoints=tuple(settings.observation_endpoints),
    )


def _replays(settings: Settings) -> Replays | None:
    if settings.jobs_folder is None:
        return None
    # what reads fleets and recordings is imported where it is needed
    from borough.uploads.site import replays

    return replays(settings, settings.jobs_folder)


def _hosts(settings: Settings) -> tuple[str, ...]:
    if settings.web_url is None:
        bound = settings.web_host
        return _OWN if bound in (*_OWN, "0.0.0.0", "::", "::1") else (*_OWN, f"[{bound}]" if ":" in bound else bound)
    name = urlsplit(settings.web_url).hostname
    if not name:
        raise SettingsError(f"{variable('web_url')}: {settings.web_url!r} names no host")
    return tuple(dict.fromkeys((f"[{name}]" if ":" in name else name, *_OWN)))


def _proxies(settings: Settings) -> tuple[str, ...]:
    try:
        networks(settings.web_proxies)
    except ValueError as error:
        raise SettingsError(f"{variable('web_proxies')}: {error}") from None
    return tuple(settings.web_proxies)


def _secret(settings: Settings, *, needed: bool) -> str:
    if settings.web_secret_file is not None:
        text = secret_file(settings.web_secret_file, variable("web_secret_file"))
        if len(text.encode()) < _LEAST_SECRET:
            raise SettingsError(
                f"{variable('web_secret_file')}: {settings.web_secret_file} holds fewer than {_LEAST_SECRET} bytes;"
                " make one with: openssl rand -hex 32"
            )
        return text
    if needed:
        raise SettingsError(
            f"{variable('oidc_issuer')} is set without {variable('web_secret_file')};"
            " make its file with: openssl rand -hex 32"
        )
    return secrets.token_hex(32)


def _sign_in(settings: Settings) -> SignIn | None:
    if settings.oidc_issuer is None:
        for field in ("oidc_client_id", "oidc_client_secret_file"):
            if getattr(settings, field) is not None:
                raise SettingsError(f"{variable(field)} is set without {variable('oidc_issuer')}")
        return None
    for field in ("oidc_client_id", "web_url"):
        if getattr(settings, field) is None:
            raise SettingsError(f"{variable('oidc_issuer')} is set without {variable(field)}")
    issuer = urlsplit(settings.oidc_issuer)
    if issuer.scheme == "http" and issuer.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise SettingsError(f"{variable('oidc_issuer')}: {settings.oidc_issuer!r} must be https, or on this machine")
    secret = None
    if settings.oidc_client_secret_file is not None:
        secret = secret_file(settings.oidc_client_secret_file, variable("oidc_client_secret_file"))
    assert settings.oidc_client_id is not None
    return SignIn(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        secret=secret,
        tenancy_claim=settings.oidc_tenancy_claim,
        roles_claim=settings.oidc_roles_claim,
    )
