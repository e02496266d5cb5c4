"""The text of a query option in tokens: names, literals, signs. Each knows where it stands.

One regular expression without ambiguity reads it in one pass, so its time grows with the text's length and no faster.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from store.sta_query import QueryRefused

#: Characters of one query option, tokens of one.
LONGEST, MOST = 8_192, 2_000

_TOKENS = re.compile(
    r"""
    (?P<space>[ \t]+)
  | (?P<prefixed>[A-Za-z]+'(?:[^']|'')*')
  | (?P<text>'(?:[^']|'')*')
  | (?P<instant>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?
      (?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)
  | (?P<date>[0-9]{4}-[0-9][0-9]-[0-9][0-9](?![\w.]))
  | (?P<time>[0-9][0-9]:[0-9][0-9](?::[0-9][0-9](?:\.[0-9]+)?)?(?![\w.]))
  | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))
  | (?P<option>\$[A-Za-z]+)
  | (?P<name>@?[^\W\d][\w.]*(?:-[\w.]+)*)
  | (?P<sign>[(),/:;=*-])
    """,
    re.VERBOSE,
)
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


class Token(NamedTuple):
    """One token: ``kind`` is a group of the expression, ``at`` counts characters of the option from 0."""

    kind: str
    text: str
    at: int


#: Stands behind the last token.
END = "end"


def tokens(option: str, text: str) -> list[Token]:
    """The tokens of an option's text, space left out, with one of the kind END at its end.

    Raises QueryRefused for what is too long, no text or no token.
    """
    if len(text) > LONGEST:
        raise QueryRefused(f"{option} has {len(text):,} characters, at most {LONGEST:,} are read: ask a part of it")
    if bad := _NOT_TEXT.search(text):
        raise QueryRefused(f"{option}, character {bad.start() + 1}: there is no such character in a text")
    found, at = [], 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            raise QueryRefused(_no_token(option, text, at))
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), at))
            if len(found) > MOST:
                raise QueryRefused(f"{option} has more than {MOST:,} words and signs: ask a part of it")
        at = match.end()
    found.append(Token(END, "", len(text)))
    return found


def _no_token(option: str, text: str, at: int) -> str:
    place = f"{option}, character {at + 1}"
    if text[at] == "'":
        return f"{place}: a quote is opened here and not closed; a quote inside a text is written twice"
    if text[at] == '"':
        return f"{place}: texts stand in single quotes, 'like this'"
    if text[at] == "+":
        return f"{place}: a + here is no operator; addition is written add"
    return f"{place}: {text[at]!r} is not expected here"
