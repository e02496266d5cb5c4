"""A report as a JSON document, and back: what was reported once can be shown again without working it out anew."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from analytics.trial.report_facts import Noted
from analytics.trial.report_rows import Report

#: Changes when an older document can no longer be read.
VERSION = 1


class DocumentError(ValueError):
    """A document is no report of ours, or of another version: what and where."""


def document(report: Report) -> dict[str, Any]:
    """The report as JSON values: days and instants in ISO 8601, what is not known as null. Figures are not rounded."""
    found: dict[str, Any] = {"version": VERSION, **_plain(report)}
    return found


def read(given: Mapping[str, Any]) -> Report:
    """The report of a document. Raises DocumentError."""
    if given.get("version") != VERSION:
        raise DocumentError(
            f"this report is of version {given.get('version')!r} and is read as version {VERSION}:"
            " make it anew with borough trial report"
        )
    found = _read(Report, {key: value for key, value in given.items() if key != "version"}, "report")
    assert isinstance(found, Report)
    return found


def noted(given: Any) -> list[Noted]:
    """Looks as they were noted, of their JSON values (`plain_looks`). Raises DocumentError."""
    found: list[Noted] = _read(Sequence[Noted], given, "looks")
    return found


def plain_looks(looks: Sequence[Noted]) -> list[dict[str, Any]]:
    """Looks as JSON values, to be noted."""
    found: list[dict[str, Any]] = _plain(looks)
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Sequence):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def _read(wanted: Any, value: Any, where: str) -> Any:
    """``value`` as the type ``wanted``, one of those that the lines of a report have."""
    origin = get_origin(wanted)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        wanted = next(one for one in get_args(wanted) if one is not type(None))
        origin = get_origin(wanted)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _line(wanted, value, where)
    if origin is not None and issubclass(origin, Mapping):
        _check(isinstance(value, Mapping), where)
        return {key: _read(get_args(wanted)[1], one, f"{where}.{key}") for key, one in value.items()}
    if origin is not None and issubclass(origin, Sequence):
        _check(isinstance(value, list), where)
        return [_read(get_args(wanted)[0], one, f"{where}[{place}]") for place, one in enumerate(value)]
    if wanted in (date, datetime):
        _check(isinstance(value, str), where)
        try:
            return wanted.fromisoformat(value)
        except ValueError:
            raise DocumentError(f"{where} is no day or instant") from None
    if wanted is float:
        _check(isinstance(value, int | float) and not isinstance(value, bool), where)
        return float(value)
    _check(isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool)), where)
    return value


def _line(wanted: type, value: Any, where: str) -> Any:
    _check(isinstance(value, Mapping), where)
    hints = _hints(wanted)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise DocumentError(f"{where} has {', '.join(unknown)}, which is no part of a report")
    missing = [
        one.name
        for one in dataclasses.fields(wanted)
        if one.name not in value and one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise DocumentError(f"{where} lacks {', '.join(missing)}")
    return wanted(**{name: _read(hints[name], one, f"{where}.{name}") for name, one in value.items()})


@cache
def _hints(wanted: type) -> Mapping[str, Any]:
    # the names of a module are looked up anew at each call, and a report has hundreds of lines
    return get_type_hints(wanted)


def _check(fits: bool, where: str) -> None:
    if not fits:
        raise DocumentError(f"{where} is not what stands there in a report")
