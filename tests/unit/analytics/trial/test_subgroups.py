"""Parts of the homes: each alone, corrected by Holm's way, small ones in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytics.trial import post_only, subgroups
from analytics.trial.panel import UNKNOWN
from devices.trials import Arm
from tests.worlds.trials import world

PANEL = world(5, 900, 3, (-0.05, 0.0)).panel
FOUND = subgroups.estimates(PANEL)


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_holm_is_that_of_statsmodels(count: int) -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(count).uniform(0, 0.2, count).round(2)  # rounded: some are equal
    p[-1] = 1.0
    assert subgroups.holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_holm_of_nothing_is_nothing() -> None:
    assert subgroups.holm([]) == []


def test_every_arm_in_every_part_comes_back() -> None:
    from statsmodels.stats.multitest import multipletests

    labels = list(dict.fromkeys(one.label for one in FOUND))
    assert labels == ["stratum", "tenure", "deprivation", "decile"]
    assert len(FOUND) == 2 * (3 + 3 + 3 + 10)
    known = [one for one in FOUND if one.estimate]
    assert len(known) > 30
    corrected = multipletests([one.estimate.p for one in known if one.estimate], method="holm")[1]
    assert [one.holm for one in known] == pytest.approx(corrected.tolist())


def test_a_part_is_estimated_as_if_there_were_no_other() -> None:
    social = PANEL.part(PANEL.labels["tenure"] == 1)
    expected = post_only.estimate(social)
    assert [one.estimate for one in FOUND if (one.label, one.group) == ("tenure", "social")] == expected


def test_fewer_than_fifteen_homes_of_an_arm_or_the_control_give_no_number() -> None:
    for arm, name in ((0, "nothing"), (2, "comparison")):
        few = PANEL.labels["tenure"] == 0
        kept = ~few | (PANEL.arm != arm)
        kept[np.flatnonzero(few & (PANEL.arm == arm))[:14]] = True
        part = PANEL.part(kept)
        one = next(one for one in subgroups.estimates(part) if (one.group, one.arm) == ("owned", Arm.COMPARISON))
        assert (one.estimate, one.holm) == (None, None)
        assert one.why == f"{name} has fewer than 15 of the homes here; a figure needs 15"
    alone = PANEL.part((PANEL.labels["tenure"] != 0) | (PANEL.arm == 0))
    one = next(one for one in subgroups.estimates(alone) if (one.group, one.arm) == ("owned", Arm.COMPARISON))
    assert one.why == "comparison has none of the homes here; a figure needs 15"


def test_a_home_without_a_known_use_does_not_count() -> None:
    blind = PANEL.days.copy()
    here = np.flatnonzero((PANEL.labels["tenure"] == 0) & (PANEL.arm == 1))
    blind[here[14:]] = 0.0
    one = next(
        one for one in subgroups.estimates(replace(PANEL, days=blind)) if (one.group, one.arm) == ("owned", Arm.ZONE)
    )
    assert one.estimate is None
    assert "zone has fewer than 15" in one.why


def test_what_cannot_be_estimated_says_why() -> None:
    same = replace(PANEL, use=np.full_like(PANEL.use, 4.0))
    assert {one.why[-40:] for one in subgroups.estimates(same)} == {
        "control: nothing is left to find an error by"[-40:]
    }


def test_words_of_strata_and_of_what_is_not_known() -> None:
    tenure = PANEL.labels["tenure"].copy()
    tenure[:200] = UNKNOWN
    stratum = np.where(PANEL.stratum == 2, -1, PANEL.stratum).astype(np.int32)
    found = subgroups.estimates(replace(PANEL, stratum=stratum, labels={**PANEL.labels, "tenure": tenure}))
    assert list(dict.fromkeys(one.group for one in found if one.label == "stratum")) == ["0", "1", "rest"]
    assert "not known" in {one.group for one in found if one.label == "tenure"}
    named = replace(
        PANEL, labels={**PANEL.labels, "stratum": PANEL.stratum.astype(np.int16)},
        names={**PANEL.names, "stratum": ["low", "middle", "high"]},
    )  # fmt: skip
    assert [one.group for one in subgroups.estimates(named)][:6:2] == ["low", "middle", "high"]
    with pytest.raises(ValueError, match="level"):
        subgroups.estimates(PANEL, 1.5)
