"""Values of a request: each kind is typed here once, and no route reads a query, a path or a form by another type.

What is none of its kind is refused before a handler runs (400, naming the value and never repeating it), so no handler
meets NUL, half a surrogate pair, a number beyond a bigint or a day next to which there is no other. A closed set of
words is a ``Literal``. What people type into long forms comes as :data:`Fields`, for the form says beside each field
what is wrong with it (``devices.text.flaw``).

A route writes ``fuel: Word | None = None``, or with a name of its own ``Annotated[Day | None, Query(alias="from")]``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request
from pydantic import AfterValidator, BeforeValidator, Field
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect

from analytics.periods import parse_period
from devices.text import flaw

#: The greatest number that an id can have: a bigint's.
MOST = 2**63 - 1
#: The days that may be asked for. Far from both ends of the calendar, so that years can be taken off and added.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
#: Signs of a text, of all that one form may hold in fields, and bytes of a cursor.
_TEXT, _FIELDS, _CURSOR = 500, 100, 200

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
#: What no browser sends of what people type, and no database text and no page can hold.
_NEVER = re.compile("[\x00\ud800-\udfff]")
_WORD = r"[A-Za-z0-9_-]*"


@dataclass(frozen=True, slots=True)
class Typed:
    """Stands in the annotation of every kind, so that a test can tell them from types that nobody thought about."""

    kind: str


def number(text: str) -> int | None:
    """A whole number in ASCII digits, from 0 to MOST; None where ``text`` is anything else."""
    if _DIGITS.fullmatch(text) is None:
        return None
    found = int(text)
    return found if found <= MOST else None


def _whole(text: object) -> int:
    if not isinstance(text, str) or (found := number(text)) is None:  # a form's field can be a file
        raise ValueError("not a whole number")
    return found


def _day(text: object) -> date:
    if not isinstance(text, str) or _DAY.fullmatch(text) is None:
        raise ValueError("not a day such as 2026-02-09")
    day = date.fromisoformat(text)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"not a day from {FIRST_DAY} to {LAST_DAY}")
    return day


def _moment(text: object) -> datetime | None:
    if text == "":  # a field that was left empty
        return None
    if not isinstance(text, str) or _MOMENT.fullmatch(text) is None:
        raise ValueError("not a time such as 2026-02-09T14:00")
    moment = datetime.fromisoformat(text)
    if not FIRST_DAY <= moment.date() <= LAST_DAY:
        raise ValueError(f"not a time from {FIRST_DAY} to {LAST_DAY}")
    return moment


def _period(text: str) -> str:
    if not text.isascii():
        raise ValueError("not a period")
    found = parse_period(text)
    if not (found.start >= FIRST_DAY and found.end <= LAST_DAY):
        raise ValueError("not a period of our time")
    return text


def _plain(text: str) -> str:
    if (wrong := flaw(text)) is not None:
        raise ValueError(wrong)
    return text


def local_path(text: str | None, otherwise: str = "/") -> str:
    """``text`` where it is a path of this site and nothing that a browser takes for another address."""
    if not text or not text.startswith("/") or text.startswith(("//", "/\\")) or len(text) > 500:
        return otherwise
    if any(ord(sign) < 33 or ord(sign) == 127 or sign == "\\" for sign in text):
        return otherwise
    parts = urlsplit(text)
    return otherwise if parts.scheme or parts.netloc else text


def cursor_of(key: str) -> str:
    """A place in a list as a cursor. ``key`` is ASCII."""
    return base64.urlsafe_b64encode(key.encode("ascii")).decode().rstrip("=")


def _key(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not a cursor") from error


#: A whole number from 0 to what an id can be. Its bounds stand before the validator: after it the API's description
#: would name them by words that JSON Schema does not have.
Whole = Annotated[int, Typed("whole"), Field(ge=0, le=MOST), BeforeValidator(_whole)]
#: How many items of a list are asked for.
Count = Annotated[int, Typed("whole"), Field(ge=1, le=100), BeforeValidator(_whole)]
#: A day as 2026-02-09, from FIRST_DAY to LAST_DAY.
Day = Annotated[date, Typed("day"), BeforeValidator(_day)]
#: A local time as 2026-02-09T14:00, as a field of browsers sends it, None where that is empty; the handler says of
#: which zone it is.
Moment = Annotated[datetime | None, Typed("moment"), BeforeValidator(_moment)]
#: The key of a period (``analytics.periods.Period.key``) that `parse_period` reads.
PeriodKey = Annotated[str, Typed("period"), Field(max_length=20), AfterValidator(_period)]
#: A word of ours, such as a fuel; whether there is such a one the handler says.
Word = Annotated[str, Typed("word"), Field(max_length=40, pattern=f"^{_WORD}$")]
#: One line of text without control characters.
Text = Annotated[str, Typed("text"), Field(max_length=_TEXT), AfterValidator(_plain)]
#: A path of this site, empty where it is anything else.
Way = Annotated[str, Typed("way"), AfterValidator(lambda text: local_path(text, ""))]
#: The rest of a path, for a parser of the room's own, which refuses what it does not know.
Rest = Annotated[str, Typed("rest")]
#: The `cursor_of` a place in a list; the handler gets the place.
Cursor = Annotated[str, Typed("cursor"), Field(max_length=_CURSOR), AfterValidator(_key)]
#: Yes or no.
Flag = Annotated[bool, Typed("flag")]


async def read_form(request: Request) -> FormData:
    """A request's form, read once. Raises HTTPException 400 where it is none, 413 where it is too long."""
    try:
        form = await request.form(max_files=0, max_fields=_FIELDS)  # no form of ours takes files
    except (ValueError, LookupError, ClientDisconnect):
        # a part may name its own encoding, and some of Python's raise what nobody expects of text
        raise HTTPException(400) from None
    for field in form.multi_items():
        if any(_NEVER.search(text) for text in field if isinstance(text, str)):
            raise HTTPException(400)
    return form


async def _fields(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await read_form(request)).items() if isinstance(value, str)}


#: What stands in the fields of a form as it was typed, by name; a form with files is refused.
Fields = Annotated[dict[str, str], Depends(_fields)]
