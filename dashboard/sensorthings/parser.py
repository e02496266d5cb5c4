"""Expressions of ``$filter`` and ``$orderby``: tokens to a tree, by OData's precedence.

``not`` takes a whole comparison (``not result gt 5``): the other reading has no meaning. Depth and length are bounded,
so no text can make the walks over the tree run out of stack.
"""

from __future__ import annotations

from dashboard.sensorthings import literals
from dashboard.sensorthings.lexer import END, Token, tokens
from store import sta_query as tree
from store.sta_query import Expression, QueryRefused

#: Brackets, functions and ``not`` inside each other; levels of a tree; terms of ``and`` and ``or``, values of a list.
DEEPEST, TALLEST, MOST_TERMS = 30, 60, 300

_LEVELS = {
    "or": 1, "and": 2, "eq": 4, "ne": 4, "gt": 5, "ge": 5, "lt": 5, "le": 5,
    "add": 6, "sub": 6, "mul": 7, "div": 7, "mod": 7,
}  # fmt: skip
_NOT = 4
_WORDS = {"true": True, "false": False}


class Parser:
    """Walks the tokens of one query option; expressions of options inside ``$expand`` are read by it too."""

    def __init__(self, option: str, text: str) -> None:
        """Raises QueryRefused as `lexer.tokens` does."""
        self.option, self._text = option, text
        self._tokens = tokens(option, text)
        self._next = 0
        self._depth = 0
        self._terms = 0
        self._variables: list[str] = []

    # ------------------------------------------------------------------------------------------------- tokens

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._next]

    def text(self, start: int) -> str:
        """What stands from a character on up to the next token."""
        return self._text[start : self.token.at].strip()

    def place(self, token: Token | None = None) -> str:
        """Where a token stands, for people."""
        return f"{self.option}, character {(token or self.token).at + 1}"

    def sign(self, text: str) -> bool:
        """Whether the next token is this sign; it is taken then."""
        if self.token.kind == "sign" and self.token.text == text:
            self._next += 1
            return True
        return False

    def expect(self, text: str, after: str) -> None:
        """Take a sign. Raises QueryRefused where another token stands."""
        if not self.sign(text):
            raise QueryRefused(f"{self.place()}: {text} is expected after {after}, {self._found()} stands there")

    def take(self, kind: str, what: str) -> Token:
        """Take a token of a kind. Raises QueryRefused where another stands."""
        token = self.token
        if token.kind != kind:
            raise QueryRefused(f"{self.place()}: {what} is expected, {self._found()} stands there")
        self._next += 1
        return token

    def finish(self) -> None:
        """Raises QueryRefused where more stands behind what was read."""
        if self.token.kind != END:
            raise QueryRefused(f"{self.place()}: {self._found()} is not expected here")

    def _found(self) -> str:
        token = self.token
        if token.kind == END:
            return "the end"
        return repr(token.text if len(token.text) <= 40 else f"{token.text[:40]}…")

    # -------------------------------------------------------------------------------------------- expressions

    def expression(self) -> Expression:
        """The expression that begins here. Raises QueryRefused for what is none or too large."""
        return self._expression(1)[0]

    def _expression(self, level: int) -> tuple[Expression, int]:
        """The longest expression from here whose operators bind at ``level`` or closer, and how tall its tree is."""
        left, tall = self._operand()
        while (found := self._operator()) and _LEVELS[found] >= level:
            token = self.take("name", "an operator")
            self._terms += found in {"and", "or"}
            if self._terms > MOST_TERMS:
                raise QueryRefused(
                    f"{self.option} has more than {MOST_TERMS} terms: list values as in x in (1,2,3), or ask twice"
                )
            # all operators group from the left; a chain of the same and, or of the same or, is walked as one
            right, other = self._expression(_LEVELS[found] + 1)
            chain = found in {"and", "or"} and isinstance(left, tree.Binary) and left.operator == found
            tall = self._height(max(tall, other + 1) if chain else max(tall, other) + 1)
            left = tree.Binary(token.at, found, left, right)
        return left, tall

    def _operator(self) -> str | None:
        name = self.token.text.lower()
        return name if self.token.kind == "name" and name in _LEVELS else None

    def _height(self, tall: int) -> int:
        if tall > TALLEST:
            raise QueryRefused(f"{self.place()}: this is nested too deep, or has too many operators: ask a part of it")
        return tall

    def _deeper(self, level: int) -> tuple[Expression, int]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise QueryRefused(f"{self.place()}: this is nested deeper than {DEEPEST} levels: ask a part of it")
        found, tall = self._expression(level)
        self._depth -= 1
        return found, self._height(tall + 1)

    def _operand(self) -> tuple[Expression, int]:
        token = self.token
        if self.sign("("):
            found, tall = self._deeper(1)
            self.expect(")", "what was opened in brackets")
        elif self.sign("-"):
            found, tall = self._minus(token)
        elif token.kind == "name" and token.text.lower() == "not":
            self._next += 1
            inner, tall = self._deeper(_NOT)
            found = tree.Not(token.at, inner)
        elif token.kind == "name":
            found, tall = self._named()
        else:
            found, tall = self._literal(), 1
        if self.token.kind == "name" and self.token.text.lower() == "in":
            found = self._in(found)
            tall += 1
        return found, tall

    def _minus(self, token: Token) -> tuple[Expression, int]:
        if self.token.kind == "number":
            return literals.number(self.take("number", "a number"), "-", self.place(token)), 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise QueryRefused(f"{self.place()}: this is nested deeper than {DEEPEST} levels: ask a part of it")
        inner, tall = self._operand()
        self._depth -= 1
        return tree.Minus(token.at, inner), self._height(tall + 1)

    def _literal(self) -> Expression:
        token = self.token
        place = self.place()
        if token.kind == END:
            raise QueryRefused(f"{place}: a name, a value or a bracket is expected, the end stands there")
        self._next += 1
        if token.kind == "number":
            return literals.number(token, "", place)
        if token.kind == "text":
            return literals.text(token)
        if token.kind == "prefixed":
            return literals.prefixed(token, place)
        if token.kind == "date":
            return literals.day(token, place)
        if token.kind == "time":
            return literals.clock(token, place)
        if token.kind == "instant":
            return self._moment(token)
        raise QueryRefused(f"{place}: a name, a value or a bracket is expected, {token.text!r} stands there")

    def _moment(self, token: Token) -> tree.Instant | tree.Interval:
        start = literals.instant(token, self.place(token))
        if not self.sign("/"):
            return tree.Instant(token.at, start)
        other = self.take("instant", "an interval's end")
        end = literals.instant(other, self.place(other))
        if end <= start:
            raise QueryRefused(f"{self.place(other)}: an interval ends after it begins")
        return tree.Interval(token.at, start, end)

    # -------------------------------------------------------------------------------------------------- names

    def _named(self) -> tuple[Expression, int]:
        token = self.take("name", "a name")
        if token.text == "null":
            return tree.Null(token.at), 1
        if token.text in _WORDS:
            return tree.Bool(token.at, _WORDS[token.text]), 1
        if self.sign("("):
            return self._call(token)
        if token.text in self._variables:
            self.expect("/", f"the variable {token.text}")
            return self._path(self.take("name", "a property"), token.text)
        return self._path(token, None)

    def _path(self, first: Token, variable: str | None) -> tuple[Expression, int]:
        names = [name_of(first)]
        at = first.at
        while self.sign("/"):
            token = self.take("name", f"a name after {names[-1]}/")
            if token.text.lower() in {"any", "all"} and self.token.text == "(":
                return self._any(tree.Path(at, tuple(names), variable), token)
            names.append(name_of(token))
        return tree.Path(at, tuple(names), variable), 1

    def _any(self, path: tree.Path, token: Token) -> tuple[Expression, int]:
        if token.text.lower() == "all":
            raise QueryRefused(f"{self.place(token)}: all is not served; all(x: …) is not(any(x: not(…)))", status=501)
        self.expect("(", "any")
        name = self.take("name", "a variable, as in any(x: x/name eq 'a')")
        if name.text in self._variables:
            raise QueryRefused(f"{self.place(name)}: the variable {name.text} is in use already: take another name")
        self.expect(":", f"the variable {name.text}")
        self._variables.append(name.text)
        condition, tall = self._deeper(1)
        self._variables.pop()
        self.expect(")", "the condition of any")
        return tree.Any(token.at, path, name.text, condition), tall + 1

    def _call(self, token: Token) -> tuple[Expression, int]:
        name = token.text.lower()
        found: list[Expression] = []
        tall = 0
        if not self.sign(")"):
            while True:
                if name == "cast" and found and self.token.kind == "name":
                    named = self.take("name", "a type")
                    found.append(tree.Text(named.at, named.text))
                else:
                    argument, other = self._deeper(1)
                    found.append(argument)
                    tall = max(tall, other)
                if not self.sign(","):
                    break
            self.expect(")", f"the arguments of {name}")
        return tree.Call(token.at, name, tuple(found)), self._height(tall + 1)

    def _in(self, operand: Expression) -> Expression:
        token = self.take("name", "in")
        if not self.sign("("):
            first = self.take("name", "a list of values in brackets, or a property that holds one,")
            path, _ = self._path(first, None)
            if not isinstance(path, tree.Path):
                raise QueryRefused(f"{self.place(first)}: in takes a list of values, or a property that holds one")
            return tree.In(token.at, operand, collection=path)
        among: list[Expression] = []
        while True:
            value, _ = self._operand_of_list()
            among.append(value)
            if len(among) > MOST_TERMS:
                raise QueryRefused(f"{self.place()}: a list of more than {MOST_TERMS} values: ask several times")
            if not self.sign(","):
                break
        self.expect(")", "the values of in")
        return tree.In(token.at, operand, tuple(among))

    def _operand_of_list(self) -> tuple[Expression, int]:
        token = self.token
        if self.sign("-"):
            return literals.number(self.take("number", "a number"), "-", self.place(token)), 1
        if token.kind == "name" and token.text in {"null", "true", "false"}:
            return self._named()
        return self._literal(), 1


def name_of(token: Token) -> str:
    """A name as the tree has it: ``@iot.id`` is ``id``."""
    return "id" if token.text == "@iot.id" else token.text
