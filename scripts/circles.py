"""No circle between modules: what imports each other can neither be read nor changed one at a time.

An import within a function or under ``TYPE_CHECKING`` counts like any other: it is how a circle is hidden.

Example: python -m scripts.circles
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

from scripts.lengths import FOLDERS


def imports(root: Path, packages: Iterable[str] = FOLDERS) -> dict[str, set[str]]:
    """Which modules each module of the packages below ``root`` imports, of those packages. Raises SyntaxError."""
    files = {_name(path.relative_to(root)): path for package in packages for path in (root / package).rglob("*.py")}
    return {name: set(_imported(name, path, files)) for name, path in sorted(files.items())}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules of which each imports the next, and the last is the first again; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found[::-1]  # theirs goes from the imported to who imports it
    return []


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(name: str, path: Path, files: dict[str, Path]) -> Iterator[str]:
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                # `from package import module` is an import of the module; the package itself, if it has that name
                inner = f"{source}.{alias.name}"
                if inner in files or source in files:
                    yield inner if inner in files else source


def main() -> int:
    """Print a circle if there is one; status 1 then."""
    found = circle(imports(Path(__file__).resolve().parent.parent))
    print("Modules import each other: " + " -> ".join(found) if found else "No circle between modules.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
