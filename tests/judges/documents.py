"""Judges of files that we hand out: registers as GeoJSON and as D-TRO."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import NODE, npm, pypi, repository
from tests.tools.program import BOROUGH, environment

_DTRO = repository("department-for-transport-public/D-TRO")
#: Reads files, one path a line, and prints for each a list of what is wrong.
_CHECK_GEOJSON = """
const { readFileSync } = require("fs");
const { check } = require(process.argv[2]);
for (const path of readFileSync(0, "utf8").split("\\n").filter(Boolean)) {
    let found = [];
    try { check(readFileSync(path, "utf8")); }
    catch (error) { found = (error.issues || [error]).map((one) => String(one.message)); }
    console.log(JSON.stringify(found));
}
"""
#: Not asked: how many decimals a coordinate has. RFC 7946 advises few; an export reads back to the very same.
_GEOJSON_VALIDATOR = """
import inspect, json, sys
import geojson_validator
usual = inspect.signature(geojson_validator.validate_geometries).parameters["criteria_problematic"].default
asked = [one for one in usual if one != "excessive_coordinate_precision"]
for path in sys.stdin.read().splitlines():
    given = json.load(open(path))
    found = [str(one) for one in geojson_validator.validate_structure(given)]
    if not found:
        told = geojson_validator.validate_geometries(given, criteria_problematic=asked)
        found = [f"{kind}: {what}" for kind in ("invalid", "problematic") for what in told[kind].items()]
    print(json.dumps(found))
"""


def ours(place: Place, *arguments: str) -> Path:
    """What a command of ours says of the world's database, in a file."""
    path = place.folder / f"{'-'.join(word for word in arguments if not word.startswith('--'))}.json"
    done = subprocess.run(
        [*BOROUGH, *arguments],
        env=environment({"BOROUGH_DATABASE_URL": place.world.database}), capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"borough {' '.join(arguments)}: {done.stderr.decode()[-500:]}")
    path.write_bytes(done.stdout)
    return path


def geojson_files(place: Place) -> list[Path]:
    """The registers as GeoJSON, and every GeoJSON that the catalogue of open data links to."""
    found = [ours(place, what, "export", "--format", "geojson") for what in ("devices", "bays")]
    with place.world.client(None) as web:
        catalogue = web.get("/open-data")
        links = re.findall(r'href="([^"#]*geojson[^"#]*)"', catalogue.text) if catalogue.status_code == 200 else []
        for number, link in enumerate(dict.fromkeys(links)):
            answer = web.get(urljoin("/open-data", link.replace("&amp;", "&")))
            if answer.headers.get("content-type", "").startswith("application/geo+json"):
                path = place.folder / f"open-{number}.json"
                path.write_bytes(answer.raise_for_status().content)
                found.append(path)
    return found


def _features(paths: Sequence[Path]) -> int:
    return sum(len(json.loads(path.read_bytes())["features"]) for path in paths)


def _judged(paths: Sequence[Path], command: Sequence[str]) -> Verdict:
    """A program that is given paths and prints a list of faults for each."""
    given = "".join(f"{path}\n" for path in paths)
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=300)
    lists = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    if len(lists) != len(paths):
        raise RuntimeError(f"it judged {len(lists)} of {len(paths)} files: {done.stderr[-500:]}")
    problems = tuple(f"{path.name}: {one}" for path, faults in zip(paths, lists, strict=True) for one in faults)
    return Verdict(_features(paths), "features", problems)


def check_geojson(place: Place) -> Verdict:
    """Its structure, strictly by RFC 7946."""
    module = place.had["check-geojson"] / "node_modules/@placemarkio/check-geojson"
    script = place.folder / "check.cjs"
    script.write_text(_CHECK_GEOJSON)
    return _judged(geojson_files(place), ["node", str(script), str(module)])


def geojson_validator(place: Place) -> Verdict:
    """Structure and geometries."""
    return _judged(geojson_files(place), [str(place.had["geojson-validator"] / "bin/python"), "-c", _GEOJSON_VALIDATOR])


def check_dtro(place: Place) -> Verdict:
    """The department's own schema, of the register's export."""
    (schema,) = place.had[_DTRO.name].glob("*/D-TRO-v4.0.0-schema.json")
    path = ours(place, "bays", "export", "--format", "d-tro", "--authority", "5090", "--in-force", "2026-04-01")
    told: dict[str, Any] = json.loads(path.read_bytes())
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--schemafile", str(schema), "-o", "json"]
    # local times without a zone: all 36 of the department's own examples have them where the schema says date-time
    command += ["--disable-formats", "date-time"]
    # the service wraps what the schema is of
    inner = place.folder / "data.json"
    inner.write_text(json.dumps(told.get("data", told)))
    done = subprocess.run([*command, str(inner)], capture_output=True, text=True, check=False, timeout=300)
    faults = json.loads(done.stdout)
    problems = [f"{one['path']}: {one['message']}" for one in faults["errors"]] + [
        f"cannot be read: {one}" for one in faults.get("parse_errors", ())
    ]
    return Verdict(len(json.loads(inner.read_bytes())["source"]["provision"]), "provisions", tuple(problems))


JUDGES: tuple[Judge, ...] = (
    Judge(
        "check-geojson", "0.1.14", (NODE, npm("@placemarkio/check-geojson", "0.1.14", name="check-geojson")),
        check_geojson,
    ),
    Judge("geojson-validator", "0.7.0", (pypi("geojson-validator", "0.7.0"),), geojson_validator),
    Judge("D-TRO schema, our register", "4.0.0", (_DTRO,), check_dtro),
)  # fmt: skip
