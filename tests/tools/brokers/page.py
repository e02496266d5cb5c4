"""The file of answers, ``docs/reference/brokers.json``, and the page that is made from it.

The file: the brokers in the order of the columns, each with its version and the day on which it was asked, and for each
question's key the answers by broker. A run of ``test_brokers.py`` writes it where ``BOROUGH_BROKERS_RECORD`` is set.

Example: python -m tests.tools.brokers.page
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from borough.postgres_server import locked, private_folder
from tests.tools.brokers.asking import Answer
from tests.tools.brokers.had import NAMES
from tests.tools.brokers.rows import COLLECTOR, RAW, Row
from tests.tools.brokers.running import Kind

_DOCS = Path(__file__).parents[3] / "docs/reference"
ANSWERS, PAGE = _DOCS / "brokers.json", _DOCS / "brokers.md"
BEGIN, END = "<!-- answers -->", "<!-- end of answers -->"


def read() -> dict[str, Any]:
    """The file of answers; empty where there is none."""
    if not ANSWERS.exists():
        return {"brokers": {}, "answers": {}}
    found: dict[str, Any] = json.loads(ANSWERS.read_text())
    return found


def record(name: str, kind: Kind, key: str, answer: Answer) -> None:
    """Put one answer of today into the file, and make the page anew. Runs of several brokers may do so at once."""
    with locked(private_folder() / "brokers.lock"):
        told = read()
        today = datetime.now(UTC).date().isoformat()
        told["brokers"][name] = {"name": kind.name, "version": kind.version, "asked": today}
        told["answers"].setdefault(key, {})[name] = {"holds": answer.holds, "seen": answer.seen}
        write(told)
        main()


def write(told: Mapping[str, Any]) -> None:
    """Write the file of answers: brokers and questions in the table's order, none that is asked no more."""
    keys = [*(row.key for row in RAW), *(row.key for row in COLLECTOR)]
    ordered = {
        "brokers": {name: told["brokers"][name] for name in NAMES if name in told["brokers"]},
        "answers": {
            key: {name: told["answers"][key][name] for name in NAMES if name in told["answers"][key]}
            for key in keys
            if key in told["answers"]
        },
    }
    ANSWERS.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


def table(told: Mapping[str, Any], rows: Sequence[Row[Any]]) -> str:
    """A Markdown table of verdicts, a column a broker."""
    brokers = told["brokers"]
    head = ["", *(f"{item['name']} {item['version']}" for item in brokers.values())]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        answers = told["answers"].get(row.key, {})
        lines.append([row.words, *(answers.get(name, {}).get("holds", "not asked") for name in brokers)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def details(told: Mapping[str, Any], rows: Sequence[Row[Any]]) -> str:
    """What was asked and what was seen, a list item a broker; brokers that gave the same answer together."""
    parts = []
    for row in rows:
        answers = told["answers"].get(row.key, {})
        same: dict[tuple[str, str], list[str]] = {}
        for name, item in told["brokers"].items():
            if name in answers:
                answer = answers[name]
                same.setdefault((answer["holds"], answer["seen"]), []).append(f"{item['name']} {item['version']}")
        items = [f"- {', '.join(names)}: {holds}. {seen}" for (holds, seen), names in same.items()]
        parts.append("\n".join([f"**{row.words}.** {row.meaning}", "", *items]))
    return "\n\n".join(parts)


def generated(told: Mapping[str, Any]) -> str:
    """What of the page follows from the answers."""
    asked = ", ".join(f"{item['name']} {item['version']} on {item['asked']}" for item in told["brokers"].values())
    return "\n\n".join(
        [
            f"Asked: {asked}.",
            "### The broker itself",
            table(told, RAW),
            "### Our collector on it",
            table(told, COLLECTOR),
            "## What was seen",
            "### Of the broker itself",
            details(told, RAW),
            "### Of our collector on it",
            details(told, COLLECTOR),
        ]
    )


def with_answers(page: str, told: Mapping[str, Any]) -> str:
    """The page with its generated part anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{generated(told)}\n{END}{tail}"


def main() -> int:
    """Make the page anew from the file."""
    PAGE.write_text(with_answers(PAGE.read_text(), read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
