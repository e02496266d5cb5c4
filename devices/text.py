"""Text from outside: what of it is taken, and how it is shown where it could do harm.

A name, a topic level or a payload can hold signs that move a terminal's cursor or turn the order of a line round.
Whatever takes text in asks `flaw`; whatever shows text that was kept as it came shows `visible`.
"""

from __future__ import annotations

import re

#: NUL and halves of surrogate pairs, which no database text holds; control characters beside tab and line ends.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
#: Embeddings, overrides and isolates (Unicode Standard Annex 9): one of them turns round what stands behind it. Marks
#: (U+200E, U+200F, U+061C) do not reach beyond their neighbours, and names in Hebrew and Arabic have them.
_TURNING = "\u202a-\u202e\u2066-\u2069"
#: Line and paragraph separators, tags and annotations: invisible, and some programs take them for line ends.
_UNSEEN = "\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"

_HARMFUL = re.compile(f"[{_CONTROL}{_TURNING}{_UNSEEN}]")
_IN_A_LINE = re.compile(f"[{_CONTROL}\t\n\r{_TURNING}{_UNSEEN}]")
_SHOWN = re.compile(f"[{_CONTROL}\t\n\r{_TURNING}{_UNSEEN}\u200b\u200e\u200f\u061c\u00ad]")
_SHOWN_IN_TEXT = re.compile(f"[{_CONTROL}\r{_TURNING}{_UNSEEN}\u200b\u200e\u200f\u061c\u00ad]")
_BEYOND_ASCII = re.compile("[^\\n\\t -~]")
#: Signs that phones and word processors write in the place of an apostrophe.
APOSTROPHES = "\u2019\u2018\u02bc\u00b4`"
_PLAIN = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))


def flaw(text: str, *, lines: bool = False) -> str | None:
    """What in ``text`` may not be taken from a person or a file, in words that follow its name; None: nothing.

    ``lines``: it may have tabs and line ends.
    """
    found = (_HARMFUL if lines else _IN_A_LINE).search(text)
    if found is None:
        return None
    number = ord(found[0])
    if 0x202A <= number <= 0x2069:
        return f"holds a sign that turns the order of text round (U+{number:04X})"
    return f"holds a control character (U+{number:04X})"


def plain_apostrophes(text: str) -> str:
    """``text`` with the apostrophe of keyboards for every sign that stands in its place: a name is found by each."""
    return text.translate(_PLAIN)


def visible(text: str, *, lines: bool = False) -> str:
    r"""``text`` with every sign that a terminal would act upon, or nobody would see, written as its escape (``\x1b``).

    ``lines``: tabs and line feeds stay. What is shown is not to be read back: a backslash stays as it is.
    """
    return (_SHOWN_IN_TEXT if lines else _SHOWN).sub(_escape, text)


def visible_json(text: str, *, ascii_only: bool = False) -> str:
    r"""A JSON text with the same signs written as JSON's own escapes (``\u202e``): it reads back to the same.

    Outside its strings JSON has none of them but line feeds and tabs, which stay. ``ascii_only``: every sign beyond
    ASCII too.
    """
    return (_BEYOND_ASCII if ascii_only else _SHOWN_IN_TEXT).sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")
