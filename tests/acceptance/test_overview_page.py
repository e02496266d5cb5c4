"""The overview page over a real database, and in a real browser with and without scripts."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser

from borough.demo.pages import Page, demo_site, listen
from tests.tools.chromium import new_context
from tests.tools.servers import PATIENCE, Cluster

_ROWS = """
insert into personal.device (id, family, model, origin, personal) values
    ('bay-1', 'parking-bay', 'native', 'simulated', false),
    ('meter-1', 'smart-meter', 'native', 'simulated', true),
    ('real-meter', 'smart-meter', 'native', 'real', true),
    ('real-bay', 'parking-bay', 'native', 'real', false),
    ('<b>bold</b>', 'parking-bay', 'native', 'simulated', false);
insert into personal.series (device_id, property, personal)
    select id, case family when 'parking-bay' then 'occupied' else 'import_interval' end, personal from personal.device;
insert into latest (series_id, time, value, arrival) select id, now(), 1, now() from personal.series;
insert into accounting (minute, collector, family, messages_received, messages_decoded, readings_decoded,
    readings_stored)
    select date_trunc('minute', now()) - n * interval '1 minute', 'c', family, 12, 12, 34, 34
    from generate_series(0, 4) n, unnest(array['parking-bay', 'smart-meter']) family;
"""


@pytest.fixture
def page(database: str) -> Iterator[str]:
    with psycopg.connect(database) as connection:
        connection.execute(_ROWS.encode())
    with listen(None) as listener, Page(demo_site(database), listener) as served:
        yield served.url + "overview"


def text_of(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text


def test_only_simulated_devices_are_shown_and_their_ids_are_text(page: str) -> None:
    text = text_of(page)
    assert "bay-1" in text
    assert "meter-1" in text
    assert "real-meter" not in text
    assert "real-bay" not in text
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold" in text
    assert "340 readings stored in the last 5 minutes with traffic" in text


def test_a_database_that_is_away_is_said_in_words(database: str, timescale: Cluster) -> None:
    with listen(None) as listener, Page(demo_site(database), listener) as served:
        assert "Nothing has been read yet" in text_of(served.url + "overview")
        timescale.drop(database.rpartition("/")[2])
        with pytest.raises(urllib.error.HTTPError, match="503") as away:
            text_of(served.url + "overview")
        with away.value:
            assert "The service is not available just now" in away.value.read().decode()


@pytest.mark.browser
def test_the_chart_is_drawn_without_a_complaint(page: str, browser: Browser) -> None:
    shown = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(page)
    shown.wait_for_selector("#chart .scatterlayer .point")
    assert shown.locator("#chart .scatterlayer .trace").count() == 2
    assert shown.locator("#chart .scatterlayer .point").count() == 10
    assert said == []
    assert all(address.startswith((page.removesuffix("overview"), "data:")) for address in asked), asked
    shown.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_present_is_seen_beside_the_load_of_the_history(
    page: str, browser: Browser, database: str, width: int
) -> None:
    """Half a million readings in one minute, 34 a minute since: these points stand well above the foot of the chart."""
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into accounting (minute, collector, family, messages_received, readings_stored)"
            " values (date_trunc('minute', now()) - interval '9 minutes', 'c', 'smart-meter', 500000, 500000)"
        )
    shown = browser.new_page(viewport={"width": width, "height": 900})
    shown.goto(page)
    shown.wait_for_selector("#chart .scatterlayer .point")
    tops = shown.locator("#chart .scatterlayer .point").evaluate_all(
        "points => points.map(point => point.getBoundingClientRect().top)"
    )
    plot = shown.locator("#chart .bglayer .bg, #chart .plotbg, #chart .nsewdrag").first.bounding_box()
    assert plot is not None
    foot = plot["y"] + plot["height"]
    low = sorted(foot - top for top in tops)[:10]
    assert min(low) > 0.15 * plot["height"], "the present lies on the axis"
    assert shown.locator("#scale").is_visible()
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    shown.close()


@pytest.mark.browser
def test_without_scripts_the_numbers_are_a_table(page: str, browser: Browser) -> None:
    context = new_context(browser, java_script_enabled=False, viewport={"width": 320, "height": 640})
    shown = context.new_page()
    shown.goto(page)
    assert shown.locator("#by-minute tbody tr").count() == 5
    assert shown.locator("#by-minute").is_visible()
    assert not shown.locator("#chart").is_visible()
    # wide tables scroll by themselves, the page does not
    box = shown.locator("main").bounding_box()
    assert box is not None
    assert box["width"] <= 320
    shown.get_by_role("link", name="refresh every 10 seconds").click()
    assert "refresh=true" in shown.url
    assert shown.get_by_role("link", name="stop refreshing").is_visible()
    context.close()


def test_a_newest_reading_has_its_year(page: str) -> None:
    """A device may have been silent for years."""
    newest = text_of(page).partition('<h2 id="newest">')[2]
    cells = re.findall(r'<td class="when"><time[^>]*>([^<]*)</time>', newest)
    assert cells
    for cell in cells:
        assert re.fullmatch(r"\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d", cell), cell
