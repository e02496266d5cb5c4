"""Complaints and the rights of whom they are of: export, erasure, retention."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from store import accounts, complaints, contacts, erasure, maintain, outbox
from store import subject as store_subject
from store.complaints import Given
from store.connect import Connection, connect
from tests.tools.site import HERS, HIS, make_home
from tests.worlds.complaints import take

LONDON = ZoneInfo("Europe/London")
NOW = datetime.now(UTC)
WORDS = "My meter's figures were shown to my landlord."


@pytest.fixture
def home(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as connection:
        make_home(connection, tenancy_id=HERS)
        make_home(connection, home_id=10_000_000_000_002, tenancy_id=HIS, uprn="2")
        yield connection


def test_the_export_has_them(home: Connection, database: str) -> None:
    taken = take(home, Given(WORDS, "energy", "email", "jo@example.org", tenancy_id=HERS))
    take(home, Given("His", "energy", "none", tenancy_id=HIS))
    complaints.log_access(home, taken.id, None, "complainant", "looked at the complaint", NOW)
    what = erasure.plan(home, HERS, LONDON)
    assert what is not None
    part = store_subject.everything(lambda: connect(database, autocommit=True), what)["complaints"]
    assert callable(part)
    (row,) = [row for rows in part() for row in rows]
    assert (row["text"], row["address"], row["about"]) == (WORDS, "jo@example.org", "energy")
    assert row["accesses"][0]["action"] == "looked at the complaint"


def test_an_erasure_takes_what_is_answered_and_leaves_what_must_be(home: Connection) -> None:
    mail = Given(WORDS, "energy", "email", "jo@example.org", tenancy_id=HERS)
    answered, open_, his = (
        take(home, mail),
        take(home, mail),
        take(home, Given("His", "air", "none", tenancy_id=HIS)),
    )
    contact = _message(home, answered, HERS)
    with home.transaction():
        assert complaints.answer(home, answered.id, NOW)
    what = erasure.plan(home, HERS, LONDON)
    assert what is not None
    with home.transaction():
        erasure.erase(home, b"k" * 32, what)
    assert complaints.one(home, answered.reference) is None
    left = complaints.one(home, open_.reference)
    assert left is not None
    assert (left.tenancy_id, left.text, left.address) == (None, WORDS, "jo@example.org")
    assert left.erased_at is not None
    assert home.execute("select from personal.contact where id = %s", (contact,)).fetchone() is None
    other = complaints.one(home, his.reference)
    assert other is not None
    assert (other.tenancy_id, other.erased_at) == (HIS, None)


def test_they_are_forgotten_with_their_addresses_some_time_after_the_answer(home: Connection) -> None:
    given = Given(WORDS, "energy", "email", "jo@example.org")
    taken = [take(home, given) for _ in range(3)]
    contact = _message(home, taken[0], None)
    home.execute("update personal.complaint set erased_at = now() where id = %s", (taken[2].id,))
    with home.transaction():
        assert complaints.answer(home, taken[0].id, NOW - timedelta(days=731))
        assert complaints.answer(home, taken[1].id, NOW - timedelta(days=729))
        assert complaints.answer(home, taken[2].id, NOW - timedelta(days=29))
    open_ = take(home, given, NOW - timedelta(days=2_000))
    report = maintain.maintain(home, {}, NOW)
    assert report.complaints == 2
    assert [complaints.one(home, one.reference) is not None for one in (*taken, open_)] == [
        False,
        True,
        False,
        True,
    ]
    assert home.execute("select from personal.contact where id = %s", (contact,)).fetchone() is None


def test_an_address_that_something_else_hangs_on_stays(home: Connection) -> None:
    taken = take(home, Given(WORDS, "energy", "email", "jo@example.org"))
    contact = _message(home, taken, None)
    other = outbox.put(
        home, key="other", contact=contact, kind="air-alert", origin="real", subject="s", text="t", due_at=NOW
    )
    with home.transaction():
        assert complaints.answer(home, taken.id, NOW - timedelta(days=731))
    assert maintain.maintain(home, {}, NOW).complaints == 1
    assert home.execute("select id from personal.message").fetchall() == [(other,)]


def test_a_complaint_of_a_home_that_is_being_erased_is_nobodys(home: Connection, database: str) -> None:
    with connect(database) as eraser:
        eraser.execute("select from personal.tenancy where id = %s for update", (HERS,))
        taken = take(home, Given(WORDS, "energy", "none", tenancy_id=HERS))
    found = complaints.one(home, taken.reference)
    assert found is not None
    assert found.tenancy_id is None


def test_officers_who_leave_take_nothing_along(home: Connection) -> None:
    taken = take(home, Given(WORDS, "energy", "none"))
    officer = accounts.sign_in(home, "https://issuer.example", "officer")
    complaints.add_letter(home, taken.id, complaints.Letter("answer", "page", "t", NOW, None), officer.id)
    home.execute("delete from personal.account where id = %s", (officer.id,))
    assert [one.text for one in complaints.letters(home, taken.id)] == ["t"]


def _message(connection: Connection, taken: complaints.Taken, tenancy: int | None) -> int:
    contact = contacts.email(connection, "jo@example.org", origin="real", tenancy=tenancy)
    assert contact is not None
    message = outbox.put(
        connection, key=f"complaint:{taken.reference}:receipt", contact=contact, kind="complaint", origin="real",
        subject="s", text="t", due_at=NOW,
    )  # fmt: skip
    complaints.add_letter(connection, taken.id, complaints.Letter("receipt", "email", "t", NOW, message), None)
    return contact
