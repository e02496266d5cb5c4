"""Every folder ``tests/cases/<format>/<case>/``: the bytes, the device, and what the format must read from them.

``expected.json`` is written from the makers' documents. It is ``{"status": true}``, ``{"rejection": <reason>}``, or
readings and rejected readings in any order; a time is the decoder's own (text, seconds, null for the arrival) or
``{"relative": seconds}``, or ``{"first": text, "later": text}`` of a local time that the clocks repeat.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from devices.decoders import FORMATS
from devices.decoding import PACK, STATUS, Decoded, Flaw, Reason, Rejection, Relative, Twice
from devices.topics import name_with
from tests.tools.decoder_cases import binding, device, message, place

CASES = Path(__file__).parents[2] / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/expected.json"))

#: The accounting's reasons that end a message, as the cases' bad inputs count.
BAD_CASES_A_FORMAT = 3


def decode(folder: Path) -> Decoded:
    return FORMATS[folder.parent.name].bind(binding(folder))(message(folder))


def plain_time(time: Any) -> Any:
    if isinstance(time, Twice):
        return "twice", str(time), time.later
    return ("relative", float(time)) if isinstance(time, Relative) else time


def expected_time(time: Any) -> Any:
    if isinstance(time, dict):
        return ("twice", time["first"], time["later"]) if "first" in time else ("relative", time["relative"])
    return time


def rows(decoded: Decoded) -> list[tuple[str, Any, Any]]:
    time, values, _ = decoded
    return list(values) if time is PACK else [(name, time, value) for name, value in values.items()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_case(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    if "rejection" in expected:
        with pytest.raises(Rejection) as caught:
            decode(folder)
        assert caught.value.reason is Reason(expected["rejection"])
        assert caught.value.detail
        return
    decoded = decode(folder)
    if "status" in expected:
        assert decoded is STATUS
        return
    assert decoded[2] == expected["sequence"]
    found = rows(decoded)
    read = {(name, plain_time(time)): value for name, time, value in found if not isinstance(value, Flaw)}
    wanted = {(row["property"], expected_time(row["time"])): row["value"] for row in expected["readings"]}
    assert read.keys() == wanted.keys()
    for key, value in wanted.items():
        assert read[key] == pytest.approx(value, rel=1e-12), key
        assert isinstance(read[key], bool) == isinstance(value, bool), key
    flaws = Counter((name, str(value.reason)) for name, _, value in found if isinstance(value, Flaw))
    assert flaws == Counter((row["property"], row["reason"]) for row in expected["rejected"])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_topic_of_the_case_is_one_of_the_formats(folder: Path) -> None:
    told = device(folder)
    named, _ = place(folder)
    called = told.get("attributes", {}).get("topic", told["device"])
    assert name_with(named["device"], named.get("channel", "")) == called
    assert named.get("family", told["family"]) == told["family"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_good_and_bad_cases(name: str) -> None:
    expected = [json.loads((folder / "expected.json").read_text()) for folder in FOLDERS if folder.parent.name == name]
    bad = [case for case in expected if "rejection" in case or case.get("rejected")]
    assert len(bad) >= BAD_CASES_A_FORMAT
    assert any(case.get("readings") for case in expected)


def test_no_case_is_left_over() -> None:
    assert {folder.parent.name for folder in FOLDERS} == set(FORMATS)


#: What identifies a household in the captured messages.
HOUSEHOLD = ("1234", "3342241002", "ABC ENERGY", "67676767", "76348799", "32666857")


@pytest.mark.parametrize(
    "folder",
    [folder for folder in FOLDERS if folder.parent.name in ("glow", "wmbusmeters")],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_no_identifier_of_a_household_leaves_a_decoder(folder: Path) -> None:
    told = device(folder)
    try:
        text = repr(decode(folder))
    except Rejection as rejection:
        text = str(rejection)
    for word in HOUSEHOLD:
        assert word not in text.replace(told["device"], "")
