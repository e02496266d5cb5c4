"""What several of these tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module; its import costs those that look at no page nothing."""
    from tests.tools.chromium import chromium

    with chromium() as found:
        yield found
