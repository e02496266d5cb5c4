#!/bin/sh
# The Department for Transport's own D-TRO examples are refused by a JSON Schema checker that looks at formats.
#
# Field: digital traffic regulation orders, which British councils publish from 2026 on.
# Version: D-TRO 4.0.0 of department-for-transport-public/D-TRO at commit 210e3de, check-jsonschema 0.39.0.
# Seen: the schema says "format": "date-time", which is RFC 3339 and wants an offset; the department's user guide and all
# of its examples have local times without one ("2024-12-10T09:00:00"). check-jsonschema, which looks at formats unless
# it is told not to, refuses every example that has a time; with --disable-formats date-time it takes all 36.
# What follows: what we write has local times, as the service wants them, and is judged without that format.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check check-jsonschema==0.39.0
git init --quiet "$folder/dtro"
git -C "$folder/dtro" fetch --quiet --depth 1 https://github.com/department-for-transport-public/D-TRO \
    210e3de1755473e8656b237797dc908eb55b87c9
git -C "$folder/dtro" checkout --quiet FETCH_HEAD
PATH="$folder/venv/bin:$PATH"
cd "$folder"
python - <<'PYTHON'
import json
import subprocess
from pathlib import Path

(schema,) = Path("dtro").glob("*/D-TRO-v4.0.0-schema.json")
examples = sorted(schema.parent.glob("Examples/*.json"))
inner = []
for number, example in enumerate(examples):
    inner.append(Path(f"{number}.json"))
    inner[-1].write_text(json.dumps(json.loads(example.read_text(encoding="utf-8"))["data"]), encoding="utf-8")


def taken(*options: str) -> int:
    command = ["check-jsonschema", "--schemafile", str(schema), *options]
    return sum(subprocess.run([*command, str(path)], capture_output=True).returncode == 0 for path in inner)


found = taken(), taken("--disable-formats", "date-time")
print(f"of {len(examples)} examples {found[0]} are taken with formats, {found[1]} without date-time")
assert len(examples) == 36 and found == (0, 36), "it has changed: say so here"
PYTHON
