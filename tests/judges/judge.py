"""What a judge is: something others wrote that looks at our real output, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.judges.sources import Need
from tests.judges.world import Servers, World
from tests.tools.servers import Cluster


@dataclass(frozen=True, slots=True)
class Verdict:
    """``judged``: how many things of the kind ``what`` ("pages", "requests") it looked at; ``problems``: a line each.

    A judge that looked at nothing has found nothing out: that is told as a problem.
    """

    judged: int
    what: str
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it looked at something and found nothing."""
        return self.judged > 0 and not self.problems


@dataclass(frozen=True, slots=True)
class Place:
    """What a judge works with: what it needed, by name, and a folder of its own."""

    had: Mapping[str, Path]
    folder: Path
    servers: Servers

    @property
    def cluster(self) -> Cluster:
        """A TimescaleDB server, for whoever needs rows of their own: nothing is written into ``world``.

        Raises NotHad.
        """
        return self.servers.cluster()

    @property
    def world(self) -> World:
        """The filled site. Raises NotHad."""
        return self.servers.world()


@dataclass(frozen=True, slots=True)
class Judge:
    """A row of the table. ``version`` is the one that ``needs`` fetch."""

    name: str
    version: str
    needs: tuple[Need, ...]
    run: Callable[[Place], Verdict]
