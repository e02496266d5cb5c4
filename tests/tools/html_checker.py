"""The W3C's HTML checker (vnu.jar of the npm package vnu-jar, for Java 17), where ``BOROUGH_TEST_HTML_CHECKER`` names
it: about 40 MB that nobody needs who does not change pages."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

_VARIABLE = "BOROUGH_TEST_HTML_CHECKER"


def html_faults(pages: Mapping[str, str], folder: Path) -> list[str]:
    """What the checker calls an error, by page name; skips where there is no checker or no Java."""
    jar = os.environ.get(_VARIABLE)
    if jar is None or shutil.which("java") is None:
        pytest.skip(f"{_VARIABLE} names no vnu.jar, or there is no Java")
    names = {}
    for number, (name, text) in enumerate(pages.items()):
        path = folder / f"{number:03d}.html"
        path.write_text(text, "utf-8")
        names[path.as_uri()] = name
    command = ["java", "-jar", jar, "--format", "json", "--errors-only", "--exit-zero-always", str(folder)]
    told = orjson.loads(subprocess.run(command, capture_output=True, check=True, timeout=300).stderr)
    return [
        f"{names[one['url'].replace('file:/', 'file:///').replace('////', '//')]}: line {one.get('lastLine')}:"
        f" {one['message']}: {one.get('extract', '')[:120]}"
        for one in told["messages"]
    ]
