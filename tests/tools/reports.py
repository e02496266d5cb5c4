"""Comparisons such as the rules allow, drawn or with given values, and the report of each."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

from analytics.energy.prices import load
from analytics.report.household import Report, report
from devices.homes import DWELLINGS, HEATING, TENURES, HomeDetails, Tenancy
from store.comparisons import Comparison, Neighbourhood

ENERGY = load()
HELP = "0800 000 0000, weekdays 9 to 5"
NEUTRAL = ("empty", "disconnected", "under-heated")
SUPPRESSED = (
    "no-consent",
    "coverage",
    "no-cell",
    "few-homes",
    "dominated",
    "other-origin",
    "tenancy",
    "something-new",
    "trial",
)
PERIODS = {
    "week": [(date(2026, 2, 9), date(2026, 2, 16)), (date(2025, 12, 29), date(2026, 1, 5))],
    "month": [(date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 7, 1), date(2026, 8, 1))],
    "four-weeks": [(date(2026, 1, 19), date(2026, 2, 16)), (date(2026, 6, 29), date(2026, 7, 27))],
}


def two_figures(watt_hours: int) -> int:
    """An average as the disclosure rules show it."""
    if watt_hours <= 0:
        return 0
    step = int(10 ** max(0, len(str(watt_hours)) - 2))
    return (watt_hours + step // 2) // step * step


def comparison(**given_values: Any) -> Comparison:
    """A flat's week of good electricity use, with other values where they are given."""
    values: dict[str, Any] = {
        "tenancy_id": 10000000000001, "home_id": 10000000000002, "kind": "week", "from_day": date(2026, 2, 9),
        "to_day": date(2026, 2, 16), "fuel": "electricity", "own": 52_340, "estimated_days": 0, "missing_days": 0,
        "before": 61_000, "state": "good", "reason": None, "average": 58_000, "efficient": 31_000, "homes": 100,
        "tenths": 3, "carbon": 9_264, "cost": 1_833, "tariff": "price cap of January to March 2026",
        "tariff_own": False, "revision": 1, "quarter": date(2026, 1, 1), "final": True,
    }  # fmt: skip
    return Comparison(**{**values, **given_values})


FLAT = HomeDetails("flat", "gas", tenure="council-rent")
NEAR = Neighbourhood(date(2026, 1, 1), "flat", "gas", None, "area-15", 30, 104, 640.0, 61.0)


def said(it: Comparison, details: HomeDetails = FLAT, near: Neighbourhood | None = NEAR, **more: Any) -> Report:
    """The report of a comparison."""
    return report(it, details, near, **{"help_line": HELP, "energy": ENERGY, **more})


@st.composite
def comparisons(
    draw: st.DrawFn,
    states: tuple[str, ...] = ("great", "good", "more", "above-zone", "neutral", "suppressed"),
    sights: tuple[str, ...] = ("all", "zone", "own"),
) -> Any:
    """Comparisons such as the rules allow: figures of others only where something is judged, states by the figures, and
    what a household in a trial may see."""
    kind = draw(st.sampled_from(sorted(PERIODS)))
    start, end = draw(st.sampled_from(PERIODS[kind]))
    state = draw(st.sampled_from(states))
    own = draw(st.integers(0, 3_000_000))
    values: dict[str, Any] = {
        "kind": kind, "from_day": start, "to_day": end, "quarter": date(start.year, (start.month - 1) // 3 * 3 + 1, 1),
        "fuel": draw(st.sampled_from(["electricity", "gas", "heat"])), "state": state, "own": own,
        "before": draw(st.none() | st.integers(0, 3_000_000)), "estimated_days": draw(st.integers(0, 31)),
        "missing_days": draw(st.integers(0, 3)), "carbon": draw(st.none() | st.integers(0, 10**6)),
        "cost": draw(st.none() | st.integers(0, 10**5)), "tariff_own": draw(st.booleans()),
        "revision": draw(st.sampled_from([1, 2])), "final": draw(st.booleans()),
        "average": None, "efficient": None, "homes": None, "tenths": None, "sight": draw(st.sampled_from(sights)),
    }  # fmt: skip
    if state == "neutral":
        values["reason"] = draw(st.sampled_from(NEUTRAL))
    elif state == "suppressed":
        values["reason"] = draw(st.sampled_from(SUPPRESSED))
        values["own"] = draw(st.none() | st.just(own))
        if values["reason"] == "trial":
            values.update(own=own, sight="own")
    elif state == "above-zone" or (state == "great" and values["sight"] == "zone"):
        zone = two_figures(draw(st.integers(0 if state == "great" else 1, 3_000_000)))
        own = draw(st.integers(0, zone) if state == "great" else st.integers(zone + 1, zone * 4 + 9))
        values.update(own=own, efficient=zone, sight="zone")
    else:
        values["sight"] = "all"
        average = two_figures(draw(st.integers(1, 3_000_000)))
        efficient = draw(st.none() | st.integers(0, average).map(two_figures))
        if state == "great":
            efficient = average if efficient is None else efficient
            own = draw(st.integers(0, efficient))
        elif state == "good":
            own = draw(st.integers(0 if efficient is None else min(efficient + 1, average), average))
        else:
            own = draw(st.integers(average + 1, average * 4))
        tenths = None if efficient is None else draw(st.integers(0, 10))
        values.update(own=own, average=average, efficient=efficient, homes=100, tenths=tenths)
    return comparison(**values)


def details() -> st.SearchStrategy[HomeDetails]:
    """Details of a home as the forms allow them."""
    return st.builds(
        HomeDetails,
        dwelling=st.sampled_from(DWELLINGS),
        heating=st.sampled_from(HEATING),
        tenure=st.none() | st.sampled_from(TENURES),
    )


def near() -> st.SearchStrategy[Neighbourhood | None]:
    """A neighbourhood of any reach and size, or none."""
    return st.none() | st.builds(
        Neighbourhood, st.just(date(2026, 1, 1)), st.sampled_from(DWELLINGS), st.sampled_from(HEATING), st.none(),
        st.sampled_from(["area-15", "area-30", "any-area", "few", "none"]), st.integers(20, 49), st.integers(20, 140),
        st.floats(0, 5_000), st.floats(20, 300),
    )  # fmt: skip


def tenancies() -> st.SearchStrategy[Tenancy | None]:
    """Who lives there, as far as it is known."""
    return st.none() | st.builds(
        Tenancy, st.just(1), st.just(2), st.just(date(2020, 1, 1)), occupants=st.none() | st.integers(0, 50),
        medical_equipment=st.none() | st.booleans(),
    )  # fmt: skip
