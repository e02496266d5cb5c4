"""``borough letters`` against a database: who gets one, which files there are, and what is noted for erasure."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from analytics.energy.prices import load
from analytics.report.household import report
from store import comparisons, homes
from store.connect import Connection, connect
from tests.tools import forked
from tests.tools.letters import FIRST_TENANCY, QUARTER, WEEK, fill
from tests.tools.pdf import plain, read

HOMES = 9
HELP = "0800 000 0000, weekdays 9 to 5"


def run(url: str, out: Path, *arguments: str, status: int = 0) -> Any:
    settings = {
        "BOROUGH_DATABASE_URL": url,
        "BOROUGH_COUNCIL_NAME": "Haverley Borough Council",
        "BOROUGH_COUNCIL_ADDRESS": "Town Hall, High Street, Haverley, HV1 2AB",
        "BOROUGH_HELP_LINE": HELP,
        "BOROUGH_WEB_URL": "https://energy.haverley.gov.uk",
    }
    done = forked.run(["letters", "--period", "2026-W07", "--out", str(out), "--json", *arguments], settings)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


@pytest.fixture
def filled(database: str) -> str:
    with connect(database) as connection:
        fill(connection, HOMES, every_large=5)
    return database


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_letters_of_a_period(filled: str, tmp_path: Path) -> None:
    """One file a home, one print run with the same pages, a list of them; nobody else may read; all is noted."""
    old = os.umask(0o022)
    try:
        made = run(filled, tmp_path / "out")
    finally:
        os.umask(old)
    folder = tmp_path / "out" / "2026-W07"
    numbers = [FIRST_TENANCY + number for number in range(HOMES)]
    assert made["letters"] == HOMES
    assert made["large"] == 1
    assert made["gone"] == 0
    assert made["folder"] == str(folder)
    assert files(folder) == {*(f"{number}.pdf" for number in numbers), "print-run.pdf", "manifest.csv"}
    for path in (tmp_path / "out", folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with (folder / "manifest.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    whole = read(folder / "print-run.pdf")
    assert sum(int(row["pages"]) for row in listed) == made["pages"] <= whole.pages
    postcodes = []
    with connect(filled) as connection:
        for row in listed:
            number = int(row["letter"].removesuffix(".pdf"))
            alone = read(folder / row["letter"])
            first = int(row["first_page"])
            assert first % 2 == 1
            assert alone.pages == int(row["pages"])
            for page in range(alone.pages):
                here = [piece.text for piece in whole.pieces if piece.page == first - 1 + page]
                assert here == [piece.text for piece in alone.pieces if piece.page == page]
            check_words(connection, number, alone.text)
            postcodes.append(re.search(r"(N\d+ 0XB)", alone.text)[1])  # type: ignore[index]
        assert postcodes == sorted(postcodes), "by postcode, as the post likes it"
        noted = connection.execute(
            "select tenancy_id, kind, from_day, path, merged_path from personal.letter"
        ).fetchall()
        assert sorted(noted) == sorted(
            [(number, "week", WEEK, str(folder / f"{number}.pdf"), str(folder / "print-run.pdf")) for number in numbers]
            + [(number, "week", WEEK, str(folder / "manifest.csv"), None) for number in numbers]
        )
        looks = connection.execute("select tenancy_id, action, detail from personal.access").fetchall()
        assert sorted(looks) == [(number, "made a letter", "2026-W07") for number in numbers]


def check_words(connection: Connection, number: int, text: str) -> None:
    """A letter holds what the page says of both fuels, and codes of which the database knows the hash alone."""
    tenancy = homes.tenancy(connection, number)
    assert tenancy is not None
    home = homes.home(connection, tenancy.home_id)
    assert home is not None
    assert tenancy.name is not None
    for part in (tenancy.name, *home.address):
        assert part in text
    for fuel in ("electricity", "gas"):
        found = comparisons.one(connection, number, "week", WEEK, fuel)
        assert found is not None
        page = report(
            found, home.details, comparisons.neighbourhood(connection, home.id, QUARTER), help_line=HELP,
            energy=load(), tariffs=homes.tariffs(connection, number), tenancy=tenancy,
        )  # fmt: skip
        pieces = [page.headline, *page.lead, page.suppressed, page.difference_text, page.percentile, page.change]
        pieces += [page.cost, page.carbon, page.help, *page.neighbours, *(bar.text for bar in page.bars)]
        for piece in pieces:
            assert piece is None or plain(piece) in text, piece
    printed = re.findall(r"Your code: ([B-Z]{4}-[B-Z]{4}-[B-Z]{4})", text)
    assert len(set(printed)) == 2
    stored = connection.execute(
        "select code, purpose, expires_at - made_at from personal.sign_in_code"
        " where tenancy_id = %s and used_at is null",
        (number,),
    ).fetchall()
    assert {(code, purpose, length) for code, purpose, length in stored} == {
        (hashlib.sha256(code.replace("-", "").encode()).digest(), purpose, timedelta(days=90))
        for code, purpose in zip(printed, ("bind", "slip"), strict=True)
    }


def change(url: str, query: str, *values: Any) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(query, values)


def test_who_gets_no_letter(filled: str, tmp_path: Path) -> None:
    """Withdrawn, never agreed, letters turned down, moved out, nothing measured, a test home among real ones."""
    out = [FIRST_TENANCY + number for number in range(6)]
    change(
        filled,
        "update personal.consent set withdrawn_at = now() where purpose = 'messages' and tenancy_id = %s",
        out[0],
    )
    change(filled, "delete from personal.consent where purpose = 'messages' and tenancy_id = %s", out[1])
    change(filled, "update personal.tenancy set letters = false where id = %s", out[2])
    change(filled, "update personal.tenancy set to_day = '2026-02-20' where id = %s", out[3])
    change(filled, "update personal.comparison set own = null, state = 'suppressed', reason = 'coverage',"
                   " average = null, efficient = null, tenths = null where tenancy_id = %s", out[4])  # fmt: skip
    change(filled, "update personal.comparison set state = 'suppressed', reason = 'other-origin',"
                   " average = null, efficient = null, tenths = null where tenancy_id = %s", out[5])  # fmt: skip
    made = run(filled, tmp_path)
    assert made["letters"] == HOMES - len(out)
    assert {f"{number}.pdf" for number in out}.isdisjoint(files(tmp_path / "2026-W07"))
    for number in out[:2]:
        problem = run(filled, tmp_path, "--tenancy", str(number), status=1)
        assert f"tenancy {number} gets no letter about 2026-W07" in problem


def test_a_rerun_replaces(filled: str, tmp_path: Path) -> None:
    """The same files, new codes, one note each; a household that withdrew meanwhile has its old letter removed."""
    run(filled, tmp_path)
    folder = tmp_path / "2026-W07"
    before = read(folder / f"{FIRST_TENANCY}.pdf").text
    gone = FIRST_TENANCY + 7
    change(
        filled, "update personal.consent set withdrawn_at = now() where purpose = 'messages' and tenancy_id = %s", gone
    )
    made = run(filled, tmp_path)
    assert made["letters"] == HOMES - 1
    assert f"{gone}.pdf" not in files(folder)
    assert not [name for name in files(folder) if name.startswith(".")]
    after = read(folder / f"{FIRST_TENANCY}.pdf").text
    assert re.findall(r"code: (\S+)", before) != re.findall(r"code: (\S+)", after)
    with psycopg.connect(filled) as connection:
        counted = connection.execute(
            "select count(*), count(distinct (tenancy_id, path)) from personal.letter where tenancy_id <> %s", (gone,)
        ).fetchone()
    assert counted == (2 * (HOMES - 1), 2 * (HOMES - 1))


def test_one_letter_alone_leaves_the_print_run(filled: str, tmp_path: Path) -> None:
    run(filled, tmp_path)
    folder = tmp_path / "2026-W07"
    before = (folder / "print-run.pdf").read_bytes()
    made = run(filled, tmp_path, "--tenancy", str(FIRST_TENANCY), "--fuel", "gas")
    assert (made["letters"], made["print_run"], made["manifest"]) == (1, [], None)
    assert (folder / "print-run.pdf").read_bytes() == before
    text = read(folder / f"{FIRST_TENANCY}.pdf").text
    assert "Gas" in text
    assert "electricity" not in text.lower()
    with psycopg.connect(filled) as connection:
        noted = connection.execute(
            "select path, merged_path from personal.letter where tenancy_id = %s order by path", (FIRST_TENANCY,)
        ).fetchall()
    assert noted == [
        (str(folder / f"{FIRST_TENANCY}.pdf"), str(folder / "print-run.pdf")),
        (str(folder / "manifest.csv"), None),
    ]


def test_need_in_one_fuel_silences_praise_of_the_other(filled: str, tmp_path: Path) -> None:
    change(
        filled,
        "update personal.comparison set state = 'neutral', reason = 'under-heated', average = null, efficient = null,"
        " tenths = null where fuel = 'gas' and tenancy_id = %s",
        FIRST_TENANCY,
    )
    run(filled, tmp_path, "--tenancy", str(FIRST_TENANCY))
    text = read(tmp_path / "2026-W07" / f"{FIRST_TENANCY}.pdf").text
    for word in ("Good", "Well done", "average", "similar", "£", "loads"):
        assert word not in text
    assert "52.3 kWh" in text
    assert HELP in text


def test_an_old_unfinished_file_is_no_hindrance(filled: str, tmp_path: Path) -> None:
    """What a killed run left is replaced; something that is no letter stays."""
    folder = tmp_path / "2026-W07"
    folder.mkdir(mode=0o755)
    (folder / f".{FIRST_TENANCY}.pdf.part").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    (folder / "99999999999999.pdf").write_bytes(b"of an earlier run")
    run(filled, tmp_path)
    assert "notes.txt" in files(folder)
    assert "99999999999999.pdf" not in files(folder)
    assert not [name for name in files(folder) if name.endswith(".part")]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_is_asked_for_wrongly_is_told_in_a_line(filled: str, tmp_path: Path) -> None:
    done = forked.run(["letters", "--period", "2026-W99", "--out", str(tmp_path)], {"BOROUGH_DATABASE_URL": filled})
    assert done.returncode == 2
    assert "--period: '2026-W99' is no period; write a week as 2026-W07" in done.stderr
    assert "electricity, gas" in run(filled, tmp_path, "--fuel", "coal", status=2)
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file'}" in run(filled, tmp_path / "file", status=1)


def test_a_household_that_is_erased_meanwhile_leaves_no_letter(filled: str, tmp_path: Path) -> None:
    """Between the first letter and the last somebody is erased: their letter is nowhere, the print run has the rest."""
    from analytics.energy.prices import load
    from analytics.periods import parse_period
    from borough.delivery.letters.letter import Sender
    from borough.delivery.letters.print_run import Order, make

    order = Order(parse_period("2026-W07"), ("electricity",), tmp_path, Sender("Council", (), None, None), load())
    gone = FIRST_TENANCY + 3

    def erase(done: int, of: int) -> None:
        if done == of:
            with connect(filled) as other:
                other.execute("select set_config('borough.erasing', %s, true)", (str(gone),))
                for table, column in (("access", "tenancy_id"), ("letter", "tenancy_id"), ("tenancy", "id")):
                    other.execute(f"delete from personal.{table} where {column} = %s".encode(), (gone,))

    with connect(filled, autocommit=True) as connection:
        made = make(connection, order, datetime(2026, 2, 26, tzinfo=UTC), erase)
        codes = connection.execute("select count(*) from personal.sign_in_code").fetchone()
    assert (made.letters, made.gone) == (HOMES - 1, 1)
    assert codes == (HOMES - 1,)
    folder = tmp_path / "2026-W07"
    letters = {f"{FIRST_TENANCY + number}.pdf" for number in range(HOMES) if FIRST_TENANCY + number != gone}
    assert files(folder) == {*letters, "print-run.pdf", "manifest.csv"}
    with (folder / "manifest.csv").open(newline="") as file:
        assert {row["letter"] for row in csv.DictReader(file)} == letters
    assert "Resident Number 3" not in read(folder / "print-run.pdf").text
    assert "Resident Number 4" in read(folder / "print-run.pdf").text
