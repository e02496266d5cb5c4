"""How many examples hypothesis tries: all of them, or a few where somebody at a desk waits (``make test-quick``).

``BOROUGH_TEST_TIMES=50``: so many times as many, for whoever has changed the numbers and can wait.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUICK = bool(os.environ.get("BOROUGH_TEST_QUICK"))
_FEW = 20
_TIMES = int(os.environ.get("BOROUGH_TEST_TIMES", "1"))


def examples(count: int) -> int:
    """``count``, or less in a quick run, or more in a long one."""
    return min(count, _FEW) if _QUICK else count * _TIMES


def load_profile() -> None:
    """The settings of tests that have none of their own. How long an example takes says how busy the machine is."""
    settings.register_profile(
        "borough", deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("borough")
