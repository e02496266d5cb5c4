"""Values of a request: each kind takes what it is for and refuses the rest; no route takes a value of another type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.types import Receive

from dashboard.web import values
from dashboard.web.api import Limit
from tests.tools import site


def _taken(kind: Any, text: object) -> Any:
    return TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (values.Whole, "0", 0),
        (values.Whole, "9223372036854775807", 2**63 - 1),
        (values.Day, "2026-02-09", date(2026, 2, 9)),
        (values.Day, "1900-01-01", date(1900, 1, 1)),
        (values.Day, "2199-12-31", date(2199, 12, 31)),
        (values.PeriodKey, "4w-2026-W07", "4w-2026-W07"),
        (values.Word, "smart-meter", "smart-meter"),
        (values.Word, "", ""),
        (values.Text, "Zoë 'the' <b>", "Zoë 'the' <b>"),
        (values.Way, "/home?fuel=gas", "/home?fuel=gas"),
        (values.Way, "//evil.example", ""),
        (values.Way, "/home\x00", ""),
        (values.Cursor, values.cursor_of("2026-02-09 week gas"), "2026-02-09 week gas"),
        (values.Flag, "true", True),
    ],
)
def test_taken(kind: Any, text: str, value: object) -> None:
    assert _taken(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (
            values.Whole,
            ["", "-1", "+1", " 1", "1.0", "1_000", "1e3", "٣", "²", "9223372036854775808", "9" * 400, "1\x00", b"1"],
        ),
        (
            values.Day,
            ["", "2026-2-9", "2026-02-30", "0001-01-01", "9999-12-31", "1899-12-31", "2200-01-01", "20260209",
             "2026-W07-1", "٢٠٢٦-02-09", "2026-02-09T00:00:00", "1770595200", "2026-02-09\n", 7],
        ),
        (values.PeriodKey, ["", "2026", "2026-W54", "0001-W01", "9999-12", "٢٠٢٦-02", "2026-02\n", "1-" * 99]),
        (values.Word, ["a b", "gas\x00", "é", "gas\n", "x" * 41]),
        (values.Text, ["a\x00", "\x1b[2J", "a\nb", "\u202eabc", "a\u2028b", "a\U000e0041", "\ud800", "x" * 501]),
        (values.Cursor, ["٣", "a", "!!!!", "gIA", values.cursor_of("x" * 200), "YQ==\n", "YQ YQ"]),
    ],
)  # fmt: skip
def test_refused(kind: Any, texts: list[object]) -> None:
    for text in texts:
        with pytest.raises(ValidationError):
            _taken(kind, text)


@pytest.mark.parametrize(
    ("text", "found"), [("0", 0), ("9223372036854775807", 2**63 - 1), ("9223372036854775808", None), ("9" * 19, None)]
)
def test_a_number_that_a_form_took_apart_itself_has_the_same_bound(text: str, found: int | None) -> None:
    assert values.number(text) == found


def _post(receive: Receive, kind: str = "application/x-www-form-urlencoded") -> Request:
    # with an application, without which Starlette raises errors of its own
    headers = [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers, "app": None}, receive)


async def _form(body: bytes, kind: str = "application/x-www-form-urlencoded") -> dict[str, Any]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return dict(await values.read_form(_post(receive, kind)))


@pytest.mark.parametrize("body", [b"name=a%00", b"a%00=name", b"good=1&name=%00"])
async def test_a_form_with_nul_reaches_no_handler(body: bytes) -> None:
    with pytest.raises(HTTPException) as refused:
        await _form(body)
    assert refused.value.status_code == 400
    assert await _form(body.replace(b"%00", b"%0a")), "other signs are for the form to judge, beside the field"


def _part(name: str, more: str = "") -> str:
    return f'--line\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\nx\r\n'


@pytest.mark.parametrize(
    ("parts", "charset"),
    [
        (_part("a", '; filename="x.txt"'), ""),
        ("".join(_part(f"a{number}") for number in range(101)), ""),
        (_part("a"), "; charset=undefined"),
        (_part("\\ud800"), "; charset=unicode_escape"),
    ],
    ids=["a file", "more fields than any form of ours", "an encoding that raises", "one that makes half a sign"],
)
async def test_a_form_that_is_none_of_ours_reaches_no_handler(parts: str, charset: str) -> None:
    with pytest.raises(AnyHTTPException) as refused:
        await _form(f"{parts}--line--\r\n".encode(), f"multipart/form-data; boundary=line{charset}")
    assert refused.value.status_code == 400
    assert await _form(f"{_part('a')}--line--\r\n".encode(), "multipart/form-data; boundary=line") == {"a": "x"}


async def test_a_form_whose_sender_hangs_up_is_no_fault() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(HTTPException) as refused:
        await values.read_form(_post(receive))
    assert refused.value.status_code == 400


def _parameters(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    fields = [*dependant.path_params, *dependant.query_params, *dependant.body_params]
    fields += [*dependant.header_params, *dependant.cookie_params]
    for field in fields:
        yield field.name, field.field_info
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _typed(info: Any) -> bool:
    """Whether a parameter is of a kind of `dashboard.web.values` or a closed set of words."""
    if any(isinstance(part, values.Typed) for part in info.metadata):
        return True
    if get_origin(info.annotation) is list:
        return _named(info.annotation)
    return all(_named(part) for part in get_args(info.annotation) or (info.annotation,))


def _named(annotation: Any) -> bool:
    if annotation is type(None):
        return True
    parts = getattr(annotation, "__metadata__", ())
    if any(isinstance(part, values.Typed) for part in parts):
        return True
    if get_origin(annotation) is list:
        return all(_named(part) for part in get_args(annotation))
    # the arguments of a Literal on its own are its words
    return get_origin(annotation) is Literal or isinstance(annotation, str)


def _untyped(route: APIRoute) -> list[str]:
    return [f"{route.path} {name}" for name, info in _parameters(route.dependant) if not _typed(info)]


def test_no_route_takes_a_value_of_another_type() -> None:
    assert len(site.routes()) > 40
    assert [one for route in site.routes() for one in _untyped(route)] == []
    assert sum(len(list(_parameters(route.dependant))) for route in site.routes()) > 40


def test_a_forgotten_type_is_found() -> None:
    routes = APIRouter()

    @routes.get("/forgotten/{number}")
    def forgotten(
        number: int,
        several: Annotated[list[str] | None, Query()] = None,
        day: date | None = None,
        fine: values.Word | None = None,
        fine_ones: Annotated[list[values.Word] | None, Query()] = None,
    ) -> None: ...

    (route,) = [one for one in routes.routes if isinstance(one, APIRoute)]
    assert _untyped(route) == [f"/forgotten/{{number}} {name}" for name in ("number", "several", "day")]


def test_how_many_may_be_asked_for_is_described_in_words_that_json_schema_has() -> None:
    """`ge` and `le` are no keywords of it: programs would not know the bounds."""
    app = FastAPI()

    @app.get("/")
    def listed(limit: Limit = 50) -> int:
        return limit

    schema = app.openapi()["paths"]["/"]["get"]["parameters"][0]["schema"]
    assert (schema["type"], schema["minimum"], schema["maximum"]) == ("integer", 1, 100)
    assert schema.keys() <= {"type", "minimum", "maximum", "default", "title", "description"}
    assert _taken(Limit, "100") == 100
    for text in ("0", "101", "+5", "1.0", "x"):
        with pytest.raises(ValidationError):
            _taken(Limit, text)
