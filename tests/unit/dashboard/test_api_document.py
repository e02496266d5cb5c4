"""The description of the API: whole, and true to itself."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from dashboard import api_document, roles
from dashboard.app import create_app
from tests.tools.site import options


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    given = options("postgresql://nobody@127.0.0.1:1/none", public_url="https://energy.example")
    return create_app(given).openapi()


def operations(described: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(path, operation) for path, ways in described["paths"].items() for operation in ways.values()]


def test_every_example_is_one_of_its_schema(described: dict[str, Any]) -> None:
    """Also where a value is null: FastAPI drops such a field, and the example would lack what the schema requires."""
    schemas = described["components"]["schemas"]
    shown = {name: schema["example"] for name, schema in schemas.items() if "example" in schema}
    assert {"Home", "Comparison", "Consents", "Days", "Looks", "Monitors", "Nudges", "AirDays"} <= set(shown)
    for name, example in shown.items():
        validator = jsonschema.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        )
        assert [error.message for error in validator.iter_errors(example)] == [], name
    assert shown["Home"]["to"] is None


def test_every_operation_says_what_it_does_and_who_may_ask(described: dict[str, Any]) -> None:
    found = operations(described)
    assert len(found) >= 14
    for path, operation in found:
        assert operation["description"].endswith("."), path
        assert operation["operationId"], path
        anybody = roles.need(path) == roles.ANYBODY
        assert operation["security"] == ([] if anybody else [{"session": []}]), path
    ids = [operation["operationId"] for _, operation in found]
    assert len(ids) == len(set(ids))
    assert described["components"]["securitySchemes"]["session"]["name"] == "__Host-borough"


def test_every_tag_is_explained(described: dict[str, Any]) -> None:
    used = {tag for _, operation in operations(described) for tag in operation["tags"]}
    assert {tag["name"] for tag in described["tags"]} == used == set(api_document.TAGS)
    assert all(tag["description"] for tag in described["tags"])


def test_it_says_where_it_is_and_of_whom(described: dict[str, Any]) -> None:
    assert described["servers"] == [{"url": "https://energy.example"}]
    assert described["info"]["contact"] == {"name": "Testborough Council"}
    assert described["info"]["license"]["identifier"] == "Apache-2.0"


def test_without_an_address_it_is_that_of_the_question() -> None:
    assert create_app(options("postgresql://nobody@127.0.0.1:1/none")).openapi()["servers"] == [{"url": "/"}]
