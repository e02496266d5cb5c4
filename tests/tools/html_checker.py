"""The W3C's HTML checker (vnu.jar of the npm package vnu-jar, for Java 17), where ``BOROUGH_TEST_HTML_CHECKER`` names
it: about 40 MB that nobody needs who does not change pages.

All pages of all tests: ``BOROUGH_TEST_HTML_FOLDER=F make test``, then ``python -m tests.tools.html_checker F``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from fastapi import Request, Response

from dashboard.web.site import Site

VARIABLE = "BOROUGH_TEST_HTML_CHECKER"


def html_faults(pages: Mapping[str, str], folder: Path) -> list[str]:
    """What the checker calls an error, by page name; skips where there is no checker or no Java."""
    if os.environ.get(VARIABLE) is None or shutil.which("java") is None:
        pytest.skip(f"{VARIABLE} names no vnu.jar, or there is no Java")
    for number, (name, text) in enumerate(pages.items()):
        (folder / f"{number:03d} {name}.html").write_text(text, "utf-8")
    return faults_in(folder)


def faults_in(folder: Path) -> list[str]:
    """What the checker calls an error in the files of a folder. Raises KeyError where there is no checker."""
    jar = os.environ[VARIABLE]
    command = ["java", "-jar", jar, "--format", "json", "--errors-only", "--exit-zero-always", str(folder)]
    told = orjson.loads(subprocess.run(command, capture_output=True, check=True, timeout=600).stderr)
    return [
        f"{unquote(one['url']).rpartition('/')[2]}: line {one.get('lastLine')}: {one['message']}:"
        f" {one.get('extract', '')[:120]}"
        for one in told["messages"]
    ]


def keep_pages(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have every site keep its pages in a folder, those that are alike once."""
    made = Site.page

    def page(site: Site, request: Request, template: str, *given: Any, **more: Any) -> Response:
        answer = made(site, request, template, *given, **more)
        name = f"{template.replace('/', ' ').removesuffix('.html')} {hashlib.sha256(answer.body).hexdigest()[:12]}"
        (folder / f"{name}.html").write_bytes(answer.body)
        return answer

    patch.setattr(Site, "page", page)


if __name__ == "__main__":
    found = faults_in(Path(sys.argv[1]))
    print(*found, sep="\n")
    print(len(found), "faults in", len(list(Path(sys.argv[1]).glob("*.html"))), "pages")
    sys.exit(bool(found))
