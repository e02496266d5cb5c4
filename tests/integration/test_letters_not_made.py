"""Letters that cannot be made, and runs that are killed: what one household's words cost, and what counts when."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from analytics.energy.prices import load
from analytics.periods import parse_period
from borough.delivery.letters import print_run
from borough.delivery.letters.letter import Sender
from store.connect import connect
from tests.tools import forked
from tests.tools.letters import FIRST_TENANCY, fill
from tests.tools.pdf import read
from tests.tools.program import environment

MANY = 64
FEW = 8
#: A run in a process of its own that kills itself, as kill -9 would, where it is told to.
KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from analytics.energy.prices import load
from analytics.periods import parse_period
from borough.delivery.letters import print_run
from borough.delivery.letters.letter import Sender
from store.connect import connect

url, folder, point = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if point == "accepted":
    print_run._Run.place = die
elif point == "moving":
    def replace(self, target, move=Path.replace, moved=[]):
        die() if len(moved) == 3 else moved.append(target)
        return move(self, target)
    Path.replace = replace
elif point == "printing":
    print_run._Run._print = die
elif point == "accepting":
    print_run.letters.log_letters = die
order = print_run.Order(parse_period("2026-W07"), ("electricity", "gas"), Path(folder),
                   Sender("Council", (), None, "https://energy.test"), load())
with connect(url, autocommit=True) as connection:
    now = datetime(2026, 2, 26, tzinfo=UTC)
    print_run.make(connection, order, now, lambda done, of: die() if point == str(done) else 0)
"""


def run(url: str, out: Path, *arguments: str, fonts: list[Path] | None = None, **more: str) -> tuple[int, Any, str]:
    """Status, what is said in JSON, and standard error; ``more`` are further settings."""
    settings = {
        "BOROUGH_DATABASE_URL": url,
        "BOROUGH_COUNCIL_NAME": "Haverley Borough Council",
        "BOROUGH_COUNCIL_ADDRESS": "Town Hall, High Street, Haverley, HV1 2AB",
        "BOROUGH_WEB_URL": "https://energy.haverley.gov.uk",
        "BOROUGH_LETTER_FONTS": ":".join(str(folder) for folder in fonts or [Path("/nowhere")]),
        **more,
    }
    done = forked.run(["letters", "--period", "2026-W07", "--out", str(out), "--json", *arguments], settings)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def killed(url: str, out: Path, point: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(out), point], capture_output=True, text=True, env=environment({})
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def change(url: str, query: str, *values: Any) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(query, values)


def codes(url: str) -> set[bytes]:
    with psycopg.connect(url) as connection:
        return {code for (code,) in connection.execute("select code from personal.sign_in_code").fetchall()}


def noted(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select path, merged_path from personal.letter").fetchall()
    return {path for row in rows for path in row if path is not None}


def printed(path: Path) -> set[bytes]:
    """The hashes of the codes in a PDF."""
    found = re.findall(r"Your code: ([B-Z]{4}-[B-Z]{4}-[B-Z]{4})", read(path).text)
    return {hashlib.sha256(code.replace("-", "").encode()).digest() for code in found}


def whole(url: str, folder: Path, homes: int) -> None:
    """Every letter, the print run and the list of it, all of one run, with codes that are valid, and nothing else."""
    letters = {f"{FIRST_TENANCY + number}.pdf" for number in range(homes)}
    assert {path.name for path in folder.iterdir()} == {*letters, "print-run.pdf", "manifest.csv"}
    every = {code for name in letters for code in printed(folder / name)}
    assert len(every) == 2 * homes
    assert every == printed(folder / "print-run.pdf")
    assert every <= codes(url)
    assert {str(path) for path in folder.iterdir()} == noted(url)


def filled(url: str, homes: int) -> str:
    with connect(url) as connection:
        fill(connection, homes, every_large=50)
    return url


def test_letters_that_cannot_be_made_cost_themselves_alone(database: str, tmp_path: Path) -> None:
    """Seven odd households among 64: 57 letters with valid codes, seven listed with their reasons, status 1."""
    url = filled(database, MANY)
    odd = [FIRST_TENANCY + 9 * number for number in range(7)]
    home = "update personal.home set address = %s where id = (select home_id from personal.tenancy where id = %s)"
    change(url, "update personal.tenancy set name = 'Zoe \U0001f496 Jones' where id = %s", odd[0])
    change(url, "update personal.tenancy set name = %s where id = %s", "x" * 30_000, odd[1])
    change(url, "update personal.tenancy set name = %s where id = %s", "Ali \u202eegdelO", odd[2])
    change(url, "update personal.tariff set name = %s where tenancy_id = %s", "Tarif \ue000", odd[3])
    change(url, home, ["9 Road \u0378", "N1 0XB"], odd[4])
    change(url, home, [f"{number} {'Long Building ' * 5}" for number in range(10)], odd[5])
    change(url, home, [str(number) for number in range(11)], odd[6])
    reasons = {
        odd[0]: "the name has a letter (U+1F496 SPARKLING HEART) that no font here has",
        odd[1]: "the name is 30,000 letters long; at most 120 are taken",
        odd[2]: "the name holds a sign that turns the order of text round (U+202E)",
        odd[3]: "the name of a tariff has a letter (U+E000) that no font here has",
        odd[4]: "the address has a letter (U+0378) that no font here has",
        odd[5]: "the name and address do not fit into the window of the envelope",
        odd[6]: "the address has 11 lines; at most 10 are taken",
    }
    status, made, errors = run(url, tmp_path)
    folder = tmp_path / "2026-W07"
    assert status == 1
    assert made["letters"] == MANY - 7
    assert {one["tenancy"]: one["reason"] for one in made["not_made"]} == reasons
    assert f"7 letters could not be made and must be written by hand: see {folder / 'not-made.csv'}" in errors
    for tenancy, reason in reasons.items():
        assert f"no letter to tenancy {tenancy}: {reason}" in errors
    with (folder / "not-made.csv").open(newline="") as file:
        assert {int(row["tenancy"]): row["reason"] for row in csv.DictReader(file)} == reasons
    good = {FIRST_TENANCY + number for number in range(MANY)} - set(reasons)
    assert {path.name for path in folder.iterdir()} == {
        *(f"{number}.pdf" for number in good), "print-run.pdf", "manifest.csv", "not-made.csv",
    }  # fmt: skip
    with psycopg.connect(url) as connection:
        coded = connection.execute("select tenancy_id, count(*) from personal.sign_in_code group by 1").fetchall()
        assert dict(coded) == dict.fromkeys(good, 2)
        listed = connection.execute(
            "select tenancy_id from personal.letter where path = %s", (str(folder / "not-made.csv"),)
        ).fetchall()
        assert {tenancy for (tenancy,) in listed} == set(reasons)
    assert str(folder / "not-made.csv") in noted(url)
    change(url, "update personal.tenancy set name = 'Mended' where id = any(%s)", odd)
    change(url, "update personal.home set address = '{1 Road,N1 0XB}'")
    change(url, "update personal.tariff set name = 'Mended'")
    status, made, _ = run(url, tmp_path)
    assert (status, made["letters"], made["not_made"], made["not_made_list"]) == (0, MANY, [], None)
    assert {path.name for path in folder.iterdir()} == {
        *(f"{FIRST_TENANCY + number}.pdf" for number in range(MANY)), "print-run.pdf", "manifest.csv",
    }  # fmt: skip


def test_one_letter_that_cannot_be_made_says_why(database: str, tmp_path: Path) -> None:
    url = filled(database, FEW)
    change(url, "update personal.tenancy set name = '小 \U0001f496' where id = %s", FIRST_TENANCY)
    status, made, errors = run(url, tmp_path, "--tenancy", str(FIRST_TENANCY))
    assert (status, made["letters"], made["not_made_list"]) == (1, 0, None)
    reason = "the name has letters (U+5C0F CJK UNIFIED IDEOGRAPH-5C0F, U+1F496 SPARKLING HEART) that no font here has"
    assert errors.endswith(
        f"no letter to tenancy {FIRST_TENANCY}: {reason}\n1 letter could not be made and must be written by hand\n"
    )
    assert not codes(url)
    assert not list((tmp_path / "2026-W07").iterdir())


@pytest.mark.parametrize("point", ["1", "5", "printing", "accepting"])
def test_a_run_that_is_killed_counts_for_nothing(database: str, tmp_path: Path, point: str) -> None:
    """No new code, the earlier letters as they were; what lies about is noted for erasure, and the next run ends it."""
    url = filled(database, FEW)
    assert run(url, tmp_path)[0] == 0
    folder = tmp_path / "2026-W07"
    before, valid = {path.name: path.read_bytes() for path in folder.iterdir()}, codes(url)
    for _ in range(2):
        killed(url, tmp_path, point)
        assert codes(url) == valid
        staged = {str(path) for path in (folder / ".making").iterdir()}
        assert staged
        assert staged <= noted(url)
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    status, made, _ = run(url, tmp_path)
    assert (status, made["letters"]) == (0, FEW)
    whole(url, folder, FEW)
    assert len(codes(url)) == 2 * len(valid)


@pytest.mark.parametrize("point", ["accepted", "moving"])
def test_a_run_that_is_killed_when_it_counts_is_ended_by_the_next(database: str, tmp_path: Path, point: str) -> None:
    """Its codes are valid, so its letters come into their places: all of them, and nothing of the run before."""
    url = filled(database, FEW + 1)
    assert run(url, tmp_path)[0] == 0
    folder = tmp_path / "2026-W07"
    valid = codes(url)
    change(url, "update personal.tenancy set letters = false where id = %s", FIRST_TENANCY + FEW)
    change(url, "delete from personal.letter where tenancy_id = %s", FIRST_TENANCY + FEW)
    killed(url, tmp_path, point)
    new = codes(url) - valid
    assert len(new) == 2 * FEW
    everything = {str(path) for path in folder.rglob("*.pdf") if path.name != f"{FIRST_TENANCY + FEW}.pdf"}
    assert everything <= noted(url)
    assert "gets no letter" in run(url, tmp_path, "--tenancy", "99999999999999")[2]
    whole(url, folder, FEW)
    assert printed(folder / "print-run.pdf") == new


def test_the_lists_of_a_killed_run_are_noted_too(database: str, tmp_path: Path) -> None:
    """Manifest and list of what could not be made name households: noted where they are made, and in their places."""
    url = filled(database, FEW)
    change(url, "update personal.tenancy set name = 'Zoe \U0001f496 Jones' where id = %s", FIRST_TENANCY)
    killed(url, tmp_path, "accepted")
    folder = tmp_path / "2026-W07"
    made = [path for path in folder.rglob("*") if path.is_file()]
    assert {"manifest.csv", "not-made.csv", "print-run.pdf"} < {path.name for path in made}
    assert {str(path) for path in made} <= noted(url)
    assert {str(folder / path.name) for path in made} <= noted(url)


def test_who_is_erased_after_a_kill_leaves_nothing_in_the_staging_folder(database: str, tmp_path: Path) -> None:
    url = filled(database, FEW)
    folder = tmp_path / "2026-W07"
    killed(url, tmp_path, "5")
    key, log = tmp_path / "key", tmp_path / "erased.log"
    key.write_bytes(b"k" * 32)
    settings = {
        "BOROUGH_DATABASE_URL": url, "BOROUGH_TOMBSTONE_KEY_FILE": str(key), "BOROUGH_TOMBSTONE_LOG": str(log),
    }  # fmt: skip
    done = forked.run(["erase", str(FIRST_TENANCY + 4), "--yes"], settings)
    assert done.returncode == 0, done.stderr
    assert not (folder / ".making" / f"{FIRST_TENANCY + 4}.pdf").exists()
    assert (folder / ".making" / f"{FIRST_TENANCY + 3}.pdf").exists()
    assert run(url, tmp_path)[1]["letters"] == FEW - 1


def test_two_runs_do_not_mix(database: str, tmp_path: Path) -> None:
    from borough.delivery.letters.staging import alone

    url = filled(database, FEW)
    with alone(tmp_path / "2026-W07"):
        status, _, errors = run(url, tmp_path)
    assert (status, codes(url)) == (1, set())
    assert f"{tmp_path / '2026-W07'}: another borough letters is making letters there" in errors
    assert run(url, tmp_path)[0] == 0


def test_the_councils_own_words_are_looked_at_first(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign of theirs that no font has would fail every letter: it is told once, by the setting's name."""
    from borough.delivery.letters.renderer import Renderer
    from borough.errors import Failure
    from tests.unit.borough.test_letters import NOW

    renderer = Renderer(NOW, [])
    for sender, told in (
        (Sender("Council \U0001f496", (), None, None), r"BOROUGH_COUNCIL_NAME has signs .*SPARKLING HEART"),
        (Sender("Council", ("Hall\x1b",), None, None), r"BOROUGH_COUNCIL_ADDRESS holds a control character"),
        (Sender("Council", (), "0" * 301, None), r"BOROUGH_HELP_LINE is 301 letters long; at most 300"),
    ):
        with pytest.raises(Failure, match=told):
            print_run._check_sender(renderer, sender)


def test_a_sign_of_the_councils_that_no_font_has_ends_a_run_before_its_first_letter(
    database: str, tmp_path: Path
) -> None:
    """Else every letter of a borough would be listed as one to be written by hand."""
    url = filled(database, FEW)
    status, made, errors = run(url, tmp_path, BOROUGH_COUNCIL_NAME="Council \U0001f496")
    assert (status, made) == (1, None)
    assert re.search(r"BOROUGH_COUNCIL_NAME has signs .*SPARKLING HEART", errors)
    assert (codes(url), noted(url), list(tmp_path.iterdir())) == (set(), set(), [])


def test_a_run_that_is_broken_off_clears_up_before_it_ends(database: str, tmp_path: Path) -> None:
    """Not only when somebody makes letters again, which may be a quarter later."""
    url = filled(database, FEW)

    def stop(done: int, _of: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    sender = Sender("Council", (), None, "https://energy.test")
    order = print_run.Order(parse_period("2026-W07"), ("electricity", "gas"), tmp_path, sender, load())
    with connect(url, autocommit=True) as connection, pytest.raises(KeyboardInterrupt):
        print_run.make(connection, order, datetime(2026, 2, 26, tzinfo=UTC), stop)
    assert (codes(url), noted(url), list((tmp_path / "2026-W07").iterdir())) == (set(), set(), [])


def test_who_withdraws_meanwhile_is_not_on_the_list_of_letters_to_write_by_hand(database: str, tmp_path: Path) -> None:
    url = filled(database, FEW)
    odd = [FIRST_TENANCY, FIRST_TENANCY + 1]
    change(url, "update personal.tenancy set name = 'Zoe \U0001f496' where id = any(%s)", odd)

    def withdraw(done: int, of: int) -> None:
        if done == of:
            change(url, "update personal.tenancy set letters = false where id = %s", odd[0])

    sender = Sender("Council", (), None, "https://energy.test")
    order = print_run.Order(parse_period("2026-W07"), ("electricity", "gas"), tmp_path, sender, load())
    with connect(url, autocommit=True) as connection:
        made = print_run.make(connection, order, datetime(2026, 2, 26, tzinfo=UTC), withdraw)
    assert (made.letters, made.gone, [one.tenancy for one in made.not_made]) == (FEW - 2, 1, [odd[1]])
    with (tmp_path / "2026-W07" / "not-made.csv").open(newline="") as file:
        assert [int(row["tenancy"]) for row in csv.DictReader(file)] == [odd[1]]
