"""Paths of a mapping found in a record, all at once, by a function made for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from devices.mapping import ANY, Path

Record = Mapping[str, Any]

#: Where a path leads nowhere.
MISSING: Final = object()
Found = list[Any]


class Several:
    """In place of a value: the keys under which it stands, where a path has any key and more than one matches."""

    __slots__ = ("keys",)

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys


def _another(found: Any, key: str, value: Any, keys: dict[int, str], place: int) -> Any:
    """What is found at a path with any key, once one more match is seen. A null is no match beside a value."""
    if value is None:
        return None if found is MISSING else found
    if found is MISSING or found is None:
        keys[place] = key
        return value
    if isinstance(found, Several):
        found.keys.append(key)
        return found
    return Several([keys[place], key])


class Paths:
    """Numbers the paths of a mapping, and makes the function that finds them all in a record."""

    def __init__(self, besides: Collection[str] = ()) -> None:
        self.places: dict[Path, int] = {}
        self._besides = frozenset(besides)

    def place(self, path: Path) -> int:
        """Where in what is found the value at this path will be."""
        return self.places.setdefault(path, len(self.places))

    def finder(self) -> Callable[[Record], Found]:
        """A function from a record to the values by place, ``MISSING`` where a path leads nowhere.

        Its text is generated (as ``dataclasses`` does): walking a tree of paths for each message takes four times as
        long, and displays speak every six seconds. Keys enter the text by ``repr`` only. Any key costs only where a
        path has one; what is found then ends with the keys that it stood for, by place.
        """
        names = [f"p{number}" for number in range(len(self.places))]
        lines = ["def find(n0):"]
        lines += [f" {' = '.join(names)} = missing"] if names else []
        any_key = any(ANY in path for path in self.places)
        if any_key:
            lines.append(" keys = {}")
        self._look(lines, (), 0, "")
        lines.append(f" return [{', '.join([*names, *(['keys'] if any_key else [])])}]")
        namespace: dict[str, Any] = {"missing": MISSING, "another": _another, "besides": self._besides}
        exec("\n".join(lines), namespace)  # noqa: S102 nothing of a message is in the text
        find: Callable[[Record], Found] = namespace["find"]
        return find

    def _look(self, lines: list[str], prefix: Path, depth: int, indent: str) -> None:
        """Add the look-ups in the object at ``prefix``, which the text calls n<depth>."""
        indent += " "
        below = [path for path in self.places if path[:depth] == prefix and len(path) > depth]
        wanted = [path for path in below if len(path) == depth + 1]
        for path in wanted:
            place = self.places[path]
            if path[depth] == ANY:
                lines.append(f"{indent}for key, value in n{depth}.items():")
                lines.append(f"{indent} if key not in besides and type(value) is not dict:")
                lines.append(f"{indent}  p{place} = another(p{place}, key, value, keys, {place})")
            elif ANY in prefix:
                lines.append(f"{indent}value = n{depth}.get({path[depth]!r}, missing)")
                lines.append(f"{indent}if value is not missing:")
                lines.append(f"{indent} p{place} = another(p{place}, key, value, keys, {place})")
            else:
                lines.append(f"{indent}p{place} = n{depth}.get({path[depth]!r}, missing)")
        for key in dict.fromkeys(path[depth] for path in below if len(path) > depth + 1):
            if key == ANY:
                lines.append(f"{indent}for key, n{depth + 1} in n{depth}.items():")
                lines.append(f"{indent} if type(n{depth + 1}) is dict and key not in besides:")
                self._look(lines, (*prefix, key), depth + 1, indent + " ")
            else:
                lines.append(f"{indent}n{depth + 1} = n{depth}.get({key!r})")
                lines.append(f"{indent}if type(n{depth + 1}) is dict:")
                self._look(lines, (*prefix, key), depth + 1, indent)
