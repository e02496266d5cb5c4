"""Fixtures that start real servers. Where they cannot be had: a failure under CI, elsewhere a skip with its reason.

A server that is given in ``BOROUGH_TEST_DATABASE_URL`` (TimescaleDB Community; its user may create databases) takes
the place of our own TimescaleDB and adds the tier ``community`` to ``each_database``.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from borough.logs import JsonLines, PlainLines
from borough.postgres_server import PostgresError, embedded_binaries, free_port
from scripts.parts import Parts, PartsError, fonts, prepare
from scripts.parts import promtool as find_promtool
from tests.examples import load_profile
from tests.tools import html_checker
from tests.tools.doctor import Doctor
from tests.tools.servers import TEST_SETTINGS, TIMESCALE_SETTINGS, Cluster, Mosquitto, own_cluster

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.tools.chromium import Chromium

load_profile()

_TESTS = Path(__file__).parent
GIVEN = os.environ.get("BOROUGH_TEST_DATABASE_URL")
TIERS = ["apache", "plain", *(["community"] if GIVEN else [])]


#: Where in a run the last file of a kind stands: what waits is begun first, what is short ends together.
_ENDS = {"acceptance": 0.8, "integration": 0.9, "unit": 1.0}


def pytest_sessionstart() -> None:
    """What is collected stays until the end: nothing of it is garbage, so nobody looks."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Nor later: 8,600 tests and all modules would be walked through again and again, a second of them each time."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Weave the files: acceptance tests wait for processes and browsers most of the time, unit tests compute.

    Several run at once (``make test``), each taking the next file: so both cores have work from the beginning to the
    end. Within a file the order stays.
    """
    kinds: dict[str, dict[Path, list[pytest.Item]]] = {}
    for item in items:
        kind = item.path.relative_to(_TESTS).parts[0]
        kinds.setdefault(kind, {}).setdefault(item.path, []).append(item)
    woven = [
        (_ENDS.get(kind, 1.0) * (number + 0.5) / len(files), of_file)
        for kind, files in kinds.items()
        for number, of_file in enumerate(files.values())
    ]
    woven.sort(key=itemgetter(0))
    items[:] = [item for _, of_file in woven for item in of_file]


def unavailable(reason: str) -> NoReturn:
    """Skip with a reason; under CI, where everything must run, fail."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _logs_to_nobody_afterwards() -> Iterator[None]:
    """A command that a test runs in this process logs to that test's standard error, which ends with it.

    And as much as its settings say: the next test's libraries would speak as loud.
    """
    level = logging.root.level
    yield
    logging.root.setLevel(level)
    for handler in logging.root.handlers[:]:
        if isinstance(handler.formatter, (JsonLines, PlainLines)):
            logging.root.removeHandler(handler)


@pytest.fixture(autouse=True, scope="session")
def _pages_for_the_checker() -> Iterator[None]:
    """Keep every page that a site in this process makes, where ``BOROUGH_TEST_HTML_FOLDER`` names a folder."""
    folder = os.environ.get("BOROUGH_TEST_HTML_FOLDER")
    with pytest.MonkeyPatch.context() as patch:
        if folder is not None:
            html_checker.keep_pages(Path(folder), patch)
        yield


@pytest.fixture(scope="session")
def parts() -> Parts:
    """The programs of TimescaleDB's server and Mosquitto."""
    try:
        return prepare()
    except PartsError as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def letter_fonts() -> list[Path]:
    """Folders with fonts for names in every script."""
    try:
        return fonts()
    except PartsError as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus' promtool."""
    try:
        return find_promtool()
    except PartsError as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def apache(parts: Parts) -> Iterator[Cluster]:
    """A TimescaleDB server (Apache edition) of our own."""
    cluster = own_cluster("apache", parts.postgres, TIMESCALE_SETTINGS, in_memory=True)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def plain_postgres() -> Iterator[Cluster]:
    """A PostgreSQL 18 without TimescaleDB: what the demo embeds."""
    try:
        binaries = embedded_binaries()
    except PostgresError as error:
        unavailable(str(error))
    cluster = own_cluster("plain", binaries, TEST_SETTINGS, in_memory=True)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def community() -> Iterator[Cluster]:
    """The TimescaleDB server that we were given."""
    if not GIVEN:
        pytest.skip("BOROUGH_TEST_DATABASE_URL names no TimescaleDB Community server")
    cluster = Cluster("community", GIVEN)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def timescale(request: pytest.FixtureRequest) -> Cluster:
    """The TimescaleDB server that most tests use: the given one, else our own."""
    cluster: Cluster = request.getfixturevalue("community" if GIVEN else "apache")
    return cluster


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    """Each kind of server that the store knows and this machine has."""
    name: str = request.param
    return name


@pytest.fixture
def database(timescale: Cluster) -> Iterator[str]:
    """URL of a fresh, migrated database on TimescaleDB."""
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def empty_database(timescale: Cluster) -> Iterator[str]:
    """URL of a fresh database on TimescaleDB that nothing has been done to."""
    name = timescale.create(migrated=False)
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def cluster(tier: str, request: pytest.FixtureRequest) -> Cluster:
    """The server of each tier in turn."""
    found: Cluster = request.getfixturevalue("plain_postgres" if tier == "plain" else tier)
    return found


@pytest.fixture
def each_database(cluster: Cluster) -> Iterator[str]:
    """URL of a fresh, migrated database on each tier in turn."""
    name = cluster.create()
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture
def each_empty_database(cluster: Cluster) -> Iterator[str]:
    """URL of an untouched database on each tier in turn."""
    name = cluster.create(migrated=False)
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture
def mosquitto(parts: Parts, tmp_path: Path) -> Iterator[Mosquitto]:
    """A fresh Mosquitto with a plain listener."""
    with Mosquitto(parts.mosquitto, tmp_path / "mosquitto") as broker:
        yield broker


@pytest.fixture(scope="session")
def durable(parts: Parts) -> Iterator[Cluster]:
    """A TimescaleDB server that promises what a commit says, as one has to that is not for tests alone."""
    settings = {**TIMESCALE_SETTINGS, "fsync": "on", "full_page_writes": "on"}
    cluster = own_cluster("apache", parts.postgres, settings, in_memory=True)
    yield cluster
    cluster.close()


@pytest.fixture
def durable_database(durable: Cluster) -> Iterator[str]:
    """URL of a fresh, migrated database on it."""
    name = durable.create()
    yield durable.url(name)
    durable.drop(name)


@pytest.fixture
def doctor(
    durable_database: str,
    mosquitto: Mosquitto,
    letter_fonts: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Doctor:
    """`borough doctor` of a place where nothing is wrong yet."""
    monkeypatch.delenv("BOROUGH_RECORDINGS", raising=False)  # the tests' own, and no setting
    made = Doctor(monkeypatch, capsys)
    made.set(database_url=durable_database, mqtt_url=mosquitto.url, letter_fonts=":".join(map(str, letter_fonts)))
    return made


@pytest.fixture(name="free_port")
def a_free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on; call ``borough.postgres_server.free_port`` for more."""
    return free_port()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser of all modules; its import costs a run that looks at no page nothing."""
    from tests.tools.chromium import Chromium

    with Chromium() as found:
        yield found


@pytest.fixture(scope="module")
def browser(chromium: Chromium) -> Iterator[Browser]:
    """It, for a module."""
    with chromium.lent() as found:
        yield found
