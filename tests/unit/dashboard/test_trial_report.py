"""A trial's report in words: the fixed list is always whole, says what is not known, and asks nothing of anybody."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser

import pytest

from analytics.trial.report_facts import TEXTS
from analytics.trial.report_rows import Range, Report
from dashboard.staff import trial_words as words
from dashboard.staff.trial_pictures import Interval, Point, intervals, looks
from dashboard.staff.trial_report import html, show
from tests.worlds import trial_report

#: What evaluators ask for, in the order of the issue.
LIST = [
    "What was found", "What was tried", "Who could take part", "How homes were drawn",
    "Whether the arms were alike before", "Who left", "What each arm did", "The same by other methods",
    "The looks, month by month", "In which homes", "After the nudges stop", "What it cost",
    "What these figures do not tell", "How this was worked out",
]  # fmt: skip


class Elements(HTMLParser):
    """Names and attributes of all elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def text(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    plain = unescape(re.sub(r"<[^>]+>", " ", body)).replace("\N{MINUS SIGN}", "-")
    return " ".join(plain.split())


@pytest.mark.parametrize("report", [trial_report.full(), trial_report.full("simulated"), trial_report.empty()])
def test_the_list_is_whole_whatever_is_known(report: Report) -> None:
    page = html(report)
    assert re.findall(r"<h2 id=[^>]+>([^<]+)</h2>", page) == LIST
    for question in TEXTS.values():
        if question != TEXTS["eligibility"]:
            assert question in page


def test_before_all_months_are_read_the_findings_say_that_they_hold_at_one_look_alone() -> None:
    given = trial_report.full()
    planned = replace(given, facts=replace(given.facts, months=12))
    assert show(planned).findings[0] == (
        "Read so far: 8 months of 12. Until all are, these intervals may mislead, for they hold at one look alone: an"
        " effect is shown where the interval that holds at every look leaves zero."
    )
    assert len(show(planned).findings) == 5
    assert len(show(given).findings) == 4


def test_what_a_year_is_made_of_is_said_where_it_is_no_whole_one() -> None:
    def notes(months: int) -> str:
        given = trial_report.full()
        kept = [date(2025 + month // 12, month % 12 + 1, 1) for month in range(months)]
        section = next(one for one in show(replace(given, months=kept)).sections if one.key == "effects")
        return " ".join(section.notes)

    said = "A year is 365 days like those of the 8 months that were read; in other months the effect may differ."
    assert said in notes(8)
    assert "A year is" not in notes(12)
    assert "A year is" not in notes(24)


def test_what_nobody_said_is_not_known() -> None:
    page = text(html(trial_report.empty()))
    for question in list(TEXTS.values())[1:]:
        assert f"{question} Not known." in page
    for name in ("Seed", "Program", "Strata", "Hash of the list of homes (SHA-256)", "Drawn on"):
        assert f"{name} not known" in page
    assert "Nothing can be said yet" in page
    assert "Nobody has looked yet." in page
    assert "Not worked out: effects: no month of this trial is over yet" in page
    assert "simulated" not in page


def test_it_asks_nothing_of_anybody() -> None:
    found = Elements(html(trial_report.full("simulated"))).found
    assert not [tag for tag, _ in found if tag in ("script", "img", "iframe", "form", "object", "embed")]
    for tag, attributes in found:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "action", "data", "srcset"):
                assert value == "data:,", (tag, name, value)
    assert "url(" not in html(trial_report.full())
    assert "@import" not in html(trial_report.full())


def test_what_strangers_wrote_is_text() -> None:
    report = trial_report.full()
    evil = "<script>alert(1)</script>\u202e{{ 7 * 7 }}"
    facts = replace(report.facts, name=evil, seed=evil, program=evil, texts=dict.fromkeys(TEXTS, evil))
    page = html(replace(report, facts=facts))
    assert "<script" not in page
    assert "\u202e" not in page
    assert "{{ 7 * 7 }}" in page


def test_a_simulated_trial_says_so_before_anything_else() -> None:
    page = text(html(trial_report.full("simulated")))
    assert page.index("This trial is simulated.") < page.index("What was found")
    assert "Efficiency zone: planted -0.126 kWh a day, found -0.120 (-0.160 to -0.080): NOT recovered." in page
    assert "Comparison: planted -0.168 kWh a day, found -0.160 (-0.200 to -0.120): recovered." in page


def test_the_findings_in_words() -> None:
    found = [one.replace("\N{NO-BREAK SPACE}", " ") for one in show(trial_report.full()).findings]
    assert found == [
        "Own history: no change that can be told from chance: between 0.9 % less and 0.1 % more.",
        "Efficiency zone: 1.5 % less (1.0 to 2.0 % less).",
        "Comparison: 2.0 % less (1.5 to 2.5 % less).",
        "Comparison for a year: 1.8 % less (1.3 to 2.3 % less).",
    ]


def test_each_picture_has_words_and_a_table_beside_it() -> None:
    for section in show(trial_report.full("simulated")).sections:
        for picture in section.pictures:
            assert section.tables
            svg = ET.fromstring(str(picture.drawing))
            assert svg.attrib["role"] == "img"
            assert len(svg.attrib["aria-label"]) > 20
            assert {one.attrib.get("fill", one.attrib.get("stroke")) for one in svg} == {"currentColor"}


@pytest.mark.parametrize(
    ("percent", "said"),
    [
        (Range(-2.04, -2.5, -1.5), "2.0 % less (1.5 to 2.5 % less)"),
        (Range(1.0, 0.5, 1.5), "1.0 % more (0.5 to 1.5 % more)"),
        (Range(-0.4, -0.9, 0.1), "no change that can be told from chance: between 0.9 % less and 0.1 % more"),
        (Range(0.0, 0.0, 0.0), "no change that can be told from chance: between 0.0 % more and 0.0 % more"),
        (Range(None), "not known"),
        (Range(-1.0), "not known"),
    ],
)
def test_a_change_in_words(percent: Range, said: str) -> None:
    assert words.change(percent).replace("\N{NO-BREAK SPACE}", " ") == said


def test_numbers_in_words() -> None:
    assert words.number(-0.0004, 3) == "0.000"
    assert words.number(-1234.56, 1) == "\N{MINUS SIGN}1,234.6"
    assert words.number(None, 2) == "not known"
    assert words.p_value(0.00099) == "under\N{NO-BREAK SPACE}0.001"
    assert words.p_value(0.001) == "0.001"
    assert words.homes(None) == "fewer than 15"
    assert words.homes(0) == "0"
    assert words.ranged(Range(1.0), 1) == "1.0"


def number(svg: str, tag: str, name: str) -> list[float]:
    return [float(one.rstrip("%em")) for one in re.findall(rf'<{tag} [^>]*\b{name}="([^"]+)"', svg)]


def test_intervals_stand_to_one_scale_with_zero_in_it() -> None:
    svg = str(intervals([Interval("A", "a", -2, -3, -1), Interval("B", "b", -1, -2, 0.5, mark=-2)], "Both"))
    low, zero = 3.0, None
    first, second = number(svg, "circle", "cx")
    assert low <= first < second <= 97
    # from -3 to 1 by ones: each unit is 94 / 4 per cent of the width
    assert (first, second) == pytest.approx((3 + 94 / 4, 3 + 2 * 94 / 4), abs=0.01)
    zero = 3 + 3 * 94 / 4
    assert any(abs(x - zero) < 0.01 for x in number(svg, "line", "x1"))
    assert 'stroke-dasharray="4 3"' in svg
    assert str(intervals([], "None")) == ""


def test_looks_stand_above_each_other_as_their_values_do() -> None:
    points = [Point(f"M{place}", value, value - 0.4, value + 0.4, value - 0.2, value + 0.2)
              for place, value in enumerate((-0.5, 0.0, 0.5))]  # fmt: skip
    svg = str(looks(points, "Three"))
    down = number(svg, "circle", "cy")
    assert down == sorted(down, reverse=True)
    assert down[0] - down[1] == pytest.approx(down[1] - down[2], abs=0.02)
    assert svg.count('stroke-width="9"') == 3
    assert str(looks([], "None")) == ""


def test_many_looks_have_labels_that_fit() -> None:
    points = [Point(f"M{place}", 0, -1, 1, -0.5, 0.5) for place in range(36)]
    assert len(re.findall(r">M\d+<", str(looks(points, "Many")))) <= 4
