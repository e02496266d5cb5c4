"""Where the scheduler of `borough fleet` is, and how the way to it is encrypted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from borough.errors import SettingsError
from borough.settings.addresses import is_host
from borough.settings.settings import Settings, variable

_EXAMPLE = "it looks like tls://scheduler.example:8786 (tcp:// where it is on this machine)"
_FILES = ("fleet_ca_file", "fleet_cert_file", "fleet_key_file")


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A scheduler of Dask; ``tls``: files of the authority, of our certificate and of its key, None without TLS."""

    address: str
    tls: tuple[Path, Path, Path] | None


def scheduler(settings: Settings, address: str | None) -> Scheduler | None:
    """The scheduler of an option, else of the settings; None: neither names one. Raises SettingsError.

    Whoever reaches a scheduler without TLS runs programs on its workers, so without it only one of this machine is
    taken.
    """
    name = variable("fleet_scheduler") if address is None else "--scheduler"
    text = settings.fleet_scheduler if address is None else address
    files = [getattr(settings, field) for field in _FILES]
    if text is None:
        return None
    scheme, host = _parts(text, name)
    if scheme == "tcp":
        if not _is_here(host):
            raise SettingsError(
                f"{name}: tcp:// is taken on this machine alone, for whoever reaches a scheduler without TLS runs"
                f" programs on its workers; {_EXAMPLE}"
            )
        return Scheduler(text, None)
    for field, file in zip(_FILES, files, strict=True):
        if file is None:
            raise SettingsError(
                f"{name}: tls:// needs {', '.join(map(variable, _FILES))}; {variable(field)} is not set"
            )
        if not os.access(file, os.R_OK):
            raise SettingsError(f"{variable(field)}: {file} cannot be read")
    authority, certificate, key = files
    return Scheduler(text, (authority, certificate, key))


def _parts(text: str, name: str) -> tuple[str, str]:
    """Scheme and host of an address. Raises SettingsError."""
    try:
        parts = urlsplit(text)
        rest = parts.path or parts.query or parts.fragment or "@" in text
        if parts.scheme in ("tls", "tcp") and parts.hostname and parts.port and not rest and is_host(parts.hostname):
            return parts.scheme, parts.hostname
    except ValueError:
        pass  # a port that is no number: told like the rest
    raise SettingsError(f"{name}: is no address of a scheduler; {_EXAMPLE}")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
