"""A message's bytes as hex beside text, with the place at which its decoder stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from devices.text import visible

#: Bytes of a line, and of what a page shows.
ACROSS, MOST = 16, 4096
#: How the parser of JSON tells the place: by signs, not by bytes.
_SIGN = re.compile(r"\(char ([0-9]{1,9})\)\Z")
_UTF8 = "not valid UTF-8"


@dataclass(frozen=True, slots=True)
class Line:
    """Up to 16 bytes: ``offset`` of the first, hex and text before, at and after the marked one (empty: none is)."""

    offset: str
    hex: tuple[str, str, str]
    text: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Dump:
    """What a page shows of a message of ``length`` bytes: ``start`` to ``end``, as lines and as text.

    ``place``: the byte at which the decoder stopped; it is ``length`` where the message ended too early.
    """

    length: int
    start: int
    end: int
    place: int | None
    lines: list[Line]
    text: str

    @property
    def place_words(self) -> str:
        """Where the decoder stopped."""
        if self.place is None:
            return ""
        if self.place >= self.length:
            return f"The decoder stopped at the end, behind byte {self.length:,}."
        return f"The decoder stopped at byte {self.place:,} (hex {self.place:x}), marked below."


def place_of(detail: str, payload: bytes) -> int | None:
    """The byte at which the decoder stopped, as far as its words tell; None where they do not."""
    if _UTF8 in detail:
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            return error.start
        return None
    found = _SIGN.search(detail)
    if found is None:
        return None
    return len(payload.decode("utf-8", "replace")[: int(found[1])].encode())


def dump(payload: bytes, place: int | None = None) -> Dump:
    """The bytes around ``place``, else the first."""
    start = 0
    if place is not None and place > MOST * 3 // 4:
        start = max(0, min(place - MOST // 2, len(payload) - MOST)) // ACROSS * ACROSS
    end = min(len(payload), start + MOST)
    text = visible(payload[start:end].decode("utf-8", "backslashreplace"), lines=True)
    return Dump(len(payload), start, end, place, list(_lines(payload, start, end, place)), text)


def _lines(payload: bytes, start: int, end: int, place: int | None) -> Iterator[Line]:
    for offset in range(start, end, ACROSS):
        part = payload[offset : min(end, offset + ACROSS)]
        at = None if place is None or not offset <= place < offset + len(part) else place - offset
        cut = (len(part), len(part)) if at is None else (at, at + 1)
        pieces = part[: cut[0]], part[cut[0] : cut[1]], part[cut[1] :]
        yield Line(
            f"{offset:04x}",
            (pieces[0].hex(" "), pieces[1].hex(), pieces[2].hex(" ")),
            (_shown(pieces[0]), _shown(pieces[1]), _shown(pieces[2])),
        )


def _shown(part: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in part)
