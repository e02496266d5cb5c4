"""The queues of `make bench-peers`, and what is reckoned from what was seen. The runs themselves take minutes."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.benchmarks import peers
from tests.benchmarks.seen import Seen, flowing
from tests.benchmarks.table import Table


def test_a_queue_has_each_key_once() -> None:
    found = list(peers.queue(40_000))
    keys = {(topic, json.loads(payload)["time"]) for topic, payload in found}
    assert len(found) == len(keys) == 40_000
    later = [json.loads(payload)["time"] >= (peers._START + peers._LATER).isoformat() for _, payload in found]
    assert sum(later) == sum(later[-peers.TAIL :]) == peers.TAIL


def test_what_comes_twice_comes_in_another_batch_and_never_in_the_tail() -> None:
    found = list(peers.queue(peers.SHORT, peers.REPEATED))
    twice = [message for message, count in Counter(found).items() if count == 2]
    assert len(twice) == len(found) - peers.SHORT == (peers.SHORT - 3 * peers.TAIL) // peers.REPEATED
    places: dict[tuple[str, bytes], list[int]] = {message: [] for message in twice}
    for place, message in enumerate(found):
        if message in places:
            places[message].append(place)
    assert all(second - first >= peers.TAIL for first, second in places.values())
    assert max(second for _, second in places.values()) < len(found) - 2 * peers.TAIL


def test_a_rate_counts_what_came_after_the_first_commit() -> None:
    assert flowing([(10.0, 1_000), (11.0, 300), (12.0, 700)]) == 500.0


def test_both_sides_of_a_ratio_and_its_noise_are_saved() -> None:
    table = Table()
    ours = [Seen(rate, rate / 2, 3.0, 100, 0, 0) for rate in (200.0, 100.0, 180.0)]
    theirs = [Seen(rate, rate / 2, 12.0, 50, 0, 0) for rate in (60.0, 40.0, 20.0)]
    short = {"ours": Seen(1, 1, 1, 1, 0, 0), "telegraf_key": Seen(1, 1, 1, 1, 31_353, 2)}
    peers._fill(table, {"ours": ours, "telegraf_key": theirs}, short)
    assert table.rows["peers_ours_flowing"] == {
        "value": 180.0, "unit": "messages/s", "min": 100.0, "max": 200.0, "rounds": 3,
    }  # fmt: skip
    assert table.value("peers_telegraf_key_flowing") == 40.0
    assert table.value("peers ours / telegraf_key: flowing") == 4.5
    assert table.value("peers ours / telegraf_key: cpu") == 0.25
    assert table.value("peers_telegraf_key_lost_of_repeated") == 31_353
    assert "peers ours / telegraf: flowing" not in table.rows
    said = peers._text({"ours": ours, "telegraf_key": theirs}, short)
    assert "100 / 180 / 200" in said
    assert "31,353" in said


@pytest.mark.parametrize("arguments", [["0"], ["many"], ["-1"], ["5", "6"], [""]])
def test_a_number_of_rounds_that_is_none(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert peers.main(arguments) == 2
    assert "a whole number from 1 up, such as 5" in capsys.readouterr().err
