"""The words of a mapping file of tables as values, or MappingError with file, line, key and reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from borough.replay.table_mapping import placed
from devices.duration import duration
from devices.mapping import MappingError


class Words:
    """Takes values from parsed TOML; holds the file's text for the lines in errors."""

    def __init__(self, where: str, text: str) -> None:
        self.where = where
        self.text = text

    def fail(self, key: str, reason: str) -> NoReturn:
        """Raise MappingError with the key's place."""
        raise MappingError(placed(self.where, self.text, key, reason))

    def only(self, where: str, entry: dict[str, Any], allowed: set[str]) -> None:
        """Refuse keys that are no words."""
        unknown = sorted(entry.keys() - allowed)
        if unknown:
            key = unknown[0] if where == "the file" else f"{where}, {unknown[0]}"
            self.fail(key, f"unknown key; known are {', '.join(sorted(allowed))}")

    def table(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        """A table that is needed."""
        value = document.get(key)
        if not isinstance(value, dict):
            self.fail(key, f"a table [{key}] is needed")
        return value

    def one_text(self, entry: dict[str, Any], key: str, where: str) -> str | None:
        """A text that is not empty, or None."""
        value = entry.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            self.fail(where, "is no text")
        return value

    def texts(self, entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
        """A list of texts."""
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(where, "is no list of texts")
        return tuple(value)

    def heading(self, entry: dict[str, Any], key: str, where: str) -> str | None:
        """The name of a column: blanks at its ends are not told apart."""
        value = self.one_text(entry, key, where)
        return None if value is None else value.strip()

    def headings(self, entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
        """Names of columns."""
        return tuple(name.strip() for name in self.texts(entry, key, where))

    def pairs(self, entry: dict[str, Any], key: str, where: str) -> dict[str, str]:
        """A table of name = text."""
        value = entry.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            self.fail(where, "is no table of name = text")
        return value

    def length(self, value: Any, where: str) -> timedelta:
        """A length of time."""
        found = duration(value) if isinstance(value, str) else None
        if found is None:
            self.fail(where, f"{value!r} is no length of time such as PT30M")
        return timedelta(microseconds=found)
