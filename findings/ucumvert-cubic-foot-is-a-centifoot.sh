#!/bin/sh
# ucumvert reads codes of UCUM into pint's units, and ships UCUM's own list of units (ucum-essence.xml). Some codes come
# out as another unit than that list says, without an error: the cubic foot as a centifoot (a length), the minute of arc
# as a minute of time, the nutrition Calorie as the thousandth of itself, the inch of mercury 0.28 % too low.
#
# Field: gas meters in cubic feet, barometers in inches of mercury, units of measurement of a SensorThings service.
# Version: ucumvert 0.3.2 with pint 0.25.3.
# Seen: each of the five codes against what the list in the package says of it (printed below).
# What we do: conversions are our own (devices/units.py); ucumvert judges them, and these codes are named there.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ucumvert==0.3.2 pint==0.25.3
"$folder/venv/bin/python" - <<'PYTHON'
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path

import ucumvert

print(f"ucumvert {version('ucumvert')}, pint {version('pint')}")
registry = ucumvert.PintUcumRegistry()
listed = {
    unit.get("Code"): unit.find("{*}value")
    for unit in ET.parse(Path(ucumvert.__file__).parent / "vendor/ucum-essence.xml").getroot().findall("{*}unit")
}


def differs(code: str) -> bool:
    """Whether a code is not the value and unit that the list gives for it; says both."""
    value = listed[code]
    said = (float(value.get("value")) * registry.from_ucum(value.get("Unit"))).to_base_units()
    read = registry.from_ucum(code).to_base_units()
    same = read.units == said.units and abs(read.magnitude / said.magnitude - 1) < 1e-5
    print(f"{code:10} is {value.get('value')} {value.get('Unit')} = {said:.7g}, read as {read:.7g}")
    return not same


if [code for code in ("[ft_i]", "[gal_br]", "m[Hg]", "cal_th") if differs(code)]:
    raise SystemExit("codes that were right are not any more: say so here")
codes = ("[cft_i]", "[cyd_i]", "'", "[Cal]", "[in_i'Hg]")
if right := [code for code in codes if not differs(code)]:
    raise SystemExit(f"read as the list says by now: {' '.join(right)}; say so here, and in tests/judges/units.py")
PYTHON
