"""`borough trial` as people run it, in a town of 200 homes: what it prints and refuses, and killed in the middle."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from analytics.trial import panel_csv, runner
from analytics.trial.report_facts import TEXTS
from store import contacts, nudges, outbox, trials
from store.connect import Connection
from store.nudges import Month, New
from tests.integration.trials.conftest import Borough
from tests.worlds import trial_town
from tests.worlds.trial_town import ZONE, Town


def test_design_assign_status_end(borough: Borough, connection: Connection, town: Town) -> None:
    said = borough("design", borough.design(town), "--dry-run")
    assert "201 homes can take part (real)." in said, "200, and the home whose hardship is over"
    assert "fewer than 15 homes cannot: no consent to evaluation." in said
    warned = borough("design", borough.design(town, target="0.1"), "--dry-run")
    assert re.search(r"^Warning: .*0\.1 ?%.* cannot be detected with these homes", warned, re.MULTILINE)
    able = borough("design", borough.design(town, target="20"), "--dry-run")
    assert "more than studies lead one to expect" in able
    assert "cannot be detected" not in able
    assert TEXTS["spillover"] in said
    assert TEXTS["eligibility"] not in said
    assert "Nothing was written." in said
    assert trials.all_trials(connection) == []

    file = borough.design(town)
    told = borough.json("design", file)
    assert (told["eligible"], told["not_eligible"]["short"]) == (201, None)
    assert 0.1 < told["smallest"] < 20
    (trial,) = trials.all_trials(connection)
    assert trial.design.arm_costs == (0, 0, 420)
    assert trial.design.fixed_cost == 120_000
    assert trial.design.notes == {"eligibility": "Homes that agreed."}
    assert trial.design.power["smallest"] == told["smallest"]
    assert trial.assigned_at is None
    assert "there is a trial winter already" in borough("design", file, status=2)

    dry = borough.json("assign", "winter", "--dry-run")
    assert len(trials.members(connection, trial.id).tenancy) == 0
    done = borough.json("assign", "winter", "--seed", dry["seed"])
    assert {**done, "dry_run": True} == dry, "the dry run says what the same seed draws"
    assert sum(done["arms"].values()) == 201
    members = trials.members(connection, trial.id)
    assert [int((members.arm == place).sum()) for place in range(3)] == list(done["arms"].values())
    assert "is once" in borough("assign", "winter", status=2)

    shown = borough.json("status", "winter")
    assert (shown["state"], shown["draw_agrees"], shown["hash"]) == ("assigned", True, done["hash"])
    assert [one["drawn"] for one in shown["homes"]] == list(done["arms"].values())
    assert [one["what"] for one in shown["events"]] == ["designed", "assigned"]
    assert "winter\tassigned\telectricity" in borough("status")

    assert "Nothing was changed." in borough("end", "winter", "--dry-run")
    assert borough.json("status", "winter")["state"] == "assigned"
    borough("end", "winter")
    assert borough.json("status", "winter")["state"] == "ended"
    assert "ended on" in borough("end", "winter", status=2)


def told(connection: Connection, tenancy: int, month: date) -> int:
    """A comparison that waits to be sent to a household: the number of its message."""
    now = datetime.now(UTC)
    contact = contacts.page(connection, origin="real", tenancy=tenancy)
    new = New(tenancy, "compare", Month(month, month + timedelta(days=28)), "electricity", {}, "S", "T", "<p>T</p>", [])
    number = nudges.put(connection, new, now)
    assert contact is not None
    assert number is not None
    message = outbox.put(
        connection, key="told", contact=contact, kind="nudge", origin="real", subject="S", text="T", due_at=now,
        tenancy=tenancy,
    )  # fmt: skip
    assert message is not None
    nudges.told(connection, number, [message], 1)
    return message


def test_what_members_may_not_see_is_taken_with_the_draw(borough: Borough, connection: Connection, town: Town) -> None:
    connection.execute(
        "insert into personal.comparison (tenancy_id, kind, from_day, fuel, home_id, own, estimated_days, missing_days,"
        " state, average, efficient, homes, tenths)"
        " select t.id, 'month', %s, 'electricity', t.home_id, 9000, 0, 0, 'good', 10000, 8000, 100, 4"
        " from personal.tenancy t where t.id = any(%s)",
        (town.begins, town.tenancies),
    )
    shown = "select count(*) from personal.comparison where average is not null"
    waits = told(connection, town.tenancies[0], town.begins)
    try:
        borough("design", borough.design(town))
        borough("assign", "winter", "--dry-run")
        assert connection.execute(shown.encode()).fetchone() == (len(town.tenancies),)
        borough("assign", "winter")
        seen = connection.execute(
            "select m.arm, bool_or(c.average is not null), bool_or(c.efficient is not null), bool_or(c.own is null)"
            " from personal.comparison c join personal.trial_member m using (tenancy_id) where c.from_day = %s"
            " group by m.arm order by m.arm",
            (town.begins,),
        ).fetchall()
        assert seen == [
            ("comparison", True, True, False),
            ("nothing", False, False, False),
            ("zone", False, True, False),
        ]
        state = connection.execute("select state from personal.message where id = %s", (waits,)).fetchone()
        assert state == ("withheld",), "what waited to be sent would reach a holdout a moment after the draw"
    finally:
        connection.execute("delete from personal.nudge")
        connection.execute("delete from personal.contact")
        connection.execute("delete from personal.comparison where from_day = %s", (town.begins,))


def test_a_draw_takes_nothing_yet_of_another_trial_whose_year_ends_later(
    borough: Borough, connection: Connection, town: Town
) -> None:
    other = town.odd["short"]
    trial_town.told(connection, other, "older")
    year_ends_with_the_first_day = (town.after.replace(year=town.after.year - 1),)
    connection.execute(
        "update personal.trial set name = 'older', arms = '{nothing,comparison-year}', begins = %s",
        year_ends_with_the_first_day,
    )
    connection.execute("update personal.trial_member set arm = 'comparison-year'")
    connection.execute(
        "insert into personal.comparison (tenancy_id, kind, from_day, fuel, home_id, own, estimated_days, missing_days,"
        " state, average, efficient, homes, tenths)"
        " select t.id, 'month', %s, 'electricity', t.home_id, 9000, 0, 0, 'good', 10000, 8000, 100, 4"
        " from personal.tenancy t where t.id = %s",
        (town.begins, other),
    )
    try:
        borough("design", borough.design(town))
        borough("assign", "winter")
        row = connection.execute("select average, sight from personal.comparison where tenancy_id = %s", (other,))
        assert row.fetchone() == (10000, "all")
    finally:
        connection.execute("delete from personal.comparison where from_day = %s", (town.begins,))


def test_a_changed_draw_is_a_finding(borough: Borough, connection: Connection, town: Town) -> None:
    trial_town.assigned(connection, town)
    assert "drawn again" not in borough("status", "winter")
    connection.execute("update personal.trial_member set block = block + 1")
    assert "cannot be confirmed" in borough("status", "winter", status=1)


def test_looks_are_told_and_noted(borough: Borough, connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    told = borough.json("look", "winter")
    said = borough("look", "winter")
    assert "no effect is shown yet" in said, "none was planted"
    assert {one["arm"] for one in told["looks"]} == {"zone", "comparison"}
    for one in told["looks"]:
        assert one["low"] < one["fixed_low"] < one["effect"] < one["fixed_high"] < one["high"]
    newest = [one for one in told["looks"] if one["month"] == told["month"]]
    noted = [event for event in trials.events(connection, trial.id) if event.what == "looked"]
    assert [event.detail for event in noted] == [{"month": told["month"], "looks": newest}] * 2
    connection.execute("update personal.trial set ended_on = begins")
    assert "ended before its first month" in borough("look", "winter", status=1)


def test_the_report_is_written_and_what_it_said_is_kept(borough: Borough, connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    borough("look", "winter")
    path = borough.folder / "report.html"
    for detail in ({"looks": [{"of": "another version"}]}, {}):
        trials.note(connection, trial.id, "looked", detail, datetime.now(UTC))
    told = borough.json("report", "winter", "--out", str(path))
    page = path.read_text()
    assert "winter" in page
    assert "a-seed" in page
    event = trials.events(connection, trial.id)[-1]
    assert (event.what, event.detail) == ("reported", told["report"])
    assert "looks: 2 noted by another version of the program cannot be read" in told["report"]["missing"]
    said = told["report"]["facts"]
    assert (said["draw_agrees"], said["erased"], said["target"]) == (True, [0, 0, 0], 2.0)
    assert sum(said["assigned"]) == len(town.tenancies)
    assert [one["month"] for one in said["looks"]] == [f"{town.newest}"] * 2
    days = (town.newest_end - town.begins).days
    fixed, homes = 1200 / 2 * 2, said["assigned"]
    assert said["cost"][0] == 0
    assert sum(said["cost"]) == pytest.approx(fixed + days / 365.25 * (3.00 * homes[1] + 4.20 * homes[2]))
    assert "No such file" in borough("report", "winter", "--out", str(borough.folder / "none" / "r.html"), status=2)
    assert [event.what for event in trials.events(connection, trial.id)][-1] == "reported"


def test_the_panel_is_given_under_the_trials_own_numbers(borough: Borough, connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    path = borough.folder / "panel.csv"
    path.write_text("old")
    assert "personal data" in borough("export-panel", "winter", "--out", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    rights = borough.folder.stat().st_mode
    assert "directory" in borough("export-panel", "winter", "--out", str(borough.folder), status=2)
    assert borough.folder.stat().st_mode == rights, "a folder stays one that can be opened"
    text = path.read_text()
    read, made = panel_csv.read(text), runner.panel(connection, trial, town.newest_end, ZONE)
    assert read.home.tolist() == made.home.tolist()
    np.testing.assert_array_equal(read.use, made.use)
    homes = connection.execute("select id::text from personal.home union select uprn from personal.home").fetchall()
    names = {*map(str, town.tenancies), *(one for (one,) in homes)}
    assert not names & set(re.split(r"[,\s]+", text))
    assert trials.events(connection, trial.id)[-1].what == "exported"
    assert "destroy" not in borough("status", "winter")
    connection.execute("delete from personal.trial_member where tenancy_id = %s", (town.tenancies[0],))
    assert "destroy those" in borough("status", "winter")


def test_nothing_is_told_of_few_homes(borough: Borough, connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    kept = trials.members(connection, trial.id).tenancy[:40].tolist()
    connection.execute("delete from personal.trial_member where tenancy_id <> all(%s)", (kept,))
    connection.execute(
        "update personal.trial_member set withdrew_on = %s where tenancy_id = %s", (town.begins, kept[0])
    )
    assert "nothing can be told yet" in borough("look", "winter", status=1)
    said = borough("status", "winter")
    assert "fewer than 15" in said
    assert [event.what for event in trials.events(connection, trial.id)] == ["designed", "assigned"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"begins": "2020-01-01"}, "is over or today"),
        ({"begins": "2027-01-02"}, "begins: must be the first day of a month"),
        ({"arms": "{zone = 1}"}, "arms: must have nothing, the control"),
        ({"oddity": "1"}, "oddity: is not known"),
        ({"arms": "{nothing = 20, comparison = 19}"}, "a block holds 34 at most"),
    ],
)
def test_a_design_that_makes_no_trial_is_refused(
    borough: Borough, town: Town, changes: dict[str, str], text: str
) -> None:
    assert text in borough("design", borough.design(town, **changes), status=2)


def test_what_cannot_be_asked_is_told(borough: Borough, connection: Connection, town: Town) -> None:
    assert "there is none yet" in borough("status", "winter", status=2)
    assert "in its place" in borough("design", status=2)
    assert "No such file" in borough("design", str(borough.folder / "none.toml"), status=2)
    assert "say them in it" in borough("design", borough.design(town), "--target", "1", status=2)
    assert "there is no trial" in borough("status", "winter\udcff", status=2)
    begins = str(town.after)
    told = borough.json(
        "design", "--name", "options", "--fuel", "electricity", "--begins", begins, "--arm", "nothing=1",
        "--arm", "comparison=2",
    )  # fmt: skip
    assert told["name"] == "options"
    assert "there are: options" in borough("assign", "winter", status=2)
    assert "has no members" in borough("look", "options", status=2)
    assert "nothing to end" in borough("end", "options", status=2)
    for seed in ("a b", "a\udcff", "a\x1b[2J"):
        assert "printable word without spaces" in borough("assign", "options", "--seed", seed, status=2)
    gas = ("--name", "gas", "--fuel", "gas", "--begins", begins, "--arm", "nothing=1", "--arm", "zone=1")
    assert "What it would find cannot be said" in borough("design", *gas)
    assert "0 homes can take part" in borough("assign", "gas", status=1)
    connection.execute("update personal.trial set begins = '2020-01-01' where name = 'options'")
    assert "before the first nudge" in borough("assign", "options", status=2)


def test_a_trial_does_not_end_on_a_day_of_another_zone(borough: Borough, connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    borough.environment["BOROUGH_TIME_ZONE"] = "Pacific/Kiritimati"
    for command in (("end", "winter"), ("status", "winter")):
        assert "the stored days of homes are of Europe/London" in borough(*command, status=1)
    found = trials.one(connection, trial.id)
    assert found is not None
    assert found.ended_on is None
