"""Judges of pages: every page of the filled site that a link leads to, for everybody who may sign in."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple
from unittest import mock
from urllib.parse import urldefrag, urljoin, urlsplit

from dashboard import roles
from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import JAVA, npm, program
from tests.judges.world import World
from tests.tools import html_checker, site
from tests.tools.chromium import Chromium
from tests.tools.resident_browser import findings

#: So many pages of one kind (numbers and dates apart) are asked for in the name of one person.
_OF_A_KIND = 2
#: Pages that are open to anybody are the same for all but for the navigation: these two look at them.
_LOOK_AT_ALL = (None, "engineer")
#: Whoever opens these is nobody afterwards, or somebody else.
_LEFT_OUT = re.compile(r"/(sign-out|sign-in|stop|left)\b")


class Found(NamedTuple):
    """A page: in whose name it was asked for (None: nobody's), its path with its query, and what it says."""

    who: str | None
    path: str
    text: str


#: By the site's address, what was found there.
_CRAWLED: dict[str, list[Found]] = {}


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Links of a page, and forms that only ask."""
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.found.append(given["href"] or "")
        elif tag == "form" and (given.get("method") or "get").lower() == "get":
            self.found.append(given.get("action") or "")


def crawl(world: World) -> list[Found]:
    """Every page that links lead to from the start, as everybody; pages that say the same once. Asked once a site."""
    if world.url not in _CRAWLED:
        found: dict[bytes, Found] = {}
        for who in (None, *world.cookies):
            for page in _of(world, who):
                said = re.sub(r'"csrf" value="[^"]*"', "", page.text)
                found.setdefault(hashlib.sha256(said.encode()).digest(), page)
        _CRAWLED[world.url] = list(found.values())
    return _CRAWLED[world.url]


def _of(world: World, who: str | None) -> Iterator[Found]:
    kinds: Counter[str] = Counter()
    waiting, known = ["/"], {"/"}
    with world.client(who) as web:
        while waiting:
            path = waiting.pop(0)
            answer = web.get(path)
            if answer.status_code >= 500:
                raise RuntimeError(f"{path} as {who}: {answer.status_code}")
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            yield Found(who, path, answer.text)
            parser = _Links()
            parser.feed(answer.text)
            for link in parser.found:
                to = urldefrag(urljoin(f"{world.url}{path}", link)).url
                if not to.startswith(f"{world.url}/") or _LEFT_OUT.search(urlsplit(to).path):
                    continue
                next_path = to.removeprefix(world.url)
                kind = re.sub(r"=[^&]*", "=", re.sub(r"[\d-]+", "0", next_path))
                if who not in _LOOK_AT_ALL and not _of_somebody(urlsplit(to).path):
                    continue
                if next_path not in known and kinds[kind] < _OF_A_KIND:
                    kinds[kind] += 1
                    known.add(next_path)
                    waiting.append(next_path)


def _of_somebody(path: str) -> bool:
    """Whether a page is for some and not for anybody."""
    try:
        return roles.need(path) != roles.ANYBODY
    except LookupError:
        return False


def check_html(place: Place) -> Verdict:
    """The W3C's checker: no error on any page."""
    folder = place.folder / "pages"
    folder.mkdir()
    count = 0
    for count, page in enumerate(crawl(place.world), 1):
        name = re.sub(r"[^A-Za-z0-9=-]+", "_", page.path)[:80]
        (folder / f"{count:04d} {page.who or 'anybody'} {name}.html").write_text(page.text, "utf-8")
    jar = place.had["vnu-jar"] / "node_modules/vnu-jar/build/dist/vnu.jar"
    with mock.patch.dict(os.environ, {html_checker.VARIABLE: str(jar)}):
        return Verdict(count, "pages", tuple(html_checker.faults_in(folder)))


def look_with_axe(place: Place) -> Verdict:
    """axe: nothing on any kind of page, on a desk and on a phone."""
    axe = place.had["axe-core"] / "node_modules/axe-core/axe.min.js"
    problems, looked = [], 0
    kinds: set[tuple[str | None, str]] = set()
    world = place.world
    with mock.patch.dict(os.environ, {"BOROUGH_TEST_AXE": str(axe)}), Chromium() as own, own.lent() as browser:
        for page in crawl(world):
            kind = re.sub(r"[\d-]+", "0", urlsplit(page.path).path)
            # the start page is made for who looks; states of the others are what tests/acceptance/test_*_axe.py make
            mark = (page.who, kind) if kind == "/" else (None, kind)
            # a file that was refused for now was told as a page, and is a download the next time
            if mark in kinds or re.search(r"\.\w+$", kind):
                continue
            kinds.add(mark)
            for width in (1280, 320):
                with browser.new_context(viewport={"width": width, "height": 900}) as context:
                    if page.who is not None:
                        cookie = {"name": site.COOKIE, "value": world.cookies[page.who], "url": world.url}
                        context.add_cookies([cookie])  # type: ignore[list-item]  # Playwright's typed dictionary
                    window = context.new_page()
                    window.goto(f"{world.url}{page.path}", wait_until="load")
                    problems += [f"{page.path} as {page.who}, {width} px: {one}" for one in findings(window)]
                looked += 1
    return Verdict(looked, "looks", tuple(problems))


JUDGES: tuple[Judge, ...] = (
    Judge("W3C HTML checker", "26.9.27", (JAVA, npm("vnu-jar", "26.9.27")), check_html),
    Judge("axe", "4.14.0", (npm("axe-core", "4.14.0"), program("chromium", "install chromium")), look_with_axe),
)
