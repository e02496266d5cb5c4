"""What a route raises instead of an answer; `dashboard.web.errors` makes the answer of it."""

from __future__ import annotations

import math

from fastapi import HTTPException


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


class ErasedMeanwhile(HTTPException):
    """The household is being erased at this moment, or just was: a 404 where nobody says more of it."""

    def __init__(self) -> None:
        super().__init__(404)
