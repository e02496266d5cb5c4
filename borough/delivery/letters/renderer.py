"""The press: letters as data in, accessible PDF (PDF/UA-1) out, by Typst with the fonts that it carries and ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from borough.delivery.letters.fonts import CHAIN, SCRIPTS
from borough.delivery.letters.letter import SIZES
from borough.errors import Failure
from devices.text import visible

TEMPLATE = Path(__file__).parent / "letter.typ"
_PROBE = TEMPLATE.with_name("probe.typ")
#: A sheet, printed on both sides; large print takes what it needs.
PAGES = 2


class Unprintable(Exception):
    """A letter that cannot be made. The text says why; other letters are no matter of it."""


class TooLong(Unprintable):
    """It needs more pages than it may have."""


class Placed(NamedTuple):
    """Where a letter stands in a print run: its first page, counted from 1, and how many it has."""

    number: str
    first_page: int
    pages: int


class Renderer:
    """Makes one letter or many at once. Raises Failure where Typst is not installed.

    ``folders``: where this machine has fonts for what Typst's own cannot show; one that is missing is passed over.
    """

    def __init__(self, now: datetime, folders: Sequence[Path]) -> None:
        try:
            import typst
        except ImportError:
            raise Failure("letters need Typst; install it with: pip install 'borough-telemetry[pdf]'") from None
        self._error = typst.TypstError
        self._now = now.astimezone(UTC).replace(microsecond=0)
        fonts = typst.Fonts(
            include_system_fonts=False, font_paths=[str(folder) for folder in folders if folder.is_dir()]
        )
        there = set(fonts.families())
        # Typst warns of every family that it does not know, over and over
        self._fonts = json.dumps([family for family in CHAIN if family in there])
        self._compiler = typst.Compiler(TEMPLATE, root=TEMPLATE.parent, font_paths=fonts)
        self._probe = typst.Compiler(_PROBE, root=TEMPLATE.parent, font_paths=fonts)
        self._shown: dict[str, bool] = {}

    def one(self, data: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
        """One letter, and its data with the size at which normal print fits two pages. Raises Unprintable."""
        for size in (data["size"],) if data["large"] else SIZES:
            sized = {**data, "size": size}
            pdf, placed = self.run([sized])
            if data["large"] or placed[0].pages <= PAGES:
                return pdf, sized
        raise TooLong(f"it does not fit on {PAGES} pages even in the smallest print")

    def run(self, letters: Sequence[Mapping[str, Any]]) -> tuple[bytes, list[Placed]]:
        """Letters one after the other in one PDF, each beginning on a sheet of its own, and where each stands.

        Raises Unprintable.
        """
        try:
            pdf = self._compiler.compile(
                format="pdf",
                sys_inputs={"letters": json.dumps(letters), "fonts": self._fonts},
                pdf_standards=["ua-1"],
                timestamp=self._now,
            )
            found = json.loads(self._compiler.query("<letter>", field="value"))
        except self._error as error:
            raise Unprintable(visible(error.message.removeprefix("panicked with: ").strip('"'))) from None
        assert isinstance(pdf, bytes)
        return pdf, [Placed(*one) for one in found]

    def lacks(self, text: str) -> list[str]:
        """Signs of a text that no font here has, each once; the whole text where only its signs together fail."""
        if self._shows(text):
            return []
        return [sign for sign in dict.fromkeys(text) if not self._shows(sign)] or [text]

    def scripts(self) -> tuple[list[str], list[str]]:
        """Scripts whose names cannot all be shown, and Debian's packages that would help."""
        missing = [(name, package) for name, sample, package in SCRIPTS if not self._shows(sample)]
        return [name for name, _ in missing], list(dict.fromkeys(package for _, package in missing))

    def _shows(self, text: str) -> bool:
        if text not in self._shown:
            try:
                self._probe.compile(
                    format="pdf", sys_inputs={"text": text, "fonts": self._fonts}, pdf_standards=["ua-1"]
                )
                self._shown[text] = True
            except self._error:
                self._shown[text] = False
        return self._shown[text]
