"""A real browser, where the machine has one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Browser, sync_playwright


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of one's own; the test is skipped where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium (Debian's package chromium)")
    # without a library that Debian's chromium alone does not bring, its driver ends with a traceback of asyncio's
    started = subprocess.run([*compute_driver_executable(), "--version"], capture_output=True, text=True, check=False)
    if started.returncode:
        pytest.skip(f"Playwright does not start: {started.stderr.strip()[-200:]} (Debian's package libatomic1)")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        found = playwright.chromium.launch(executable_path=program, args=arguments)
        yield found
        found.close()
