"""The two addresses that a setting can hold: the database's libpq URL and the broker's MQTT URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from borough.errors import SettingsError

#: TLS and transport, and the port that is meant when none is given.
_MQTT_SCHEMES: dict[str, tuple[bool, Literal["tcp", "websockets"], int]] = {
    "mqtt": (False, "tcp", 1883),
    "mqtts": (True, "tcp", 8883),
    "ws": (False, "websockets", 80),
    "wss": (True, "websockets", 443),
}


@dataclass(frozen=True, slots=True)
class MqttAddress:
    """An MQTT URL taken apart; ``path`` is that of a WebSocket."""

    host: str
    port: int
    tls: bool
    transport: Literal["tcp", "websockets"]
    path: str
    username: str | None
    password: str | None = field(repr=False)


def mqtt_address(text: str, name: str) -> MqttAddress:
    """Take an MQTT URL apart: ``mqtt://user:password@host:1883``, ``mqtts://``, ``ws://host/path``, ``wss://``.

    User and password are percent-encoded. Raises SettingsError with ``name`` and never with the URL, which may hold a
    password.
    """
    example = "it looks like mqtt://user:password@broker.example:1883 (mqtts://, ws:// and wss:// are taken too)"
    parts, port = _split(text, name, example)
    if parts.scheme not in _MQTT_SCHEMES or not parts.hostname or not is_host(parts.hostname):
        raise SettingsError(f"{name}: is no MQTT address; {example}")
    tls, transport, default = _MQTT_SCHEMES[parts.scheme]
    if parts.query or parts.fragment:
        raise SettingsError(f"{name}: has a part after ? or #; in a password these are written %3F and %23")
    if transport == "tcp" and parts.path not in ("", "/"):
        raise SettingsError(f"{name}: has a path, which only ws:// and wss:// use; a / in a password is written %2F")
    return MqttAddress(
        parts.hostname,
        port or default,
        tls,
        transport,
        parts.path or "/mqtt",
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def is_host(text: str) -> bool:
    """Whether a text can be the name or address of a host: Python's sockets raise UnicodeError for any other."""
    try:
        text.encode("idna")
    except UnicodeError:
        return False
    return True


def database_url(text: str, password: str | None, name: str) -> str:
    """Check a libpq URL and put ``password`` into it where one is given. Raises SettingsError, never with the URL."""
    example = "it looks like postgresql://user:password@db.example:5432/borough"
    parts, _ = _split(text, name, example)
    if parts.scheme not in ("postgresql", "postgres"):
        raise SettingsError(f"{name}: is no database address; {example}")
    if password is not None:
        if parts.password:
            raise SettingsError(f"{name}: has a password, and a password file is given too; keep one")
        user, _, host = parts.netloc.rpartition("@")
        if not user:
            raise SettingsError(f"{name}: names no user for the password in the file; {example}")
        parts = parts._replace(netloc=f"{user.rstrip(':')}:{quote(password, safe='')}@{host}")
        text = urlunsplit(parts)
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        raise SettingsError(f"{name}: is no database address; {example}") from None
    return text


def database_place(url: str) -> str:
    """Host, port and name of a database in words that may be shown: ``db.example:5432/borough``."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def _split(text: str, name: str, example: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(text.strip())
        # libpq takes several hosts, each with its port
        port = None if "," in parts.netloc else parts.port
        if port == 0:
            raise ValueError("port 0")
        return parts, port
    except ValueError:
        # a / or # of a password that is not percent-encoded ends up in the port
        raise SettingsError(
            f"{name}: its port is no number from 1 to 65535; signs like / # ? @ in a password are percent-encoded; "
            f"{example}"
        ) from None
