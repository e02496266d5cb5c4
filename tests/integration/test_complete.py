"""``borough complete``: gaps that were made on purpose are found where they are, and nothing else is."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from borough import cli
from devices.device import Device
from store import registry, series
from store.batch import SequenceSpan
from store.connect import connect
from store.copy import copy_readings
from store.spans import write_spans
from tests.tools.batches import DAY, HALF_HOUR, T0

RANGE = ("--from", "2026-02-01", "--until", "2026-02-04")


@pytest.fixture
def world(each_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three days: meters with whole and broken half-hours, bays with and without numbers, one over The Things Stack."""
    for name in os.environ:
        if name.startswith("BOROUGH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", each_database)
    half_hours = np.arange(3 * 48)
    used = (half_hours % 7 + 1) / 8
    register = 100 + np.concatenate(([0.0], np.cumsum(used)))
    with connect(each_database) as connection:
        registry.upsert(connection, [
            *(Device(name, "smart-meter", "native", personal=True) for name in ("whole", "lossy", "later")),
            Device("quarter", "air-monitor", "native", attributes={"interval": "PT15M"}),
            *(Device(name, "parking-bay", "native") for name in ("numbered", "skipped", "restarted", "plain", "never")),
            Device("radio", "parking-bay", "bosch-tps110"),
        ])  # fmt: skip
        connection.commit()

        def store(device: str, name: str, times: np.ndarray, values: np.ndarray) -> None:
            (state,) = series.resolve(connection, [(device, name)])
            copy_readings(connection, np.full(len(times), state.series, np.int32), times, values.astype(np.float64))

        at = T0 + half_hours * HALF_HOUR
        for device, kept in (("whole", half_hours >= 0), ("lossy", ~np.isin(half_hours, [50, 51])),
                             ("later", half_hours >= 60)):  # fmt: skip
            store(device, "import_interval", at[kept], used[kept])
        store("whole", "import_register", np.append(at, T0 + 3 * DAY), register)
        store("lossy", "import_register", np.append(at, T0 + 3 * DAY), register)
        quarters = np.delete(np.arange(3 * 96), 200)
        store("quarter", "pm10", T0 + quarters * HALF_HOUR // 2 + 17, quarters)
        for bay in ("numbered", "skipped", "restarted", "plain", "radio"):
            store(bay, "occupied", np.array([T0, T0 + DAY]), np.array([0, 1]))
        write_spans(connection, [
            SequenceSpan("numbered", 1, 90, T0, T0 + 2 * DAY),
            SequenceSpan("skipped", 1, 40, T0, T0 + DAY + 5),
            SequenceSpan("skipped", 44, 60, T0 + DAY + 9, T0 + 2 * DAY),
            SequenceSpan("restarted", 500, 600, T0, T0 + DAY),
            SequenceSpan("restarted", 0, 20, T0 + DAY + 5, T0 + DAY + 9),
            SequenceSpan("radio", 1, 40, T0, T0 + DAY),
            SequenceSpan("radio", 44, 60, T0 + DAY, T0 + 2 * DAY),
        ])  # fmt: skip
        connection.commit()
    return each_database


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, object]]]:
    status = cli.run(["complete", *RANGE, "--json", *arguments])
    out, errors = capsys.readouterr()
    assert not errors
    return status, {item["device"]: item for item in json.loads(out)["devices"]}


def test_every_device_gets_the_verdict_that_its_evidence_allows(world: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = run(capsys)
    assert status == 1
    assert {name: item["verdict"] for name, item in found.items()} == {
        "whole": "complete", "lossy": "gaps", "later": "complete", "quarter": "gaps", "numbered": "complete",
        "skipped": "gaps", "restarted": "cannot know", "plain": "cannot know", "never": "cannot know",
        "radio": "cannot know",
    }  # fmt: skip
    lossy = found["lossy"]["days"]
    assert [(day["present"], day["expected"], day["gap"]) for day in lossy] == [  # type: ignore[attr-defined]
        (48, 48, False), (46, 48, True), (48, 48, False),
    ]  # fmt: skip
    lost = (50 % 7 + 1) / 8 + (51 % 7 + 1) / 8
    assert lossy[1]["difference"] == pytest.approx(lost)  # type: ignore[index]
    assert [day["missing_numbers"] for day in found["skipped"]["days"]] == [0, 3, 0]  # type: ignore[attr-defined]
    assert [day["present"] for day in found["quarter"]["days"]] == [96, 96, 95]  # type: ignore[attr-defined]
    assert "QoS 0" in str(found["radio"]["because"])
    assert [day["expected"] for day in found["later"]["days"]] == [0, 36, 48]  # type: ignore[attr-defined]


def test_status_is_0_without_gaps(world: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--device", "whole")[0] == 0
    assert run(capsys, "--device", "radio")[0] == 0
    assert run(capsys, "--device", "skipped")[0] == 1
    assert cli.run(["complete", "--device", "nobody"]) == 1
    assert "not registered" in capsys.readouterr().err
    assert cli.run(["complete", "--from", "2026-02-04", "--until", "2026-02-04"]) == 2


def test_in_words(world: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["complete", *RANGE]) == 1
    out = capsys.readouterr().out
    assert "lossy\tgap\t2026-02-02\t46 of 48 readings, register minus intervals" in out
    assert out.endswith(
        "10 devices from 2026-02-01 to the end of 2026-02-03: 3 complete, 3 with gaps, 4 of which it cannot be known.\n"
    )
