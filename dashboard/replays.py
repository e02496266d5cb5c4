"""What the site needs to start replays and simulations: where uploads stand, how much they may be, and who reads them.

``borough/site.py`` makes it from the settings: reading a file is the replay's own work, which stands above the site.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Installation = Literal["production", "test", "demo"]
Kind = Literal["recording", "table", "fleet", "mapping"]

#: The only installations in which anything is started.
TARGETS = ("test", "demo")
KIND_WORDS: Mapping[str, str] = {
    "recording": "Recording",
    "table": "Table of readings",
    "fleet": "Fleet file",
    "mapping": "Mapping of a table",
}


class Unfit(ValueError):
    """A file is not taken. The text says what it is, or what is wrong with it, and what to do; never its path.

    ``problems``: further lines, each with its place in the file.
    """

    def __init__(self, text: str, problems: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of uploads. ``size``: of one file; ``files``: kept at once; ``total``: of all of them together;
    ``free``: left free on the disk [bytes]. ``days``: after which one that no job needs is removed.
    """

    size: int = 2 << 30
    files: int = 100
    total: int = 10 << 30
    free: int = 1 << 30
    days: int = 30


@dataclass(frozen=True, slots=True)
class Checked:
    """What was read of a file's beginning.

    ``suffix``: how its name has to end for the replay; ``facts``: words of a page; ``problems``: what of it would be
    left out, each line with its place; ``whole``: all of it was looked at. ``mapping``: how a table was read, "" where
    nobody said and nothing packaged is made for it.
    """

    kind: Kind
    suffix: str
    facts: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[str] = ()
    whole: bool = True
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet that comes with the program. ``about``: what stands at the head of its file."""

    name: str
    path: Path
    about: str
    facts: Mapping[str, str]


class Reader(Protocol):
    """Reads files as the replay would, each in a process of its own with bounds of time and memory."""

    def suffix(self, path: Path) -> str:
        """How the name of such a file has to end, by its first bytes and not by its name. Raises Unfit, OSError."""

    def check(self, path: Path, shown: str, mapping: str = "") -> Checked:
        """Read the beginning; ``shown`` is what a problem calls the file. ``mapping``: of a table, a name or a file.

        Raises Unfit where nothing could be replayed, OSError.
        """

    def simulation(self, path: Path, shown: str, options: Mapping[str, Any]) -> None:
        """Whether a fleet can be simulated with a job's ``options`` (`store.jobs`). Raises Unfit, OSError."""


@dataclass(frozen=True, slots=True)
class Replays:
    """What can be started here, and with what."""

    installation: Installation
    #: Uploads, ledgers and reports stand below it.
    folder: Path
    reader: Reader
    limits: Limits = field(default_factory=Limits)
    fleets: Sequence[Fleet] = ()
    #: Names of the mappings that come with the program, and what each says of itself.
    mappings: Mapping[str, str] = field(default_factory=dict)
    #: Faults that a fleet can have, and whether each is of devices or of messages.
    faults: Mapping[str, Literal["devices", "messages"]] = field(default_factory=dict)

    @property
    def why_not(self) -> str:
        """Why nothing is started here; "" where it is."""
        if self.installation in TARGETS:
            return ""
        return (
            "This installation is in production: its readings are of real homes and streets. Replays and simulations"
            " are started only where BOROUGH_INSTALLATION is test or demo."
        )
