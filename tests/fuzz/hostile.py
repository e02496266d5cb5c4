"""Hostile texts, values and bytes; functions of the chance that is passed in."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from devices.text import visible

#: Escape sequences, overrides, NUL, formulas, markup, paths, letters of many scripts, nothing, and a little too much.
TEXTS = (
    "", " ", "\x00", "a\x00b", "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "\x7f", "a\rb", "a\nb", "\t",
    "\u202egnp.exe", "\u2066x\u2069", "\u2028", "\ufeff", "\u200b", "\u00ad", "\U000e0041", "=1+1", "+1", "-1", "@sum",
    "\uff1dx", "'; drop table reading; --", "<script>x</script>", "{{7*7}}", "#import", "../../etc/passwd", "%s%n",
    "NaN", "nan", "inf", "-0", "1e999", "0x10", "1_0", "\u0663", "\u00b2", "true", "null", "none", "a,b", 'a"b', "a;b",
    "Zo\u00eb", "\u0141ukasz", "\u5f20\u4f1f", "\u0645\u062d\u0645\u062f", "\u05d3\u05d5\u05d3", "\U0001f3e0",
    "2026-02-30", "9999-12-31", "0001-01-01", "10000-01-01", "2026-01-01T00:00:00+99:00", "2026-13-01", "P1Y", "PT0S",
)  # fmt: skip

#: Values that a file or a message can hold where a number is expected.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, -999, 1e308, -1e308, 1e-320, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 0.1,
    [], {}, [[]], [1], {"a": 1}, {"value": None},
)  # fmt: skip


def text(chance: random.Random) -> str:
    """A hostile text: one of the list, two of them, a long one, or any characters."""
    way = chance.randrange(8)
    if way < 4:
        return chance.choice(TEXTS)
    if way < 5:
        return chance.choice(TEXTS) + chance.choice(TEXTS)
    if way < 6:
        return (chance.choice(TEXTS) or "x") * chance.choice((10, 100, 3_000))
    return "".join(chr(_codepoint(chance)) for _ in range(chance.randrange(1, 20)))


def _codepoint(chance: random.Random) -> int:
    point = chance.choice((chance.randrange(0x100), chance.randrange(0x3000), chance.randrange(0x110000)))
    return 0x41 if 0xD800 <= point <= 0xDFFF else point


def value(chance: random.Random) -> Any:
    """A hostile value as JSON holds it."""
    return text(chance) if chance.random() < 0.4 else chance.choice(VALUES)


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """Bytes with a few changed, cut off, doubled, or put in."""
    result = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(result) + 1)
        way = chance.randrange(5)
        if way == 0 and place < len(result):
            result[place] = chance.randrange(256)
        elif way == 1:
            del result[place:]
        elif way == 2:
            result[place:place] = chance.randbytes(chance.randrange(1, 9))
        elif way == 3:
            result += result[place:]
        else:
            result[place:place] = text(chance).encode()
    return bytes(result)


def respelled(document: Any, chance: random.Random) -> Any:
    """A JSON document with something hostile at a place of it: a value, a key, or much more of it."""
    if isinstance(document, dict) and document and chance.random() < 0.8:
        key = chance.choice(sorted(document, key=str))
        way = chance.randrange(5)
        if way == 0:
            return {**document, key: value(chance)}
        if way == 1:
            return {name: item for name, item in document.items() if name != key}
        if way == 2:
            return {**document, text(chance): value(chance)}
        return {**document, key: respelled(document[key], chance)}
    if isinstance(document, list) and document and chance.random() < 0.8:
        place = chance.randrange(len(document))
        if chance.random() < 0.2:
            return document * chance.choice((2, 50))
        return [*document[:place], respelled(document[place], chance), *document[place + 1 :]]
    return value(chance)


def nested(depth: int, chance: random.Random) -> bytes:
    """Brackets in brackets."""
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return opening * depth + (b"1" + closing * depth if chance.random() < 0.5 else b"")


def dumps(document: Any) -> bytes:
    """JSON as bytes; halves of surrogate pairs, NaN and all."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


def raw(lines: str) -> str | None:
    """The first line that holds a sign which a terminal would act upon; None where there is none."""
    return next(
        (line for line in lines.split("\n") if visible(line.replace("\t", " ")) != line.replace("\t", " ")), None
    )


def pick(chance: random.Random, items: Sequence[Any]) -> Any:
    """One of them."""
    return items[chance.randrange(len(items))]
