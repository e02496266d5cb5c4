"""Letters: the page's words and numbers on paper, in the window of the envelope, on two pages, fit to be read aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from analytics.energy.prices import load
from analytics.report.household import Report, report
from borough.delivery.letters.letter import Recipient, Sender, letter
from borough.delivery.letters.messages import message, render
from borough.delivery.letters.renderer import Renderer, TooLong, Unprintable
from devices.homes import Home, HomeDetails, Tenancy
from store.comparisons import Comparison, Neighbourhood
from store.letter_messages import Told
from tests.tools.pdf import Document, Piece, plain, read
from tests.tools.verapdf import find_verapdf, ua_faults

NOW = datetime(2026, 2, 19, 9, tzinfo=UTC)
TODAY = NOW.date()
FLAT = HomeDetails("flat", "gas", floor_area=61.5, bedrooms=2, tenure="council-rent")
NEAR = Neighbourhood(date(2026, 1, 1), "flat", "gas", None, "area-15", 30, 104, 640.0, 61.0)
SENDER = Sender(
    "Haverley Borough Council",
    ("Town Hall", "High Street", "Haverley", "HV1 2AB"),
    "0800 000 0000, weekdays 9 to 5",
    "https://energy.haverley.gov.uk",
)
GOOD = Comparison(
    tenancy_id=12345678901234, home_id=2, kind="week", from_day=date(2026, 2, 9), to_day=date(2026, 2, 16),
    fuel="electricity", own=52_340, estimated_days=0, missing_days=0, before=61_000, state="good", reason=None,
    average=58_000, efficient=31_000, homes=100, tenths=3, carbon=9_264, cost=1_833,
    tariff="price cap of January to March 2026", tariff_own=False, revision=1, quarter=date(2026, 1, 1), final=True,
)  # fmt: skip
GAS = replace(GOOD, fuel="gas", own=231_000, average=190_000, efficient=120_000, before=250_000, state="more", tenths=7)
OTHERS: dict[str, Any] = {"average": None, "efficient": None, "tenths": None, "homes": None}
CASES = {
    "good": [GOOD],
    "great": [replace(GOOD, state="great", own=30_000, tenths=0, estimated_days=2, missing_days=1, final=False)],
    "more": [replace(GOOD, state="more", own=70_000, tenths=7, tariff="Flexible October 2025", tariff_own=True)],
    "two": [GOOD, GAS],
    "no efficient figure": [replace(GOOD, efficient=None, tenths=None, homes=50)],
    "neutral": [replace(GOOD, state="neutral", reason="under-heated", **OTHERS)],
    "two neutral": [replace(one, state="neutral", reason="disconnected", **OTHERS) for one in (GOOD, GAS)],
    "suppressed": [replace(GOOD, state="suppressed", reason="few-homes", **OTHERS)],
    "in the zone": [replace(GOOD, state="great", own=30_000, **{**OTHERS, "efficient": 31_000}, sight="zone")],
    "two above the zone": [
        replace(one, state="above-zone", average=None, tenths=None, homes=None, sight="zone") for one in (GOOD, GAS)
    ],
    "two of a trial": [
        replace(one, state="suppressed", reason="trial", sight="own", **OTHERS) for one in (GOOD, GAS)
    ],
    "most": [
        replace(GOOD, state="great", own=30_000, tenths=0, estimated_days=2, missing_days=1, final=False),
        replace(GAS, estimated_days=12, missing_days=2, revision=2, cost=123_456, kind="four-weeks",
                from_day=date(2026, 1, 19)),
    ],
}  # fmt: skip
PLAIN = ("Amina Begum", ("Flat 12, Hawthorn House", "31 Marsh Lane", "LONDON", "N17 0XB"))
LONG = (
    "Dr Wilhelmina Featherstonehaugh-Cholmondeley and Mr Bartholomew Featherstonehaugh",
    ("Flat 1203, The Old Northumberland Development Company Building", "Upper Heyford Industrial Estate",
     "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch Terrace", "Stoke-on-Trent", "Staffordshire",
     "ST4 7AA"),
)  # fmt: skip
SHORT: tuple[None, tuple[str, ...]] = (None, ("1 Ash Row", "E1 1AA"))


def reports(case: str) -> list[Report]:
    return [report(one, FLAT, NEAR, help_line=SENDER.help_line, energy=load()) for one in CASES[case]]


def whose(whom: tuple[str | None, Sequence[str]] = PLAIN, *, large: bool = False) -> tuple[Tenancy, Home]:
    name, address = whom
    tenancy = Tenancy(12345678901234, 2, date(2020, 1, 1), name=name, occupants=3, large_print=large)
    return tenancy, Home(2, "100021", address, -0.1, 51.5, FLAT)


def data(
    case: str, whom: tuple[str | None, Sequence[str]] = PLAIN, *, large: bool = False, sender: Sender = SENDER
) -> dict[str, Any]:
    tenancy, home = whose(whom, large=large)
    codes = Recipient(home, tenancy, "BCDF-GHJK-LMNP", "QRTV-WXYZ-BCDF", date(2026, 5, 20))
    return letter(sender, codes, reports(case), TODAY)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(NOW, [])


def printed(renderer: Renderer, *arguments: Any, **more: Any) -> Document:
    return read(renderer.one(data(*arguments, **more))[0])


def lines(document: Document, page: int) -> list[Piece]:
    return [piece for piece in document.pieces if piece.page == page]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_it_is_read_aloud_in_order(renderer: Renderer, case: str, large: bool) -> None:
    """PDF/UA-1: language, title, tags; headings in order without a gap; a text for the chart; nothing left untagged."""
    found = printed(renderer, case, large=large)
    assert found.language == "en-GB"
    assert found.marked
    assert found.shows_title
    assert found.title is not None
    assert "2026" in found.title
    assert "pdfuaid" in found.standard
    levels = [int(node.role[1]) for node in found.nodes if node.role in ("H1", "H2", "H3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels[1:]) == {2}
    figures = [node for node in found.nodes if node.role == "Figure"]
    wanted = [one.bars_text for one in reports(case) if one.bars]
    assert [plain(node.alt or "") for node in figures] == wanted
    loose = [piece.text for piece in found.pieces if piece.mcid is None]
    assert all("Page" in text or text == SENDER.council for text in loose), loose
    text = found.text
    order = [SENDER.council, PLAIN[0], "19 February 2026", found.title.split(":")[0], "Dear ", "Your code: BCDF",
             "Your choice", "Correct your details", "QRTV-WXYZ-BCDF"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)


@pytest.mark.parametrize("case", CASES)
def test_its_words_and_numbers_are_the_pages(renderer: Renderer, case: str) -> None:
    found = printed(renderer, case)
    told = reports(case)
    for one in told:
        pieces = [one.headline, *one.lead, one.suppressed, one.difference_text, one.percentile, one.change, one.cost,
                  one.carbon, one.help, *one.neighbours]  # fmt: skip
        pieces += [bar.text for bar in one.bars]
        for action in one.actions[: 3 if len(told) == 1 else 2]:
            pieces += [action.title, action.text, action.estimate]
        text = found.text.lower()
        for piece in pieces:
            assert piece is None or plain(piece).lower() in text, piece
        for note in one.notes:
            assert note.lower() in text, note
    assert plain(told[0].period).lower() in found.text.lower()


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("whom", [PLAIN, LONG, SHORT], ids=["plain", "long", "short"])
def test_the_address_and_nothing_else_is_in_the_window(
    renderer: Renderer, whom: tuple[str | None, Sequence[str]], large: bool
) -> None:
    """However the folded sheet slides in the envelope: see the measures in letter.typ."""
    found = lines(printed(renderer, "two", whom, large=large), 0)
    address = [piece for piece in found if 46 <= piece.y <= 92 and piece.x < 110]
    assert plain(" ".join(piece.text for piece in address)).endswith(whom[1][-1])
    for part in (whom[0] or "The Householder", *whom[1]):
        assert part in plain(" ".join(piece.text for piece in address)), part
    for piece in address:
        cap, tail = piece.size * 0.68 / 72 * 25.4, piece.size * 0.25 / 72 * 25.4
        assert piece.y - cap >= 57
        assert piece.y + tail <= 81.2
        assert piece.x >= 20
        assert piece.right <= 100
        assert piece.size >= 7
    for piece in found:
        if piece not in address:
            high = piece.y - piece.size * 0.75 / 72 * 25.4
            assert piece.x > 110 or piece.right < 10 or piece.y < 46 or high >= 92, piece


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("whom", [PLAIN, LONG], ids=["plain", "long"])
@pytest.mark.parametrize("case", CASES)
def test_no_line_runs_over(renderer: Renderer, case: str, whom: tuple[str | None, Sequence[str]], large: bool) -> None:
    found = printed(renderer, case, whom, large=large)
    for piece in found.pieces:
        text = piece.text.rstrip()
        assert piece.x >= 19.9, text
        # a blank at the end of a line may stand outside
        assert piece.right - (len(piece.text) - len(text)) * piece.size * 0.3 / 72 * 25.4 <= 190.2, text
        assert 10 < piece.y < 292, text
        assert "\N{REPLACEMENT CHARACTER}" not in text


@pytest.mark.parametrize("whom", [PLAIN, LONG], ids=["plain", "long"])
@pytest.mark.parametrize("case", CASES)
def test_normal_print_is_one_sheet(renderer: Renderer, case: str, whom: tuple[str | None, Sequence[str]]) -> None:
    _, sized = renderer.one(data(case, whom))
    assert sized["size"] >= 10.5
    found = printed(renderer, case, whom)
    assert found.pages <= 2
    slip = next(piece for piece in found.pieces if piece.text == "Correct your details")
    assert 198 < slip.y < 212, "the slip begins at the lower fold"


@pytest.mark.parametrize("case", CASES)
def test_large_print_is_large(renderer: Renderer, case: str) -> None:
    """18 point for all that is read, beside the address in the window, who writes, and the numbers of pages."""
    found = printed(renderer, case, large=True)
    assert found.pages <= 4
    for piece in found.pieces:
        window = piece.page == 0 and piece.y < 92
        if not window and piece.mcid is not None and piece.text.strip() not in ("", "▪︎"):
            assert piece.size >= 17.9, piece.text


def test_needy_homes_are_told_once_whom_to_call(renderer: Renderer) -> None:
    found = printed(renderer, "two neutral")
    assert found.text.count("0800 000 0000") == 2  # whom to call, and how to stop the letters
    for word in ("average", "similar", "Great", "Good", "save", "£"):
        assert word not in found.text


def test_who_is_in_a_trial_reads_of_others_what_its_arm_allows(renderer: Renderer) -> None:
    zone = printed(renderer, "two above the zone").text
    assert "Similar homes that use least 31 kWh" in zone
    alone = printed(renderer, "two of a trial").text
    assert "Your home and its energy" in alone
    assert "your home sees only its own use" in alone
    for text, words in (
        (zone, ("verage", "in 10")),
        (alone, ("verage", "in 10", "imilar", "kWh a year", "Who you are")),
    ):
        for word in words:
            assert word not in text


def test_all_letters_pass_verapdf(renderer: Renderer, tmp_path: Path) -> None:
    """PDF/UA-1 by its industry's judge, in every state, in both prints, a message of the outbox, and a print run."""
    jars = find_verapdf()
    made = {
        f"{case}{', large' if large else ''}": renderer.one(data(case, large=large))
        for case in CASES
        for large in (False, True)
    }
    letters = {name: pdf for name, (pdf, _) in made.items()}
    told = Told(7, "Your electricity in February", "One line.\nAnother.\n\nWhat you can do.", *whose())
    letters["a message"] = render(renderer, message(SENDER, told, TODAY), told)[0]
    letters["a print run"] = renderer.run([sized for _, sized in list(made.values())[:4]])[0]
    assert ua_faults(jars, letters, tmp_path) == {}


def test_without_pages_and_help_line_the_letter_promises_neither(renderer: Renderer) -> None:
    found = printed(renderer, "good", sender=Sender("Your council", (), None, None))
    assert "BCDF-GHJK-LMNP" not in found.text
    assert "online" not in found.text
    assert "at any time: with the slip at the end" in found.text
    assert "send this slip to Your council." in found.text


def test_whoever_has_no_name_with_us_gets_a_letter_too(renderer: Renderer) -> None:
    found = printed(renderer, "good", SHORT)
    assert "The Householder" in found.text
    assert "Hello," in found.text
    assert "None" not in found.text


def test_a_print_run_begins_each_letter_on_a_sheet_of_its_own(renderer: Renderer) -> None:
    letters = [
        renderer.one(data("two"))[1],
        renderer.one(data("more", large=True))[1],
        renderer.one(data("neutral"))[1],
    ]
    for number, one in enumerate(letters):
        one["number"] = str(10**13 + number)  # type: ignore[index]
    pdf, places = renderer.run(letters)
    assert [place.number for place in places] == [one["number"] for one in letters]
    assert [place.first_page for place in places] == [1, 3, 7]
    assert [place.pages for place in places] == [2, 3, 2]
    whole = read(pdf)
    assert whole.pages == 8
    for place, case, large in zip(places, ("two", "more", "neutral"), (False, True, False), strict=True):
        alone = printed(renderer, case, large=large)
        for page in range(place.pages):
            here = [
                (piece.text, round(piece.x, 2), round(piece.y, 2))
                for piece in lines(whole, place.first_page - 1 + page)
            ]
            assert here == [(piece.text, round(piece.x, 2), round(piece.y, 2)) for piece in lines(alone, page)]
    assert not lines(whole, 5), "the back of the last large sheet is empty"


def test_a_letter_that_cannot_fit_is_refused_and_says_why(renderer: Renderer) -> None:
    sender = replace(SENDER, help_line="0800 000 0000, " + "and ask for the energy advice team, " * 60)
    with pytest.raises(TooLong, match="does not fit on 2 pages even in the smallest print"):
        renderer.one(data("most", sender=sender))


def test_an_address_that_the_window_cannot_show_is_refused(renderer: Renderer) -> None:
    address = tuple(f"{number} {'Long Building Name ' * 4}"[:80] for number in range(10))
    with pytest.raises(Unprintable, match="the name and address do not fit into the window of the envelope"):
        renderer.one(data("good", ("Amina Begum", address)))


def test_signs_that_no_font_has_are_named(renderer: Renderer, letter_fonts: list[Path]) -> None:
    """Of a text, each once; ours have every script that we promise, Typst's alone do not."""
    assert renderer.lacks("Amina Begum") == []
    assert renderer.lacks("王 小王") == ["王", "小"]
    with pytest.raises(Unprintable):
        renderer.one(data("good", ("王小明", PLAIN[1])))
    scripts, packages = renderer.scripts()
    assert {"Bengali", "Chinese", "Korean", "Tamil"} <= set(scripts)
    assert packages == ["fonts-noto-core", "fonts-droid-fallback (or fonts-noto-cjk)"]
    better = Renderer(NOW, letter_fonts)
    assert better.scripts() == ([], [])
    assert better.lacks("王 小王, রহিম") == []
    assert "王小明" in read(better.one(data("good", ("王小明", PLAIN[1])))[0]).text


def test_folders_without_fonts_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"\x00\x01\x00\x00" + b"\xff" * 100)
    renderer = Renderer(NOW, [tmp_path, tmp_path / "away", tmp_path / "broken.ttf"])
    assert renderer.one(data("good"))[0] == Renderer(NOW, []).one(data("good"))[0]


def test_characters_with_a_meaning_to_typst_are_only_text(renderer: Renderer) -> None:
    found = printed(renderer, "good", ("#import *Bold* _x_ $1$ <a> @b \\ `c` //d", ('[1] "Q" Street', "E1 1AA")))
    assert "#import *Bold* _x_ $1$ <a> @b \\ `c` //d" in found.text
    assert '[1] "Q" Street' in found.text
