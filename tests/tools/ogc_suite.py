"""OGC's suite for SensorThings (``org.opengis.cite:ets-sta10:1.5`` of Maven Central, Java 17), run by TestNG itself.

It asks for one thing that its own version of org.json forbids: since 1.5 it has 20240303, whose ``getString`` refuses a
number, and the filter class reads the number that it stored as a result with it. So it runs with the org.json that it
was written for, 20090211 (the pom names it beside the suite):

    mvn dependency:copy-dependencies -DoutputDirectory=FOLDER     # of a pom.xml with these two dependencies

``BOROUGH_TEST_OGC_SUITE`` names the folder of its jars. The class that creates, updates and deletes is not run: that is
not served.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest

VARIABLE = "BOROUGH_TEST_OGC_SUITE"
SUITE, JSON = "org.opengis.cite:ets-sta10:1.5", "org.json:json:20090211"

#: The suite's own packages by what they test, the level that unlocks them, and how many tests each has.
Class = Literal["core", "filter"]
_PACKAGES: dict[Class, tuple[str, int, int]] = {
    "core": ("sensingCore", 1, 6),
    "filter": ("filteringExtension", 3, 8),
}


class Outcome(NamedTuple):
    """``passed``: names of tests; ``problems``: a line for each that did not, or was not run."""

    passed: list[str]
    problems: list[str]


def find_suite() -> Path:
    """The folder of its jars; skips where there is none or no Java."""
    jars = os.environ.get(VARIABLE)
    if jars is None or shutil.which("java") is None:
        pytest.skip(f"{VARIABLE} names no folder with the jars of OGC's suite, or there is no Java")
    return Path(jars)


def judge(jars: Path, root: str, which: Class, folder: Path) -> Outcome:
    """Run one class of the suite against the service root (``…/v1.1``); ``folder`` is for what it writes."""
    package, level, count = _PACKAGES[which]
    folder.mkdir(parents=True, exist_ok=True)
    suite = folder / "suite.xml"
    suite.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE suite SYSTEM "https://testng.org/testng-1.0.dtd">\n'
        f'<suite name="sensorthings" configfailurepolicy="continue"><parameter name="iut" value="{escape(root)}"/>'
        f'<parameter name="ics" value="{level}"/>'
        '<listeners><listener class-name="org.opengis.cite.sta10.SuiteFixtureListener"/></listeners>'
        f'<test name="{which}"><packages><package name="org.opengis.cite.sta10.{package}"/></packages></test></suite>\n'
    )
    done = subprocess.run(
        ["java", "-cp", f"{jars}/*", "org.testng.TestNG", "-d", str(folder / "out"), str(suite)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    results = folder / "out" / "testng-results.xml"
    if not results.exists():
        return Outcome([], [f"the suite did not run: {line}" for line in done.stderr.strip().splitlines()[-1:]])
    passed, problems = [], []
    for method in ET.parse(results).iter("test-method"):
        if method.get("is-config") == "true":
            continue  # what it makes before; what it would delete afterwards is not served
        name = str(method.get("name"))
        if method.get("status") == "PASS":
            passed.append(name)
        else:
            text = " ".join((method.findtext("exception/message") or "without a word").split())
            problems.append(f"{name}: {method.get('status')}: {text[:600]}")
    if len(passed) + len(problems) < count:
        problems.append(f"{len(passed) + len(problems)} of {count} tests were run")
    return Outcome(passed, problems)
