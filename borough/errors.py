"""How a command ends: three outcomes beside success, each one line for the person at the terminal.

Status 2 is wrong usage (``UsageError``) or a wrong setting (``SettingsError``, and what the collector finds wrong in
its options); status 1 is anything else that stopped the command or that it found.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.errors import OptionsError


class SettingsError(OptionsError):
    """A setting is wrong. The text says which, where and what to do. Ends with status 2."""


class UsageError(Exception):
    """What was asked for cannot be done as asked: wrong argument, wrong file. Ends with status 2.

    ``details`` are further lines, such as every problem of a devices file.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class Failure(Exception):
    """Something outside stopped the command (a server is away, a port is taken). Ends with status 1."""


class Passing(Failure):
    """A failure that may pass by itself. Whoever can wait may try again."""


class BrokerAway(Passing):
    """The broker cannot be reached or ended the connection."""


class DatabaseAway(Passing):
    """The database cannot be reached or gave up."""


class AtWork(Passing):
    """Another run of the same is at work."""
