"""Random SensorThings queries that are right: their text, as a client writes it, and their tree for the reference."""

from __future__ import annotations

from typing import Any

from tests.references.sensorthings import PROPERTIES, WAYS
from tests.tools.sensorthings_values import LEVELS, Option, Values, Written
from tests.worlds.sensorthings_query import BEGIN, rows


class Queries(Values):
    """Draws queries of one entity; ``version`` says whether paths may go over many."""

    def __init__(self, seed: int, entity: str, version: str) -> None:
        super().__init__(seed, version)
        self.entity = entity
        self.variables: dict[str, str] = {}

    # ----------------------------------------------------------------------------------------------- options

    def option(self, depth: int = 3, *, expand: int = 2) -> Option:
        """All options of a collection."""
        option = Option()
        if self.random.random() < 0.85:
            option.filter = self.condition(depth)
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            option.orderby.append((self.order(), self.random.random() < 0.5))
        if self.random.random() < 0.4:
            option.top = self.random.choice([0, 1, 2, 3, 7, 50])
        if self.random.random() < 0.3:
            option.skip = self.random.choice([1, 2, 5])
        if expand and self.random.random() < 0.4:
            for way, (_, _, target, many) in WAYS[self.entity].items():
                if self.random.random() < 0.6:
                    inner = Queries(self.random.randrange(2**60), target, self.version)
                    option.expand[way] = inner.option(2, expand=expand - 1)
                    if not many:
                        option.expand[way].top, option.expand[way].skip = None, 0
        return option

    def order(self) -> Written:
        """A term of $orderby: mostly a property, over ways to one."""
        kind = self.random.choice(
            ["text", "number", "int", "instant", "json", "interval", "point", "any", "bool", "date"]
        )
        found = self.path(kind, many=False)
        if found is None or self.random.random() < 0.2:
            found = self.expression(self.random.choice(["number", "text"]), 1, many=False)
        return found

    # ------------------------------------------------------------------------------------------------- paths

    def path(self, kind: str, *, many: bool = True) -> Written | None:
        """A property of a kind of this entity, of a variable, or of an entity that ways lead to."""
        found = list(self._paths(self.entity, [], 2, many=many and self.version == "1.1", variable=None))
        for variable, entity in self.variables.items():
            found += list(self._paths(entity, [], 1, many=False, variable=variable)) * 2
        fitting = [(variable, names) for variable, names, known in found if known == kind]
        if not fitting:
            return None
        # mostly near ones
        fitting.sort(key=lambda item: len(item[1]))
        variable, names = fitting[min(int(self.random.expovariate(0.35)), len(fitting) - 1)]
        text = "/".join([*([variable] if variable else []), *names])
        if text == "id" and self.random.random() < 0.2:
            text = "@iot.id"
        return Written(text, 10, ("path", variable, names))

    def _paths(self, entity: str, before: list[str], left: int, *, many: bool, variable: str | None) -> Any:
        for name, kind in _KINDS[entity].items():
            names = [*before, *name.split("/")]
            yield variable, names, kind
            if kind == "interval":
                yield variable, [*names, "start"], "instant"
                yield variable, [*names, "end"], "instant"
            if kind == "json":
                for key in ("zone", "level", "kind", "tags", "limit", "absent"):
                    yield variable, [*names, key], "json"
                yield variable, [*names, "kind", "deep"], "json"
        if left:
            for way, (_, _, target, to_many) in WAYS[entity].items():
                if many or not to_many:
                    yield from self._paths(target, [*before, way], left - 1, many=many, variable=variable)

    # ------------------------------------------------------------------------------------------- expressions

    def condition(self, depth: int) -> Written:
        """A boolean expression."""
        choice = self.random.random()
        if depth <= 0 or choice < 0.35:
            return self.comparison(depth)
        if choice < 0.65:
            return self.binary(self.random.choice(["and", "or"]), self.condition(depth - 1), self.condition(depth - 1))
        if choice < 0.75:
            inner = self.condition(depth - 1)
            text = f"not {self.bracketed(inner, LEVELS['eq'])}"
            return Written(text, LEVELS["not"], ("not", inner.tree))
        if choice < 0.85:
            found = self.any(depth)
            return found or self.comparison(depth)
        return self.truth(depth)

    def truth(self, depth: int) -> Written:
        """A function, a property or a list that is true or false."""
        choice = self.random.randrange(8)
        if choice < 3:
            name = self.random.choice(["contains", "substringof", "startswith", "endswith"])
            return self.call(name, self.expression("text", depth - 1), self.expression("text", depth - 1))
        if choice == 3:
            return self.path("bool") or self.comparison(depth)
        if choice == 4:
            return self.listed(depth)
        if choice == 5 and (found := self.path("json")):
            left = self.random.choice([self.literal("text"), self.literal("number"), self.literal("bool")])
            text = f"{self.bracketed(left, LEVELS['in'])} in {found.text}"
            if found.tree[1] is None:
                return Written(text, LEVELS["in"], ("member", left.tree, found.tree))
        if choice >= 6 and (found := self.relation()):
            return found
        return self.comparison(depth)

    def listed(self, depth: int) -> Written:
        """``x in (…)``."""
        kind = self.random.choice(["text", "number", "int"])
        left = self.expression(kind, depth - 1)
        if (open_one := self.path(self.random.choice(["json", "any"]))) and self.random.random() < 0.4:
            left = open_one
        values = [self.literal(kind) for _ in range(self.random.randint(1, 4))]
        if self.random.random() < 0.2:
            values.append(Written("null", 10, ("lit", "null", None)))
        text = f"{self.bracketed(left, LEVELS['in'])} in ({','.join(value.text for value in values)})"
        return Written(text, LEVELS["in"], ("in", left.tree, [value.tree for value in values]))

    def comparison(self, depth: int) -> Written:
        """Two sides of kinds that can be compared."""
        kind = self.random.choice(
            [
                "text",
                "text",
                "number",
                "number",
                "int",
                "instant",
                "interval",
                "json",
                "any",
                "date",
                "time",
                "duration",
                "bool",
                "null",
                "id",
            ]
        )
        operator = self.random.choice(["eq", "ne", "gt", "ge", "lt", "le"])
        if kind == "id":
            return self.keyed()
        if kind == "null":
            side = self.path(
                self.random.choice(["text", "number", "json", "instant", "interval", "point", "any", "bool"])
            )
            null = Written("null", 10, ("lit", "null", None))
            if side is None:
                return self.comparison(depth)
            pair = (side, null) if self.random.random() < 0.8 else (null, side)
            return self.binary(operator, *pair)
        if kind == "json" and self.path("json") is None:
            kind = "text"
        left = self.expression(kind, depth - 1)
        if kind == "json":
            other = self.random.choice(["text", "number", "bool", "int", "any"])
            if self.random.random() < 0.2:
                operator, other = self.random.choice(["eq", "ne"]), "json"
        elif kind == "any":
            other = self.random.choice(["text", "number", "number", "any"])
            other = other if self.path(other) is not None or other != "any" else "number"
            if left.tree[0] != "path":
                other = "number"
        else:
            other = {"interval": self.random.choice(["interval", "instant"])}.get(kind, kind)
        right = self.expression(other, depth - 1)
        pair = (left, right) if self.random.random() < 0.7 else (right, left)
        return self.binary(operator, *pair)

    def keyed(self) -> Written:
        """An id against one that may be there."""
        path = next(
            (
                found
                for found in (self.path("text"), self.path("text"), self.path("int"))
                if found is not None and found.tree[2][-1] == "id"
            ),
            Written("id", 10, ("path", None, ["id"])),
        )
        owner = self.variables.get(path.tree[1] or "", self.entity)
        for name in path.tree[2][:-1]:
            owner = WAYS[owner][name][2]
        if owner == "Datastream":
            value = self.random.randint(0, 21)
            return self.binary(
                self.random.choice(["eq", "ne", "gt", "le"]), path, Written(str(value), 10, ("lit", "int", value))
            )
        micro = (int(BEGIN.timestamp()) + 1_800 * self.random.randrange(12)) * 1_000_000
        text = f"{self.random.randint(1, 18)}-{micro}" if owner == "Observation" else f"bay-{self.random.randrange(12)}"
        literal = Written(f"'{text}'", 10, ("lit", "text", text))
        return self.binary(self.random.choice(["eq", "ne"]), path, literal)

    def any(self, depth: int) -> Written | None:
        """``Way/any(x: …)``."""
        starts: list[tuple[str | None, str]] = [(None, self.entity), *self.variables.items()]
        found = []
        for variable, entity in starts:
            for way, (_, _, target, many) in WAYS[entity].items():
                if many:
                    found.append((variable, [way], target))
                else:
                    found += [(variable, [way, name], to) for name, (_, _, to, more) in WAYS[target].items() if more]
        if not found or len(self.variables) > 2:
            return None
        variable, names, target = self.random.choice(found)
        name = f"{self.random.choice('dxo')}{len(self.variables) + 1}"
        self.variables[name] = target
        condition = self.condition(depth - 1)
        del self.variables[name]
        text = "/".join([*([variable] if variable else []), *names])
        return Written(
            f"{text}/any({name}: {condition.text})", 10, ("any", ("path", variable, names), name, condition.tree)
        )

    def relation(self) -> Written | None:
        """A place to a geometry."""
        place = self.path("point")
        if place is None:
            return None
        name = self.random.choice(
            [
                "st_equals",
                "st_disjoint",
                "st_touches",
                "st_within",
                "st_overlaps",
                "st_crosses",
                "st_intersects",
                "st_contains",
                "st_relate",
                "geo.intersects",
            ]
        )
        shape = self.shape()
        pair = [place, shape] if self.random.random() < 0.7 else [shape, place]
        if name == "st_relate":
            pattern = "".join(self.random.choice("TF*0*2*1*") for _ in range(9))
            pair.append(Written(f"'{pattern}'", 10, ("lit", "text", pattern)))
        return self.call(name, *pair)

    def expression(self, kind: str, depth: int, *, many: bool = True) -> Written:
        """An expression of a kind."""
        choice = self.random.random()
        if depth > 0 and choice < 0.45 and (found := self.made(kind, depth, many=many)):
            return found
        if choice < 0.85 and (found := self.path(kind, many=many)):
            return found
        if kind in {"json", "any", "point"}:
            return self.path(kind, many=many) or self.literal(
                self.random.choice(["text", "number"]) if kind == "json" else "number"
            )
        return self.literal(kind)

    def made(self, kind: str, depth: int, *, many: bool) -> Written | None:
        """An expression of a kind by an operator or a function."""

        def sub(other: str) -> Written:
            return self.expression(other, depth - 1, many=many)

        def textual() -> Written:
            if self.random.random() < 0.3 and (found := self.path(self.random.choice(["json", "any"]), many=many)):
                return found
            return sub("text")

        def numeric() -> Written:
            if self.random.random() < 0.3 and (found := self.path(self.random.choice(["json", "any"]), many=many)):
                return found
            return sub(self.random.choice(["number", "int"]))

        pick = self.random.choice
        if kind == "text":
            name = pick(["tolower", "toupper", "trim", "concat", "substring", "substring", "cast"])
            if name == "concat":
                return self.call(name, textual(), textual())
            if name == "substring":
                parts = [self.literal("small") for _ in range(pick([1, 2]))]
                return self.call(name, textual(), *parts)
            if name == "cast":
                inner = self.path(pick(["json", "any", "int", "bool"]), many=many)
                return (
                    self.call(name, inner, Written("Edm.String", 10, ("lit", "text", "Edm.String"))) if inner else None
                )
            return self.call(name, textual())
        if kind == "number":
            name = pick(
                [
                    "round",
                    "floor",
                    "ceiling",
                    "bin",
                    "bin",
                    "neg",
                    "fractionalseconds",
                    "geo.distance",
                    "geo.length",
                    "cast",
                ]
            )
            if name == "bin":
                # one side that is no whole number: the kind of the answer is then a number
                return self.binary(pick(["add", "sub", "mul", "div", "mod"]), sub("number"), numeric())
            if name == "neg":
                inner = sub("number")
                text = self.bracketed(inner, LEVELS["in"])
                # a sign before a digit belongs to the number
                return Written(
                    f"-{text}" if not text[0].isdigit() else f"-({text})", LEVELS["neg"], ("neg", inner.tree)
                )
            if name == "fractionalseconds":
                return self.call(name, self.moment(depth, many=many), *self.zone())
            if name == "geo.distance":
                place = self.path("point", many=many)
                return None if place is None else self.call(name, place, self.shape("POINT"))
            if name == "geo.length":
                return self.call(name, self.shape("LINESTRING"))
            if name == "cast":
                inner = self.path(pick(["json", "text", "any"]), many=many)
                return (
                    self.call(name, inner, Written("Edm.Double", 10, ("lit", "text", "Edm.Double"))) if inner else None
                )
            return self.call(name, numeric())
        if kind == "int":
            name = pick(
                ["length", "indexof", "bin", "year", "month", "day", "hour", "minute", "second", "totaloffsetminutes"]
            )
            if name == "length":
                return self.call(name, textual())
            if name == "indexof":
                return self.call(name, textual(), textual())
            if name == "bin":
                return self.binary(pick(["add", "sub", "mul", "div", "mod"]), sub("int"), sub("int"))
            return self.call(name, self.moment(depth, many=many), *self.zone())
        if kind in {"date", "time"}:
            return self.call(kind, self.moment(depth, many=many), *self.zone())
        if kind == "instant":
            if self.random.random() < 0.15:
                return self.call(pick(["now", "mindatetime", "maxdatetime"]))
            left = self.path("instant", many=many) or self.literal("instant")
            return self.binary(pick(["add", "sub"]), left, sub("duration"))
        if kind == "duration":
            if self.random.random() < 0.6:
                left, right = (self.path("instant", many=many) or self.literal("instant") for _ in "ab")
                return self.binary("sub", left, right)
            return self.binary(pick(["add", "sub"]), self.literal("duration"), self.literal("duration"))
        if kind == "interval":
            begin = self.path("instant", many=many) or self.literal("instant")
            return self.call("interval", begin, self.literal(pick(["instant", "duration"])))
        if kind == "bool" and depth > 0:
            inner = self.comparison(depth - 1) if many else None
            return None if inner is None else Written(f"({inner.text})", 10, inner.tree)
        return None

    def moment(self, depth: int, *, many: bool) -> Written:
        """An instant, or a period that is taken at its begin; none at the calendar's ends, which zones would move."""
        if self.random.random() < 0.2 and (found := self.path("interval", many=many)):
            return found
        found = self.expression("instant", depth - 1, many=many)
        return self.literal("instant") if "datetime()" in found.text else found


def _kinds() -> dict[str, dict[str, str]]:
    town = rows()
    tables = {"Thing": "thing", "Sensor": "sensor", "Datastream": "stream", "Observation": "observation"}
    return {
        entity: {name: get({**town[tables[entity]][0], "spread": None})[0] for name, get in properties.items()}
        for entity, properties in PROPERTIES.items()
    }


_KINDS = _kinds()
