"""The trial's models by statsmodels, from the words of the decision: rows of a table, formulas and dummies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analytics.trial.panel import Panel

if TYPE_CHECKING:
    import pandas as pd


class Found(NamedTuple):
    """Effect and its standard error [kWh/day], the interval, p, and how many rows."""

    effect: float
    error: float
    low: float
    high: float
    p: float
    rows: int


def rows(panel: Panel, place: int) -> pd.DataFrame:
    """A row for each known household-month of an arm and the control."""
    import pandas as pd

    found = [
        (
            home,
            int(panel.arm[home] == place),
            month,
            panel.use[home, month],
            panel.days[home, month],
            *panel.prior[home],
        )
        for home in range(len(panel.home))
        if panel.arm[home] in {0, place}
        for month in range(len(panel.month))
        if not np.isnan(panel.use[home, month]) and panel.days[home, month] > 0
    ]
    return pd.DataFrame(found, columns=["home", "t", "month", "use", "days", "year", "summer", "winter"])


def post_only(table: pd.DataFrame, level: float = 0.95) -> Found:
    """use ~ t + month * (year + summer + winter), weighted by days, clustered by home."""
    import statsmodels.formula.api as smf

    model = smf.wls("use ~ t + C(month) * (year + summer + winter)", data=table, weights=table.days)
    return _found(model.fit(cov_type="cluster", cov_kwds={"groups": table.home.to_numpy()}), "t", level, len(table))


def differences(table: pd.DataFrame, level: float = 0.95) -> Found:
    """A dummy for every home and period. ``table``: home, period, use, days, d.

    statsmodels counts homes among what is estimated; they are nested in the clusters, so K is put right afterwards.
    """
    import pandas as pd
    from statsmodels.api import WLS

    dummies = [pd.get_dummies(table[name], dtype=float).to_numpy() for name in ("home", "period")]
    design = np.column_stack((table.d, dummies[0], dummies[1][:, 1:]))
    fit = WLS(table.use.to_numpy(), design, weights=table.days.to_numpy()).fit(
        cov_type="cluster", cov_kwds={"groups": table.home.to_numpy()}
    )
    count, columns = design.shape
    right = np.sqrt((count - columns) / (count - dummies[1].shape[1] - 1))
    found = _found(fit, 0, level, count)
    return found._replace(error=found.error * right)


def _found(fit: object, name: str | int, level: float, count: int) -> Found:
    ends = np.asarray(fit.conf_int(1 - level))  # type: ignore[attr-defined]  # statsmodels carries no types
    place = list(fit.params.index).index(name) if isinstance(name, str) else name  # type: ignore[attr-defined]
    params, errors, p = (np.asarray(part) for part in (fit.params, fit.bse, fit.pvalues))  # type: ignore[attr-defined]
    low, high = (float(end) for end in ends[place])
    return Found(float(params[place]), float(errors[place]), low, high, float(p[place]), count)
