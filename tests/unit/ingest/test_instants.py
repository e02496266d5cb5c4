"""Times of messages: ISO 8601 and epoch seconds against ``datetime`` and ``zoneinfo``; what is no time at all.

The tests start from an instant, spell it, and expect the instant back: the reference never parses anything.
"""

from __future__ import annotations

import math
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoding import Relative, Twice
from ingest.instants import BAD, both, instant, nearest, parse, resolve, why_bad

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = [zoneinfo.ZoneInfo(name) for name in ("Europe/London", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia")]


def moments(first_year: int, last_year: int) -> st.SearchStrategy[datetime]:
    """Instants from the second day of ``first_year`` to the last but one of ``last_year``, whole microseconds."""
    low, high = datetime(first_year, 1, 2, tzinfo=UTC), datetime(last_year, 12, 30, tzinfo=UTC)
    return st.integers(microseconds(low), microseconds(high)).map(lambda us: EPOCH + timedelta(microseconds=us))


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


class Form(NamedTuple):
    """How a time is written; RFC 3339 where nothing is said."""

    separator: str = "T"
    point: str = "."
    zulu: str = ""
    basic_date: bool = False
    basic_time: bool = False
    seconds: bool = True
    #: between time of day and offset
    blank: str = ""
    #: between hours and minutes of the offset; None: hours alone where they are enough
    colon: str | None = ":"


RFC_3339 = Form()


def spell(moment: datetime, zone: tzinfo, digits: int = 0, form: Form = RFC_3339) -> str:
    """Text of an instant, written out field by field; ``digits`` of a second's fraction, 0 to 9."""
    local = moment.astimezone(zone)
    fraction = f"{local.microsecond:06d}000"[:digits]
    offset = local.utcoffset()
    assert offset is not None
    minutes = offset // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    place = f"{'-' if minutes < 0 else '+'}{hours:02d}"
    if form.colon is not None or rest:
        place += f"{form.colon or ''}{rest:02d}"
    if minutes == 0 and form.zulu:
        place = form.zulu
    dash, between = "" if form.basic_date else "-", "" if form.basic_time else ":"
    text = f"{local.year:04d}{dash}{local.month:02d}{dash}{local.day:02d}{form.separator}"
    text += f"{local.hour:02d}{between}{local.minute:02d}"
    if form.seconds:
        text += f"{between}{local.second:02d}{form.point + fraction if digits else ''}"
    return text + form.blank + place


FORMS = st.builds(
    Form,
    st.sampled_from(["T", "t", " "]),
    st.sampled_from([".", ","]),
    st.sampled_from(["Z", "z", "UTC", ""]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "", " "]),
    st.sampled_from([":", "", None]),
)


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, int]:
    """A text and its instant [us]."""
    digits, form = draw(st.integers(0, 9)), draw(FORMS)
    moment = draw(moments(1, 9999))
    step = 10 ** max(0, 6 - digits)
    moment = moment.replace(microsecond=moment.microsecond // step * step)
    if not form.seconds:
        moment = moment.replace(second=0, microsecond=0)
    zone: tzinfo = draw(
        st.sampled_from([UTC, *ZONES])
        | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    )
    if moment.year < 1972:  # offsets of local mean time have seconds, which RFC 3339 cannot write
        zone = UTC
    return spell(moment, zone, digits, form), microseconds(moment)


@given(spelled())
def test_every_spelling_of_an_instant_is_that_instant(case: tuple[str, int]) -> None:
    text, expected = case
    assert instant(text) == expected
    assert parse([text]).tolist() == [expected]


@given(moments(1970, 2105))
def test_epoch_seconds_are_exact_to_the_microsecond(moment: datetime) -> None:
    expected = microseconds(moment)
    assert instant(moment.timestamp()) == expected
    assert parse([expected // 1_000_000, moment.timestamp()]).tolist() == [expected // 1_000_000 * 1_000_000, expected]


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_both_passes_of_the_clocks_going_back_are_told_apart(zone: zoneinfo.ZoneInfo) -> None:
    """An offset says which of the two 01:30 it is; they are an hour apart (Apia skipped a day instead)."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    half_hours = [start + timedelta(minutes=30 * step) for step in range(365 * 48)]
    texts = [spell(moment, zone) for moment in half_hours]
    assert parse(texts).tolist() == [microseconds(moment) for moment in half_hours]


INVALID_TEXTS = {
    "29 February of a common year": "2026-02-29T00:00:00Z",
    "29 February of a century": "2100-02-29T00:00:00Z",
    "30 February": "2024-02-30T00:00:00Z",
    "31 April": "2026-04-31T12:00:00Z",
    "month 0": "2026-00-01T00:00:00Z",
    "month 13": "2026-13-01T00:00:00Z",
    "day 0": "2026-01-00T00:00:00Z",
    "day 32": "2026-01-32T00:00:00Z",
    "year 0": "0000-01-01T00:00:00Z",
    "hour 24": "2026-01-01T24:00:00Z",
    "minute 60": "2026-01-01T00:60:00Z",
    "second 60": "2016-12-31T23:59:60Z",
    "second 60, offset": "2017-01-01T00:59:60+01:00",
    "no offset": "2026-01-01T00:00:00",
    "no offset, compact": "20260101T000000",
    "no offset, no seconds": "2026-01-01T00:00",
    "no time of day": "2026-01-01",
    "the hour alone": "2026-01-01T00Z",
    "comma without digits": "2026-01-01T00:00:00,Z",
    "fraction of a minute": "2026-01-01T00:00.5Z",
    "digits alone": "20260101000000Z",
    "two-digit year, compact": "260101T000000Z",
    "days before months": "01/02/2026 00:00:00Z",
    "days before months, by points": "01.02.2026 00:00:00Z",
    "slashes": "2026/01/01 00:00:00Z",
    "two blanks before the offset": "2026-01-01T00:00:00  +01:00",
    "blank within the offset": "2026-01-01T00:00:00+ 01:00",
    "offset of three digits": "2026-01-01T00:00:00+100",
    "offset of seconds": "2026-01-01T00:00:00+01:00:00",
    "British summer time by its name": "2026-07-01T00:00:00 BST",
    "half a day": "2026-01-01 01:00 PM Z",
    "empty fraction": "2026-01-01T00:00:00.Z",
    "week date": "2026-W01-1T00:00:00Z",
    "ordinal date": "2026-001T00:00:00Z",
    "offset of 24 hours": "2026-01-01T00:00:00+24:00",
    "offset of 60 minutes": "2026-01-01T00:00:00+01:60",
    "Z and offset": "2026-01-01T00:00:00Z+01:00",
    "offset with a minus sign of typography": "2026-01-01T00:00:00\N{MINUS SIGN}01:00",
    "white space before": " 2026-01-01T00:00:00Z",
    "white space after": "2026-01-01T00:00:00Z ",
    "line end after": "2026-01-01T00:00:00Z\n",
    "line end in place of Z": "2026-01-01T00:00:00\n",
    "five-digit year": "12026-01-01T00:00:00Z",
    "two-digit year": "26-01-01T00:00:00Z",
    "negative year": "-026-01-01T00:00:00Z",
    "sign in a field": "2026-01-01T00:+1:00Z",
    "one-digit month": "2026-1-01T00:00:00Z",
    "full-width digits": "\N{FULLWIDTH DIGIT TWO}026-01-01T00:00:00Z",
    "Arabic digits": "2026-01-01T00:00:0\N{ARABIC-INDIC DIGIT ONE}Z",
    "zone name": "2026-01-01T00:00:00 GMT",
    "HTTP date": "Thu, 01 Jan 2026 00:00:00 GMT",
    "epoch seconds as text": "1767225600",
    "zero byte": "2026-01-01T00:00:00\0",
    "lone surrogate": "2026-01-01T00:00:00\ud800",
    "empty": "",
    "twenty spaces": " " * 20,
    "two at once": "2026-01-01T00:00:00Z2026-01-01T00:00:00Z",
}

INVALID_VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "milliseconds": 1_767_225_600_000,
    "nanoseconds": 1_767_225_600_000_000_000,
    "beyond int64": 2**63,
    "beyond float64": 10**400,
    "beyond float64, negative": -(10**400),
    "object": {},
    "array": [1767225600],
    "bytes": b"2026-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    "value", [*INVALID_TEXTS.values(), *INVALID_VALUES.values()], ids=[*INVALID_TEXTS, *INVALID_VALUES]
)
def test_what_is_no_time_is_bad_alone_and_in_company(value: object) -> None:
    good, at = "2026-02-01T00:30:00Z", microseconds(datetime(2026, 2, 1, 0, 30, tzinfo=UTC))
    assert instant(value) == BAD
    assert parse([value]).tolist() == [BAD]
    assert parse([good, value, good]).tolist() == [at, BAD, at]
    assert parse([value, at // 1_000_000, value]).tolist() == [BAD, at, BAD]


def test_finer_than_a_microsecond_is_cut_off() -> None:
    """The Things Stack writes nanoseconds; rounding up could put a reading into the next day."""
    day = microseconds(datetime(2027, 1, 1, tzinfo=UTC))
    assert instant("2026-12-31T23:59:59.999999999Z") == day - 1
    assert instant("2026-12-31T23:59:59.9999994999999Z") == day - 1


def test_the_ends_of_what_is_a_time() -> None:
    assert instant("0001-01-01T00:00:00Z") == microseconds(datetime(1, 1, 1, tzinfo=UTC))
    assert instant("9999-12-31T23:59:59.999999Z") == microseconds(datetime.max.replace(tzinfo=UTC))
    assert instant("0001-01-01T00:00:00+23:59") == microseconds(datetime(1, 1, 1, tzinfo=UTC)) - 86_340_000_000
    assert instant(0) == instant(-0.0) == 0
    assert instant(-1.5) == -1_500_000


def test_an_empty_batch() -> None:
    assert parse([]).tolist() == []
    assert parse([]).dtype == np.int64


def test_a_time_of_another_length_does_not_shift_its_neighbours() -> None:
    """Of an empty text and one of forty characters the mean length is right, and each must be judged alone."""
    one, two = "2026-02-01T00:30:00Z", "2026-02-01T01:00:00Z"
    first, second = parse([one]).tolist()[0], parse([two]).tolist()[0]
    assert parse(["", one, two, one + two]).tolist() == [BAD, first, second, BAD]
    assert parse([one + "2", two[1:]]).tolist() == [BAD, BAD]


ANY_TIME = st.one_of(
    spelled().map(lambda case: case[0]),
    st.sampled_from([*INVALID_TEXTS.values()]),
    st.sampled_from([value for value in INVALID_VALUES.values() if isinstance(value, int | float)]),
    moments(1990, 2040).map(lambda moment: spell(moment, UTC, form=Form(zulu="Z"))),
    st.integers(-(2**40), 2**40),
    st.floats(-1e12, 1e12),
    st.none(),
    st.booleans(),
    st.text(max_size=40),
    st.text("0123456789-:TZ", min_size=20, max_size=20),
)


@given(st.lists(ANY_TIME, max_size=12))
def test_a_batch_is_judged_as_its_times_one_by_one(times: list[Any]) -> None:
    assert parse(times).tolist() == [instant(value) for value in times]


def test_a_relative_time_is_not_taken_for_epoch_seconds() -> None:
    """It needs its message's arrival; whoever asks here without adding it gets no instant of 1970."""
    assert parse([Relative(-5), "2026-02-01T00:30:00Z"]).tolist()[0] == BAD


# -- local times that the clocks repeat ------------------------------------------------------------------------------

TWICE = Twice("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")
FIRST, LATER = (
    microseconds(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    microseconds(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
)


def test_both_instants_of_a_repeated_time() -> None:
    assert both(TWICE) == (FIRST, LATER)
    assert both("2026-10-25T00:30Z") == (FIRST, FIRST)
    assert both("soon") == (BAD, BAD)


@pytest.mark.parametrize(
    ("arrival", "taken"),
    [
        (FIRST - 10**12, FIRST),
        (FIRST, FIRST),
        ((FIRST + LATER) // 2, FIRST),  # exactly half way
        ((FIRST + LATER) // 2 + 1, LATER),
        (LATER, LATER),
        (LATER + 10**12, LATER),
    ],
)
def test_of_two_instants_the_one_nearest_to_the_arrival_is_taken(arrival: int, taken: int) -> None:
    assert nearest(TWICE, arrival) == taken
    resolved = resolve(["2026-10-25T00:30:00Z", TWICE, None, Relative(-5)], np.full(4, arrival))
    assert parse(resolved).tolist()[:2] == [FIRST, taken]


def test_who_only_knows_texts_has_the_first() -> None:
    assert instant(TWICE) == FIRST
    assert parse([TWICE]).tolist() == [FIRST]
    assert parse([TWICE, "2026-10-25T00:30:00Z", 5]).tolist() == [FIRST, FIRST, 5_000_000]
    assert TWICE == "2026-10-25T00:30:00Z"


def test_times_that_hang_on_nothing_are_not_touched() -> None:
    times = ["2026-10-25T00:30:00Z", 5, 7.5]
    assert resolve(times, np.zeros(3, np.int64)) is times


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("2026-01-29T12:44", "without an offset"),
        ("20260129T124441", "without an offset"),
        ("2026-02-30T12:44Z", "no such date"),
        (1_767_225_600_000, "milliseconds"),
        ("29/01/2026 12:44", "neither"),
        (None, "neither"),
    ],
)
def test_a_bad_time_says_what_is_wrong_and_quotes_nothing(value: object, word: str) -> None:
    assert word in why_bad(value)
    assert "29" not in why_bad(value)
