"""What a route raises instead of an answer; `dashboard.web.errors` makes the answer of it."""

from __future__ import annotations

import math


class Elsewhere(Exception):
    """The visitor must go to another page of ours first (303). ``path`` is a local path."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class TooOften(Exception):
    """Somebody tried too often; the next try is allowed in ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = math.ceil(seconds)
