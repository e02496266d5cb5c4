#!/bin/sh
# Running means by pandas, polars, DuckDB and NumPy's cumsum, on the wrong side of a rounding.
#
# Field: an air quality index is the band of a running mean that is rounded half up to a whole.
# Versions: pandas 3.1.1, polars 2.1.0, DuckDB 2.0.1, NumPy 2.4.6.
# Seen: of 4,379,500 eight-hour means of readings with one decimal (500 monitors, a year), held against whole tenths,
# each of the four rounds some to another whole and puts some into another band where its mean is taken as it comes;
# DuckDB's window of doubles too. After rounding to 6 decimals none does. NumPy's rint and round() of most languages
# take halves to the even neighbour, which is another index wherever a bound is even: that is no matter of sums.
# What follows: ours sums each window by itself and allows for what lies within 1e-10 of a half.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pandas==3.1.1 polars==2.1.0 duckdb==2.0.1 pyarrow
"$folder/venv/bin/python" - <<'PYTHON'
import duckdb
import numpy as np
import pandas as pd
import polars as pl

MONITORS, HOURS = 500, 8766
BOUNDS = np.array([33, 66, 100, 120, 140, 160, 187, 213, 240])
tenths = np.random.default_rng(8).gamma(3, 200, (MONITORS, HOURS)).astype(np.int64)
values = tenths / 10

windows = np.lib.stride_tricks.sliding_window_view(tenths, 8, axis=1).sum(axis=2)
whole = (windows + 40) // 80  # tenths of eight hours, rounded half up
index = np.searchsorted(BOUNDS, whole) + 1


def of_numpy():
    total = np.concatenate(([0.0], np.cumsum(values.ravel())))
    flat = np.full(values.size, np.nan)
    flat[7:] = (total[8:] - total[:-8]) / 8
    return flat.reshape(values.shape)[:, 7:]


def of_pandas():
    return pd.DataFrame(values.T).rolling(8).mean().to_numpy().T[:, 7:]


def of_polars():
    frame = pl.DataFrame(values.T, schema=[str(column) for column in range(MONITORS)], orient="row")
    return frame.select(pl.all().rolling_mean(8)).to_numpy().T[:, 7:]


def of_duckdb():
    monitor, hour = np.indices(values.shape)
    rows = pd.DataFrame({"monitor": monitor.ravel(), "hour": hour.ravel(), "value": values.ravel()})
    found = duckdb.sql(
        "select avg(value) over (partition by monitor order by hour rows between 7 preceding and current row) mean"
        " from rows order by monitor, hour"
    ).df()
    return found["mean"].to_numpy().reshape(values.shape)[:, 7:]


print(f"{whole.size:,} eight-hour means")
for name, means in (("numpy cumsum", of_numpy), ("pandas", of_pandas), ("polars", of_polars), ("duckdb", of_duckdb)):
    mean = means()
    theirs = np.floor(mean + 0.5).astype(np.int64)
    other = int((theirs != whole).sum())
    band = int((np.searchsorted(BOUNDS, theirs) + 1 != index).sum())
    rounded = int((np.floor(np.round(mean, 6) + 0.5).astype(np.int64) != whole).sum())
    print(f"{name}: {other:,} other wholes, {band:,} other indices; after rounding to 6 decimals {rounded}")
    assert band > 0 == rounded, "it has changed: say so here"
even = int((np.rint(windows / 80).astype(np.int64) != whole).sum())
print(f"rint of exact means: {even:,} other wholes")
assert even > 0
PYTHON
