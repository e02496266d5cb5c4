"""docs/reference/settings.md: the default that stands beside a setting is the one that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from borough.settings.settings import Settings, variable

PAGE = (Path(__file__).parents[3] / "docs/reference/settings.md").read_text()
SHOWN: dict[str, str] = dict(re.findall(r"^\| `(BOROUGH_[A-Z_0-9]+)` \| `([^`|]*)` \|", PAGE, re.MULTILINE))
#: What stands there is no default of the setting alone, but what holds without it.
OTHERWISE = {"BOROUGH_MAIL_SENDER_NAME", "BOROUGH_EARLIEST"}


def _said(value: object) -> set[str]:
    """How a default may be written."""
    if value is None:
        return {"off"}
    if isinstance(value, float):
        return {str(value), f"{value:g}", f"{value:.3f}"}
    return {str(value), str(value).lower()}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_default_is_the_one_that_is_shown(name: str) -> None:
    shown = SHOWN.get(variable(name))
    default = Settings.model_fields[name].default
    if shown is None:
        assert not isinstance(default, int | float) or f"`{variable(name)}`" in PAGE
    elif variable(name) not in OTHERWISE and default is not PydanticUndefined:
        assert shown in _said(default)


def test_many_defaults_are_shown() -> None:
    assert len(SHOWN) > 50
