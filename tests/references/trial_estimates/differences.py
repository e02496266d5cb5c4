"""What pyfixest says of the panels beside this file: one line of CSV for each arm.

It needs pyfixest and pandas, in an environment of their own. Run in this folder:
``python differences.py > differences.csv``
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pyfixest as pf  # type: ignore[import-not-found]  # an environment of its own has it

print("case,arm,way,effect,error")
for file in sorted(Path().glob("*-*.csv")):
    with file.open(newline="") as text:
        panel = list(csv.DictReader(text))
    arm_name = next(name for name in panel[0] if name.startswith("arm"))
    months = [name.removeprefix("use ") for name in panel[0] if name.startswith("use ")]
    for arm in dict.fromkeys(row[arm_name] for row in panel if row[arm_name] != "nothing"):
        rows = []
        for home in panel:
            seen = [month for month in months if home[f"use {month}"] and float(home[f"days {month}"])]
            if home[arm_name] not in {arm, "nothing"} or home["filled year"] == "1" or not seen:
                continue
            rows.append((home["home"], "before", float(home["prior year"]), 365.25, 0.0))
            treated = float(home[arm_name] == arm)
            rows += [(home["home"], m, float(home[f"use {m}"]), float(home[f"days {m}"]), treated) for m in seen]
        data = pd.DataFrame(rows, columns=["home", "period", "use", "days", "d"])
        fit = pf.feols("use ~ d | home + period", data, vcov={"CRV1": "home"}, weights="days", fixef_tol=1e-13)
        effect, error = float(fit.coef()["d"]), float(fit.se()["d"])
        print(f"{file.stem},{arm},feols CRV1,{effect!r},{error!r}")
