"""The demo's analyst: comparisons once the past is there, kept up to date, and links to sign in as a household."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from borough.children import Child
from borough.database import reachable
from borough.demo.processes import environment
from borough.errors import Failure
from borough.output import tell
from dashboard.roles import ROLE_WORDS
from devices.homes import Reason
from store import accounts
from store.comparisons import examples
from store.connect import connect

#: How often what arrived is added [s].
_EVERY = 15.0
#: A demo's links work as long as it does; nobody lets one run longer than this.
LIFETIME = timedelta(days=30)
_STOP_SECONDS = 20.0
_ROLES = ("assist", "programme", "data-protection")
_REASONS: Mapping[str, str] = {
    Reason.EMPTY: "looks empty",
    Reason.DISCONNECTED: "looks cut off",
    Reason.UNDER_HEATED: "looks too cold",
    Reason.NO_CONSENT: "did not agree to be compared",
    Reason.NO_CELL: "too few similar homes",
    Reason.FEW_HOMES: "too few similar homes",
    Reason.COVERAGE: "too little measured",
    Reason.TRIAL: "in a trial, sees its own use",
    Reason.DOMINATED: "one home uses too much of the whole",
}


class Analyst:
    """`borough analyse` as a child process: once, and when that is done as a service. Use it in the main thread."""

    def __init__(
        self, parts: ExitStack, folder: Path, url: str, page: str, more: Callable[[], Sequence[str]] = tuple
    ) -> None:
        """``more``: lines to tell beside the links, once there are comparisons."""
        self._more = more
        self._parts, self._folder, self._url, self._page = parts, folder, url, page
        self._first: Child | None = None
        self._service: Child | None = None

    def tend(self) -> None:
        """Call it again and again once the past is stored. Raises Failure where the analyst ended by itself."""
        if self._service is not None:
            self._service.check()
        elif self._first is None:
            self._first = self._start()
        elif self._first.status is not None:
            if self._first.status != 0:
                raise Failure(f"the first comparison failed: {self._first.last_words()}")
            self._service = self._start("--watch", f"{_EVERY:g}")
            for line in [*self._links(), *self._more()]:
                tell(line)

    @property
    def compared(self) -> bool:
        """Whether the first comparisons are there."""
        return self._service is not None

    def _start(self, *arguments: str) -> Child:
        child = Child(
            "analyst",
            [sys.executable, "-P", "-m", "borough", "analyse", *arguments],
            log=self._folder / "analyst.log",
            environment={**environment(), "BOROUGH_DATABASE_URL": self._url},
        )
        self._parts.callback(child.stop, _STOP_SECONDS)
        return child

    def _links(self) -> list[str]:
        """Links that sign in: a household of each state, and the other roles."""
        now = datetime.now(UTC)
        lines = ["Compare a home with its neighbours: sign in as one of these households."]
        with reachable(self._url), connect(self._url, "borough demo") as connection:
            for example in examples(connection):
                code = accounts.make_code(connection, "demo", example.tenancy_id, now, LIFETIME)
                words = example.state if example.reason is None else _REASONS.get(example.reason, example.reason)
                lines.append(f"  {words:<28} {self._page}sign-in/demo/{code}")
            if len(lines) == 1:
                return ["There is no whole week of homes yet to compare."]
            lines.append("Or as somebody who works with it:")
            for role in _ROLES:
                code = accounts.make_code(connection, "demo", None, now, LIFETIME, (role,))
                lines.append(f"  {ROLE_WORDS[role].lower():<28} {self._page}sign-in/demo/{code}")
        return lines
