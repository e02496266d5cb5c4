"""Parking's numbers the usual way: pandas, merges and groupby, for events among which no bay is stuck."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analytics.parking.arrays import DAY, Closed, Events, Int64
from tests.benchmarks.parking_town import QUARTER, Town


class Numbers(NamedTuple):
    """``times``, ``(bays, quarters, 3)``; rows of the others: ``spans`` bay, start, end, state; ``stays`` bay, arrival,
    departure, begins, ends, over from, over, suspended; ``counts`` used, outside, duplicates, conflicts, repeated."""

    times: Int64
    spans: Int64
    stays: Int64
    counts: Int64


def numbers(made: Town, some: Events) -> Numbers:
    """All of it, of one span of which nothing was known before."""
    events, counts = _readings(made, some)
    runs = _runs(made, events)
    suspended = _frame(made.suspended)
    stays = runs[runs["state"] == 1].drop(columns="state").reset_index(drop=True)
    return Numbers(_times(made, runs, suspended), _spans(made, runs), _over(made, stays, suspended), counts)


def _frame(closed: Closed) -> pd.DataFrame:
    return pd.DataFrame({"bay": closed.bay.astype(np.int64), "from": closed.start, "to": closed.end})


def _readings(made: Town, some: Events) -> tuple[pd.DataFrame, Int64]:
    """One value an instant, with when it stops to be known and why; and what was met on the way, by bay."""
    events = pd.DataFrame({"bay": some.bay, "device": some.device, "time": some.time, "value": some.value})
    links = pd.DataFrame(made.links._asdict())
    events = events.merge(links, on=["bay", "device"], how="left")
    inside = (events["time"] >= events["start"]) & (events["time"] < events["end"])
    outside = (~inside).groupby(events["bay"]).sum()
    events = events[inside].sort_values(["bay", "time", "value"])
    twice = events.duplicated(["bay", "time"])
    same = events.duplicated(["bay", "time", "value"])
    conflicts = (twice & ~same).groupby(events["bay"]).sum()
    duplicates = (twice & same).groupby(events["bay"]).sum()
    events = events[~twice].drop(columns=["start"])

    bays = events.groupby("bay", sort=False)
    following = bays["time"].shift(-1, fill_value=made.end)
    silent = events["time"] + events["bay"].map(pd.Series(made.table.limit))
    events["until"] = np.minimum(np.minimum(following, events["end"]), silent).astype(np.int64)
    events["why"] = np.select(
        [events["until"] == following, events["until"] == silent], [np.where(following == made.end, 4, 0), 1], 2
    )
    before = events.groupby(["bay", "device"], sort=False)[["value", "until", "time"]].shift()
    known = before["until"] == events["time"]
    events["goes_on"] = known & (before["value"] == events["value"])
    events["certain"] = known & (before["value"] == 0)
    heartbeat = events["bay"].map(pd.Series(made.table.heartbeat))
    after_arrival = ~events.groupby("bay", sort=False)["goes_on"].shift(fill_value=False)
    soon = (heartbeat <= 0) | ((5 * (events["time"] - before["time"]) < 4 * heartbeat) & ~after_arrival)
    repeated = (events["goes_on"] & (events["value"] == 1) & soon).groupby(events["bay"]).sum()
    counts = pd.DataFrame({
        "used": bays.size(), "outside": outside, "duplicates": duplicates, "conflicts": conflicts, "repeated": repeated,
    })  # fmt: skip
    return events, counts.reindex(range(len(made.table.zone)), fill_value=0).fillna(0).to_numpy(np.int64)


def _runs(made: Town, events: pd.DataFrame) -> pd.DataFrame:
    """Longest runs of a known state of a sensor: bay, state, start, end, how it begins (0: by a reading) and ends."""
    runs = events.groupby((~events["goes_on"]).cumsum(), sort=False)
    found = runs.agg(
        bay=("bay", "first"), state=("value", "first"), start=("time", "first"), end=("until", "last"),
        begins=("certain", "first"), ends=("why", "last"),
    )  # fmt: skip
    if (found["end"] - found["start"]).max() >= 28 * DAY:
        raise ValueError("a bay is stuck, of which nothing is known here")
    return found.assign(begins=(~found["begins"]).astype(np.int64), state=found["state"].astype(np.int64))


def _spans(made: Town, runs: pd.DataFrame) -> Int64:
    """All time of all bays: runs, and what is unknown before, between and after them."""
    bays = pd.DataFrame({"bay": np.arange(len(made.table.zone))})
    ahead = pd.concat([bays.assign(end=made.start), runs[["bay", "end"]]]).sort_values(["bay", "end"])
    behind = pd.concat([runs[["bay", "start"]], bays.assign(start=made.end)]).sort_values(["bay", "start"])
    gaps = pd.DataFrame(
        {"bay": ahead["bay"].array, "start": ahead["end"].array, "end": behind["start"].array, "state": 2}
    )
    gaps = gaps[gaps["start"] < gaps["end"]]
    spans = pd.concat([runs[["bay", "start", "end", "state"]], gaps]).sort_values(["bay", "start"])
    found: Int64 = spans.to_numpy(np.int64)
    return found


def _times(made: Town, runs: pd.DataFrame, suspended: pd.DataFrame) -> Int64:
    """Occupied, free and suspended time by bay and quarter hour."""
    bays, quarters = len(made.table.zone), (made.end - made.start) // QUARTER
    found = np.zeros((bays, quarters, 3), np.int64)
    both = runs.merge(suspended, on="bay")
    both["start"], both["end"] = both[["start", "from"]].max(axis=1), both[["end", "to"]].min(axis=1)
    both = both[both["start"] < both["end"]]
    closed = suspended.assign(start=suspended["from"], end=suspended["to"].clip(upper=made.end))
    for place, rows, sign in (
        (0, runs[runs["state"] == 1], 1), (1, runs[runs["state"] == 0], 1),
        (0, both[both["state"] == 1], -1), (1, both[both["state"] == 0], -1), (2, closed, 1),
    ):  # fmt: skip
        sums = _by_quarter(rows, made.start)
        found[sums.index.get_level_values(0), sums.index.get_level_values(1), place] += sign * sums.to_numpy()
    return found


def _by_quarter(rows: pd.DataFrame, start: int) -> pd.Series[int]:
    """Time of intervals by bay and quarter hour, by one row for each quarter hour that they touch."""
    first = (rows["start"] - start) // QUARTER
    last = (rows["end"] - start - 1) // QUARTER
    sizes = (last - first + 1).to_numpy()
    long = pd.DataFrame({"bay": rows["bay"], "start": rows["start"], "end": rows["end"], "first": first})
    long = long.loc[long.index.repeat(sizes)]
    long["quarter"] = long["first"] + long.groupby(level=0, sort=False).cumcount()
    begin = start + long["quarter"] * QUARTER
    long["time"] = np.minimum(long["end"], begin + QUARTER) - np.maximum(long["start"], begin)
    return long.groupby(["bay", "quarter"], sort=False)["time"].sum()


def _over(made: Town, stays: pd.DataFrame, suspended: pd.DataFrame) -> Int64:
    """Stays with their time over and suspended time."""
    active = _active(made, suspended)
    stays["stay"] = stays.index
    stays["regime"] = stays["bay"].map(pd.Series(made.table.regime))
    # each restriction lies in one day
    days = stays[["stay", "bay", "start", "end"]].assign(day=stays["start"] // DAY)
    days = days.loc[days.index.repeat(stays["end"] // DAY - days["day"] + 1)]
    days["day"] += days.groupby(level=0, sort=False).cumcount()
    pairs = days.merge(active, on=["bay", "day"])
    clock = np.maximum(pairs["stretch"], pairs["start"])
    pairs["since"] = np.maximum(pairs["begin"], clock + pairs["maximum"])
    pairs["time"] = np.minimum(pairs["stop"], pairs["end"]) - pairs["since"]
    late = pairs[(pairs["time"] > 0) & (pairs["maximum"] >= 0)].groupby("stay")
    over = late.agg(since=("since", "min"), time=("time", "sum"))
    stays["since"] = stays["stay"].map(over["since"]).fillna(-1).astype(np.int64)
    stays["over"] = stays["stay"].map(over["time"]).fillna(0).astype(np.int64)
    both = stays.merge(suspended, on="bay")
    time = np.minimum(both["end"], both["to"]) - np.maximum(both["start"], both["from"])
    closed = time.clip(lower=0).groupby(both["stay"]).sum()
    stays["suspended"] = stays["stay"].map(closed).fillna(0).astype(np.int64)
    found: Int64 = stays[["bay", "start", "end", "begins", "ends", "since", "over", "suspended"]].to_numpy(np.int64)
    return found


def _active(made: Town, suspended: pd.DataFrame) -> pd.DataFrame:
    """When restrictions hold, bay by bay, with the beginning of each stretch."""
    hours = pd.DataFrame({
        "regime": np.repeat(np.arange(len(made.hours.offsets) - 1), np.diff(made.hours.offsets)),
        "begin": made.hours.start, "stop": made.hours.end, "maximum": made.hours.maximum,
    })  # fmt: skip
    bays = pd.DataFrame({"bay": np.arange(len(made.table.regime)), "regime": made.table.regime})
    active = bays.merge(hours, on="regime")[["bay", "begin", "stop", "maximum"]]
    for closed in (suspended, _frame(made.permits)):
        # each closure cuts what it meets: one after the other of a bay
        for _, turn in closed.groupby(closed.groupby("bay").cumcount()):
            active = active.merge(turn, on="bay", how="left")
            met = (active["from"] < active["stop"]) & (active["to"] > active["begin"])
            before, after, whole = active[met].copy(), active[met].copy(), active[~met]
            before["stop"], after["begin"] = before["from"], after["to"]
            active = pd.concat([whole, before, after])[["bay", "begin", "stop", "maximum"]]
            active = active[active["begin"] < active["stop"]].astype(np.int64)
    active = active.sort_values(["bay", "begin"])
    new = active["begin"] != active.groupby("bay")["stop"].shift()
    active["stretch"] = active.groupby(new.cumsum())["begin"].transform("first")
    return active.assign(day=active["begin"] // DAY)
