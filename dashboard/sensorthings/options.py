"""Query options: ``$filter``, ``$orderby``, ``$select``, ``$expand``, ``$top``, ``$skip``, ``$count`` and the format.

Names are looked up in the entity model here, so that an unknown one is refused with what there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dashboard.sensorthings.lexer import LONGEST
from dashboard.sensorthings.parser import Parser, name_of
from store.sta_model import Entity, Model
from store.sta_query import Expand, Order, Query, QueryRefused
from store.sta_sql import check

#: $skip goes no further: nextLink does. Levels of $expand, ways expanded in all, terms of $orderby.
FURTHEST, DEEPEST_EXPAND, MOST_EXPANDED, MOST_ORDERS = 1_000_000, 5, 30, 10

#: What each option is called in the tree; those after the first line are not allowed inside $expand.
_INSIDE = ("$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$count")
_OUTSIDE = ("$resultFormat", "$format", "$skiptoken")


def parse(model: Model, entity: str, items: Sequence[tuple[str, str]]) -> Query:
    """The query of an address: ``items``, decoded, of the collection (or one) of ``entity``.

    Names without a $ are none of ours and are left out. Kinds are checked too: what this gives makes statements. Raises
    QueryRefused, 501 for an unknown option.
    """
    query, seen = Query(), set()
    for option, text in items:
        if not option.startswith("$"):
            continue
        if option not in _INSIDE and option not in _OUTSIDE:
            raise QueryRefused(
                f"{option[:40]} is not served; there are {', '.join((*_INSIDE, '$resultFormat'))}", status=501
            )
        if option in seen:
            raise QueryRefused(f"{option} is given twice: write it once")
        seen.add(option)
        if option in _OUTSIDE:
            query = _outside(query, option, text)
        else:
            parser = Parser(option, text)
            query = _option(model, model.entities[entity], parser, option, query, 1)
            parser.finish()
        query = replace(query, items=(*query.items, (option, text)))
    if expanded(query) > MOST_EXPANDED:
        raise QueryRefused(f"$expand follows more than {MOST_EXPANDED} ways: ask several times")
    check(model, entity, query)
    return query


def expanded(query: Query) -> int:
    """How many ways a query follows, at all levels."""
    return sum(1 + expanded(item.query) for item in query.expand)


def _outside(query: Query, option: str, text: str) -> Query:
    if len(text) > LONGEST:
        raise QueryRefused(f"{option} has {len(text):,} characters, at most {LONGEST:,} are read")
    if option == "$skiptoken":
        return replace(query, token=text)
    if query.result_format is not None:
        raise QueryRefused("$format and $resultFormat are given both: write one")
    return replace(query, result_format=text)


def _option(model: Model, entity: Entity, parser: Parser, option: str, query: Query, level: int) -> Query:
    if option == "$filter":
        return replace(query, filter=parser.expression())
    if option == "$orderby":
        return replace(query, orderby=_orderby(parser))
    if option == "$select":
        return replace(query, select=_select(entity, parser))
    if option == "$expand":
        return replace(query, expand=_expand(model, entity, parser, level))
    if option == "$count":
        token = parser.token
        if token.text not in {"true", "false"}:
            raise QueryRefused(f"{parser.place()}: $count is true or false")
        parser.take("name", "true or false")
        return replace(query, count=token.text == "true")
    number = _number(parser, option)
    if option == "$top":
        return replace(query, top=number)
    if number > FURTHEST:
        raise QueryRefused(f"$skip goes up to {FURTHEST:,}: follow nextLink, or ask from a place on by $filter")
    return replace(query, skip=number)


def _number(parser: Parser, option: str) -> int:
    token = parser.token
    if token.kind != "number" or not token.text.isdigit():
        raise QueryRefused(f"{parser.place()}: {option} is a whole number, 0 or more")
    parser.take("number", "a number")
    # more digits than any collection has rows mean the same as this
    return int(token.text) if len(token.text) <= 15 else 10**15


def _orderby(parser: Parser) -> tuple[Order, ...]:
    found: list[Order] = []
    while True:
        expression = parser.expression()
        descending = False
        if parser.token.kind == "name" and parser.token.text.lower() in {"asc", "desc"}:
            descending = parser.take("name", "asc or desc").text.lower() == "desc"
        found.append(Order(expression, descending))
        if len(found) > MOST_ORDERS:
            raise QueryRefused(f"$orderby has more than {MOST_ORDERS} terms")
        if not parser.sign(","):
            return tuple(found)


def _select(entity: Entity, parser: Parser) -> tuple[str, ...] | None:
    if parser.sign("*"):
        return None
    found: list[str] = []
    while True:
        token = parser.take("name", "the name of a property")
        if token.text == "distinct" and parser.token.text == ":":
            raise QueryRefused(
                f"{parser.place(token)}: distinct is not served: select the property and leave out repeats", status=501
            )
        name = name_of(token)
        if name not in entity.properties and name not in entity.ways:
            raise QueryRefused(f"{parser.place(token)}: {_unknown(entity, name, [*entity.properties, *entity.ways])}")
        if parser.token.text == "/":
            raise QueryRefused(f"{parser.place()}: select {name} whole: its parts are not selected alone", status=501)
        if name not in found:
            found.append(name)
        if not parser.sign(","):
            return tuple(found)


def _expand(model: Model, entity: Entity, parser: Parser, level: int) -> tuple[Expand, ...]:
    if level > DEEPEST_EXPAND:
        raise QueryRefused(f"{parser.place()}: $expand goes {DEEPEST_EXPAND} levels deep: follow the links from there")
    found: dict[str, Expand] = {}
    while True:
        item = _way(model, entity, parser, level)
        known = found.get(item.way)
        found[item.way] = item if known is None else _together(parser, known, item)
        if not parser.sign(","):
            return tuple(found.values())


def _way(model: Model, entity: Entity, parser: Parser, level: int) -> Expand:
    token = parser.take("name", "the name of a related entity")
    if token.text not in entity.ways:
        raise QueryRefused(f"{parser.place(token)}: {_unknown(entity, token.text, [*entity.ways])}")
    target = model.entities[entity.ways[token.text].target]
    if parser.sign("/"):
        if level >= DEEPEST_EXPAND:
            raise QueryRefused(
                f"{parser.place()}: $expand goes {DEEPEST_EXPAND} levels deep: follow the links from there"
            )
        begin = parser.token.at
        inner = _way(model, target, parser, level + 1)
        return Expand(token.text, Query(expand=(inner,), items=(("$expand", parser.text(begin)),)), token.at)
    query = Query()
    if parser.sign("("):
        seen: set[str] = set()
        while True:
            option = parser.take("option", "an option such as $filter")
            if option.text not in _INSIDE:
                raise QueryRefused(
                    f"{parser.place(option)}: {option.text} is not served in $expand; there are {', '.join(_INSIDE)}"
                )
            if option.text in seen:
                raise QueryRefused(f"{parser.place(option)}: {option.text} is given twice: write it once")
            seen.add(option.text)
            parser.expect("=", option.text)
            begin = parser.token.at
            query = _option(model, target, parser, option.text, query, level + 1)
            query = replace(query, items=(*query.items, (option.text, parser.text(begin))))
            if not parser.sign(";"):
                break
        parser.expect(")", f"the options of {token.text}")
    return Expand(token.text, query, token.at)


def _together(parser: Parser, known: Expand, other: Expand) -> Expand:
    """``Datastreams/Sensor,Datastreams/ObservedProperty`` follow one way to two; options are given in one place."""
    plain, base = (tuple(pair for pair in item.query.items if pair[0] != "$expand") for item in (other, known))
    if plain and base:
        raise QueryRefused(f"{parser.option}: {known.way} has options twice: write them once, with ; between them")
    ways = {item.way: item for item in known.query.expand}
    for item in other.query.expand:
        ways[item.way] = _together(parser, ways[item.way], item) if item.way in ways else item
    texts = [text for query in (known.query, other.query) for option, text in query.items if option == "$expand"]
    items = (*base, *plain, *((("$expand", ",".join(texts)),) if texts else ()))
    return replace(
        known, query=replace(other.query if plain else known.query, expand=tuple(ways.values()), items=items)
    )


def _unknown(entity: Entity, name: str, known: Sequence[str]) -> str:
    return f"{entity.set} have no {name[:60]}; there are {', '.join(sorted(known))}"
