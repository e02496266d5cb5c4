"""Comparisons of a query as SQL, by OData's rules for null: a comparison is true or false, never null.

``eq`` holds of null and null alone, the four orders never hold where a side is null. Where only truth counts
(``loose``) an SQL null does as well as false, and the expression stays one that an index serves.
"""

from __future__ import annotations

from store.sta_values import Value, as_kind, is_null, refuse

_SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


#: Kinds that are compared with each other, in the order in which they are tried.
_KINDS = ("number", "text", "bool", "instant", "date", "time", "duration")


def compare(option: str, at: int, operator: str, left: Value, right: Value, *, loose: bool) -> str:
    """SQL of a comparison; ``loose``: null may stand for false. Raises QueryRefused where the kinds do not fit."""
    if "null" in {left.kind, right.kind}:
        return _with_null(option, at, operator, left, right)
    if "interval" in {left.kind, right.kind}:
        pair = _periods(left), _periods(right)
        if pair[0] is None or pair[1] is None:
            raise refuse(option, at, _no_fit(operator, left, right))
        return _of_periods(operator, pair[0], pair[1], loose=loose)
    if left.kind == right.kind == "json":
        return _of_open(option, at, operator, left, right)
    for kind in _kinds(left, right):
        one, other = as_kind(left, kind), as_kind(right, kind)
        if one is not None and other is not None:
            return _plain(operator, one, other, loose=loose)
    raise refuse(option, at, _no_fit(operator, left, right))


def _kinds(left: Value, right: Value) -> tuple[str, ...]:
    """A result beside a text is compared as text, beside anything else as a number."""
    return ("text",) if {"any", "text"} == {left.kind, right.kind} else _KINDS


def _with_null(option: str, at: int, operator: str, left: Value, right: Value) -> str:
    value = right if left.kind == "null" else left
    if value.kind == "sub":
        raise refuse(option, at, "a group of properties has no value of its own: name one of them after a /")
    if operator not in {"eq", "ne"}:
        return "false"
    null = "true" if value.kind == "null" else is_null(value)
    return null if operator == "eq" else f"(not {null})"


def _plain(operator: str, left: Value, right: Value, *, loose: bool) -> str:
    one, other = left.sql, right.sql
    if operator == "ne":
        return f"({one} is distinct from {other})" if left.nullable or right.nullable else f"({one} <> {other})"
    if operator == "eq" and left.nullable and right.nullable:
        return f"({one} is not distinct from {other})"
    # by bytes, as UTF-8 has it: the same order everywhere; equality needs no collation, and would lose its index by one
    collated = ' collate "C"' if left.kind == "text" and operator != "eq" else ""
    found = f"({one} {_SIGNS[operator]} {other}{collated})"
    return found if loose or not (left.nullable or right.nullable) else f"coalesce({found}, false)"


def _of_open(option: str, at: int, operator: str, left: Value, right: Value) -> str:
    """Two open properties: equal by their JSON, in no order, for nobody has said what they are."""
    if operator not in {"eq", "ne"}:
        raise refuse(
            option,
            at,
            f"what two open properties are is not known: say it, cast(a, Edm.Double) {operator} cast(b, Edm.Double)",
        )
    one, other = (f"nullif({value.sql}, 'null'::jsonb)" for value in (left, right))
    return f"({one} is {'not ' if operator == 'eq' else ''}distinct from {other})"


# ------------------------------------------------------------------------------------------------------- periods


def _periods(value: Value) -> Value | None:
    return value if value.kind == "interval" else as_kind(value, "instant")


def _of_periods(operator: str, left: Value, right: Value, *, loose: bool) -> str:
    """Periods are half open; an instant is a period of its own. ``lt``: all of the left is before all of the right;
    ``le``: none of the left is after the right; ``gt`` and ``ge`` the same turned, ``eq``: the same begin and end."""
    if operator in {"eq", "ne"}:
        found = f"({left.sql} = {right.sql} and {left.end or 'null'} is not distinct from {right.end or 'null'})"
        found = _never_null(found, left, right)
        if left.nullable and right.nullable:
            found = f"({found} or ({left.sql} is null and {right.sql} is null))"
        return found if operator == "eq" else f"(not {found})"
    if operator == "gt":
        found = _before(right, left)
    elif operator == "ge":
        found = f"({left.sql} >= {right.sql})"
    elif operator == "lt":
        found = _before(left, right)
    else:
        found = _not_after(left, right)
    return found if loose else _never_null(found, left, right)


def _never_null(found: str, left: Value, right: Value) -> str:
    return f"coalesce({found}, false)" if left.nullable or right.nullable else found


def _before(left: Value, right: Value) -> str:
    """All of ``left`` before ``right``; its begin is compared too, for the index on it."""
    parts = [f"{left.sql} < {right.sql}"]
    if left.end is not None:
        parts.append(_until(left, f"<= {right.sql}"))
    return f"({' and '.join(parts)})"


def _not_after(left: Value, right: Value) -> str:
    whole = f"{left.sql} <= {right.sql}" + ("" if left.end is None else f" and {_until(left, f'<= {right.sql}')}")
    if right.end is None:
        return f"({whole})"
    inside = f"{left.sql} < {right.end}" + ("" if left.end is None else f" and {_until(left, f'<= {right.end}')}")
    if not right.end_null:
        return f"({inside})"
    # "is not null": else, where the right has no end, what is false is null, and "not" of it holds of nothing
    return f"(({right.end} is null and {whole}) or ({right.end} is not null and {inside}))"


def _until(value: Value, test: str) -> str:
    return f"({value.end} is null or {value.end} {test})" if value.end_null else f"{value.end} {test}"


def _no_fit(operator: str, left: Value, right: Value) -> str:
    kinds = {left.kind, right.kind}
    words = f"{left.called} and {right.called} cannot be compared by {operator}"
    if "sub" in kinds:
        words += ": name one of the properties after a /"
    elif "point" in kinds:
        words += ": ask by geo.distance, st_within, st_equals and their like"
    elif kinds & {"instant", "interval"} and "text" in kinds:
        words += ": an instant stands without quotes, 2026-03-01T00:00:00Z"
    elif kinds & {"instant", "interval"} and kinds & {"date", "time"}:
        words += ": take date(…) or time(…) of the instant"
    elif kinds & {"int", "number"} and "text" in kinds:
        words += ": a number stands without quotes, a text in single quotes"
    return words
