"""Requirements of the SensorThings standards, named by the tests that show them.

``docs/reference/sensorthings-conformance.md`` has every requirement; ``tests/unit/repository`` holds table and tests
together.
"""

from __future__ import annotations

import pytest


def requirement(version: str, *names: str) -> pytest.MarkDecorator:
    """The test shows these requirements of OGC 18-088 (``1.1``) or 23-019 (``2.0``), by the end of their addresses."""
    return pytest.mark.requirement(version, *names)
