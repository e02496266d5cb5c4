#!/bin/sh
# csvw2json cuts the minutes of the zone off an instant that has a fraction of a second.
#
# Field: open data of sensors as CSV on the Web; readings have fractions of seconds.
# Version: csvw 4.1.1.
# Seen: "…T00:30:00Z" stays as it is, "…T00:30:00.250000Z" becomes "…T00:30:00.250000+00:", which is no dateTime any
# more, as dateTime and as dateTimeStamp; exit 0, nothing said. csvwvalidate calls the same table right. Described as a
# string the text comes out whole.
# What follows: a table that is read by csvw2json has whole seconds, or its instants are read as text.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check csvw==4.1.1
PATH="$folder/venv/bin:$PATH"
cd "$folder"
python - <<'PYTHON'
import json
import subprocess
from importlib.metadata import version
from pathlib import Path

Path("readings.csv").write_text(
    "sensor,time\nair-1,2026-10-25T00:30:00Z\nair-2,2026-10-25T00:30:00.250000Z\n", encoding="utf-8"
)


def times(datatype: str) -> list[str]:
    columns = [{"name": "sensor", "titles": "sensor"}, {"name": "time", "titles": "time", "datatype": datatype}]
    metadata = {"@context": "http://www.w3.org/ns/csvw", "url": "readings.csv", "tableSchema": {"columns": columns}}
    Path("readings.csv-metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    subprocess.run(["csvwvalidate", "readings.csv"], check=True, stdout=subprocess.DEVNULL)
    run = subprocess.run(["csvw2json", "readings.csv"], check=True, stdout=subprocess.PIPE)
    return [row["describes"][0]["time"] for row in json.loads(run.stdout)["tables"][0]["row"]]


found = {datatype: times(datatype) for datatype in ("dateTime", "dateTimeStamp", "string")}
print(f"csvw {version('csvw')}: {found}")
assert {values[0] for values in found.values()} == {"2026-10-25T00:30:00Z"}, "it has changed: say so here"
cut = {found["dateTime"][1], found["dateTimeStamp"][1]}
assert cut == {"2026-10-25T00:30:00.250000+00:"}, "it has changed: say so here"
assert found["string"][1] == "2026-10-25T00:30:00.250000Z"
PYTHON
