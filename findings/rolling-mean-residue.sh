#!/bin/sh
# The running mean of pandas carries rounding residues along: a mean that is 50.5 comes out as 50.49999999999999, and
# rounds down where the rule says up.
#
# Field: air quality indices are bands of running means, rounded half up.
# Versions: pandas 3.1.1 with the NumPy that it brings along.
# Seen: of sixteen hours with one decimal the last eight-hour mean is below 50.5 by rolling().mean(), and 50.5 when the
# same eight values are averaged alone; the first rounds half up to 50, the second to 51. The window's sum is kept by
# adding and taking away. After rounding to six decimals both agree.
# What follows: running means are made of whole tenths, or rounded before they are judged.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1
"$folder/venv/bin/python" - <<'PYTHON'
import math

import pandas as pd

hours = pd.Series(
    [22.0, 119.0, 59.4, 19.7, 68.8, 22.8, 22.9, 110.5, 6.8, 49.5, 30.8, 20.0, 172.0, 26.4, 86.3, 12.2]
)
rolling = float(hours.rolling(8).mean().iloc[-1])
alone = float(hours.iloc[-8:].mean())
print(f"pandas {pd.__version__}: rolling {rolling!r}, the same eight hours alone {alone!r}")
assert (math.floor(rolling + 0.5), math.floor(alone + 0.5)) == (50, 51), "it has changed: say so here"
assert round(rolling, 6) == alone
PYTHON
