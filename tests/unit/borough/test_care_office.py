"""When carers are told of what can wait, and who is told next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from borough.delivery import care_telling as delivery
from borough.delivery.triggers import TriggerOptions
from store.care_alerts import Alert, Kind, Step

ZONE = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANSWER = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-27T08:59+00:00", "2026-03-27T09:00+00:00"),
        ("2026-03-27T17:00+00:00", "2026-03-30T08:00+00:00"),  # the clock changed in between
        ("2026-10-23T16:00+00:00", "2026-10-26T09:00+00:00"),
        ("2026-12-24T18:00+00:00", "2026-12-29T09:00+00:00"),  # Christmas, a substitute day
        ("2026-11-23T12:34+00:00", "2026-11-23T12:34+00:00"),
    ],
)
def test_office_hours_are_of_the_clock_on_the_wall(now: str, due: str) -> None:
    given = datetime.fromisoformat(now)
    assert delivery.office(given, ZONE, (9, 17)) == datetime.fromisoformat(due)


def alert(kind: Kind = "quiet") -> Alert:
    return Alert(1, 2, 3, kind, "", NOW - timedelta(hours=5), 3600, NOW, None, False, None, None)


def step(number: int, told: int | None = None, state: str | None = "sent", *, void: bool = False) -> Step:
    """A carer; ``told``: so many minutes ago."""
    at = None if told is None else NOW - timedelta(minutes=told)
    return Step(number, number, at, state if told else None, void, None)


@pytest.mark.parametrize(
    ("kind", "steps", "turn"),
    [
        ("quiet", [], None),
        ("quiet", [step(1), step(2)], 1),
        ("quiet", [step(1, 29), step(2)], None),
        ("quiet", [step(1, 30), step(2)], 2),
        ("quiet", [step(1, 5, "failed"), step(2)], 2),
        ("quiet", [step(1, 5, "perhaps"), step(2)], None),
        ("quiet", [step(1, 60), step(2, 29), step(3)], None),
        ("quiet", [step(1, 60), step(2, 30), step(3)], 3),
        ("quiet", [step(1, 90), step(2, 60), step(3, 30)], None),
        # who was moved to the front after the first was told is the next, and no sooner
        ("quiet", [step(2), step(1, 10)], None),
        ("quiet", [step(2), step(1, 31)], 2),
        # withheld because somebody had answered, who is no carer any more
        ("quiet", [step(1, 5, "withheld", void=True), step(2)], 1),
        ("quiet", [step(1, 5, "sent", void=True), step(2)], None),
        ("silent", [step(1, 5, "withheld", void=True), step(2)], 1),
        ("silent", [step(1), step(2)], 1),
        ("silent", [step(1, 600), step(2)], None),
        ("cold", [step(1, 600, "failed"), step(2)], None),
    ],
)
def test_who_is_told_next(kind: Kind, steps: list[Step], turn: int | None) -> None:
    found = delivery.next_step(alert(kind), steps, ANSWER, NOW)
    assert (None if found is None else found.link_id) == turn


def test_a_site_without_an_address_makes_no_broken_link() -> None:
    text, html = delivery.words(TriggerOptions(ZONE, "", "Testham", None, "real"), "begun")
    assert "href" not in html
    assert "Please sign in" in text
    _, linked = delivery.words(TriggerOptions(ZONE, "https://a.test", "Testham", None, "real"), "ended")
    assert '<a href="https://a.test/care">' in linked
