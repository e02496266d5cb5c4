"""Encodings of text files: which one it is, and where a file is not what was said of it."""

from __future__ import annotations

import codecs
from typing import IO

#: Byte-order marks; that of UTF-8 first.
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: Python's encodings that turn text into something else, or take escapes for signs.
_NO_TEXT = ("unicode", "raw", "idna", "punycode", "undefined", "utf-7", "mbcs", "oem")
_PIECE = 1 << 16


def known(name: str) -> bool:
    """Whether Python knows an encoding of text by this name."""
    try:
        found = codecs.lookup(name)
        found.incrementaldecoder("strict").decode(b"")
    except (LookupError, ValueError, TypeError, AttributeError):
        return False
    return bool(getattr(found, "_is_text_encoding", True)) and not found.name.startswith(_NO_TEXT)


def encoding_of(head: bytes, said: str) -> str:
    """The encoding of a file that begins with ``head``: by its mark or its zeros, else ``said``, else UTF-8."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if not said and len(head) >= 4 and (head[1::2].count(0), head[::2].count(0)) in ((2, 0), (0, 2)):
        # every other byte of text in Latin letters is zero: UTF-16 without its mark
        return "utf-16-le" if head[1] == 0 else "utf-16-be"
    return said or "utf-8"


def fault(file: IO[bytes], encoding: str) -> tuple[int, str]:
    """The line (from 1) on which bytes are none of ``encoding``, and what to do. The file is read from its begin."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    while True:
        piece = file.read(_PIECE)
        state = decoder.getstate()
        try:
            line += decoder.decode(piece, final=not piece).count("\n")
        except UnicodeDecodeError:
            decoder.setstate(state)
            line += _good_lines(decoder, piece)
            break
        if not piece:
            break
    name = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16"}.get(encoding, encoding)
    if name.startswith("UTF"):
        then = 'the mapping has to name its encoding, such as encoding = "cp1252" for that of older Windows programs'
    else:
        then = "the mapping names another encoding than the file has"
    return line, f"is not {name} text; {then}"


def _good_lines(decoder: codecs.IncrementalDecoder, piece: bytes) -> int:
    lines = 0
    for place in range(len(piece)):
        try:
            lines += decoder.decode(piece[place : place + 1]).count("\n")
        except UnicodeDecodeError:
            break
    return lines
