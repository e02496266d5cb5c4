"""What others make of the same trials; run by the Python of `trial_judges`, which has them. JSON in, JSON out."""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any


def randomisation(case: dict[str, Any], draws: int, seed: int) -> dict[str, float]:
    """Effect and p of ritest, by homes within blocks, and how long it took [s]."""
    pandas, ritest = import_module("pandas"), import_module("ritest")
    rows = [
        {"home": home, "month": month, "block": case["block"][home], "arm": case["arm"][home], "use": use, "days": days,
         "year": case["prior"][home][0], "summer": case["prior"][home][1], "winter": case["prior"][home][2]}
        for home in range(len(case["arm"]))
        for month, (use, days) in enumerate(zip(case["use"][home], case["days"][home], strict=True))
        if days
    ]  # fmt: skip
    begun = time.perf_counter()
    found = ritest.ritest(
        df=pandas.DataFrame(rows), permute_var="arm", formula="use ~ arm + C(month) * (year + summer + winter)",
        stat="arm", cluster="home", strata="block", weights="days", reps=draws, seed=seed, ci_mode="none",
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    return {"effect": float(found.obs_stat), "p": float(found.pval), "draws": draws, "seconds": seconds}


def bounds(of: list[dict[str, float]]) -> list[dict[str, float]]:
    """Robbins' two-sided bound [standard errors] and its tuning by ville."""
    ville = import_module("ville._boundaries")
    found = []
    for one in of:
        tuning = float(ville.best_rho(one["best"], one["alpha"]))
        reach = float(ville.normal_mixture(one["clock"], one["alpha"], tuning))
        found.append({"tuning": tuning, "ville": reach / one["clock"] ** 0.5})
    return found


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(
        {
            "randomisation": [randomisation(case, asked["draws"], 1) for case in asked["randomisation"]],
            "bounds": bounds(asked["bounds"]),
        },
        sys.stdout,
    )
