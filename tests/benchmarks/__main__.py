"""``make bench``: run everything, print the table, save ``bench.json``. Names of single benchmarks run those alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.benchmarks.scenarios import SCENARIOS
from tests.benchmarks.table import Table
from tests.benchmarks.world import World

#: What is wanted; said beside the figure, never a failure: these machines are shared and noisy.
OUTPUT = Path("bench.json")


def main(names: list[str]) -> int:
    """Run the benchmarks of these names, or all; ``air`` is each whose name begins with ``air_``."""
    chosen = [{one for one in SCENARIOS if one == name or one.startswith(f"{name}_")} for name in names]
    if not all(chosen):
        unknown = names[chosen.index(set())]
        print(f"unknown benchmark {unknown!r}; there are {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    table = Table()
    with World() as world:
        for name, scenario in SCENARIOS.items():
            if not names or any(name in some for some in chosen):
                print(f"{name} ...", file=sys.stderr, flush=True)
                scenario(world, table)
    print(table.text())
    OUTPUT.write_text(json.dumps(table.rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
