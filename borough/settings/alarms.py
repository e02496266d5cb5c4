"""What the settings mean for alarms: limits, whose disks are looked at, whom the webhook tells."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from urllib.parse import urlsplit

from analytics.alarms.conditions import Limits
from borough.delivery.alarms import WatchOptions
from borough.delivery.webhook import Webhook
from borough.errors import SettingsError
from borough.settings.addresses import is_host
from borough.settings.settings import Settings, secret_file, variable

#: Shorter keys could be guessed by trying [bytes].
_LEAST_KEY = 24
#: How Standard Webhooks writes a key: this, and then its Base64.
_PREFIX = "whsec_"
_OWN = ("127.0.0.1", "localhost", "::1")


def watch_options(settings: Settings) -> WatchOptions:
    """What is looked at, and who is told. Raises SettingsError, never with the webhook's address or key."""
    folders = [*([settings.archive] if settings.archive is not None else []), *settings.alarm_folders]
    return WatchOptions(
        zone=settings.time_zone,
        parking_grace=timedelta(minutes=settings.parking_grace),
        parking_silence=timedelta(hours=settings.parking_silence),
        limits=Limits(lag=settings.alarm_lag, rejected=settings.alarm_rejected, disk=settings.alarm_disk),
        folders=tuple(dict.fromkeys(folders)),
        webhook=webhook(settings),
        site=settings.web_url,
    )


def webhook(settings: Settings) -> Webhook | None:
    """The webhook, None where there is none. Raises SettingsError."""
    name, url = variable("alarm_webhook_url"), settings.alarm_webhook_url
    if settings.alarm_webhook_url_file is not None:
        if url is not None:
            raise SettingsError(f"{name} and {name}_FILE are both set; keep one")
        name += "_FILE"
        url = secret_file(settings.alarm_webhook_url_file, name)
    path, secret_name = settings.alarm_webhook_secret_file, variable("alarm_webhook_secret_file")
    if url is None:  # a secret without a use for it harms nobody: a stack has it from its first day
        return None
    if path is None:
        raise SettingsError(
            f"{name} is set without {secret_name}: who gets a message must be able to see that it is ours; make its"
            " file with: openssl rand -hex 32"
        )
    _check(url.strip(), name)
    return Webhook(url.strip(), _key(secret_file(path, secret_name), f"{secret_name}: {path}"))


def _check(url: str, name: str) -> None:
    example = "it looks like https://alerts.example/hooks/borough"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(f"{name}: its port is no number from 1 to 65535; {example}") from None
    unseen = any(ord(sign) <= 32 or ord(sign) > 126 for sign in url)
    if parts.scheme not in ("http", "https") or not host or not is_host(host) or port == 0 or unseen:
        raise SettingsError(f"{name}: is no address of a page; {example}")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"{name}: holds a user, which is not sent; who may send is told by the signature")
    if parts.fragment:
        raise SettingsError(f"{name}: has a part after #, which is never sent")
    if parts.scheme == "http" and host not in _OWN:
        raise SettingsError(f"{name}: must be https, or on this machine")


def _key(text: str, place: str) -> bytes:
    key = text.encode()
    if text.startswith(_PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise SettingsError(f"{place}: begins with {_PREFIX}, but what follows is no Base64") from None
    if len(key) < _LEAST_KEY:
        raise SettingsError(f"{place} holds fewer than {_LEAST_KEY} bytes; make one with: openssl rand -hex 32")
    return key
