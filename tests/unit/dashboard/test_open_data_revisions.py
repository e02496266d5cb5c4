"""The feed of revisions is XML, whatever stands in a reason or in the council's name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from dashboard.open_data import revisions
from dashboard.open_data.shelf import File, Manifest, Shelf, Snapshot, Withdrawal

AT = datetime(2026, 4, 9, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.mark.parametrize(
    "sign", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff", "]]>", "<script>&'\"", "\U000e0001"]
)
def test_every_sign_leaves_a_feed_that_is_read(sign: str) -> None:
    file = File("a.csv", "text/csv", 3, "0" * 64, 1)
    manifest = Manifest(
        "air-readings",
        f"Air {sign}",
        "2026-03",
        1,
        AT,
        AT,
        AT,
        "0.1",
        "T",
        "https://l.example",
        "real",
        1,
        1,
        1,
        (file,),
    )
    known = Shelf([Snapshot(Path("x"), manifest, Withdrawal(AT, f"Wrong {sign} place"))])
    text = revisions.atom(
        revisions.events(known), f"Council {sign}", "https://s.example", "https://s.example/f", None, None
    )
    feed = ET.fromstring(text)
    shown = sign if sign.isprintable() or sign == "\U000e0001" else "\ufffd"
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == f"Council {shown}"
    assert f"Wrong {shown} place" in [entry.findtext(f"{ATOM}summary") for entry in feed.findall(f"{ATOM}entry")]
