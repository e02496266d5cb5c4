"""The e-mails of air alerts: the same in text and HTML, plain, safe whatever a place is called, checked as pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analytics.air.index import ADVICE, AT_RISK
from borough.delivery import mail as delivery
from borough.delivery.mail import Sender
from dashboard.public import air_alert_mail
from dashboard.public.air_alert_mail import Begun, Ended, Here, Mail
from store.mail_html import fault
from store.outbox_work import Candidate
from tests.tools.html_checker import html_faults

LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
REAL, DEMO = (Here(simulated, LONDON, "https://air.example") for simulated in (False, True))
LINK = "https://air.example/air/alerts/confirm/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#: What a place can be called that is no harm, and what must do none.
NAMES = ("TE5 7ST", "Dock & <b>Quay</b>", "x\u202eyz", "Llanfair" * 20, "“Quotes” 'and' \"more\"")


def begun(place: str = "TE5 7ST", value: int = 8, **changes: object) -> Begun:
    given: dict[str, object] = {
        "place": place, "asked": "moderate", "since": NOON, "hour": NOON + timedelta(hours=2), "value": value,
        "pollutants": ["pm2_5", "pm10", "no2"], "monitor": "Mill & Lane", "metres": 347.0, "indicative": True,
        "humid": False,
    }  # fmt: skip
    return Begun(**{**given, **changes})  # type: ignore[arg-type]


def ended(place: str = "TE5 7ST", **changes: object) -> Ended:
    given: dict[str, object] = {
        "place": place, "asked": "high", "since": NOON, "end": NOON + timedelta(hours=9), "highest": 9, "how": "below",
    }  # fmt: skip
    return Ended(**{**given, **changes})  # type: ignore[arg-type]


MAILS: dict[str, Callable[[Here, str], Mail]] = {
    "confirm": lambda here, place: air_alert_mail.confirm(here, place, "high", LINK, tell_end=True),
    "known": lambda here, place: air_alert_mail.known(here, place, "high", LINK, stopped=False),
    "stopped": lambda here, place: air_alert_mail.known(here, place, "high", LINK, stopped=True),
    "begun": lambda here, place: air_alert_mail.begun(here, [begun(place)]),
    "several": lambda here, place: air_alert_mail.begun(here, [begun(place, 5), begun("Here", 10, indicative=False)]),
    "ended": lambda here, place: air_alert_mail.ended(here, [ended(place)]),
    "unknown": lambda here, place: air_alert_mail.ended(here, [ended(place, how="unknown")]),
    "several ended": lambda here, place: air_alert_mail.ended(here, [ended(place, how="unknown"), ended("Here")]),
}


def whole(made: Mail) -> EmailMessage:
    """As it is sent."""
    one = Candidate(
        1, "key", 1, "air-alert", "", "real", made.subject, made.text, made.html, NOON, 0, "email", "ada@example.com",
        "real", True, False, False, None, None, 0,
    )  # fmt: skip
    sender = Sender("Testborough", "no-reply@testborough.example")
    found = message_from_bytes(delivery.build(one, sender, "https://air.example/stop/x", NOON), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += data.split()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "href" and value]


@pytest.mark.parametrize("place", NAMES)
@pytest.mark.parametrize("name", MAILS)
def test_text_and_html_say_the_same_and_neither_does_harm(name: str, place: str) -> None:
    made = MAILS[name](REAL, place)
    assert fault(made.html) is None
    assert "<b>" not in made.html
    assert "\u202e" not in made.subject + made.text + made.html
    assert made.subject.isprintable()
    assert len(made.subject) <= 120
    reader = _Words()
    reader.feed(made.html)
    # marks of lists and lines under headings are the text's own; a link's words end in a colon there
    plain = [word.rstrip(":") for word in re.sub(r"(?m)^-+$|^- ", "", made.text).split()]
    assert sorted(plain) == sorted(word.rstrip(":") for word in reader.found)
    for line in made.text.splitlines():
        assert len(line) <= 72 or " " not in line.strip("- "), line


@pytest.mark.parametrize("name", MAILS)
def test_what_is_simulated_says_so_first(name: str) -> None:
    made = MAILS[name](DEMO, "TE5 7ST")
    assert made.subject.startswith("Simulated: ")
    assert made.text.startswith("This is a demo. Monitors and readings are simulated")
    assert "imulated" not in "".join(MAILS[name](REAL, "TE5 7ST"))


@pytest.mark.parametrize(
    ("value", "words"), [(4, "moderate"), (6, "moderate"), (7, "high"), (9, "high"), (10, "very-high")]
)
def test_advice_is_that_of_the_band_that_is_reached(value: int, words: str) -> None:
    text = " ".join(air_alert_mail.begun(REAL, [begun(value=value)]).text.split())
    advice = ADVICE[words]
    assert f"{AT_RISK}: {advice.at_risk[0].lower()}{advice.at_risk[1:]}" in text
    assert f"Everybody else: {advice.everybody[0].lower()}{advice.everybody[1:]}" in text


def test_what_a_reader_needs_to_judge_it() -> None:
    text = air_alert_mail.begun(REAL, [begun(humid=True)]).text
    assert "PM2.5 and PM10" in text
    assert "indicative: a reference instrument may differ" in " ".join(text.split())
    assert "The air is damp" in text
    other = air_alert_mail.begun(REAL, [begun(indicative=False)]).text
    assert "a reference instrument" in other
    assert "small ones" not in other


def test_the_worst_place_stands_in_the_subject() -> None:
    made = air_alert_mail.begun(REAL, [begun("A", 4), begun("B", 9), begun("C", 7)])
    assert made.subject == "Air pollution is High: B and two other places"
    twice = air_alert_mail.begun(REAL, [begun("A", 9), begun("A", 9, asked="high")])
    assert twice.subject == "Air pollution is High: A"


def test_as_they_are_sent_they_are_valid_pages(tmp_path: Path) -> None:
    pages = {}
    for name, make in MAILS.items():
        sent = whole(make(DEMO, "Dock & <b>Quay</b>"))
        body = sent.get_body(("html",))
        assert body is not None
        pages[name] = str(body.get_content())
        text = sent.get_body(("plain",))
        assert text is not None
        assert unescape(str(text.get_content())) == str(text.get_content()), "nothing is escaped in text"
    assert html_faults(pages, tmp_path) == []
