"""How hard a text is to read: the grade of Flesch and Kincaid (Kincaid et al. 1975), with a plain rule for syllables.

A sentence ends with ``.``, ``!``, ``?`` or ``:`` before a space, or with its line. A word is what stands between spaces
and holds a letter or digit. **Syllables**: groups of vowels (y too); a last e, and that of -ed and -es, is silent
unless its word needs it (-le, -ted, -ded, -ses, -xes, -zes, -ches, -shes, -ges, -ces). A number has one for each of its
digits, a pound or pence sign or ``W`` one more, a per cent sign two; ``kWh`` is read as kilowatt hours, five. The rule
counts few words too low and numbers too high.
"""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?:])\s+|\n+")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(r"(?:(?<![aeiouyl])e|(?<=[aeiouyl]l)e)\Z")
_SILENT_ED, _SILENT_ES = re.compile(r"(?<![tdaeiouy])ed\Z"), re.compile(r"(?<![sxzcgaeiouy])(?<!ch)(?<!sh)es\Z")
#: Signs and units, by how they are read.
_READ = {"kwh": 5, "w": 1, "%": 2, "£": 1, "p": 1}


def sentences(text: str) -> list[list[str]]:
    """The words of each sentence, in order; without sentences that hold none."""
    found = ([word for word in part.split() if re.search(r"\w", word)] for part in _END.split(text))
    return [words for words in found if words]


def syllables(word: str) -> int:
    """How many syllables a word has; at least one, of what has no letter or digit none."""
    return sum(_part(part) for part in re.findall(r"[a-z']+|\d|[%£]", word.lower()))


def grade(text: str) -> float:
    """The grade: years at school that a reader needs. Raises ValueError for a text without words."""
    found = sentences(text)
    if not found:
        raise ValueError("a text without words has no reading grade")
    words = [word for sentence in found for word in sentence]
    number = sum(max(1, syllables(word)) for word in words)
    return 0.39 * len(words) / len(found) + 11.8 * number / len(words) - 15.59


def _part(part: str) -> int:
    if part.isdigit():
        return 1
    if part in _READ:
        return _READ[part]
    plain = part.replace("'", "")
    groups = len(_VOWELS.findall(plain))
    if _SILENT.search(plain) or _SILENT_ED.search(plain) or _SILENT_ES.search(plain):
        groups -= 1
    return max(1, groups)
