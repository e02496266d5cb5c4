"""`borough nudges preview` and what `borough explain` says of a nudge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from subprocess import CompletedProcess

import pytest

from analytics.periods import month_of
from store import homes
from tests.tools import forked
from tests.tools.servers import Cluster
from tests.worlds import nudges as worlds
from tests.worlds.nudges import World

MONTH = month_of(datetime.now(UTC).date()).before()


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with worlds.running(timescale) as found:
        found.now = datetime.now(UTC)
        for state in ("good", "more", "neutral"):
            found.household(state, month=MONTH)
        found.household("good", month=MONTH, agrees=False)
        found.household("good", month=MONTH, origin="simulated")
        found.household("suppressed", month=MONTH, reason="no-consent")
        yield found


def borough(world: World, *arguments: str) -> CompletedProcess[str]:
    return forked.run(arguments, {"BOROUGH_DATABASE_URL": world.url})


def test_a_preview_counts_who_is_told_and_says_why_others_are_not(world: World) -> None:
    found = json.loads(borough(world, "nudges", "preview", "--period", MONTH.key, "--json").stdout)
    assert found["settled"] is True
    assert found["due"] == {"compare": 2, "help": 1}
    assert found["none"] == {
        "no agreement to messages": 1, "simulated among real": 1, "nothing to tell, or no agreement to be compared": 1,
    }  # fmt: skip
    assert world.rows("select count(*) from personal.nudge") == [(0,)]


def test_one_household_has_its_words_and_a_row_in_its_log(world: World) -> None:
    good, _, _, none = world.people[:4]
    ran = borough(world, "nudges", "preview", "--period", MONTH.key, "--tenancy", str(good.tenancy_id))
    assert ran.returncode == 0
    assert "Well done!" in ran.stdout
    assert "Reading grade" in ran.stdout
    logged = world.rows("select action from personal.access where tenancy_id = %s", good.tenancy_id)
    assert logged == [("an operator looked what a note would say",)]
    ran = borough(world, "nudges", "preview", "--period", MONTH.key, "--tenancy", str(none.tenancy_id))
    assert ran.returncode == 1
    assert "is told nothing" in ran.stderr


@pytest.mark.parametrize("period", ["2026-W07", "February", ""])
def test_what_is_no_month_is_refused(world: World, period: str) -> None:
    ran = borough(world, "nudges", "preview", "--period", period)
    assert ran.returncode == 2
    assert "2026-02" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_explain_shows_a_nudge_with_what_it_rests_on_and_what_became_of_it(world: World) -> None:
    world.look()
    good = world.people[0]
    (told,) = world.told(good)
    homes.give_consent(world.own, good.tenancy_id, "comparison", "page", world.now)
    document = json.loads(borough(world, "explain", str(good.home_id), MONTH.key, "--json").stdout)
    (one,) = document["nudges"]
    assert (one["text"], one["facts"]) == (told.text, told.facts)
    assert [message["state"] for message in one["messages"]] == ["waiting"]
    plain = borough(world, "explain", str(good.home_id), MONTH.key).stdout
    assert f"Nudge {told.id} (compare)" in plain
    assert "Well done!" in plain
    trial = world.trial({"nothing": good}, begins=MONTH.start)
    (one,) = json.loads(borough(world, "explain", str(good.home_id), MONTH.key, "--json").stdout)["nudges"]
    assert "text" not in one
    assert "facts" not in one
    world.own.execute("update personal.trial set ended_on = now() where id = %s", (trial,))
