"""Text that would steer a terminal, and what of an output does."""

from __future__ import annotations

import re
import unicodedata

#: Colours, a link, a clear screen in one sign (C1), an override and an isolate, a mark, a line separator, line ends, a
#: tab, and the markup of the library that draws tables.
HOSTILE = "h\x1b[31m\x1b]8;;x\x07\x9b2J\u202eliv\u2066\u200f\u2028\r\nFORGED\tend[red]"
#: What a broker takes: Mosquitto refuses control characters in topics.
TOPIC = "h\u202eliv\u2066\u200f[red]"
#: How each of them may be written instead.
SHOWN = re.compile(rb"\\x1b\[31m|\\u001b\[31m|\\u202eliv|\\\\x1b\[31m")
#: What we and the library of tables write ourselves, at a terminal only.
OURS = re.compile("\r\x1b\\[K|\x1b\\[[01]m")
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def steering(text: str) -> set[str]:
    """Signs of a text that a terminal would act upon, but for line feeds and tabs."""
    return {
        sign
        for sign in text
        if (unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign not in "\n\t")
        or unicodedata.bidirectional(sign) in TURNING
        or sign in "\u200e\u200f\u061c"
    }
