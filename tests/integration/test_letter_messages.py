"""Messages of the outbox by letter: each joins one run of ``borough letters``, and is settled with it."""

from __future__ import annotations

import csv
import threading
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from analytics.energy.prices import load
from analytics.nudges.facts import Kind as NudgeKind
from analytics.nudges.facts import facts
from analytics.nudges.words import nudge
from analytics.periods import parse_period
from borough.delivery import nudges, rules
from borough.delivery.letters import print_run, run_file
from borough.delivery.letters.letter import Sender
from borough.delivery.rules import Rules
from borough.rights import export
from borough.settings.settings import read_settings
from devices.homes import Tenancy
from store import contacts, homes, letters, outbox
from store import nudges as store_nudges
from store.connect import Connection, connect
from store.nudges import Month, New
from store.outbox import Kind
from tests.tools.letters import FIRST_TENANCY, fill
from tests.tools.pdf import read
from tests.tools.reports import FLAT, comparison
from tests.worlds import nudges as nudge_worlds
from tests.worlds.nudges import OPTIONS
from tests.worlds.outbox import Clock, World, options
from tests.worlds.residents import Resident

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 2, 26, 23, 30, tzinfo=LONDON)  # in quiet hours, which paper does not know
SENDER = Sender("Haverley Borough Council", ("Town Hall", "HV1 2AB"), "0800 000 0000", "https://haverley.example")
ANNA, BERT, CARA = FIRST_TENANCY, FIRST_TENANCY + 1, FIRST_TENANCY + 2
RULES = Rules(LONDON, (time(21), time(8)))


@pytest.fixture
def world(database: str) -> Iterator[World]:
    with connect(database) as connection:
        fill(connection, 3)
    found = World(database, Clock(NOW))
    yield found
    found.close()


def put(world: World, tenancy: int, words: str, kind: Kind = "letter-notice", **given: object) -> int:
    contact = contacts.letter(world.own, origin="real", tenancy=tenancy)
    assert contact is not None
    values: dict[str, object] = {"due_at": NOW - timedelta(hours=1), "expires_at": NOW + timedelta(days=30),
                                 "tenancy": tenancy if kind == "nudge" else None, **given}  # fmt: skip
    return world.put(contact, kind=kind, subject=f"About {words}",
                     **{"text": f"First {words}.\nSecond line.\n\nNew part.", **values})  # fmt: skip


def make(world: World, folder: Path, period: str = "2026-W07", tenancy: int | None = None) -> print_run.Made:
    order = print_run.Order(
        parse_period(period), ("electricity",), folder, SENDER, load(), tenancy_id=tenancy, rules=RULES
    )
    with world.connect() as connection:
        return print_run.make(connection, order, NOW, lambda _done, _of: None)


def listed(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return {row["letter"]: row for row in csv.DictReader(file)}


def test_a_message_is_a_letter_of_the_next_run_and_sent_once(world: World, tmp_path: Path) -> None:
    message, second = put(world, BERT, "boilers"), put(world, BERT, "lamps")
    world.work(options(None))
    assert world.state(message) == "waiting", "no worker takes letters"
    made = make(world, tmp_path)
    folder = tmp_path / "2026-W07"
    assert (made.letters, made.messages, made.not_made) == (5, 2, ())
    assert (world.state(message), world.state(second)) == ("sent", "sent")
    (tried,) = world.rows("select stage, answer from personal.message_attempt where message_id = %s", message)
    assert tried == ("sent", "printed with the letters of 2026-W07")
    alone = read(folder / f"message-{message}.pdf")
    with connect(world.url) as connection:
        tenancy = homes.tenancy(connection, BERT)
        assert tenancy is not None
        home = homes.home(connection, tenancy.home_id)
        assert home is not None
    for words in (str(tenancy.name), *home.address, "About boilers", "First boilers.", "Second line.", "New part.",
                  "Haverley Borough Council", "26 February 2026"):  # fmt: skip
        assert words in alone.text, words
    assert "lamps" not in alone.text
    assert alone.marked
    assert (folder / f"message-{message}.pdf").stat().st_mode & 0o777 == 0o600
    row = listed(folder)[f"message-{message}.pdf"]
    assert row["print_run"] == "print-run-messages.pdf"
    run = read(folder / "print-run-messages.pdf")
    here = [piece.text for piece in run.pieces if piece.page == int(row["first_page"]) - 1]
    assert here == [piece.text for piece in alone.pieces if piece.page == 0]
    noted = world.rows("select path, merged_path from personal.letter where tenancy_id = %s", BERT)
    assert (str(folder / f"message-{message}.pdf"), str(folder / "print-run-messages.pdf")) in noted
    assert len(noted) == len(set(noted))
    assert ("message",) in world.rows("select detail from personal.access where tenancy_id = %s", BERT)
    # the next period's run has none of it; the same period's again has it again, and it is settled no second time
    assert make(world, tmp_path, "2026-02").messages == 0
    again = make(world, tmp_path)
    assert again.messages == 2
    assert "First boilers." in read(folder / f"message-{message}.pdf").text
    assert world.rows("select count(*) from personal.message_attempt") == [(2,)]


@pytest.mark.parametrize(
    ("what", "printed"),
    [("stopped", True), ("withdrew", True), ("drawn", True), ("drawn", False), ("uncompared", True)],
)
def test_a_nudge_that_may_not_be_sent_any_more_is_printed_neither_first_nor_again(
    world: World, tmp_path: Path, what: str, printed: bool
) -> None:
    month = Month(date(2026, 1, 1), date(2026, 2, 1))
    homes.give_consent(world.own, BERT, "comparison", "page", NOW - timedelta(days=365))
    told = [put(world, who, "notes", "nudge") for who in (BERT, CARA)]
    for who, message in zip((BERT, CARA), told, strict=True):
        new = New(who, "compare", month, "electricity", {}, "Notes", "Notes.", "<p>Notes.</p>", [])
        number = store_nudges.put(world.own, new, NOW)
        assert number is not None
        store_nudges.told(world.own, number, [message], 1)
    if printed:
        assert make(world, tmp_path).messages == 2
    if what == "stopped":
        ((contact,),) = world.rows("select contact_id from personal.message where id = %s", told[0])
        assert contacts.stop(world.own, contact, "nudge", "", NOW)
    elif what == "drawn":
        arms = {"nothing": Resident(1, 1, BERT, ""), "comparison": Resident(2, 2, CARA, "")}
        assert nudge_worlds.World(world.url, world.own).trial(arms)
    else:
        assert homes.withdraw_consent(world.own, BERT, "messages" if what == "withdrew" else "comparison", NOW)
    assert make(world, tmp_path).messages == 1
    folder = tmp_path / "2026-W07"
    assert not (folder / f"message-{told[0]}.pdf").exists()
    assert (folder / f"message-{told[1]}.pdf").exists()


def test_a_nudge_of_each_kind_is_a_letter_of_one_page_that_says_how_to_stop(world: World, tmp_path: Path) -> None:
    it = comparison(
        kind="month", from_day=date(2026, 1, 1), to_day=date(2026, 2, 1), own=400_000, average=350_000,
        efficient=240_000, state="more",
    )  # fmt: skip
    kinds: tuple[NudgeKind, ...] = get_args(NudgeKind)
    for tenancy, kind in zip((ANNA, BERT, CARA, ANNA), kinds, strict=True):
        said = nudge(facts(it, kind, FLAT, Tenancy(1, 2, date(2020, 1, 1)), load(), [], help_line="0800 000 0000"))
        text, html = nudges.message_words(OPTIONS, "letter", said)
        assert html is None
        put(world, tenancy, kind, text=text)
    make(world, tmp_path)
    for place, kind in enumerate(kinds, 1):
        (path,) = world.rows(
            "select l.path from personal.letter l join personal.message m"
            " on l.path like '%%message-' || m.id || '.pdf' where m.subject = %s",
            f"About {kind}",
        )[0]
        letter = read(Path(path))
        text = " ".join(letter.text.split())
        assert "press Stop" in text, place
        assert "020 7946 0123" in text
        assert max(piece.page for piece in letter.pieces) == 0, kind
        assert ("£" in text) == (kind != "help")


def test_each_letter_of_a_period_is_in_the_copy_of_what_is_held(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of one name in a ZIP file: who unpacks it is left with one of them."""
    put(world, BERT, "boilers")
    assert make(world, tmp_path).messages == 1
    monkeypatch.setenv("BOROUGH_DATABASE_URL", world.url)
    export.write_zip(export.subject_context(read_settings()), BERT, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        packed.extractall(tmp_path / "unpacked")
    found = {path.name: read(path).text for path in (tmp_path / "unpacked" / "letters").iterdir()}
    assert set(found) == {"2026-02-09-week.pdf", "2026-02-09-week-2.pdf"}
    assert ["About boilers" in text for text in found.values()].count(True) == 1


def test_one_tenancys_letter_alone_takes_no_message(world: World, tmp_path: Path) -> None:
    message = put(world, BERT, "boilers")
    assert make(world, tmp_path, tenancy=BERT).messages == 0
    assert world.state(message) == "waiting"


def test_who_may_not_be_written_to_gets_nothing(world: World, tmp_path: Path) -> None:
    messages = {
        "left": put(world, ANNA, "left", "complaint"), "withdrew": put(world, BERT, "withdrew"),
        "turned down": put(world, CARA, "turned down"), "not agreed for": put(world, CARA, "complaints", "complaint"),
        "code": put(world, CARA, "codes", "code"), "early": put(world, CARA, "early", due_at=NOW + timedelta(hours=1)),
    }  # fmt: skip
    world.rows("update personal.tenancy set to_day = '2026-02-26' where id = %s returning 1", ANNA)
    homes.withdraw_consent(world.own, BERT, "messages", NOW)
    world.rows("update personal.tenancy set letters = false where id = %s returning 1", CARA)
    made = make(world, tmp_path)
    assert (made.letters, made.messages) == (1, 1)
    assert {name: (world.state(one), world.standing(one).reason) for name, one in messages.items()} == {
        "left": ("withheld", rules.LEFT),
        "withdrew": ("withheld", rules.WITHDRAWN),
        "turned down": ("withheld", rules.WITHDRAWN),
        "not agreed for": ("sent", None),
        "code": ("withheld", rules.ELSEWHERE),
        "early": ("waiting", None),
    }


@pytest.mark.parametrize("what", ["left", "taken back", "erased"])
def test_what_changes_while_a_run_is_on_counts(world: World, tmp_path: Path, what: str) -> None:
    message, stays = put(world, BERT, "boilers", "complaint", thread="boilers"), put(world, CARA, "lamps", "complaint")

    def change(connection: Connection) -> None:
        if what == "left":
            connection.execute("update personal.tenancy set to_day = '2026-02-01' where id = %s", (BERT,))
        elif what == "taken back":
            outbox.withhold(connection, kind="complaint", thread="boilers", reason="no more", at=NOW)
        else:
            connection.execute("delete from personal.letter where tenancy_id = %s", (BERT,))
            connection.execute("delete from personal.contact where tenancy_id = %s", (BERT,))

    accept = print_run._Run.accept
    with pytest.MonkeyPatch.context() as patch:

        def changed(run: print_run._Run) -> int:
            with connect(world.url) as other:
                change(other)
            return accept(run)

        patch.setattr(print_run._Run, "accept", changed)
        made = make(world, tmp_path)
    folder = tmp_path / "2026-W07"
    assert made.messages == 1
    assert world.state(stays) == "sent"
    assert not (folder / f"message-{message}.pdf").exists()
    assert "boilers" not in read(folder / "print-run-messages.pdf").text
    assert f"message-{message}.pdf" not in listed(folder)
    if what != "erased":
        assert world.state(message) in ("waiting", "withheld")


def test_a_run_that_comes_to_nothing_leaves_it_waiting(world: World, tmp_path: Path) -> None:
    message = put(world, BERT, "boilers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters, "log_letters", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            make(world, tmp_path)
    assert world.state(message) == "waiting"
    assert not (tmp_path / "2026-W07" / f"message-{message}.pdf").exists()
    assert make(world, tmp_path).messages == 1
    assert world.state(message) == "sent"


def test_two_runs_at_once_print_it_once(world: World, tmp_path: Path) -> None:
    messages = [put(world, tenancy, f"thing {tenancy}", "complaint") for tenancy in (ANNA, BERT, CARA)]
    both = threading.Barrier(2, timeout=60)
    accept = print_run._Run.accept
    made: list[print_run.Made] = []

    def together(run: print_run._Run) -> int:
        both.wait()  # each has made its letters, and neither has settled one
        return accept(run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(print_run._Run, "accept", together)
        threads = [
            threading.Thread(target=lambda period=period: made.append(make(world, tmp_path, period)))
            for period in ("2026-W07", "2026-02")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert len(made) == 2
    printed = [path.name for path in tmp_path.glob("*/message-*.pdf")]
    assert sorted(printed) == sorted(f"message-{one}.pdf" for one in messages)
    assert {world.state(one) for one in messages} == {"sent"}
    assert world.rows("select max(tries) from personal.message") == [(1,)]


def test_one_that_cannot_be_printed_fails_in_words_and_costs_no_other(world: World, tmp_path: Path) -> None:
    bad, good = put(world, BERT, "\U0001f600 boilers"), put(world, CARA, "lamps")
    long = put(world, ANNA, "length")
    world.rows("update personal.message set text = repeat('Very long. ', 3000) where id = %s returning 1", long)
    made = make(world, tmp_path)
    assert made.messages == 1
    assert (world.state(bad), world.state(long), world.state(good)) == ("failed", "failed", "sent")
    assert "U+1F600" in str(world.standing(bad).reason)
    assert "does not fit" in str(world.standing(long).reason)
    text = (tmp_path / "2026-W07" / "not-made.csv").read_text()
    assert f"{BERT},message-{bad}: the message has signs (U+1F600" in text
    assert make(world, tmp_path).not_made == ()


def test_what_waited_too_long_expires_and_is_not_printed(world: World, tmp_path: Path) -> None:
    message = put(world, BERT, "boilers", expires_at=NOW - timedelta(minutes=1))
    assert make(world, tmp_path).messages == 0
    assert world.state(message) == "expired"


def test_many_come_in_several_files_and_a_second_run_replaces_them(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(print_run, "RUN", 2)
    monkeypatch.setattr(run_file, "RUN", 2)
    messages = [put(world, ANNA + number % 3, f"thing {number}", "complaint") for number in range(5)]
    made = make(world, tmp_path)
    folder = tmp_path / "2026-W07"
    assert made.messages == 5
    runs = {row["print_run"] for name, row in listed(folder).items() if name.startswith("message-")}
    assert runs == {f"print-run-messages-{number}.pdf" for number in (1, 2, 3)}
    assert sum(read(folder / run).pages for run in runs) >= 5
    # two of them are no more: what is left is one file less, and nothing of them stays
    world.rows("delete from personal.message where id = any(%s) returning 1", messages[:2])
    assert make(world, tmp_path).messages == 3
    assert {path.name for path in folder.iterdir() if "message" in path.name} == {
        "print-run-messages-1.pdf", "print-run-messages-2.pdf", *(f"message-{one}.pdf" for one in messages[2:])
    }  # fmt: skip


def test_killed_after_it_was_accepted_it_is_sent_once_and_the_next_run_has_its_file(
    world: World, tmp_path: Path
) -> None:
    message = put(world, BERT, "boilers", "complaint")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(print_run._Run, "place", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            make(world, tmp_path)
    file = tmp_path / "2026-W07" / f"message-{message}.pdf"
    assert (world.state(message), file.exists()) == ("sent", False)
    assert make(world, tmp_path).messages == 1
    assert "First boilers." in read(file).text
    assert not (tmp_path / "2026-W07" / ".making").exists()
    assert world.rows("select tries from personal.message where id = %s", message) == [(1,)]
