"""Air: hourly means, running means, the UK Daily Air Quality Index and what it is compared with. Arrays in, arrays out.

docs/reference/air-index.md tells the rules and has test vectors; docs/decisions/012-air-alerts-movement.md the words.
`means` turns readings into hourly and 15-minute means with their capture, `running` those into running means, `index`
these into the index, `daily` hours into local days, which `exceedances` holds against the limit values of
`limits.toml`. `network` and `colocation` judge the monitors themselves, `patterns` is for looking.

Arrays of pollutants have them in the order of ``POLLUTANTS``. Concentrations are [ug/m3], of ``co`` [mg/m3]; instants
are int64 [us since the Unix epoch]; a missing mean is NaN, a missing index 0.
"""

from __future__ import annotations

from typing import Final

#: What a monitor may measure, in the order of all arrays; those of ``INDEXED``, the first five, have an index.
POLLUTANTS: Final = ("pm2_5", "pm10", "no2", "o3", "so2", "co", "pm1")
INDEXED: Final = POLLUTANTS[:5]
