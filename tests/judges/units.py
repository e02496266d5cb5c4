"""Judge of UCUM codes: a parser of others reads each of ours, and converts as we do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

from devices.families import FAMILIES
from devices.units import UCUM
from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import pypi

#: Reads lists of a code, the code that all of its dimension are told in, and a value; prints what that value is in it.
_CONVERT = """
import json, sys
from ucumvert import PintUcumRegistry
registry = PintUcumRegistry()
for line in sys.stdin:
    code, base, value = json.loads(line)
    try:
        one = registry.from_ucum(code)
        told = registry.Quantity(value * one.magnitude, one.units).to(registry.from_ucum(base).units).magnitude
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
    print(json.dumps(told))
"""
_VALUES = (0.0, 1.0, 100.0)
#: pint's column of mercury is of another density than UCUM's 133.322 kPa a metre: 3 in a million.
_CLOSE = 1e-5
#: What it reads otherwise than UCUM's own list says (findings/ucumvert-cubic-foot-is-a-centifoot.sh).
_MISREAD = {"[cft_i]", "[in_i'Hg]"}


def bases() -> Mapping[str, str]:
    """Dimension -> the unit that its units' scales are in."""
    found: dict[str, str] = {}
    for code, unit in UCUM.items():
        if unit.scale == 1 and not unit.zero:
            found.setdefault(unit.dimension, code)
    return found


def check_codes(place: Place) -> Verdict:
    """Every code that we read or serve; those of properties are among them."""
    base = bases()
    codes = sorted({*UCUM, *(item.unit for family in FAMILIES.values() for item in family.properties.values())})
    asked = [(code, base[UCUM[code].dimension], value) for code in codes for value in _VALUES]
    done = subprocess.run(
        [place.had["ucumvert"] / "bin/python", "-c", _CONVERT],
        input="".join(f"{json.dumps(one)}\n" for one in asked), capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    problems: list[str] = []
    misread: set[str] = set()
    for (code, to, value), told in zip(asked, map(json.loads, done.stdout.splitlines()), strict=True):
        ours = float((value - UCUM[code].zero) * UCUM[code].scale)
        if isinstance(told, str) or abs(told - ours) > _CLOSE * max(abs(ours), abs(told)) + 1e-12:
            misread.add(code)
            if code not in _MISREAD:
                problems.append(f"{value} {code}: {told} {to}, and {ours} by devices.units")
    problems += [f"{code} is read as UCUM says by now: take it out of this judge" for code in _MISREAD - misread]
    return Verdict(len(codes), "codes", tuple(problems))


JUDGES: tuple[Judge, ...] = (Judge("UCUM codes (ucumvert)", "0.3.2", (pypi("ucumvert", "0.3.2"),), check_codes),)
