"""What the settings mean for messages to people: the relay, the sender, quiet hours, caps."""

from __future__ import annotations

import os
from datetime import time, timedelta
from urllib.parse import unquote, urlsplit

from borough.delivery import care_telling, nudges
from borough.delivery.care_telling import CareOptions
from borough.delivery.mail import Sender
from borough.delivery.nudges import NudgeOptions
from borough.delivery.outbox import DeliverOptions, Mail
from borough.delivery.rules import KINDS, Rules
from borough.delivery.smtp import Relay
from borough.delivery.triggers import TriggerOptions
from borough.errors import SettingsError
from borough.settings.addresses import is_host
from borough.settings.energy import read_energy
from borough.settings.settings import Settings, secret_file, variable
from devices.device import Origin
from store.contacts import BadAddress, checked

_EXAMPLE = "it looks like smtps://relay.example:465, or smtp://relay.example:587 with STARTTLS"
#: Port where none is given: submission (RFC 6409, 8314).
_PORTS = {"smtp": 587, "smtps": 465}


def deliver_options(settings: Settings) -> DeliverOptions:
    """Everything that the outbox's worker needs. Raises SettingsError, never with a password."""
    origin: Origin = "simulated" if settings.installation == "demo" else "real"
    found = mail(settings)
    return DeliverOptions(
        rules=Rules(settings.time_zone, quiet_hours(settings), caps(settings), origin),
        triggers=TriggerOptions(
            zone=settings.time_zone,
            site=(settings.web_url or "").rstrip("/"),
            council=settings.council_name,
            help_line=settings.help_line,
            origin=origin,
            more={care_telling.NAME: care_options(settings), nudges.NAME: NudgeOptions(read_energy(settings))},
        ),
        mail=found,
    )


def letter_rules(settings: Settings) -> Rules:
    """Which messages by letter join a print run: paper knows no quiet hours. Raises SettingsError."""
    origin: Origin = "simulated" if settings.installation == "demo" else "real"
    return Rules(settings.time_zone, caps=caps(settings), origin=origin)


def care_options(settings: Settings) -> CareOptions:
    """When carers are told. Raises SettingsError."""
    begin, end = settings.care_office_from, settings.care_office_to
    if begin >= end:
        raise SettingsError(
            f"{variable('care_office_from')} {begin} is not before {variable('care_office_to')} {end}: they are hours"
            " of one day, such as 9 and 17"
        )
    return CareOptions(timedelta(minutes=settings.care_answer), (begin, end))


def mail(settings: Settings) -> Mail | None:
    """The relay and the sender; None where no relay is set. Raises SettingsError."""
    found = relay(settings)
    if found is None:
        return None
    if settings.mail_sender is None:
        raise SettingsError(
            f"{variable('smtp_url')} is set without {variable('mail_sender')}: an e-mail is from somebody, such as"
            " no-reply@council.example"
        )
    if settings.web_url is None:
        raise SettingsError(
            f"{variable('smtp_url')} is set without {variable('web_url')}: an e-mail has a link that stops its kind"
        )
    sender = _address(settings.mail_sender, "mail_sender")
    if not sender.isascii():
        raise SettingsError(
            f"{variable('mail_sender')}: a sender has no signs beyond ASCII: not every relay takes them"
        )
    reply_to = None if settings.mail_reply_to is None else _address(settings.mail_reply_to, "mail_reply_to")
    name = settings.mail_sender_name or settings.council_name
    if not name.isprintable() or len(name) > 100:
        raise SettingsError(f"{variable('mail_sender_name')}: is one line of at most 100 signs")
    return Mail(found, Sender(name, sender, reply_to, settings.help_line))


def relay(settings: Settings) -> Relay | None:
    """Where the relay is; None: none is set. Raises SettingsError."""
    name, url = variable("smtp_url"), settings.smtp_url
    if settings.smtp_url_file is not None:
        if url is not None:
            raise SettingsError(f"{name} and {name}_FILE are both set; keep one")
        name += "_FILE"
        url = secret_file(settings.smtp_url_file, name)
    if url is None:
        return None
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise SettingsError(
            f"{name}: its port is no number from 1 to 65535; signs like / # ? @ in a password are percent-encoded;"
            f" {_EXAMPLE}"
        ) from None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or not is_host(host) or port == 0:
        raise SettingsError(f"{name}: is no address of a relay; {_EXAMPLE}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingsError(f"{name}: has a part after the port; signs like / # ? in a password are percent-encoded")
    username, password = _account(settings, parts.username, parts.password, name)
    ca_file = settings.smtp_ca_file
    if ca_file is not None and not os.access(ca_file, os.R_OK):
        raise SettingsError(f"{variable('smtp_ca_file')}: {ca_file} cannot be read")
    return Relay(
        host,
        port or _PORTS[parts.scheme],
        parts.scheme == "smtps",
        username,
        password,
        None if ca_file is None else str(ca_file),
        settings.smtp_timeout,
    )


def _account(settings: Settings, user: str | None, secret: str | None, name: str) -> tuple[str | None, str | None]:
    """Who signs in at the relay: by the settings, or by its address."""
    username = settings.smtp_username
    if user:
        if username is not None:
            raise SettingsError(f"{name} names a user, and so does {variable('smtp_username')}; keep one")
        username = unquote(user)
    password = unquote(secret) if secret else None
    if settings.smtp_password_file is not None:
        if password is not None:
            raise SettingsError(f"{name} has a password, and a password file is given too; keep one")
        password = secret_file(settings.smtp_password_file, variable("smtp_password_file"))
    if username is None and password is not None:
        raise SettingsError(f"{variable('smtp_password_file')} is set without {variable('smtp_username')}")
    if username is not None and password is None:
        raise SettingsError(f"{variable('smtp_username')} is set without {variable('smtp_password_file')}")
    return username, password


def quiet_hours(settings: Settings) -> tuple[time, time]:
    """Local times between which quiet kinds wait. Raises SettingsError."""
    if settings.mail_quiet_hours == "never":
        return time(0), time(0)
    try:
        begin, end = (time.fromisoformat(part) for part in settings.mail_quiet_hours.split("-"))
    except ValueError:
        raise SettingsError(f"{variable('mail_quiet_hours')}: is no span of a day such as 21:00-08:00") from None
    return begin, end


def caps(settings: Settings) -> dict[str, int]:
    """Messages a person in 24 hours by kind, other than ours. Raises SettingsError."""
    for kind in settings.mail_caps:
        if kind not in KINDS:
            raise SettingsError(f"{variable('mail_caps')}: {kind!r} is no kind of message; kinds: {', '.join(KINDS)}")
    return dict(settings.mail_caps)


def _address(text: str, field: str) -> str:
    try:
        return checked(text)
    except BadAddress as error:
        raise SettingsError(f"{variable(field)}: is no e-mail address: {error}") from None
