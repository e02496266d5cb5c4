"""Fonts of the letters: the ones that Typst carries, and behind them those of this machine, in an order of our own.

Typst's own has Latin with every diacritic, Greek, Cyrillic and Hebrew. What else people are called in a British borough
is in Debian's packages; a machine that lacks one is told which.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

#: The letter's own font, and after it the first that has a sign. Serif before sans, and one face of each script, so
#: that a letter looks the same on every machine with the same packages. What none of them has Typst looks for in all.
CHAIN = (
    "Libertinus Serif",
    "Noto Serif",
    "Noto Naskh Arabic",
    *(
        f"Noto Serif {script}"
        for script in (
            "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew", "Kannada",
            "Khmer", "Lao", "Malayalam", "Myanmar", "Sinhala", "Tamil", "Telugu", "Thai", "Tibetan", "CJK SC",
        )
    ),
    "Noto Sans CJK SC",
    "Droid Sans Fallback",
    "WenQuanYi Micro Hei",
    "Noto Sans",
    *(
        f"Noto Sans {script}"
        for script in ("Adlam", "Bengali", "Cherokee", "Devanagari", "NKo", "Oriya", "Syriac", "Thaana")
    ),
)  # fmt: skip

_CORE = "fonts-noto-core"
_EAST_ASIAN = "fonts-droid-fallback (or fonts-noto-cjk)"
#: A script with some of its letters, and Debian's package that has them.
SCRIPTS: Sequence[tuple[str, str, str]] = (
    ("Latin", "Ŵễș̣Ạ̀ħ", _CORE),
    ("Greek", "Ωΐ", _CORE),
    ("Cyrillic", "ЖїЎ", _CORE),
    ("Hebrew", "שב", _CORE),
    ("Arabic", "مح", _CORE),
    ("Urdu", "ٹگے", _CORE),
    ("Devanagari", "प्रि", _CORE),
    ("Bengali", "র্হি", _CORE),
    ("Gurmukhi", "ਗੁਪ੍ਰ", _CORE),
    ("Gujarati", "જ્ઞે", _CORE),
    ("Tamil", "செல்", _CORE),
    ("Telugu", "వెంక", _CORE),
    ("Kannada", "ಕೃಷ್", _CORE),
    ("Malayalam", "ശ്രീ", _CORE),
    ("Sinhala", "තිසා", _CORE),
    ("Thai", "สมชั", _CORE),
    ("Khmer", "សុខ", _CORE),
    ("Myanmar", "ဒေါ်", _CORE),
    ("Ethiopic", "አበ", _CORE),
    ("Georgian", "გიო", _CORE),
    ("Armenian", "Արմ", _CORE),
    ("Chinese", "王陳", _EAST_ASIAN),
    ("Japanese", "さアｱ", _EAST_ASIAN),
    ("Korean", "김민", _EAST_ASIAN),
)


def named(sign: str) -> str:
    """A sign's number and name: ``U+13A0 CHEROKEE LETTER A``."""
    return f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".strip()
