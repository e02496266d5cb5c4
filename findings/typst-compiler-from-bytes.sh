#!/bin/sh
# A compiler of typst-py that was made from bytes compiles once; one made from a file compiles as often as it is asked.
#
# Field: letters are one template and many data; a compiler is kept, since fonts are read when it is made.
# Version: typst 0.15.2 (typst-py).
# Seen: the second call raises "file not found" for a name that nobody gave. The first call's result is right.
# What we do: the template is a file.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check typst==0.15.2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import typst

text = b"Hello, neighbour."
from_bytes = typst.Compiler(text)
assert from_bytes.compile(format="pdf").startswith(b"%PDF")
try:
    from_bytes.compile(format="pdf")
except Exception as error:  # noqa: BLE001 - typst's own class of errors has changed its name before
    print(f"typst-py, from bytes, second time: {type(error).__name__}: {str(error).splitlines()[0]}")
else:
    raise SystemExit("a compiler from bytes compiles twice now: say so here and in borough/delivery/letters")
Path("letter.typ").write_bytes(text)
from_file = typst.Compiler("letter.typ")
assert all(from_file.compile(format="pdf").startswith(b"%PDF") for _ in range(2))
print("from a file: twice")
PYTHON
