"""Of which entities a statement speaks: all, one by its key, those along a path, those of many parents at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """All entities of the kind."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """The one with this key (values in the order of `Entity.key`)."""

    key: Key


@dataclass(frozen=True, slots=True)
class Along:
    """What a path leads to: from the entity ``start`` with ``key`` along ``ways``, one or more."""

    start: str
    key: Key
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """What each of many parents leads to by one way; ``keys``: the parents', in their order."""

    parent: str
    way: str
    keys: Sequence[Key]


Scope = Everything | Keyed | Along | Related
