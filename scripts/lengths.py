"""No module over 400 lines: a longer one is two modules.

Example: python -m scripts.lengths
"""

from __future__ import annotations

import sys
from pathlib import Path

LIMIT = 400
FOLDERS = ("devices", "store", "ingest", "analytics", "dashboard", "simulators", "borough", "scripts", "tests")


def too_long(root: Path) -> list[str]:
    """One line for each Python module below ``root`` that has more than LIMIT lines."""
    found = []
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LIMIT:
            found.append(f"{path.relative_to(root)}: {lines} lines, more than {LIMIT}; make it two modules")
    return found


def main() -> int:
    """Print what is too long; status 1 if anything is."""
    found = too_long(Path(__file__).resolve().parent.parent)
    print("\n".join(found) if found else f"No module over {LIMIT} lines.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
