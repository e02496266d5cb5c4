"""Texts of queries to trees: precedence, literals, refusals that name the place, and bounds against hostile texts."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, date, datetime, time

import pytest

from dashboard.sensorthings.lexer import LONGEST
from dashboard.sensorthings.options import parse
from dashboard.sensorthings.parser import DEEPEST, MOST_TERMS, Parser
from store import sta_query as tree
from store.sta_expressions import chain
from store.sta_query import Expression, QueryRefused
from tests.worlds import sensorthings_query

MODEL = sensorthings_query.model("2.0")


def read(text: str) -> Expression:
    parser = Parser("$filter", text)
    found = parser.expression()
    parser.finish()
    return found


def shown(node: Expression) -> str:
    """A tree in brackets."""
    if isinstance(node, tree.Binary):
        return f"({shown(node.left)} {node.operator} {shown(node.right)})"
    if isinstance(node, tree.Not):
        return f"not[{shown(node.operand)}]"
    if isinstance(node, tree.Minus):
        return f"-[{shown(node.operand)}]"
    if isinstance(node, tree.Call):
        return f"{node.name}[{' '.join(map(shown, node.arguments))}]"
    if isinstance(node, tree.In):
        return f"({shown(node.operand)} in {' '.join(map(shown, node.among))})"
    if isinstance(node, tree.Path):
        return "/".join(node.names)
    if isinstance(node, tree.Int | tree.Float | tree.Text):
        return str(node.value)
    raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c", "((a and b) or c)"),
        ("result add 1 mul 2 gt 3 sub 4", "((result add (1 mul 2)) gt (3 sub 4))"),
        ("10 sub 3 sub 2 eq 5", "(((10 sub 3) sub 2) eq 5)"),
        ("a eq b gt c", "(a eq (b gt c))"),
        ("(result sub 5) mul 2 gt 10", "(((result sub 5) mul 2) gt 10)"),
        ("not a eq 1 and b", "(not[(a eq 1)] and b)"),
        ("not startswith(a,'x') or b", "(not[startswith[a x]] or b)"),
        ("-a mul 2 eq -3", "((-[a] mul 2) eq -3)"),
        ("a add b in (1,2) eq c", "((a add (b in 1 2)) eq c)"),
        ("a AND b Or c", "((a and b) or c)"),
        ("Datastream/Thing/name eq 'it''s'", "(Datastream/Thing/name eq it's)"),
        ("@iot.id eq 5", "(id eq 5)"),
        ("concat(concat(a,', '), b)", "concat[concat[a , ] b]"),
        ("properties/and eq 1", "(properties/and eq 1)"),
        ("eq eq eq", "(eq eq eq)"),
        ("properties/größe-neu gt 1", "(properties/größe-neu gt 1)"),
    ],
)
def test_operators_bind_as_the_standard_says(text: str, expected: str) -> None:
    assert shown(read(text)) == expected


def test_literals_are_of_their_kind() -> None:
    at = datetime(2012, 12, 2, 23, 16, 23, tzinfo=UTC)
    known: list[tuple[str, object]] = [
        ("9223372036854775807", tree.Int(0, 2**63 - 1)),
        ("-9223372036854775808", tree.Int(0, -(2**63))),
        ("9223372036854775808", tree.Float(0, float(2**63))),
        ("1e3", tree.Float(0, 1000.0)),
        ("0.31415926535897931e1", tree.Float(0, 3.1415926535897931)),
        ("'Abby''s Car'", tree.Text(0, "Abby's Car")),
        ("null", tree.Null(0)),
        ("true", tree.Bool(0, True)),
        ("2012-12-03T07:16:23+08:00", tree.Instant(0, at)),
        ("2015-03-02T00:00:00.1234567Z", tree.Instant(0, datetime(2015, 3, 2, microsecond=123456, tzinfo=UTC))),
        ("2012-12-03", tree.Date(0, date(2012, 12, 3))),
        ("07:59:59.999", tree.Time(0, time(7, 59, 59, 999_000))),
        ("duration'P1DT30M'", tree.Duration(0, 88_200_000_000)),
        ("duration'-PT0.5S'", tree.Duration(0, -500_000)),
        ("geometry'POINT(-122 43)'", tree.Geometry(0, "POINT", ((("-122", "43"),),))),
    ]
    for text, expected in known:
        assert read(text) == expected, text
    period = read("2026-03-01T00:00:00Z/2026-03-02T00:00:00Z")
    assert period == tree.Interval(0, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "character 1: a name, a value or a bracket is expected, the end stands there"),
        ("name eq", "character 8: a name, a value or a bracket is expected, the end stands there"),
        ("name eq 'a", "character 9: a quote is opened here and not closed"),
        ('name eq "a"', "character 9: texts stand in single quotes"),
        ("(name eq 'a'", "character 13: ) is expected after what was opened in brackets, the end stands there"),
        ("name eq 'a')", "character 12: ')' is not expected here"),
        ("name 'a'", "character 6: \"'a'\" is not expected here"),
        ("result gt 1+2", "a + here is no operator; addition is written add"),
        ("phenomenonTime gt 2026-03-01T00:00:00", "has no time zone; write Z for UTC, or an offset, whose + is %2B"),
        ("phenomenonTime gt 2026-02-30T00:00:00Z", "is no instant"),
        ("phenomenonTime gt 2026-03-02T00:00:00Z/2026-03-01T00:00:00Z", "an interval ends after it begins"),
        ("date(since) eq 2026-13-01", "is no day"),
        ("time(since) eq 25:00", "is no time of day"),
        ("result gt 1e999", "is beyond what a number can hold"),
        ("since gt now() sub duration'P1Y'", "write days, hours, minutes, seconds"),
        ("st_within(location,geometry'MULTIPOINT((0 0))')", "POINT, LINESTRING or POLYGON"),
        ("st_within(location,geometry'POLYGON((0 0,1 1,0 0))')", "a ring has four or more places"),
        ("st_within(location,geometry'POLYGON((0 0,1 0,1 1,0 1))')", "ends where it began"),
        ("st_within(location,geometry'POINT(51.5 -200)')", "is no place"),
        ("st_within(location,geometry'SRID=27700;POINT(5 1)')", "WGS 84"),
        ("Datastreams/all(d: d/id eq 1)", "all is not served"),
        ("Datastreams/any(d: d/id eq 1 and Datastreams/any(d: d/id eq 2))", "the variable d is in use already"),
        ("name eq 'a\x00b'", "there is no such character in a text"),
        ("name eq '\ud800'", "there is no such character in a text"),
        ("name in ()", "a name, a value or a bracket is expected"),
        ("name in 5", "a list of values in brackets"),
    ],
)
def test_a_refusal_says_what_and_where(text: str, words: str) -> None:
    with pytest.raises(QueryRefused) as refusal:
        read(text)
    assert str(refusal.value).startswith("$filter, character ")
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 8_000 + "1" + ")" * 100,
        "not " * 2_000 + "true",
        "-" * 5_000 + "result eq 1",
        " or ".join(["result eq 1"] * 1_000),
        "result" + " add 1" * 1_000 + " gt 0",
        "result gt " + "9" * 8_000,
        "name eq '" + "x" * 20_000 + "'",
        "round(" * 500 + "result" + ")" * 500,
        "Datastreams/any(d: " * 200,
        "result in (" + "1," * 2_000 + "1)",
        "a/" * 3_000 + "b eq 1",
        "name eq " + "'" * 8_001,
        "\u202e\U0001f600 eq 1",
        "name eq '\u202e\U0001f600",
        "id eq 1 " + "\u00a0",
    ],
)
def test_hostile_texts_are_refused(text: str) -> None:
    with pytest.raises(QueryRefused):
        parse(MODEL, "Thing", [("$filter", text)])
    with pytest.raises(QueryRefused):
        parse(MODEL, "Thing", [("$expand", f"Datastreams($filter={text})")])


def test_what_is_large_and_right_is_read() -> None:
    deep = DEEPEST - 1
    assert shown(read("(" * deep + "a eq 1" + ")" * deep)) == "(a eq 1)"
    many = read(" or ".join([f"id eq {number}" for number in range(MOST_TERMS)]))
    assert isinstance(many, tree.Binary)
    assert len(list(chain(many))) == MOST_TERMS
    assert shown(read(f"a eq '{'x' * (LONGEST - 20)}'")) == f"(a eq {'x' * (LONGEST - 20)})"


def test_no_text_brings_the_parser_to_anything_but_an_answer_or_a_refusal() -> None:
    random_ = random.Random(7)
    parts = [
        "name", "result", "eq", "ne", "and", "or", "not", "in", "(", ")", ",", "/", "'", "''", "'a'", "1", "-1",
        "1.5e3", "null", "true", "any(", "d:", "Datastreams", "Datastreams/any(d: d/id eq 1)", "geometry'POINT(0 0)'",
        "duration'P1D'", "2026-03-01T00:00:00Z", "add", "div", "substring(", "cast(", "Edm.Double", "$top", "=", ";",
        "$expand", "Thing", "@iot.id", "properties/x", "\u2028", "\U0001d7d9",
    ]  # fmt: skip
    for _ in range(3_000):
        text = random_.choice(["", " "]).join(random_.choice(parts) for _ in range(random_.randint(1, 14)))
        for option in ("$filter", "$orderby", "$expand", "$select", "$top", "$count"):
            with suppress(QueryRefused):
                parse(MODEL, random_.choice(["Thing", "Datastream", "Observation"]), [(option, text)])
