"""A real browser, where the machine has one: started once in a test process, lent to one module after another."""

from __future__ import annotations

import shutil
import subprocess
from asyncio import AbstractEventLoop, events
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.tools.servers import PATIENCE

#: No picture goes to a screen: the page is drawn in the browser's own process, without a card made of software.
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--in-process-gpu", "--disable-software-rasterizer",
    "--disable-background-networking",
    # Our pages say that no other page is to share theirs (Cross-Origin-Opener-Policy). So by itself the browser begins
    # a process for each way from a window's empty page to one of them and back: half of what a page cost.
    "--renderer-process-limit=1", "--process-per-site", "--disable-site-isolation-trials", "--no-zygote",
)  # fmt: skip
#: Whichever there is. The first has no windows, so that it draws a page for a third less.
_PROGRAMS = ("chromium-headless-shell", "chromium")


class Chromium:
    """The browser of this process; a test is skipped where there is none.

    Playwright keeps an event loop in this thread that looks as if it ran all the time. It is hidden while no module
    looks at pages: else no test between them could run a loop of its own.
    """

    def __init__(self) -> None:
        program = next((found for name in _PROGRAMS if (found := shutil.which(name)) is not None), None)
        if program is None:
            pytest.skip(f"there is none of {', '.join(_PROGRAMS)} (Debian's packages of these names)")
        # without a library that Debian's chromium alone does not bring, its driver ends with a traceback of asyncio's
        command = [*compute_driver_executable(), "--version"]
        started = subprocess.run(command, capture_output=True, text=True, check=False)
        if started.returncode:
            said = started.stderr.strip()[-200:]
            pytest.skip(f"Playwright does not start: {said} (Debian's package libatomic1)")
        expect.set_options(timeout=PATIENCE * 1000)
        self._program = program
        self._playwright = sync_playwright().start()
        self._loop: AbstractEventLoop | None = events._get_running_loop()
        self._browser: Browser | None = None
        events._set_running_loop(None)

    @contextmanager
    def lent(self) -> Iterator[Browser]:
        """The browser with no window open, now and at the end; a new one where the last has died."""
        events._set_running_loop(self._loop)
        try:
            if self._browser is None or not self._browser.is_connected():
                self._browser = self._playwright.chromium.launch(executable_path=self._program, args=_ARGUMENTS)
            yield self._browser
            for context in self._browser.contexts:
                context.close()
        finally:
            events._set_running_loop(None)

    def close(self) -> None:
        """End it."""
        events._set_running_loop(self._loop)
        if self._browser is not None:
            self._browser.close()
        self._playwright.stop()
        events._set_running_loop(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A window of its own, as patient as every test; ``options`` are Playwright's."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    return context
