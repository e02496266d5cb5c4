"""SQL lives in files: ``store/sql/<name>.sql``, each query under a line ``-- name: what it is for``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_HEAD = re.compile(r"^-- (\w+): .*$", re.MULTILINE)


@cache
def queries(name: str) -> dict[str, bytes]:
    """The queries of one file by name."""
    text = (Path(__file__).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    parts = _HEAD.split(text)[1:]
    return {head: body.strip().rstrip(";").encode() for head, body in zip(parts[::2], parts[1::2], strict=True)}
