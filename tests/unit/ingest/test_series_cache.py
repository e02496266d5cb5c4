"""Slots: what is known of each series, and that it stays right while the arrays grow."""

from __future__ import annotations

import math

import pytest

from devices.device import Device
from devices.families import FAMILIES
from devices.models import MODELS
from ingest.series_cache import FAMILY_NAMES, LATEST_ONLY, NEVER, NewSeries, SeriesCache, keep_rule
from store.batch import SeriesState

METER = Device("m1", "smart-meter", "glow", personal=True)


def test_every_family_has_its_number_and_unknown_the_last() -> None:
    assert (*FAMILIES, "unknown") == FAMILY_NAMES
    assert len(FAMILY_NAMES) < 256, "a batch keeps them as bytes"


def test_a_slot_knows_its_series_range_and_newest_reading() -> None:
    cache = SeriesCache()
    cache.extend([NewSeries(METER, "power", 0)], [SeriesState(77, 1_000, -5.5)])
    assert (cache.size, cache.devices, cache.properties) == (1, [METER], ["power"])
    assert (cache.series[0], FAMILY_NAMES[cache.family[0]]) == (77, "smart-meter")
    assert (cache.low[0], cache.high[0]) == (-1e6, 1e6)
    assert (cache.last_time[0], cache.last_value[0]) == (1_000, -5.5)


def test_a_new_series_has_no_last_reading() -> None:
    cache = SeriesCache()
    cache.extend([NewSeries(METER, "import_register", 60)], [SeriesState(1, None, 0.0)])
    assert (cache.last_time[0], cache.kept[0]) == (NEVER, NEVER)


@pytest.mark.parametrize(
    ("keep", "time", "kept"),
    [
        (1_800_000_000, 3_599_999_999, 1),
        (1_800_000_000, 3_600_000_000, 2),
        (1_800_000_000, 0, 0),
        (1_800_000_000, -1, -1),
        (0, 3_600_000_000, NEVER),
        (LATEST_ONLY, 3_600_000_000, NEVER),
        (1_800_000_000, None, NEVER),
    ],
)
def test_the_newest_reading_says_which_period_has_a_kept_one(keep: int, time: int | None, kept: int) -> None:
    """After a restart: also where that reading itself was thinned, its period has one that is stored."""
    cache = SeriesCache()
    cache.extend([NewSeries(METER, "import_register", keep)], [SeriesState(1, time, 0.0)])
    assert cache.kept[0] == kept


def test_growing_keeps_what_is_known() -> None:
    cache = SeriesCache()
    total = 0
    for size in (1, 0, 1022, 1, 1, 3000, 5):
        new = [NewSeries(METER, "power", 60)] * size
        cache.extend(new, [SeriesState(total + n, 100 * (total + n), float(total + n)) for n in range(size)])
        total += size
        assert cache.size == total
        assert cache.series[:total].tolist() == list(range(total))
        assert cache.last_time[:total].tolist() == [100 * n for n in range(total)]
        assert cache.last_value[:total].tolist() == [float(n) for n in range(total)]
        assert cache.kept[:total].tolist() == [100 * n // 60 for n in range(total)]
        assert set(cache.keep[:total].tolist()) == {60}


def test_as_many_states_as_slots() -> None:
    with pytest.raises(ValueError, match="shorter"):
        SeriesCache().extend([NewSeries(METER, "power", 0)] * 2, [SeriesState(1, None, 0.0)])


def test_forgetting_the_last_reading() -> None:
    cache = SeriesCache()
    cache.extend([NewSeries(METER, "power", 0)] * 2, [SeriesState(1, 5, 5.0), SeriesState(2, 6, 6.0)])
    cache.forget_last(1)
    assert cache.last_time[:2].tolist() == [5, NEVER]


def test_keep_rules_come_from_the_settings_else_from_the_model_else_all_is_kept() -> None:
    native = Device("m2", "smart-meter", "native", personal=True)
    stranger = Device("m3", "smart-meter", "unheard-of", personal=True)
    assert MODELS["glow"].keep["import_register"] == 1800.0
    assert keep_rule(METER, "import_register", {}) == 1_800_000_000
    assert keep_rule(METER, "power", {}) == LATEST_ONLY
    assert keep_rule(METER, "import_interval", {}) == 0
    assert [keep_rule(device, "power", {}) for device in (native, stranger)] == [0, 0]
    finer = {"glow": {"import_register": 60.0, "power": 0.5}, "unheard-of": {"power": math.inf}}
    assert keep_rule(METER, "import_register", finer) == 60_000_000
    assert keep_rule(METER, "power", finer) == 500_000
    assert keep_rule(METER, "gas_register", finer) == 0, "the settings' rules of a model stand for all of its rules"
    assert keep_rule(stranger, "power", finer) == LATEST_ONLY


@pytest.mark.parametrize(
    ("attributes", "high"),
    [
        ({}, 100_000),
        ({"capacity": "200"}, 210),
        ({"capacity": "2000"}, 2_040),
        ({"capacity": "some"}, 100_000),
        ({"capacity": "nan"}, 100_000),
        ({"capacity": "-9000"}, 100_000),
    ],
)
def test_a_car_park_has_no_more_free_spaces_than_spaces_but_for_a_few(attributes: dict[str, str], high: float) -> None:
    cache = SeriesCache()
    park = Device("p1", "car-park", "native", attributes=attributes)
    names = ("free_spaces", "occupied_spaces", "capacity")
    cache.extend([NewSeries(park, name, 0) for name in names], [SeriesState(1, None, 0.0)] * 3)
    assert cache.low[:3].tolist() == [-1_000, -1_000, 0]
    assert cache.high[:3].tolist() == [high, 100_000, 100_000]
