"""How many examples hypothesis tries: a third of what a test says in an ordinary run, at most 20 at a desk (``make
test-quick``), and ``BOROUGH_TEST_TIMES`` times as many as it says where somebody can wait (``make soak``: 20 times).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUICK = bool(os.environ.get("BOROUGH_TEST_QUICK"))
_FEW = 20
_TIMES = os.environ.get("BOROUGH_TEST_TIMES")


def examples(count: int) -> int:
    """How many there are where a test asks for ``count``."""
    if _TIMES is not None:
        return count * int(_TIMES)
    ordinary = max(count // 3, min(count, 10))
    return min(ordinary, _FEW) if _QUICK else ordinary


def load_profile() -> None:
    """The settings of tests that have none of their own. How long an example takes says how busy the machine is."""
    settings.register_profile(
        "borough", deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("borough")
