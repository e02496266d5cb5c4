"""What the pages say of an erasure is so: pending while anything is left, done when nothing is, for both who asked."""

from __future__ import annotations

import json
import logging
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from borough import broker_accounts
from borough.cli import run
from borough.replay.recording import Recorded, RecordingWriter
from borough.rights import erase as erasing
from borough.rights.finishing import Finisher
from borough.rights.for_pages import ForPages, for_pages
from borough.settings.settings import read_settings
from store.connect import connect
from tests.tools import site
from tests.tools.batches import query
from tests.tools.servers import wait_for
from tests.worlds import household
from tests.worlds.household import KEY, Household

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))
BERT = Household("100021048378", "meter-bert-7732", "Bert Ottershaw", "4 Nightjar Row", 0.314159, date(2026, 1, 1))
DAY = date(2026, 2, 2)
AT = round(household.midnight(DAY).timestamp()) * 1_000_000


@dataclass
class World:
    """A site that erases for real; ``folder`` is a personal one."""

    database: str
    folder: Path
    rights: ForPages
    url: str
    tenancy: int
    officer: str
    anna: str

    def post(self, cookie: str, path: str, **fields: object) -> httpx.Response:
        with site.client(self.url, cookie) as browser:
            texts = {name: str(value) for name, value in fields.items()}
            return browser.post(path, data={"csrf": site.csrf(cookie), **texts})

    def erase(self) -> str:
        """What the officer's page says when it is asked to erase."""
        answer = self.post(self.officer, "/data-protection/erase", number=self.tenancy, again=self.tenancy)
        assert answer.status_code == 200
        return answer.text

    def look(self) -> str:
        """What the officer's page says of the number."""
        answer = self.post(self.officer, "/data-protection/tenancy", number=self.tenancy)
        assert answer.status_code == 200
        return answer.text

    def finish(self) -> None:
        """What the service does in the background."""
        assert self.rights.context is not None
        erasing.finish(self.rights.context)

    def dumped(self) -> str:
        """The whole database as text."""
        return "\n".join(household.dump(self.database).values())


@pytest.fixture
def world(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    (tmp_path / "key").write_bytes(KEY)
    folder = tmp_path / "personal"
    folder.mkdir()
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    monkeypatch.setenv("BOROUGH_TOMBSTONE_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("BOROUGH_TOMBSTONE_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("BOROUGH_PERSONAL_FOLDERS", str(folder))
    with connect(database, autocommit=True) as connection:
        tenancy = household.add(connection, ANNA)
        household.add(connection, BERT)
        household.trace(connection, ANNA, tenancy, DAY)
        officer = site.make_session(connection, None, ["data-protection"])
        anna = site.make_session(connection, tenancy)
    rights = for_pages(read_settings())
    options = site.options(database, erase=rights.erase, erasure=rights.erasure, subject=rights.subject)
    with site.running(options) as url:
        yield World(database, folder, rights, url, tenancy, officer, anna)


def record(path: Path) -> RecordingWriter:
    """A recording that is being written and holds a message of hers, and one of his that names her meter."""
    writer = RecordingWriter(path)
    topic = f"borough/smart-meter/{ANNA.meter}/reading"
    writer.add(Recorded(AT, topic, json.dumps({"import_interval": ANNA.value}).encode(), 1, retained=False))
    other = f"borough/smart-meter/{BERT.meter}/reading"
    writer.add(Recorded(AT, other, json.dumps({f"beside {ANNA.meter}": 1}).encode(), 1, retained=False))
    writer.add(Recorded(AT, other, b'{"import_interval": 1}', 1, retained=False))
    writer.flush()
    return writer


def test_pending_is_said_and_done_only_when_it_is(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    recording = world.folder / "recording-1.btr"
    writer = record(recording)
    # a copy that the officer gave her, and one that somebody packed; a note of the council's own
    (world.folder / "her data.json").write_text(
        world.post(world.officer, "/data-protection/export", number=world.tenancy).text
    )
    assert run(["subject", str(world.tenancy), "--out", str(world.folder / "A.zip")]) == 0
    (world.folder / "A.zip").rename(world.folder / "moved.zip")
    with zipfile.ZipFile(world.folder / "notes.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("call.txt", f"she rang about {ANNA.meter}")

    said = world.erase()
    assert "The erasure is not done yet" in said
    assert "has been erased" not in said
    assert "Nothing about this tenancy is in the database any more" in said
    assert str(recording) in said
    assert str(world.folder / "notes.zip") in said
    assert sorted(path.name for path in world.folder.iterdir()) == ["notes.zip", "recording-1.btr"], "copies are gone"
    assert [word for word in ANNA.words() if word in world.dumped()] == []

    world.finish()
    assert "The erasure is not done yet" in world.look()
    writer.close()
    world.finish()
    said = world.look()
    assert "a recording" not in said
    assert "notes.zip" in said
    assert ANNA.meter.encode() not in recording.read_bytes()
    (world.folder / "notes.zip").unlink()
    world.finish()
    said = world.look()
    assert "Everything has been erased" in said
    assert "not done" not in said
    held = query(world.database, "select words, items, done_at is not null from personal.erasure")
    assert held == [(None, [], True)]
    assert query(world.database, "select * from personal.tombstone where files_pending") == []
    words = [*ANNA.words(), str(world.tenancy), str(world.folder)]
    assert [word for word in words if word in caplog.text] == []
    assert "recordings that are being written: 1" in caplog.text


def test_what_is_pending_survives_a_restart_and_is_not_readable_without_the_key(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    writer = record(world.folder / "recording-1.btr")
    world.erase()
    assert [word for word in (*ANNA.words(), str(world.tenancy)) if word in world.dumped()] == []
    assert world.rights.context is not None
    again = for_pages(read_settings())
    assert again.context is not None
    with Finisher(again.context, every=0.1):
        assert wait_for(lambda: "erasures are pending" in caplog.text, 30), "it has looked once and found it busy"
        writer.close()
        assert wait_for(
            lambda: query(world.database, "select done_at is not null from personal.erasure") == [(True,)], 30
        )


def test_an_erasure_that_was_only_asked_for_is_done_by_whoever_comes_next(world: World) -> None:
    """As after a crash between the page's first step and the next."""
    assert world.rights.context is not None
    asked = erasing.ask(world.rights.context, world.tenancy)
    assert asked.erased is None
    world.finish()
    state = erasing.state(world.rights.context, world.tenancy)
    assert state is not None
    assert state.done is not None
    assert query(world.database, "select name from personal.tenancy") == [(BERT.name,)]
    assert "Everything has been erased" in world.erase(), "asked for again it is done already"


def test_leaving_says_what_is_left_and_later_that_it_is_done(world: World) -> None:
    writer = record(world.folder / "recording-1.btr")
    sent = world.post(world.anna, "/home/leave", understood="yes")
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/left?reference=")
    with site.client(world.url, None) as nobody:
        page = nobody.get(sent.headers["location"]).text
        assert "This is not done yet" in page
        assert "a recording of messages that is still being written" in page
        assert str(world.folder) not in page
        assert "has been erased" not in page
        writer.close()
        world.finish()
        page = nobody.get(sent.headers["location"]).text.replace("&#39;", "'")
        assert "Everything about your home's energy has been erased" in page
        assert "not done" not in page


def test_leaving_twice_is_leaving_once(world: World) -> None:
    """The second form of a double click, and one that comes when the household is gone."""
    answers: list[httpx.Response] = []
    barrier = threading.Barrier(2)

    def leave() -> None:
        barrier.wait()
        answers.append(world.post(world.anna, "/home/leave", understood="yes"))

    threads = [threading.Thread(target=leave) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    answers.append(world.post(world.anna, "/home/leave", understood="yes"))
    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({answer.headers["location"] for answer in answers}) == 1
    with site.client(world.url, world.anna) as browser:
        assert "has been erased" in browser.get(answers[0].headers["location"]).text
        assert browser.get("/home/leave").headers["location"].startswith("/sign-in")
    other = world.post("nobody's cookie", "/home/leave", understood="yes")
    assert other.headers["location"].startswith("/sign-in")


def test_sign_ins_are_forgotten_after_an_hour(world: World) -> None:
    world.post(world.anna, "/home/leave", understood="yes")
    with connect(world.database, autocommit=True) as connection:
        connection.execute(
            "update personal.erasure set begun_at = %s", (datetime.now(UTC) - timedelta(hours=2),)
        )  # fmt: skip
    world.finish()
    assert query(world.database, "select sessions from personal.erasure") == [([],)]


def test_two_officers_at_once(world: World) -> None:
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(world.erase())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(said) == 2
    assert all("Everything has been erased" in text for text in said)


def test_asked_for_again_what_is_left_is_tried_now(world: World) -> None:
    """Not by whoever looks in the background: an officer who presses again, or beside another, gets the end of it."""
    writer = record(world.folder / "recording-1.btr")
    assert "The erasure is not done yet" in world.erase()
    assert "The erasure is not done yet" in world.erase()
    writer.close()
    assert "The erasure is not done yet" in world.look(), "a look does nothing"
    assert "Everything has been erased" in world.erase()


@pytest.mark.parametrize("path", ["tenancy", "export", "erase"])
def test_an_officer_who_asks_in_the_midst_of_an_erasure_is_told_how_far_it_is(world: World, path: str) -> None:
    """Its rows are locked then: whoever would note that he looked cannot."""
    assert world.rights.context is not None
    erasing.ask(world.rights.context, world.tenancy)
    answers: list[httpx.Response] = []
    with psycopg.connect(world.database) as erasing_one:
        erasing_one.execute("select from personal.tenancy where id = %s for update", (world.tenancy,))
        fields = {"number": world.tenancy, "again": world.tenancy}
        asked = threading.Thread(
            target=lambda: answers.append(world.post(world.officer, f"/data-protection/{path}", **fields))
        )
        asked.start()
        if path == "erase":  # waits for the other's to end
            waits = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            with connect(world.database, autocommit=True) as look:
                assert wait_for(lambda: look.execute(waits).fetchone() is not None, 60)
        else:
            asked.join(60)
    asked.join(60)
    (answer,) = answers
    assert answer.status_code == 200
    assert ("Everything has been erased" if path == "erase" else "The erasure is not done yet") in answer.text


def test_the_command_says_what_was_not_given_and_what_is_pending(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = record(world.folder / "recording-1.btr")
    capsys.readouterr()
    assert run(["erase", str(world.tenancy), "--yes"]) == 1
    out = capsys.readouterr().out
    assert "is being recorded" in out
    assert "It is not done yet." in out
    assert "Erased" not in out
    assert "BOROUGH_ARCHIVE is not set" in out
    assert "BOROUGH_ACCOUNTS_FOLDER is not set" in out
    assert "BOROUGH_PERSONAL_FOLDERS" not in out
    assert run(["maintain"]) == 0
    assert "Erasures are pending (recordings that are being written: 1)" in capsys.readouterr().out
    writer.close()
    assert run(["maintain"]) == 0
    assert "Erasures are done." in capsys.readouterr().out


def test_a_letter_that_cannot_be_removed_and_a_folder_that_is_away_are_pending(world: World, tmp_path: Path) -> None:
    """And they are noticed when they can be, without another word of anybody."""
    letter = tmp_path / "letters" / f"{world.tenancy}.pdf"
    letter.mkdir(parents=True)
    with connect(world.database, autocommit=True) as connection:
        connection.execute(
            "insert into personal.letter (tenancy_id, kind, from_day, path, made_at)"
            " values (%s, 'week', %s, %s, now())", (world.tenancy, DAY, str(letter)),
        )  # fmt: skip
    away = world.folder.rename(tmp_path / "away")
    said = world.erase()
    assert "The erasure is not done yet" in said
    assert str(letter) in said
    assert str(world.folder) in said
    letter.rmdir()
    letter.write_bytes(b"%PDF of hers")
    world.finish()
    assert not letter.exists()
    assert "The erasure is not done yet" in world.look()
    away.rename(world.folder)
    world.finish()
    assert "Everything has been erased" in world.look()


def test_accounts_of_the_broker_that_cannot_be_written_are_pending(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same in the page's way: not done before the meter has left the broker's files too."""
    folder = tmp_path / "accounts"
    folder.mkdir()
    monkeypatch.setenv("BOROUGH_ACCOUNTS_FOLDER", str(folder))
    assert run(["devices", "credentials", str(folder)]) == 0
    files = {path: path.read_text() for path in folder.iterdir()}
    assert any(ANNA.meter in text for text in files.values())
    rights = for_pages(read_settings())
    assert rights.erase is not None
    assert rights.context is not None
    (folder / broker_accounts.ACL).rename(tmp_path / "aside")
    (folder / broker_accounts.ACL).mkdir()
    state = rights.erase(world.tenancy)
    assert (state.done, [item.kind for item in state.items]) == (None, ["accounts"])
    (folder / broker_accounts.ACL).rmdir()
    (tmp_path / "aside").rename(folder / broker_accounts.ACL)
    erasing.finish(rights.context)
    after = erasing.state(rights.context, world.tenancy)
    assert after is not None
    assert after.done is not None
    assert [path for path in folder.iterdir() if ANNA.meter in path.read_text()] == []
    assert any(BERT.meter in path.read_text() for path in folder.iterdir())
