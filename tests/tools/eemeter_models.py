"""eemeter's CalTRACK daily models of homes, asked in a process of its own: its libraries are older than ours.

Run by its own Python (`tests.tools.eemeter_peer`), so it imports nothing of this project. It reads JSON
from standard input (``zone``, ``first``, ``temperature`` [Cel] by local day, ``homes``: use [kWh] by local day, null
where it is not known, ``cooling``) and prints a JSON list: for each home its model, and the seconds that all took.
"""

import json
import sys
import time
import warnings

import eemeter
import numpy as np
import pandas as pd

warnings.simplefilter("ignore")


def main() -> None:
    asked = json.load(sys.stdin)
    days = pd.date_range(asked["first"], periods=len(asked["temperature"]) + 1, freq="D", tz=asked["zone"])
    days = pd.DatetimeIndex(days.tz_convert("UTC"), freq=None)
    hours = pd.date_range(days[0], days[-1], freq="h", inclusive="left")
    hours.freq = "H"
    # each hour has the day's mean: eemeter takes the first 24 hours of a day of 25, we take all
    of_day = np.searchsorted(days, hours, side="right") - 1
    celsius = np.array([np.nan if one is None else one for one in asked["temperature"]], float)[of_day]
    temperature = pd.Series(celsius * 1.8 + 32.0, index=hours)
    found, begun = [], time.perf_counter()
    for use in asked["homes"]:
        value = [np.nan if one is None else one for one in use]
        meter = pd.DataFrame({"value": [*value, np.nan]}, index=days)
        design = eemeter.create_caltrack_daily_design_matrix(meter, temperature)
        fitted = eemeter.fit_caltrack_usage_per_day_model(design, fit_cdd=asked["cooling"])
        model = fitted.model
        found.append(
            {"kind": None}
            if model is None
            else {
                "kind": model.model_type,
                "heating": model.model_params.get("heating_balance_point"),
                "cooling": model.model_params.get("cooling_balance_point"),
                "intercept": float(model.model_params["intercept"]),
                "b_h": float(model.model_params.get("beta_hdd", 0.0)),
                "b_c": float(model.model_params.get("beta_cdd", 0.0)),
                "r2": float(fitted.r_squared_adj),
            }
        )
    json.dump({"models": found, "seconds": time.perf_counter() - begun}, sys.stdout)


if __name__ == "__main__":
    main()
