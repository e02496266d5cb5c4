"""veraPDF (``org.verapdf.apps:greenfield-apps:1.28.2`` of Maven Central with what it needs, for Java 17), where
``BOROUGH_TEST_VERAPDF`` names the folder of its jars: about 10 MB that nobody needs who does not change letters.

    mvn dependency:copy-dependencies -DoutputDirectory=FOLDER     # of a pom.xml with that one dependency
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

_VARIABLE = "BOROUGH_TEST_VERAPDF"


def find_verapdf() -> str:
    """The folder of its jars; skips where there is none or no Java, before any letter is made."""
    jars = os.environ.get(_VARIABLE)
    if jars is None or shutil.which("java") is None:
        pytest.skip(f"{_VARIABLE} names no folder with veraPDF's jars, or there is no Java")
    return jars


def ua_faults(jars: str, letters: Mapping[str, bytes], folder: Path) -> dict[str, str]:
    """By letter, the rules of PDF/UA-1 that it fails. One run for all: Java needs seconds to start."""
    for number, pdf in enumerate(letters.values()):
        (folder / f"{number:03d}.pdf").write_bytes(pdf)
    command = [
        "java",
        "-cp",
        f"{jars}/*",
        "org.verapdf.apps.GreenfieldCliWrapper",
        "--flavour",
        "ua1",
        "--format",
        "text",
    ]
    command += ["-v", str(folder)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False).stdout
    verdicts: dict[str, list[str]] = {}
    for line in told.splitlines():
        verdict, _, rest = line.partition(" ")
        if verdict in ("PASS", "FAIL") and rest.partition(".pdf ")[0].startswith(str(folder)):
            verdicts[Path(rest.partition(".pdf ")[0]).name] = [verdict]
        elif verdicts:
            verdicts[list(verdicts)[-1]].append(line.strip())
    # a letter of which it says nothing has not passed
    said = {name: verdicts.get(f"{number:03d}", ["not looked at"]) for number, name in enumerate(letters)}
    return {name: "; ".join(lines) for name, lines in said.items() if lines[0] != "PASS"}
