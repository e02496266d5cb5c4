"""The press: letters as data in, accessible PDF (PDF/UA-1) out, by Typst with the fonts that it carries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from borough.errors import Failure
from borough.letters.content import SIZES

TEMPLATE = Path(__file__).parent / "letter.typ"
#: A sheet, printed on both sides; large print takes what it needs.
PAGES = 2


class Placed(NamedTuple):
    """Where a letter stands in a print run: its first page, counted from 1, and how many it has."""

    number: str
    first_page: int
    pages: int


class Press:
    """Makes one letter or many at once. Raises Failure where Typst is not installed or refuses a letter."""

    def __init__(self, now: datetime) -> None:
        try:
            import typst
        except ImportError:
            raise Failure("letters need Typst; install it with: pip install 'borough-telemetry[pdf]'") from None
        self._error = typst.TypstError
        self._now = now.astimezone(UTC).replace(microsecond=0)
        # the fonts of one machine are not those of another: a letter looks the same everywhere
        self._compiler = typst.Compiler(TEMPLATE, root=TEMPLATE.parent, ignore_system_fonts=True)

    def one(self, data: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
        """One letter, and its data with the size at which normal print fits two pages."""
        for size in (data["size"],) if data["large"] else SIZES:
            sized = {**data, "size": size}
            pdf, placed = self.run([sized])
            if data["large"] or placed[0].pages <= PAGES:
                return pdf, sized
        raise Failure(
            f"the letter to tenancy {data['number']} does not fit on {PAGES} pages even in the smallest print;"
            " shorten the council's address or the help line"
        )

    def run(self, letters: Sequence[Mapping[str, Any]]) -> tuple[bytes, list[Placed]]:
        """Letters one after the other in one PDF, each beginning on a sheet of its own, and where each stands."""
        try:
            pdf = self._compiler.compile(
                format="pdf",
                sys_inputs={"letters": json.dumps(letters)},
                pdf_standards=["ua-1"],
                timestamp=self._now,
            )
            found = json.loads(self._compiler.query("<letter>", field="value"))
        except self._error as error:
            raise Failure(f"Typst could not make {'a letter' if len(letters) == 1 else 'letters'}: {error}") from None
        assert isinstance(pdf, bytes)
        return pdf, [Placed(*one) for one in found]
