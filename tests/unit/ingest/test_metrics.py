"""What a scrape of a collector says: it adds up at every moment, and is documented word by word."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from bisect import bisect_left
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ingest.errors import OptionsError
from ingest.health import HealthServer
from ingest.metrics import Histogram, Metrics
from ingest.source import SourceStatus
from store.batch import COUNT_NAMES, Counts
from tests.tools.servers import PATIENCE

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def scrape(metrics: Metrics) -> dict[tuple[str, str], float]:
    """(sample, label) -> value; label is that of the family or the reason, or empty."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if "le" not in sample.labels
    }


def batch(stored: int, family: str = "parking-bay") -> dict[str, Counts]:
    """The account of a batch of so many messages of one reading."""
    return {
        family: Counts(
            messages_received=stored, messages_decoded=stored, readings_decoded=stored, readings_stored=stored
        )
    }


def test_every_word_of_the_contract_is_a_counter_by_family() -> None:
    metrics = Metrics()
    values = {name: 100 + number for number, name in enumerate(COUNT_NAMES)}
    with metrics.lock:
        metrics.commit({"smart-meter": Counts(**values)})
        metrics.commit({"smart-meter": Counts(**values), "unknown": Counts(messages_received=1, messages_rejected=1)})
    found = scrape(metrics)
    for name, value in values.items():
        assert found[f"borough_{name}_total", "smart-meter"] == 2 * value
    assert found["borough_messages_rejected_total", "unknown"] == 1
    assert found["borough_readings_refused_total", "unknown"] == 0


def test_what_is_in_flight_is_received() -> None:
    metrics = Metrics()
    metrics.in_flight.extend([lambda: {"parking-bay": 3, "air-monitor": 1}, lambda: {"parking-bay": 4}])
    with metrics.lock:
        metrics.commit(batch(10))
    found = scrape(metrics)
    assert found["borough_messages_received_total", "parking-bay"] == 17
    assert found["borough_messages_decoded_total", "parking-bay"] == 10
    assert found["borough_messages_in_flight", "parking-bay"] == 7
    assert (
        found["borough_messages_received_total", "air-monitor"]
        == found["borough_messages_in_flight", "air-monitor"]
        == 1
    )


def test_a_scrape_adds_up_while_messages_move() -> None:
    """As the pipeline moves them: received, being written, committed; scraped from another thread."""
    metrics = Metrics()
    held: list[int] = [0, 0]
    metrics.in_flight.append(lambda: {"parking-bay": sum(held)})
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            held[0] += 100
            with metrics.lock:
                held[1], held[0] = held[0], 0
            with metrics.lock:
                done, held[1] = held[1], 0
                metrics.commit(batch(done))

    worker = threading.Thread(target=work)
    worker.start()
    received: list[float] = []
    try:
        for _ in range(150):
            found = scrape(metrics)
            if ("borough_messages_received_total", "parking-bay") not in found:
                continue
            received.append(found["borough_messages_received_total", "parking-bay"])
            assert received[-1] == (
                found["borough_messages_decoded_total", "parking-bay"]
                + found["borough_messages_in_flight", "parking-bay"]
            )
    finally:
        stop.set()
        worker.join()
    assert received == sorted(received), "a counter never falls"
    assert received[-1] > 0


def test_rejections_are_told_by_reason() -> None:
    metrics = Metrics()
    metrics.rejected.update({"bad_time": 2, "conflict": 1})
    found = scrape(metrics)
    assert (found["borough_rejections_total", "bad_time"], found["borough_rejections_total", "conflict"]) == (2, 1)


def test_the_state_of_both_ends() -> None:
    metrics = Metrics()
    assert scrape(metrics)["borough_database_up", ""] == 0
    metrics.database_reached = True
    metrics.broker_connected = lambda: True
    metrics.sources += [SourceStatus(lost=1, taken_over=2), SourceStatus(taken_over=3)]
    found = scrape(metrics)
    assert (found["borough_database_up", ""], found["borough_broker_connected", ""]) == (1, 1)
    assert (found["borough_sessions_lost_total", ""], found["borough_taken_over_total", ""]) == (1, 5)
    metrics.database_takes = False
    assert scrape(metrics)["borough_database_up", ""] == 0, "reached, and nothing can be written"


def test_what_the_broker_dropped_is_told_once_it_is_known() -> None:
    metrics = Metrics()
    assert ("borough_broker_dropped_total", "") not in scrape(metrics)
    metrics.broker_dropped = 0
    assert scrape(metrics)["borough_broker_dropped_total", ""] == 0
    assert ("borough_broker_queued", "") not in scrape(metrics)
    metrics.broker_queued = 37
    assert scrape(metrics)["borough_broker_queued", ""] == 37


BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0]
SECONDS = st.floats(0, 1e6) | st.sampled_from(BOUNDS)


@given(st.lists(SECONDS, max_size=20), st.lists(SECONDS, max_size=20))
def test_a_bucket_counts_what_is_at_most_its_bound(one_by_one: list[float], at_once: list[float]) -> None:
    histogram = Histogram()
    for seconds in one_by_one:
        histogram.observe(seconds)
    if at_once:
        histogram.observe_all(np.array(at_once))
    seen = sorted(one_by_one + at_once)
    samples: dict[Any, float] = {
        sample.labels.get("le", sample.name): sample.value for sample in histogram.metric("x", "y").samples
    }
    for bound in BOUNDS:
        assert (
            samples[repr(bound)]
            == sum(seconds <= bound for seconds in seen)
            == bisect_left(seen, np.nextafter(bound, 1e9))
        )
    assert samples["+Inf"] == samples["x_count"] == len(seen)
    assert samples["x_sum"] == pytest.approx(sum(seen))


def test_every_metric_is_documented_and_nothing_else() -> None:
    metrics = Metrics()
    metrics.broker_dropped = metrics.broker_queued = 0
    metrics.rejected["bad_time"] = 1
    with metrics.lock:
        metrics.commit(batch(1))
    told = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(metrics.text().decode())
    }
    documented = set(re.findall(r"^\| `(borough_[a-z_]+)`", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
    assert documented == told


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_health_says_what_is_missing() -> None:
    missing = ["the database is not reached", "another thing"]
    server = HealthServer("127.0.0.1", 0, lambda: missing, Metrics().text)
    try:
        assert get(server.port, "/health/live") == (200, "live\n")
        assert get(server.port, "/health/ready") == (503, "the database is not reached; another thing\n")
        missing.clear()
        assert get(server.port, "/health/ready") == (200, "ready\n")
        status, text = get(server.port, "/metrics")
        assert (status, "borough_database_up 0.0" in text) == (200, True)
        assert get(server.port, "/")[0] == 404
        with pytest.raises(OptionsError, match=rf"BOROUGH_METRICS_PORT: cannot listen on 127.0.0.1:{server.port}: "):
            HealthServer("127.0.0.1", server.port, list, Metrics().text)
    finally:
        server.close()
    with pytest.raises(urllib.error.URLError):
        get(server.port, "/health/live")
