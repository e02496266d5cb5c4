"""The air quality index the usual way: pandas, rolling means by time, rounded to 6 decimals before they are judged."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.air import POLLUTANTS
from analytics.air.index import BOUNDS, WINDOWS, Index
from store.batch import Float64


def records(mean: Float64) -> pd.DataFrame:
    """Hours as they stand in a table, a row for each that is there: monitor, pollutant, time, mean."""
    monitor, pollutant, hour = np.nonzero(np.isfinite(mean))
    time = pd.Timestamp("2026-01-01") + pd.to_timedelta(hour, unit="h")
    return pd.DataFrame({
        "monitor": monitor, "pollutant": pollutant, "hour": hour, "time": time,
        "mean": mean[monitor, pollutant, hour],
    })  # fmt: skip


def by_records(rows: pd.DataFrame) -> Index:
    """Group by monitor and pollutant, roll by time; ``(monitors, 4, hours)``.

    An hour that is missing has no row, and so no running mean: each group is given all its hours first.
    """
    hours = int(rows["hour"].max()) + 1
    found = np.zeros((int(rows["monitor"].max()) + 1, len(WINDOWS), hours), np.int8)
    every = pd.date_range("2026-01-01", periods=hours, freq="h")
    for place, (pollutant, (window, needed)) in enumerate(WINDOWS.items()):
        of_one = rows[rows["pollutant"] == POLLUTANTS.index(pollutant)]
        full = of_one.set_index("time").groupby("monitor")["mean"].apply(lambda series: series.reindex(every))
        rolled = full.reset_index(level=0).groupby("monitor")["mean"].rolling(f"{window}h", min_periods=needed).mean()
        found[:, place] = _index(rolled, pollutant).to_numpy(np.int8).reshape(-1, hours)
    return found


def by_columns(mean: Float64) -> Index:
    """A wide frame for each pollutant, a column for each monitor; ``(monitors, 4, hours)``."""
    found = np.zeros((mean.shape[0], len(WINDOWS), mean.shape[2]), np.int8)
    for place, (pollutant, (window, needed)) in enumerate(WINDOWS.items()):
        frame = pd.DataFrame(mean[:, POLLUTANTS.index(pollutant)].T)
        rolled = frame.rolling(window, min_periods=needed).mean()
        found[:, place] = rolled.apply(_index, pollutant=pollutant).to_numpy(np.int8).T
    return found


def _index(means: pd.Series[float], pollutant: str) -> pd.Series[int]:
    whole = np.floor(means.round(6) + 0.5)
    edges = [-np.inf, *BOUNDS[pollutant], np.inf]
    return pd.cut(whole, edges, labels=False).fillna(-1).astype(np.int8) + 1
