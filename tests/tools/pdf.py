"""What a PDF says, read by ourselves with pikepdf: pieces of text with their place, and the tree that is read aloud."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pikepdf

Matrix = tuple[float, float, float, float, float, float]
_UNIT: Matrix = (1, 0, 0, 1, 0, 0)
_MM = 72 / 25.4


class Piece(NamedTuple):
    """Text in one go; ``x``, ``y`` [mm] from the page's upper left corner to its baseline's ends, ``size`` [pt].

    ``mcid`` None: not part of what is read aloud.
    """

    page: int
    mcid: int | None
    x: float
    right: float
    y: float
    size: float
    text: str


class Node(NamedTuple):
    """A structure element: its role, depth, alternative text, and the text of it alone."""

    role: str
    depth: int
    alt: str | None
    text: str


@dataclass(frozen=True)
class Document:
    """A PDF that was read."""

    pages: int
    pieces: list[Piece]
    nodes: list[Node]
    language: str | None
    marked: bool
    title: str | None
    shows_title: bool
    standard: str

    @property
    def text(self) -> str:
        """What is read aloud, in its order, with plain spaces."""
        return plain(" ".join(node.text for node in self.nodes if node.text))


def plain(text: str) -> str:
    """The same with each stretch of blanks as one space."""
    return re.sub(r"\s+", " ", text.replace("\N{NO-BREAK SPACE}", " ")).strip()


def read(source: Path | bytes, *, pages: int | None = None) -> Document:
    """Read a PDF whose fonts all are CID fonts with ToUnicode, as Typst writes them; ``pages``: text of the first."""
    import io

    with pikepdf.open(io.BytesIO(source) if isinstance(source, bytes) else source) as pdf:
        pieces = [piece for number, page in enumerate(list(pdf.pages)[:pages]) for piece in _pieces(number, page)]
        spoken: dict[tuple[int, int], str] = {}
        for piece in pieces:
            if piece.mcid is not None:
                key = (piece.page, piece.mcid)
                spoken[key] = spoken.get(key, "") + piece.text
        places = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
        root: Any = pdf.Root
        preferences = root.get("/ViewerPreferences", {})
        return Document(
            len(pdf.pages),
            pieces,
            list(_nodes(root.StructTreeRoot.K, spoken, places, None, 0)),
            str(root.Lang) if "/Lang" in root else None,
            bool(root.get("/MarkInfo", {}).get("/Marked", False)),
            str(pdf.docinfo["/Title"]) if "/Title" in pdf.docinfo else None,
            bool(preferences.get("/DisplayDocTitle", False)),
            root.Metadata.read_bytes().decode(),
        )


def _nodes(
    item: Any, spoken: dict[tuple[int, int], str], places: dict[Any, int], page: int | None, depth: int
) -> Iterator[Node]:
    for child in item if isinstance(item, pikepdf.Array) else [item]:
        if not isinstance(child, pikepdf.Dictionary) or "/S" not in child:
            continue
        own = places[child.Pg.objgen] if "/Pg" in child else page
        kids = child.get("/K", pikepdf.Array([]))
        said = []
        kid: Any
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, int):
                said.append(spoken.get((own if own is not None else -1, int(kid)), ""))
            elif isinstance(kid, pikepdf.Dictionary) and "/MCID" in kid:
                at = places[kid.Pg.objgen] if "/Pg" in kid else own
                said.append(spoken.get((at if at is not None else -1, int(kid.MCID)), ""))
        yield Node(str(child.S)[1:], depth, str(child.Alt) if "/Alt" in child else None, plain(" ".join(said)))
        yield from _nodes(kids, spoken, places, own, depth + 1)


def _pieces(number: int, page: Any) -> Iterator[Piece]:
    height = float(page.MediaBox[3])
    fonts = {name: _Font(font) for name, font in page.Resources.get("/Font", {}).items()}
    saved: list[Matrix] = []
    now, text = _UNIT, _UNIT
    marks: list[_Mark] = []
    font, size = None, 0.0
    for instruction in pikepdf.parse_content_stream(page):
        operands: Any = instruction.operands
        operator = str(instruction.operator)
        if operator == "q":
            saved.append(now)
        elif operator == "Q":
            now = saved.pop()
        elif operator == "cm":
            now = _times(_matrix(operands), now)
        elif operator in ("BDC", "BMC"):
            outer = marks[-1] if marks else _Mark(None)
            inside = operands[1] if len(operands) > 1 else {}
            mcid = int(inside["/MCID"]) if "/MCID" in inside else outer.mcid
            said = [str(inside["/ActualText"])] if "/ActualText" in inside else outer.said
            marks.append(_Mark(mcid, said, outer.turned or str(operands[0]) == "/ReversedChars"))
        elif operator == "EMC":
            marks.pop()
        elif operator == "Tf":
            font, size = fonts[str(operands[0])], float(operands[1])
        elif operator == "Tm":
            text = _matrix(operands)
        elif operator in ("Tj", "TJ") and font is not None:
            mark = marks[-1] if marks else _Mark(None)
            words, width = font.read(operands[0], turned=mark.turned)
            if mark.said is not None:
                words = mark.said.pop() if mark.said else ""
            at = _times(text, now)
            yield Piece(
                number, mark.mcid, at[4] / _MM, (at[4] + width * size) / _MM,
                (height - at[5]) / _MM, size, words,
            )  # fmt: skip


class _Mark(NamedTuple):
    """What content is marked with: ``said`` once in the place of its glyphs; ``turned``: written from its end."""

    mcid: int | None
    said: list[str] | None = None
    turned: bool = False


class _Font:
    """A CID font: glyph numbers to text and to widths [em]."""

    def __init__(self, font: Any) -> None:
        cmap = font.ToUnicode.read_bytes().decode()
        self._text = {}
        for block in re.findall(r"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
            for glyph, meant in re.findall(r"<(\w+)>\s*<(\w+)>", block):
                self._text[int(glyph, 16)] = bytes.fromhex(meant).decode("utf-16-be")
        descendant = font.DescendantFonts[0]
        self._default = float(descendant.get("/DW", 1000)) / 1000
        self._widths: dict[int, float] = {}
        widths: list[Any] = list(descendant.get("/W", []))
        while widths:
            first = int(widths.pop(0))
            second = widths.pop(0)
            if isinstance(second, pikepdf.Array):
                for offset, width in enumerate(second):
                    self._widths[first + offset] = float(width) / 1000
            else:
                same = float(widths.pop(0)) / 1000
                self._widths.update(dict.fromkeys(range(first, int(second) + 1), same))

    def read(self, operand: Any, *, turned: bool = False) -> tuple[str, float]:
        """The text of a Tj or TJ operand, ``turned``: from its last glyph to its first, and its width [em]."""
        words, width = "", 0.0
        for part in operand if isinstance(operand, pikepdf.Array) else [operand]:
            if isinstance(part, pikepdf.String):
                data = bytes(part)
                for glyph in (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)):
                    sign = self._text.get(glyph, "\N{REPLACEMENT CHARACTER}")
                    words = sign + words if turned else words + sign
                    width += self._widths.get(glyph, self._default)
            else:
                width -= float(part) / 1000
        return words, width


def _matrix(operands: Any) -> Matrix:
    a, b, c, d, e, f = (float(one) for one in operands)
    return a, b, c, d, e, f


def _times(one: Matrix, two: Matrix) -> Matrix:
    return (
        one[0] * two[0] + one[1] * two[2], one[0] * two[1] + one[1] * two[3],
        one[2] * two[0] + one[3] * two[2], one[2] * two[1] + one[3] * two[3],
        one[4] * two[0] + one[5] * two[2] + two[4], one[4] * two[1] + one[5] * two[3] + two[5],
    )  # fmt: skip
