"""What HTML a message may have: few elements, and nothing that loads, runs, hides or styles."""

from __future__ import annotations

from html.parser import HTMLParser

#: Elements, with the attributes that they may have.
ELEMENTS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("p", "h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "strong", "em", "br", "table", "caption", "thead",
         "tbody", "tr", "td"),
        frozenset[str](),
    ),
    "a": frozenset({"href"}),
    "th": frozenset({"scope"}),
}  # fmt: skip
_EMPTY = frozenset({"br"})


def fault(html: str) -> str | None:
    """What is wrong with a fragment of HTML for a message; None: nothing."""
    reader = _Reader()
    reader.feed(html)
    if "<" in reader.rawdata:
        return "breaks off in the middle of an element"
    reader.close()
    if reader.fault is None and reader.open:
        return f"<{reader.open[-1]}> is not closed"
    return reader.fault


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fault: str | None = None
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            self._say(f"<{tag}> is no element of a message")
            return
        for name, value in attrs:
            if name not in ELEMENTS[tag]:
                self._say(f"<{tag}> has {name}")
            elif name == "href" and not (value or "").startswith(("https://", "http://")):
                self._say("a link leads to no page")
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self._say(f"<{tag}/> is not closed")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self._say(f"</{tag}> closes nothing")

    def handle_comment(self, _data: str) -> None:
        self._say("has a comment")

    def handle_decl(self, _decl: str) -> None:
        self._say("is a document and no fragment of one")

    def handle_pi(self, _data: str) -> None:
        self._say("has a processing instruction")

    def unknown_decl(self, _data: str) -> None:
        self._say("has an unknown declaration")

    def _say(self, text: str) -> None:
        self.fault = self.fault or text
