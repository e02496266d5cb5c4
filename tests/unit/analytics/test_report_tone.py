"""How households are told, over all states, fuels and reasons that can occur: whole sentences, approval, no blame.

The judgement here is independent of the words' own code: lists of what praise and advice sound like, and a measure of
how hard a text is to read.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.homes import HEATING, HomeDetails, Tenancy
from store.comparisons import Comparison, Neighbourhood
from tests.examples import examples
from tests.tools.reports import (
    HELP,
    NEUTRAL,
    PERIODS,
    SUPPRESSED,
    comparison,
    comparisons,
    details,
    near,
    said,
    tenancies,
)

#: What praise, advice and talk about others sound like.
PRAISE = ("great", "good", "well done", "right track", "keep it up", "keep it that way", "thank")
ADVICE = ("save", "saving", "less", "lower", "reduce", "turn", "help:", "could", "try", "about £", "kwh a year", "cut")
OTHERS = ("average", "similar", "neighbour", "other homes", "in 10", "compare")


@settings(max_examples=examples(400))
@given(comparisons(), details(), near(), tenancies())
def test_every_sentence_is_whole(
    it: Comparison,
    home: HomeDetails,
    around: Neighbourhood | None,
    tenancy: Tenancy | None,
) -> None:
    found = said(it, home, around, tenancy=tenancy)
    pieces = found.sentences()
    once = [piece for piece in pieces if piece not in {act.estimate for act in found.actions}]
    assert len(set(once)) == len(once), "nothing is said twice"
    for piece in pieces:
        assert piece == piece.strip()
        assert piece[0].isupper() or piece[0].isdigit(), piece
        assert not re.search(r"None|nan|\s\s|[{}\[\]_]|\.\.|\s[.,;]|£-|-\d", piece), piece
    for line in (
        *found.lead,
        found.suppressed,
        found.difference_text,
        found.percentile,
        found.change,
        found.cost,
        found.carbon,
        *found.neighbours,
        found.help,
        *found.notes,
        *(act.text for act in found.actions),
    ):
        assert line is None or line.endswith("."), line
    assert not found.headline.endswith(".")
    assert len(found.actions) <= 3
    assert (found.actions_title is None) == (not found.actions)


@settings(max_examples=examples(300))
@given(comparisons(("neutral",)), details(), near(), tenancies(), st.none() | st.just(HELP))
def test_a_home_in_need_hears_no_praise_no_advice_and_nothing_of_others(
    it: Comparison, home: HomeDetails, around: Neighbourhood | None, tenancy: Tenancy | None, line: str | None
) -> None:
    found = said(it, home, around, tenancy=tenancy, help_line=line)
    text = " ".join(found.sentences()).lower()
    for word in (*PRAISE, *ADVICE, *OTHERS, "£", "co2"):
        assert not re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text), f"{word!r} in {text}"
    assert not found.bars
    assert not found.state_words
    assert not found.actions
    assert found.help is not None
    assert line is None or HELP in found.help


@settings(max_examples=examples(300))
@given(comparisons(("great", "good")), details(), near())
def test_whoever_uses_no_more_than_the_average_is_approved_of(
    it: Comparison, home: HomeDetails, around: Neighbourhood | None
) -> None:
    found = said(it, home, around)
    text = " ".join((found.headline, *found.lead)).lower()
    assert "well done" in text
    assert found.headline.startswith(("Great: ", "Good: "))
    assert found.headline.split(":")[0] == found.state_words
    assert "more than" not in " ".join(filter(None, [found.headline, found.difference_text, found.percentile]))


@settings(max_examples=examples(300))
@given(comparisons(("more",)), details(), near())
def test_whoever_uses_more_is_told_so_without_blame(it: Comparison, home: HomeDetails, around: Any) -> None:
    found = said(it, home, around)
    assert "more" in found.headline
    assert found.state_words == "Using more than average"
    text = " ".join(found.sentences()).lower()
    for word in ("well done", "bad", "wrong", "waste", "too much", "must", "should", "unfortunately", "sorry"):
        assert word not in text


@settings(max_examples=examples(300))
@given(comparisons(("great", "above-zone"), ("zone",)), details(), near())
def test_whoever_is_above_the_zone_is_told_so_without_blame_and_who_is_in_it_is_praised(
    it: Comparison, home: HomeDetails, around: Any
) -> None:
    found = said(it, home, around)
    text = " ".join(found.sentences()).lower()
    assert ("well done" in text) == (it.state == "great")
    assert found.state_words == ("Great" if it.state == "great" else "Room to save")
    for word in ("bad", "wrong", "waste", "too much", "must", "should", "unfortunately", "sorry", "average"):
        assert not re.search(rf"(?<![a-z]){word}(?![a-z])", text), word


@pytest.mark.parametrize("state", ["great", "good", "more", "above-zone", "neutral", "suppressed"])
@pytest.mark.parametrize("fuel", ["electricity", "gas", "heat"])
@pytest.mark.parametrize("heating", HEATING)
def test_a_child_of_nine_can_read_it(state: str, fuel: str, heating: str) -> None:
    """Automated readability index 4 belongs to nine to ten years; no sentence has more than 25 words."""
    reasons = {"neutral": NEUTRAL, "suppressed": SUPPRESSED}.get(state, (None,))
    for reason in reasons:
        for kind, spans in PERIODS.items():
            it = comparison(
                state=state, fuel=fuel, reason=reason, kind=kind, from_day=spans[0][0], to_day=spans[0][1],
                own=40_000 if state != "more" else 90_000, estimated_days=2, missing_days=1, final=False,
                sight={"above-zone": "zone", "suppressed": "own" if reason == "trial" else "all"}.get(state, "all"),
                **({"average": None, "tenths": None, "homes": None} if state == "above-zone" else {}),
            )  # fmt: skip
            home = HomeDetails("semi-detached", heating, tenure="owner")
            found = said(it, home)
            text = ". ".join(piece.rstrip(".") for piece in found.sentences()) + "."
            # names and numbers are no measure of how hard the words are
            text = re.sub(r"\([^)]*\)|price cap of [A-Z]\w+ to [A-Z]\w+ \d+|[£\d][\d.,:]*\d%?|0800[ \d]*", "7", text)
            pieces = [piece for piece in re.split(r"[.:;]\s+", text) if piece]
            for piece in pieces:
                assert len(piece.split()) <= 25, piece
            tokens = text.split()
            letters = sum(len(re.sub(r"\W", "", token)) for token in tokens)
            index = 4.71 * letters / len(tokens) + 0.5 * len(tokens) / len(pieces) - 21.43
            assert index <= 4.5, f"{index:.1f}: {text}"
