"""Quiet hours and caps without a server, against a clock that is walked minute by minute; addresses; HTML; e-mails."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borough.delivery import mail
from borough.delivery.mail import Sender
from borough.delivery.rules import CAP, LEFT, Rules, decide, quiet_until
from store import mail_html
from store.contacts import BadAddress, checked
from store.outbox_work import Candidate

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
SENDER = Sender("Bor\u00f3 & Co <x>", "no-reply@council.example", None, None)


def candidate(**given: object) -> Candidate:
    values = {
        "id": 1, "key": "k", "contact_id": 1, "kind": "air-alert", "thread": "", "origin": "real", "subject": "s",
        "text": "t", "html": None, "expires_at": NOW + timedelta(days=1), "tries": 0, "channel": "email",
        "address": "a@b.example", "contact_origin": "real", "confirmed": True, "bounced": False, "stopped": False,
        "agreed": None, "lives": None, "recent": 0,
    }  # fmt: skip
    return Candidate(**{**values, **given})  # type: ignore[arg-type]


def walked(rules: Rules, now: datetime) -> datetime | None:
    """The slow way: the clock on the wall is looked at every minute until it is not quiet."""

    def quiet(at: datetime) -> bool:
        begin, end = rules.quiet
        minute = at.astimezone(rules.zone).time()
        return (begin <= minute < end) if begin <= end else not (end <= minute < begin)

    if not quiet(now):
        return None
    at = now.replace(second=0, microsecond=0)
    while quiet(at):
        at += timedelta(minutes=1)
    return at


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-06-02", "2026-10-24", "2026-10-25", "2026-12-31"])
@pytest.mark.parametrize(
    "span", [("21:00", "08:00"), ("23:30", "01:30"), ("01:00", "02:00"), ("00:00", "00:00"), ("12:00", "13:15")]
)
def test_quiet_hours_end_when_the_clock_on_the_wall_says_so(day: str, span: tuple[str, str]) -> None:
    rules = Rules(LONDON, (time.fromisoformat(span[0]), time.fromisoformat(span[1])))
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=LONDON).astimezone(UTC)
    for minutes in range(0, 26 * 60, 7):
        at = start + timedelta(minutes=minutes, seconds=13)
        assert quiet_until(rules, at) == walked(rules, at), at


@pytest.mark.parametrize("span", [("22:00", "00:00"), ("21:00", "00:30"), ("22:00", "08:00")])
def test_quiet_hours_that_end_at_a_midnight_which_there_is_not(span: tuple[str, str]) -> None:
    """In some zones clocks go forward at midnight: an end that has passed would be looked at again and again."""
    rules = Rules(ZoneInfo("America/Havana"), (time.fromisoformat(span[0]), time.fromisoformat(span[1])))
    start = datetime(2026, 3, 7, 17, tzinfo=UTC)
    for minutes in range(0, 24 * 60, 7):
        at = start + timedelta(minutes=minutes, seconds=13)
        assert quiet_until(rules, at) == walked(rules, at), at


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Ana@Home.Example ", "Ana@home.example"),
        ("a.b+c_d-e'f@x.co.uk", "a.b+c_d-e'f@x.co.uk"),
        ("jos\u00e9@b\u00fccher.example", "jos\u00e9@xn--bcher-kva.example"),
    ],
)
def test_addresses_as_people_write_them(given: str, kept: str) -> None:
    assert checked(given) == kept


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "a@", "@b.example", "a", "a@b", "a@b..example", "a@-b.example", "a@b.example.", "a@1.2.3.4",
        "a b@c.example", "a@b.example\r\nBcc: x@y.example", "a@b.example,c@d.example", "<a@b.example>", "a@b.example>",
        '"a b"@c.example', "a..b@c.example", ".a@c.example", "a@[127.0.0.1]", "a\u202eb@c.example", "a\0@b.example",
        "x" * 65 + "@b.example", "a@" + "b" * 64 + ".example", "a@" + ("b" * 60 + ".") * 5 + "example", "a@b_c.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        checked(text)
    assert len(text) < 3 or text not in str(caught.value)


@given(st.text(max_size=60))
def test_whatever_is_taken_can_be_an_envelope(text: str) -> None:
    try:
        found = checked(text)
    except BadAddress:
        return
    assert found.count("@") == 1
    assert not any(sign.isspace() or sign in '<>,;:\\"[]()' for sign in found)
    assert checked(found) == found


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>Well <strong>said</strong><br>and <a href='https://a.example/'>linked</a></p>", None),
        ("<table><tr><th scope='row'>a</th><td>b</td></tr></table>", None),
        ("<img src=x>", "<img>"),
        ("<p style='background: url(x)'>", "style"),
        ("<p onclick='x'>y</p>", "onclick"),
        ("<a href='javascript:x'>y</a>", "no page"),
        ("<script>x</script>", "<script>"),
        ("<p>open", "not closed"),
        ("</p>", "closes nothing"),
        ("<ul><li>x</ul></li>", "closes nothing"),
        ("<!-- x -->", "comment"),
        ("<!DOCTYPE html>", "document"),
        ("<?php x ?>", "instruction"),
        ("<p", "breaks off"),
        ("<p/>", "not closed"),
    ],
)
def test_html_of_messages(html: str, words: str | None) -> None:
    found = mail_html.fault(html)
    assert (found is None) if words is None else (found is not None and words in found)


def test_an_email_has_what_it_needs_and_loads_nothing() -> None:
    one = candidate(
        address="jos@b.example", subject="\u00dcber " + "long " * 30, text="A <b>\n\nSee https://x.example/a?b=1&c=2."
    )
    stop = "https://council.example/stop/" + "t" * 43
    data = mail.build(one, SENDER, stop, NOW)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    lines = data.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert f"List-Unsubscribe: <{stop}>".encode() in lines
    found = message_from_bytes(data, policy=policy.default)
    assert [part.get_content_type() for part in found.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert found["Subject"].strip() == one.subject.strip()
    assert found["From"].addresses[0].display_name == SENDER.name
    assert found["From"].addresses[0].addr_spec == SENDER.address
    assert [one.addr_spec for one in found["To"].addresses] == ["jos@b.example"]
    body = found.get_body(("html",))
    assert body is not None
    html = body.get_content()
    assert "A &lt;b&gt;" in html
    assert '<a href="https://x.example/a?b=1&amp;c=2">' in html
    assert not [word for word in ("src=", "<img", "<link", "url(", "<script") if word in html]
    assert mail_html.fault(html.split("<body>")[1].split("</body>")[0].replace("<hr>", "")) is None


def test_the_message_id_is_of_the_key_alone() -> None:
    def of(now: datetime = NOW, **given: str) -> str:
        return str(
            message_from_bytes(mail.build(candidate(**given), SENDER, None, now), policy=policy.default)["Message-ID"]
        )

    first = of()
    assert first == of(NOW + timedelta(days=1), subject="other")
    assert first != of(key="other")
    assert first.endswith("@council.example>")


@pytest.mark.parametrize(
    "text", ["one\rtwo\r\nthree\r", "\r.\r\n.\r", "=_\n--=_x\n" + "=" * 100, "\t \n" + "x " * 60 + "\n"]
)
def test_lines_end_as_smtp_has_them_whatever_the_text(text: str) -> None:
    """No CR or LF alone, which one server takes for a line's end and the next does not; no line over 76 in a body."""
    data = mail.build(candidate(text=text, html=f"<p>{text}</p>"), SENDER, None, NOW)
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))) <= 76
    found = message_from_bytes(data, policy=policy.default)
    assert found.defects == []
    assert [part.get_content_type() for part in found.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    for kind in ("plain", "html"):
        body = found.get_body((kind,))
        assert body is not None
        wanted = re.sub("\r\n?", "\n", text).strip("\n")
        assert wanted in body.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize("field", ["subject", "address"])
@pytest.mark.parametrize("bad", ["a@b.example\r\nBcc: c@d.example", "a@b.example\nX: y", "a@b.example\r"])
def test_no_header_can_be_put_in_whatever_stands_in_the_database(field: str, bad: str) -> None:
    try:
        data = mail.build(candidate(**{field: bad}), SENDER, None, NOW)
    except ValueError:
        return
    found = message_from_bytes(data, policy=policy.default)
    assert found["Bcc"] is None
    assert found["X"] is None


def test_a_stop_link_that_is_no_line_is_refused() -> None:
    with pytest.raises(ValueError, match="no line of ASCII"):
        mail.build(candidate(), SENDER, "https://x.example/\r\nBcc: y@z.example", NOW)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=300))
def test_any_text_arrives_as_it_was(text: str) -> None:
    data = mail.build(candidate(text=text), SENDER, None, NOW)
    body = message_from_bytes(data, policy=policy.default).get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").startswith(text.strip("\n") + "\n\n-- \nSent by ")


@pytest.mark.parametrize(
    ("kind", "channel", "reason"),
    [
        ("complaint", "email", None), ("complaint", "page", None), ("nudge", "email", LEFT),
        ("letter-notice", "page", LEFT), ("complaint", "letter", LEFT),
    ],
)  # fmt: skip
def test_who_has_left_is_answered_and_hears_no_more_of_the_home(kind: str, channel: str, reason: str | None) -> None:
    """A complaint may come from a former household; its acknowledgement is a duty. A letter reaches the next one."""
    given = candidate(kind=kind, channel=channel, agreed=True, lives=False)
    found = decide(given, 0, Rules(LONDON, (time(0), time(0))), NOW)
    assert found.reason == reason


def test_households_that_share_an_address_are_each_told_of_their_month() -> None:
    given = Rules(ZoneInfo("Europe/London"), (time(0), time(0)))
    one = candidate(kind="nudge", agreed=True, lives=True, recent=1)
    assert decide(one, 1, given, NOW).state == "send"
    assert decide(one, 6, given, NOW).reason == CAP
