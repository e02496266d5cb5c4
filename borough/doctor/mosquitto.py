"""Mosquitto's configuration file and ACL file, read as Mosquitto 2 reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from devices.files import read_bytes
from ingest.filters import overlap, topics_of

_DEEPEST = 4
_TRUE, _FALSE = ("true", "1"), ("false", "0")
_SPANS = {"h": 3_600, "d": 86_400, "w": 604_800, "m": 2_592_000, "y": 31_536_000}
_ACCESS = ("read", "write", "readwrite", "deny")


class Unreadable(Exception):
    """A file is not there or not what it should be. The text names file, line and reason."""


class Line(NamedTuple):
    """What one line sets, and where it stands."""

    value: str
    place: str


class Configuration:
    """What a configuration file and those that it includes set. A key that is not set has Mosquitto's own default."""

    def __init__(self, lines: Mapping[str, Sequence[Line]]) -> None:
        self._lines = lines

    def lines(self, key: str) -> Sequence[Line]:
        """Every line with this key: each listener can have its own."""
        return self._lines.get(key, ())

    def has(self, key: str) -> bool:
        """Whether any line sets it."""
        return key in self._lines

    def number(self, key: str, default: int) -> int:
        """A whole number, the last that is set. Raises Unreadable."""
        if key not in self._lines:
            return default
        value, place = self._lines[key][-1]
        try:
            return int(value)
        except ValueError:
            raise Unreadable(f"{place}: {key} {value!r} is no whole number") from None

    def truth(self, key: str, default: bool) -> bool:
        """True or false, the last that is set. Raises Unreadable."""
        return truth(self._lines[key][-1], key) if key in self._lines else default

    def span(self, key: str) -> int | None:
        """A length of time such as ``14d`` [s]; None where none is set. Raises Unreadable."""
        if key not in self._lines:
            return None
        value, place = self._lines[key][-1]
        if not value[:-1].isdigit() or value[-1] not in _SPANS:
            raise Unreadable(f"{place}: {key} {value!r} is no number with one of {', '.join(_SPANS)}")
        return int(value[:-1]) * _SPANS[value[-1]]


def truth(line: Line, key: str) -> bool:
    """True or false, as Mosquitto writes it. Raises Unreadable."""
    if line.value.lower() in _TRUE:
        return True
    if line.value.lower() in _FALSE:
        return False
    raise Unreadable(f"{line.place}: {key} {line.value!r} is neither true nor false")


def read_configuration(path: Path) -> Configuration:
    """Read a configuration file with what it includes. Raises Unreadable."""
    lines: dict[str, list[Line]] = {}
    for key, line in _configured(path, 0):
        lines.setdefault(key, []).append(line)
    return Configuration(lines)


def _configured(path: Path, depth: int) -> Iterator[tuple[str, Line]]:
    if depth > _DEEPEST:
        raise Unreadable(f"{path}: includes itself, or too deep")
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, _, value = line.strip().partition(" ")
        found = Line(value.strip(), f"{path}, line {number}")
        if not found.value:
            raise Unreadable(f"{found.place}: {key} has no value")
        yield key, found
        if key == "include_dir":
            folder = Path(found.value)
            if not folder.is_dir():
                raise Unreadable(f"{found.place}: {folder} is no folder")
            for included in sorted(folder.glob("*.conf")):
                yield from _configured(included, depth + 1)


class Right(NamedTuple):
    """One line of an ACL file: what ``user`` may do (None: whoever has no name, or with ``pattern`` everybody)."""

    user: str | None
    access: Literal["read", "write", "readwrite", "deny"]
    topic: str
    pattern: bool
    line: int


def read_acl(path: Path) -> list[Right]:
    """The rights of an ACL file. Raises Unreadable: Mosquitto refuses such a file, or reads less of it than it says."""
    rights: list[Right] = []
    user: str | None = None
    for number, line in enumerate(_text(path).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        word, _, rest = text.partition(" ")
        rest = rest.strip()
        if word == "user" and rest:
            user = rest
        elif word in ("topic", "pattern") and rest:
            access, _, topic = rest.partition(" ")
            if not topic:
                access, topic = "readwrite", rest
            if access not in _ACCESS:
                raise Unreadable(f"{path}, line {number}: {access!r} is none of {', '.join(_ACCESS)}")
            rights.append(Right(user, access, topic.strip(), word == "pattern", number))  # type: ignore[arg-type]
        else:
            raise Unreadable(f"{path}, line {number}: {text!r} is neither user, topic nor pattern")
    return rights


def unread(rights: Iterable[Right], user: str | None, client_id: str, filters: Iterable[str]) -> list[str]:
    """Those of ``filters`` of which a client may not read everything, each with the reason.

    A filter counts as readable where one right alone takes all its topics and none that denies takes any.
    """
    mine = [
        right._replace(
            topic=right.topic.replace("%u", user or "").replace("%c", client_id) if right.pattern else right.topic
        )
        for right in rights
        if right.pattern or right.user == user
    ]
    found = []
    for filter_ in dict.fromkeys(map(topics_of, filters)):
        denied = next((right for right in mine if right.access == "deny" and overlap(right.topic, filter_)), None)
        if denied is not None:
            found.append(f"{filter_} (line {denied.line} denies {denied.topic})")
        elif not any(right.access in ("read", "readwrite") and covers(right.topic, filter_) for right in mine):
            found.append(filter_)
    return found


def covers(right: str, wanted: str) -> bool:
    """Whether every topic that the filter ``wanted`` takes is taken by ``right`` too (MQTT 5, section 4.7)."""
    mine, theirs = right.split("/"), wanted.split("/")
    if theirs[0].startswith("$") and mine[0] in ("+", "#"):
        return False
    for place, level in enumerate(mine):
        if level == "#":
            return True
        if place >= len(theirs) or theirs[place] == "#" or (level not in ("+", theirs[place])):
            return False
    # a/# takes its parent a, too
    return len(mine) == len(theirs)


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path} is not UTF-8 text") from None
