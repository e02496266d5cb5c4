"""What tests of SensorThings 1.1 ask a service by: JSON of an address, whole sets page after page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

Get = Callable[..., Any]


def getter(web: httpx.Client) -> Get:
    """The JSON below a path or address, with options; the answer is good unless another ``status`` is given."""

    def asked(path: str, status: int = 200, **given: str) -> Any:
        answer = web.get(path, params={f"${name}": value for name, value in given.items()} or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked


def names(found: Any) -> list[Any]:
    """The ids of a page."""
    return [one["@iot.id"] for one in found["value"]]


def whole(get: Get, path: str, given: dict[str, str]) -> list[dict[str, Any]]:
    """All entities of a set, page after page."""
    found: list[dict[str, Any]] = []
    page = get(path, **given)
    while True:
        found += page["value"]
        if "@iot.nextLink" not in page:
            return found
        page = get(page["@iot.nextLink"])
