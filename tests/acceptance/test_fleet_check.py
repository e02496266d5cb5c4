"""The models beside the real recordings: close where the docs say they are close."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.calibrate import check
from tests.tools.recordings import folder_of_recordings


@pytest.fixture(scope="module")
def folder() -> Path:
    folder = folder_of_recordings()
    if folder is None:
        pytest.skip("the folder with the recordings is not here; BOROUGH_RECORDINGS may name it")
    return folder


#: dataset, quantity: how far mean, deviation and the autocorrelation of a day may be from the recorded ones.
CLOSE = [
    ("lcl-london", "import_interval", 0.15, 0.2, 0.40),
    ("resstock-alameda", "electricity", 0.15, 0.25, 0.15),
    ("citylearn-fontana", "electricity", 0.15, 0.25, 0.15),
    ("opsd-konstanz", "grid_import", 0.15, 0.25, 0.15),
    ("opsd-konstanz", "grid_export", 0.15, 0.25, 0.20),
    ("openaq", "no2", 0.15, 0.3, 0.30),
    ("openaq", "pm2_5", 0.15, 0.3, 0.20),
    ("german-carparks", "occupied share", 0.15, 0.6, 0.25),
]


@pytest.mark.parametrize("dataset", sorted({row[0] for row in CLOSE}))
def test_models_are_close_to_recordings(folder: Path, dataset: str) -> None:
    report = check(dataset, folder)
    found = {comparison.name: comparison for comparison in report.comparisons}
    for name, quantity, of_mean, of_deviation, of_day in CLOSE:
        if name == dataset:
            recorded, simulated = found[quantity].recorded, found[quantity].simulated
            assert simulated.mean == pytest.approx(recorded.mean, rel=of_mean)
            assert simulated.deviation == pytest.approx(recorded.deviation, rel=of_deviation)
            assert simulated.autocorrelation[24.0] == pytest.approx(recorded.autocorrelation[24.0], abs=of_day)


def test_bays_of_melbourne(folder: Path) -> None:
    """Half of stays and of free spells are as old as in the city, within a half."""
    for comparison in check("melbourne-bays", folder).comparisons:
        assert comparison.simulated.quantiles[0.5] == pytest.approx(comparison.recorded.quantiles[0.5], rel=0.5)
