"""The table of brokers: each question asked of each broker that this machine has, and held against the recorded answer.

    make soak ARGS="-k brokers -s"

It prints the answers and fails where a verdict is no longer the one of ``docs/reference/brokers.json``. With
``BOROUGH_BROKERS_RECORD=1`` it writes that file and the page made from it in place of comparing. Which brokers are
asked, and where Mosquitto 2.1 is: ``tests/tools/brokers/had.py``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.parts import Parts
from tests.acceptance.faults.conftest import Collect
from tests.conftest import unavailable
from tests.tools.brokers import had, page
from tests.tools.brokers.asking import Answer, Kit, Question
from tests.tools.brokers.collected import Borough, Stuck
from tests.tools.brokers.rows import COLLECTOR, RAW, CollectorQuestion, Row
from tests.tools.brokers.running import Kind, Limits

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

RECORD = bool(os.environ.get("BOROUGH_BROKERS_RECORD"))


@pytest.fixture(scope="module", params=had.NAMES)
def kind(request: pytest.FixtureRequest, parts: Parts) -> Kind:
    """Each broker that this machine has, in turn."""
    try:
        return had.get(request.param, parts)
    except had.NotHad as error:
        unavailable(str(error))


@pytest.fixture(scope="module")
def kit(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    """One broker that runs, for the questions that are not the collector's."""
    folder = tmp_path_factory.mktemp("broker")
    with kind.make(folder / "main", Limits()) as broker:
        yield Kit(kind, broker, folder)


def answered(name: str, kind: Kind, row: Row[Any], answer: Answer, started: float) -> None:
    """Print an answer; record it, or hold it against the recorded one."""
    print(
        f"\n{kind.name} {kind.version}, {row.words}: {answer.holds}. {answer.seen} ({time.monotonic() - started:.1f} s)"
    )
    if RECORD:
        page.record(name, kind, row.key, answer)
        return
    recorded = page.read()["answers"].get(row.key, {}).get(name)
    assert recorded is not None, "there is no recorded answer yet: BOROUGH_BROKERS_RECORD=1 records it"
    assert answer.holds == recorded["holds"], f"now: {answer.seen}; recorded: {recorded['seen']}"


@pytest.mark.parametrize("row", RAW, ids=lambda row: row.key)
def test_brokers_by_themselves(kit: Kit, kind: Kind, row: Row[Question], request: pytest.FixtureRequest) -> None:
    started = time.monotonic()
    answered(request.node.callspec.params["kind"], kind, row, row.ask(kit), started)


@pytest.mark.parametrize("row", COLLECTOR, ids=lambda row: row.key)
def test_brokers_with_our_collector(
    kind: Kind,
    row: Row[CollectorQuestion],
    database: str,
    collect: Collect,
    tmp_path: Path,
    seed: int,
    request: pytest.FixtureRequest,
) -> None:
    started = time.monotonic()
    with kind.make(tmp_path / "broker", Limits()) as broker:
        borough = Borough(Kit(kind, broker, tmp_path), database, collect, row.source, seed)
        try:
            answer = row.ask(borough, broker)
        except Stuck as error:
            answer = Answer("no", str(error))
    answered(request.node.callspec.params["kind"], kind, row, answer, started)
