"""Judges that tests of ours already ask: a row runs those tests with what the judge needs, and counts them.

A test that was skipped has not judged: it is told as a problem with its reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from scripts.parts import PROMTOOL
from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import JAVA, Need, NotHad, debian, golang, maven, npm, program, pypi, repository, starter
from tests.tools.containers.daemon import missing

ROOT = Path(__file__).resolve().parents[2]
_DTRO = repository("department-for-transport-public/D-TRO")
_MAILPIT = golang("github.com/axllent/mailpit@v1.33.1", name="mailpit")
_PROMTOOL = debian("promtool", has="usr/bin/promtool")
_VERAPDF = maven("org.verapdf.apps:greenfield-apps:1.28.2", name="veraPDF")
_TABLES = pypi("duckdb", "2.0.1", "polars==2.1.0", "pyarrow==26.0.1", name="tables")
_GDAL = starter(
    debian("gdal-bin", has="usr/bin/ogrinfo"), "usr/bin/ogrinfo", GDAL_DATA="usr/share/gdal", PROJ_DATA="usr/share/proj"
)


def _settle_office(making: Path, tree: Path) -> None:
    """What LibreOffice's packages do where they are installed, and that it looks for itself where it stands."""
    share, where = making / "usr/lib/libreoffice/share", making / "usr/lib/libreoffice/program/fundamentalrc"
    (share / "registry/main.xcd").unlink()
    shutil.copy(share / ".registry/main.xcd", share / "registry/main.xcd")
    where.write_text(where.read_text().replace("file:///usr/", f"file://{tree}/usr/"))


_OFFICE = starter(
    debian("libreoffice-calc-nogui", has="usr/bin/soffice", change=_settle_office),
    "usr/lib/libreoffice/program/soffice.bin", folder="usr/lib/libreoffice/program",
    again=81,  # after it has made a profile
)  # fmt: skip
_AXE = npm("axe-core", "4.14.0")
_VNU = npm("vnu-jar", "26.9.27")
_CHROMIUM = program("chromium", "install chromium")


def _can_contain(folder: Path) -> Path:
    if reason := missing():
        raise NotHad(reason)
    return folder


CONTAINERS = Need("containers", _can_contain)


def tests(
    paths: Sequence[str], what: str, settings: Callable[[Mapping[str, Path]], dict[str, Path]]
) -> Callable[[Place], Verdict]:
    """A judge's run: pytest over ``paths`` of this checkout, with variables that ``settings`` makes of what was had."""

    def run(place: Place) -> Verdict:
        report = place.folder / "report.xml"
        values = {name: str(path) for name, path in settings(place.had).items()}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *paths]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **values}, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if not report.exists():
            return Verdict(0, what, (f"pytest ended with {done.returncode}: {(done.stdout + done.stderr)[-1000:]}",))
        return of_report(report.read_bytes(), what)

    return run


def of_report(report: bytes, what: str) -> Verdict:
    """What a report in JUnit's form says: tests that ran, and those that failed or were skipped."""
    problems, judged = [], 0
    for case in ET.fromstring(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        judged += not any(child.tag == "skipped" for child in bad)
        problems += [f"{name} {child.tag}: {_short(child.get('message') or '')}" for child in bad]
    return Verdict(judged, what, tuple(problems))


def _short(message: str) -> str:
    """In a line; of a long one how it begins and ends: a program's last words say why."""
    line = " ".join(message.split())
    return line if len(line) <= 500 else f"{line[:200]} … {line[-300:]}"


def _schema(had: Mapping[str, Path]) -> dict[str, Path]:
    """The newest version's schema; the department moves its folder at each release."""
    (schema,) = had[_DTRO.name].glob("*/D-TRO-v4.0.0-schema.json")
    return {"BOROUGH_TEST_DTRO_SCHEMA": schema}


def _promtool(had: Mapping[str, Path]) -> dict[str, Path]:
    return {PROMTOOL: had["promtool"] / "usr/bin/promtool"}


def _mailpit(had: Mapping[str, Path]) -> dict[str, Path]:
    return {"BOROUGH_TEST_MAILPIT": had["mailpit"]}


def _verapdf(had: Mapping[str, Path]) -> dict[str, Path]:
    return {"BOROUGH_TEST_VERAPDF": had["veraPDF"]}


def _tables(had: Mapping[str, Path]) -> dict[str, Path]:
    return {"BOROUGH_TEST_CLIENTS": had["tables"] / "bin/python"}


def _gdal(had: Mapping[str, Path]) -> dict[str, Path]:
    return {"BOROUGH_TEST_OGRINFO": had["gdal-bin"]}


def _office(had: Mapping[str, Path]) -> dict[str, Path]:
    return {"BOROUGH_TEST_SOFFICE": had["libreoffice-calc-nogui"]}


def _axe(had: Mapping[str, Path]) -> dict[str, Path]:
    return {
        "BOROUGH_TEST_AXE": had["axe-core"] / "node_modules/axe-core/axe.min.js",
        "BOROUGH_TEST_HTML_CHECKER": had["vnu-jar"] / "node_modules/vnu-jar/build/dist/vnu.jar",
    }


def _containers(_: Mapping[str, Path]) -> dict[str, Path]:
    return {"BOROUGH_TEST_CONTAINERS": Path("1")}


_DTRO_TESTS = ("tests/unit/devices/test_dtro_reading.py", "tests/unit/devices/test_dtro_writing.py")
_EXPORTS = "tests/integration/test_exports_clients.py"
_STATES = (
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "tests/acceptance").glob("test_*_axe.py"))),
    "tests/acceptance/test_parking_page.py",
    "tests/unit/dashboard/test_air_alert_mail.py",
)

JUDGES: tuple[Judge, ...] = (
    Judge("D-TRO schema and examples", "4.0.0", (_DTRO,), tests(_DTRO_TESTS, "tests", _schema)),
    Judge(
        "promtool, rules and metrics", "2.53", (_PROMTOOL,),
        tests(["tests/integration/test_prometheus.py"], "tests", _promtool),
    ),
    Judge("Mailpit", "1.33.1", (_MAILPIT,), tests(["tests/integration/test_outbox_mailpit.py"], "tests", _mailpit)),
    Judge(
        "veraPDF, every letter", "1.28.2", (JAVA, _VERAPDF),
        tests(["tests/unit/borough/test_letters.py"], "tests", _verapdf),
    ),
    Judge(
        "DuckDB and polars", "2.0.1, 2.1.0", (_TABLES,),
        tests([f"{_EXPORTS}::test_duckdb", f"{_EXPORTS}::test_polars"], "tests", _tables),
    ),
    Judge(
        "GDAL", "3.10", (_GDAL,),
        tests([f"{_EXPORTS}::test_gdal_finds_every_device_where_it_is"], "tests", _gdal),
    ),
    Judge(
        "LibreOffice", "25.2", (_OFFICE,),
        tests([f"{_EXPORTS}::test_libreoffice_with_the_ids_as_text"], "tests", _office),
    ),
    Judge(
        "axe and the HTML checker, every state", "4.14.0", (JAVA, _VNU, _AXE, _CHROMIUM),
        tests(_STATES, "tests", _axe),
    ),
    Judge(
        "Docker and Compose", "of Debian", (CONTAINERS,),
        tests(["tests/acceptance/test_containers.py"], "tests", _containers),
    ),
)  # fmt: skip
