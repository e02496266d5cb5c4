"""The fixed words in which outputs of two versions are compared (scripts/fixed_words.py)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from borough.doctor import disk
from scripts.fixed_words import FixedWords, log_words

WORDS = FixedWords(ZoneInfo("Europe/London"))
NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("zone", "form"),
    [
        ("UTC", "%Y-%m-%dT%H:%M:%S.%f+00:00"),
        ("UTC", "%Y-%m-%dT%H:%M:%SZ"),
        ("Europe/London", "%Y-%m-%d %H:%M"),
        ("Europe/London", "%-d %B %Y, %H:%M"),
    ],
)
def test_the_present_is_a_fixed_word_however_it_is_written(zone: str, form: str) -> None:
    """As commands, the API and pages write it."""
    assert WORDS(f"at {NOW.astimezone(ZoneInfo(zone)):{form}}.") == "at <now>."


@pytest.mark.parametrize("text", ["2026-01-05T10:00:00Z", "5 January 2026, 10:00", "2026-13-45 10:00", "2026-11-28"])
def test_what_lies_in_the_data_stays(text: str) -> None:
    """Times of readings, and what is no time."""
    assert WORDS(text) == text


def test_a_time_after_what_a_run_begins_stays() -> None:
    """A promise for next week may not change unseen."""
    text = (NOW + timedelta(days=7)).isoformat()
    assert WORDS(text) == text


def test_random_words_and_places() -> None:
    """Tokens, ports and folders."""
    words = FixedWords(ZoneInfo("UTC"))
    words.name({"127.0.0.1:4711": "<site>"})
    assert words('<input name="csrf" value="a.b-c">') == '<input name="csrf" value="<token>">'
    assert words("http://127.0.0.1:4711/x?state=a1&next=/") == "http://<site>/x?state=<random>&next=/"
    assert words("borough_write_seconds_sum 0.25\nborough_write_seconds_count 3.0") == (
        "borough_write_seconds_sum <duration>\nborough_write_seconds_count 3.0"
    )


def test_a_disk_has_other_numbers_in_every_run() -> None:
    """As the doctor says them; a size that is none of a disk's stays."""
    said = disk.judge(
        "the database's data", disk.Room(9 << 30, 10 << 30), 1e8, "the database has 11.7 MB and grows by 5 kB a day"
    )
    assert WORDS(said.found) == (
        "the database's data: the database has <size> and grows by <size> a day; <size> are free, which is <long>"
    )
    assert WORDS("files of at most 5 MB") == "files of at most 5 MB"


def test_what_people_read_of_the_present() -> None:
    """A page says it in its own way."""
    now = '<time datetime="<now>"><now></time>'
    for said in (f"{NOW:%H:%M:%S}", f"{NOW.astimezone(WORDS.zone):%-d %B %Y, %H:%M}", f"{NOW:%-d %b %H:%M}"):
        assert WORDS(f'<time datetime="{NOW.isoformat()}">{said}</time>') == now
    assert WORDS('<time datetime="2026-01-05">5 Jan</time>') == '<time datetime="2026-01-05">5 Jan</time>'


def test_a_log_is_its_levels_and_messages() -> None:
    """A traceback is seen whole."""
    assert log_words('{"time": "t", "level": "info", "message": "GET / 200 12 ms"}\nTraceback\n') == (
        "info GET / 200 <duration> ms\nTraceback"
    )
