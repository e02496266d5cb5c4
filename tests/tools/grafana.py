"""What Grafana makes of a dashboard's queries: its macros of PostgreSQL and its variables, written out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[2] / "deploy/grafana"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Asked(NamedTuple):
    """A query of a panel: in SQL, or else an expression of Prometheus."""

    board: str
    panel: str
    form: str
    sql: str
    expression: str


def boards() -> Mapping[str, dict[str, Any]]:
    """All dashboards by the name of their file."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))}


def queries() -> Iterator[Asked]:
    """Every query of every panel."""
    for name, board in boards().items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield Asked(
                    name, panel["title"], target.get("format", ""), target.get("rawSql", ""), target.get("expr", "")
                )


def variables(board: Mapping[str, Any]) -> dict[str, str]:
    """A dashboard's variables as they stand when it is opened."""
    return {one["name"]: one["current"]["value"] for one in board.get("templating", {}).get("list", [])}


def expand(
    sql: str, start: datetime, end: datetime, interval: str, values: Mapping[str, str], *, timescale: bool
) -> str:
    """A query as it reaches the server; ``interval`` such as ``5m``. Raises ValueError where a macro is none."""
    for name, value in {"__interval": interval, **values}.items():
        sql = re.sub(rf"\$(?:{name}\b|{{{name}}})", value, sql)
    first, last = (f"'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'" for moment in (start, end))

    def macro(found: re.Match[str]) -> str:
        name, given = found[1], [part.strip() for part in found[2].split(",") if part.strip()]
        if name == "timeFrom":
            return first
        if name == "timeTo":
            return last
        if name == "timeFilter":
            return f"{given[0]} BETWEEN {first} AND {last}"
        if name in ("timeGroup", "timeGroupAlias"):
            length = re.fullmatch(r"'?(\d+)([smhd])'?", given[1])
            if length is None:
                raise ValueError(f"{given[1]!r} is no interval")
            seconds = int(length[1]) * _UNITS[length[2]]
            group = (
                f"time_bucket('{seconds}.000s',{given[0]})"
                if timescale
                else f"floor(extract(epoch from {given[0]})/{seconds})*{seconds}"
            )
            return group + (' AS "time"' if name == "timeGroupAlias" else "")
        raise ValueError(f"no macro that we use: $__{name}")

    sql = re.sub(r"\$__(\w+)\(([^()]*)\)", macro, sql)
    if "$" in sql:
        raise ValueError(f"something is left: {sql}")
    return sql
