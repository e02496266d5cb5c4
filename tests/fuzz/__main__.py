"""``make fuzz``: every subject with its count, a line for each, what went wrong, and status 1 if anything did.

A subject is a module beside this one with ``run(seed, count, say) -> faults``: a function of its seed; ``say`` prints
one line; a fault is a sentence. ``--seed`` repeats a run, ``--only`` picks subjects, ``--scale 0.01`` shortens it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import random
import sys
import time
from collections.abc import Mapping, Sequence

#: Subject -> requests, messages, rows through each import, names.
COUNTS: Mapping[str, int] = {"pages": 20_000, "messages": 100_000, "imports": 2_000, "letters": 300}
#: Faults of a subject that are printed.
_TOLD = 20


def main(arguments: Sequence[str]) -> int:
    """Run the subjects; 0 where nothing is wrong, 1 where something is, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Seeded hostile input through every way in.")
    parser.add_argument("--seed", type=int, default=None, help="the same seed, the same input")
    parser.add_argument("--only", action="append", choices=list(COUNTS), help="only this subject; repeatable")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual counts")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}; --seed {seed} repeats this run", flush=True)
    found: dict[str, list[str]] = {}
    for name in options.only or COUNTS:
        count = max(1, round(COUNTS[name] * options.scale))
        if importlib.util.find_spec(f"tests.fuzz.{name}") is None:
            found[name] = ["is absent"]
            continue
        begun = time.monotonic()
        found[name] = importlib.import_module(f"tests.fuzz.{name}").run(
            seed, count, lambda line, name=name: print(f"{name}: {line}", flush=True)
        )
        print(f"{name}: {count:,}, {len(found[name])} faults, {time.monotonic() - begun:.0f} s", flush=True)
    for name, faults in found.items():
        for fault in faults[:_TOLD]:
            print(f"FAULT {name}: {fault}")
        if len(faults) > _TOLD:
            print(f"FAULT {name}: and {len(faults) - _TOLD} more")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
