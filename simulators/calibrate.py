"""The models beside recordings: the same statistics of both (``borough simulate --check DATASET``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import numpy as np
from numpy.typing import NDArray

from simulators import recordings
from simulators.air import day_of
from simulators.clock import DAY_US, local_clock
from simulators.fleet_file import parse
from simulators.meters import Meters
from simulators.parking import make_bays, stays_of
from simulators.plans import Fleet
from simulators.recordings import Recorded
from simulators.summary import Summary, summarise, summarise_ages

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity, recorded and simulated; statistics in ``unit``."""

    name: str
    unit: str
    recorded: Summary
    simulated: Summary


@dataclass(frozen=True, slots=True)
class CheckReport:
    """A recording and its model side by side. ``simulated`` says what was simulated; ``remarks`` what to know."""

    dataset: str
    title: str
    simulated: str
    comparisons: Sequence[Comparison]
    remarks: Sequence[str] = ()


def check(dataset: str, folder: Path) -> CheckReport:
    """Compare one of DATASETS, found in the folder with the recordings, with what its model makes.

    Raises RecordingError where the recording cannot be read, KeyError for a name that is not in DATASETS.
    """
    return DATASETS[dataset](folder)


def _lcl(folder: Path) -> CheckReport:
    recorded = recordings.london_home(folder)
    fleet = _fleet(
        "2012-01-01",
        """
        [smart-meter]
        count = 60
        scale = 1.45
        solar = 0.0
        dwellings = { terraced = 1.0 }
        heating = { gas = 1.0 }
        """,
    )
    simulated = _homes(fleet, 364)
    return CheckReport(
        "lcl-london",
        "One London home, half-hourly electricity",
        "60 terraced homes heated with gas, one year, scale 1.45",
        [_compare("import_interval", "kWh/30 min", recorded, simulated)],
        ["One home is a sample of one: its hours stand for its own habits, the simulated hours for the average of 60."],
    )


def _resstock(folder: Path) -> CheckReport:
    recorded = recordings.alameda_homes(folder)
    fleet = _fleet(
        "2018-01-01",
        """
        climate = 'alameda'
        [smart-meter]
        count = 100
        scale = 1.45
        base = 2.4
        solar = 0.0
        cooling = 0.15
        dwellings = { flat = 0.45, terraced = 0.10, semi-detached = 0.05, detached = 0.40 }
        heating = { gas = 0.88, electric = 0.09, heat-pump = 0.03 }
        """,
    )
    return CheckReport(
        "resstock-alameda",
        "100 homes of Alameda, simulated by ResStock, hourly electricity",
        "100 homes, most of them flats and detached, one year, scale 1.45, base 2.4",
        [_compare("electricity", "kWh/h", recorded, _hourly(_homes(fleet, 365)))],
        ["ResStock is itself a simulation; its homes repeat schedules that ours draw."],
    )


def _citylearn(folder: Path) -> CheckReport:
    recorded = recordings.fontana_homes(folder)
    fleet = _fleet(
        "2016-08-01",
        """
        climate = 'fontana'
        [smart-meter]
        count = 60
        scale = 1.80
        base = 1.7
        solar = 0.0
        cooling = 0.9
        dwellings = { detached = 1.0 }
        heating = { gas = 0.5, heat-pump = 0.5 }
        """,
    )
    return CheckReport(
        "citylearn-fontana",
        "17 homes of Fontana, metered hourly electricity",
        "60 detached homes with air conditioning, one year, scale 1.8, base 1.7",
        [_compare("electricity", "kWh/h", recorded, _hourly(_homes(fleet, 365)))],
        ["What these homes' panels give is not in the recording's column, so none are simulated."],
    )


def _opsd(folder: Path) -> CheckReport:
    fleet = _fleet(
        "2015-10-12",
        """
        climate = 'konstanz'
        [smart-meter]
        count = 60
        scale = 1.2
        loss = 0.5
        solar = 1.0
        solar_kwp = 10.5
        dwellings = { detached = 1.0 }
        heating = { heat-pump = 1.0 }
        """,
    )
    meters = Meters(fleet)
    days = [meters.day(fleet.start_us // DAY_US + day) for day in range(480)]
    made = {
        "grid_import": np.concatenate([day.imported for day in days]).T / 1_000,
        "grid_export": np.concatenate([day.exported for day in days]).T / 1_000,
    }
    clock = local_clock(fleet.climate.zone, fleet.start_us, 1_800, 480 * 48)
    return CheckReport(
        "opsd-konstanz",
        "One Konstanz home with heat pump and panels, hourly steps of its registers",
        "60 detached homes with heat pumps and about 10.5 kWp, 480 days, scale 1.2, heat loss 0.5",
        [
            _compare(
                name,
                "kWh/h",
                recordings.konstanz_home(folder, name),
                _hourly(Recorded(values, 0.5, clock.hour_of_week)),
            )
            for name, values in made.items()
        ],
        ["The home also charges a car, which no model here does: it shows in the recorded 99 % quantile."],
    )


def _beijing(folder: Path) -> CheckReport:
    fleet = _fleet(
        "2013-03-01",
        """
        climate = 'beijing'
        reach = 8000
        [air-monitor]
        count = 4
        every = 3600
        pm2_5 = 86.0
        no2 = 60.0
        o3 = 60.0
        episodes = 0.95
        episode_hours = 28.0
        traffic = 0.4
        stagnation = 0.25
        damp = 0.0
        drift = 0.0
        """,
    )
    return CheckReport(
        "prsa-beijing",
        "Four stations of Beijing, hourly",
        "four reference instruments, two years, level and episodes of Beijing",
        _pollutants(
            fleet,
            730,
            {
                "pm2_5": recordings.beijing_stations(folder, "PM2.5"),
                "no2": recordings.beijing_stations(folder, "NO2"),
                "o3": recordings.beijing_stations(folder, "O3"),
            },
        ),
        ["Level and variability are settings of a fleet; Beijing's are far above the default, which is London's."],
    )


def _westminster(folder: Path) -> CheckReport:
    fleet = _fleet(
        "2018-01-01",
        """
        [air-monitor]
        count = 6
        every = 3600
        pm2_5 = 14.5
        no2 = 34.0
        episodes = 0.72
        traffic = 0.9
        stagnation = 0.16
        damp = 0.0
        drift = 0.0
        """,
    )
    return CheckReport(
        "openaq",
        "London Westminster, hourly, April to June 2019",
        "six reference instruments, April to June of two years",
        _pollutants(
            fleet,
            730,
            {"no2": recordings.westminster(folder, "no2"), "pm2_5": recordings.westminster(folder, "pm25")},
            months=(4, 5, 6),
        ),
        ["Ten weeks hold few episodes: the recorded quantiles above 95 % are two or three events."],
    )


def _german(folder: Path) -> CheckReport:
    recorded = recordings.german_car_parks(folder)
    fleet = _fleet(
        "2023-05-01",
        """
        climate = 'konstanz'
        [parking-bay]
        count = 4800
        streets = { car-park = 1.0 }
        """,
    )
    taken = _quarters(fleet, 4_800, 21)
    lots = taken.reshape(80, 60, 21 * 96).mean(axis=1)
    clock = local_clock(fleet.climate.zone, fleet.start_us, 900, 21 * 96)
    return CheckReport(
        "german-carparks",
        "165 German car parks, occupied share each quarter of an hour, 1 to 7 May 2023",
        "80 lots of 60 bays, three weeks",
        [_compare("occupied share", "1", recorded, Recorded(lots, 0.25, clock.hour_of_week))],
        [
            "The recorded Monday is a public holiday.",
            "The lots have 21 to 2,200 places: a large one varies less by chance than 60 bays.",
        ],
    )


def _melbourne(folder: Path) -> CheckReport:
    recorded = recordings.melbourne_bays(folder)
    fleet = _fleet(
        "2026-01-05",
        """
        [parking-bay]
        count = 2000
        streets = { high-street = 0.55, residential = 0.15, office = 0.08, loading = 0.07, leisure = 0.15 }
        """,
    )
    bays, first = make_bays(fleet), fleet.start_us // DAY_US
    ages: dict[bool, list[Float64]] = {True: [], False: []}
    # at the same time of the same weekday, in several weeks
    for week in range(4):
        day = first + 7 * week + recorded.local.weekday()
        now = (recorded.local.hour - 3) * 3_600 + recorded.local.minute * 60
        stays = stays_of(fleet, bays, day)
        here = (stays.arrival <= now) & (stays.departure > now) & (stays.arrival >= 0)
        ages[True].append((now - stays.arrival[here]) / 60)
        gone = stays.departure <= now
        last = np.full(2_000, -1)
        np.maximum.at(last, stays.bay[gone], stays.departure[gone])
        last[stays.bay[(stays.arrival <= now) & (stays.departure > now)]] = -1
        ages[False].append((now - last[last >= 0]) / 60)
    mine = {state: np.concatenate(found) for state, found in ages.items()}
    share = len(recorded.taken) / (len(recorded.taken) + len(recorded.free))
    made = len(mine[True]) / (len(mine[True]) + len(mine[False]))
    return CheckReport(
        "melbourne-bays",
        f"Bays of Melbourne at one instant, {recorded.local:%A %H:%M} local time",
        "2,000 bays, the same time of the week in four weeks",
        [
            Comparison("age of a stay", "min", summarise_ages(recorded.taken), summarise_ages(mine[True])),
            Comparison("age of a free spell", "min", summarise_ages(recorded.free), summarise_ages(mine[False])),
        ],
        [
            f"Of the bays that changed within a day {share:.0%} are taken in the recording, {made:.0%} in the model.",
            "One snapshot has no hours: it says nothing about the day or the week.",
        ],
    )


#: Name -> comparison, in the order in which they are listed. A name is that of the replay's mapping of the recording.
DATASETS: Mapping[str, Callable[[Path], CheckReport]] = {
    "lcl-london": _lcl,
    "resstock-alameda": _resstock,
    "citylearn-fontana": _citylearn,
    "opsd-konstanz": _opsd,
    "prsa-beijing": _beijing,
    "openaq": _westminster,
    "german-carparks": _german,
    "melbourne-bays": _melbourne,
}


def _fleet(day: str, text: str) -> Fleet:
    return parse(f"name = 'check'\nseed = 7\nstart = {day}T00:00:00Z\n{dedent(text)}", "of the comparison")


def _compare(name: str, unit: str, recorded: Recorded, simulated: Recorded) -> Comparison:
    return Comparison(
        name, unit, *(summarise(side.values, side.step, side.hour_of_week) for side in (recorded, simulated))
    )


def _homes(fleet: Fleet, days: int) -> Recorded:
    """Electricity of the fleet's homes from its start: kWh a half-hour."""
    meters, first = Meters(fleet), fleet.start_us // DAY_US
    values = np.concatenate([meters.day(first + day).imported for day in range(days)]).T / 1_000
    clock = local_clock(fleet.climate.zone, fleet.start_us, 1_800, days * 48)
    return Recorded(values, 0.5, clock.hour_of_week)


def _hourly(half_hours: Recorded) -> Recorded:
    values = half_hours.values.reshape(len(half_hours.values), -1, 2).sum(axis=2)
    return Recorded(values, 1.0, half_hours.hour_of_week[::2])


def _pollutants(
    fleet: Fleet, days: int, recorded: Mapping[str, Recorded], months: Sequence[int] = range(1, 13)
) -> list[Comparison]:
    first = fleet.start_us // DAY_US
    parts = [day_of(fleet, first + day) for day in range(days)]
    clock = local_clock(fleet.climate.zone, fleet.start_us, 3_600, days * 24)
    month = clock.date.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    found = []
    for name, side in recorded.items():
        values = np.concatenate([part[name] for part in parts]).T
        # other months are unknown and not left out: the autocorrelation needs even steps
        values = np.where(np.isin(month, list(months)), values, np.nan)
        found.append(_compare(name, "ug/m3", side, Recorded(values, 1.0, clock.hour_of_week)))
    return found


def _quarters(fleet: Fleet, count: int, days: int) -> Float64:
    """Whether each bay is taken at each quarter of an hour from the fleet's start: 0 or 1, shape (bays, quarters)."""
    bays, first, quarters = make_bays(fleet), fleet.start_us // DAY_US, days * 96
    change = np.zeros((count, quarters + 1))
    for day in range(-1, days):
        stays = stays_of(fleet, bays, first + day)
        for second, step in ((stays.arrival, 1), (stays.departure, -1)):
            # a day of bays begins at 03:00 UTC; who stays overnight is cut there and goes on the next day
            moment = (day * 24 + 3) * 3_600 + np.clip(second, 0, 86_400)
            np.add.at(change, (stays.bay, np.clip(-(-moment // 900), 0, quarters)), step)
    return np.cumsum(change, axis=1)[:, :-1]
