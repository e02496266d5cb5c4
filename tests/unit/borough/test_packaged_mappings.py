"""The mappings that come with the program, on files written here in the shape that each publisher has."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from borough.errors import UsageError
from borough.replay.mapping_file import find_mapping, packaged, read_table_mapping
from borough.replay.observations import TableSource
from borough.replay.registering import devices_of
from devices.device import Device
from devices.duration import duration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(path: Path, text: str, name: str) -> tuple[list[tuple[str, str, dict[str, float]]], list[Device], list[str]]:
    """What the mapping that is made for such a file finds in it, the devices, and what could not be read."""
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    mapping = find_mapping("", path)
    assert mapping.name == name
    source = TableSource(mapping, [path])
    found = [
        (source.devices[device], f"{EPOCH + timedelta(microseconds=time):%Y-%m-%dT%H:%M:%S}", dict(values))
        for time, device, values in source.observations()
    ]
    return found, devices_of(mapping, source, [path]), source.unreadable.lines


def test_octopus_customers_download(tmp_path: Path) -> None:
    text = (
        "Consumption (kwh), Estimated Cost Inc. Tax (p), Standing Charge Inc. Tax (p), Start, End\n"
        "0.214000, 5.1, 51.2, 2026-10-25T00:30:00+01:00, 2026-10-25T01:00:00+01:00\n"
        "0E-20, 0, , 2026-10-25T01:00:00+01:00, 2026-10-25T01:30:00+01:00\n"
        "0.301000, 7.2, , 2026-10-25T01:00:00+00:00, 2026-10-25T01:30:00+00:00\n"
    )
    found, devices, bad = read(tmp_path / "octopus_home.csv", text, "octopus-customer")
    assert [(device, time, values["import_interval"]) for device, time, values in found] == [
        ("octopus_home", "2026-10-24T23:30:00", 0.214),
        ("octopus_home", "2026-10-25T00:00:00", 0.0),
        ("octopus_home", "2026-10-25T01:00:00", 0.301),
    ]
    assert [dict(device.attributes) for device in devices] == [{"interval": "PT30M"}]
    assert bad == []


@pytest.mark.parametrize(("head", "date"), [("End Date,End Time", "2025-12-31"), ("Date,time", "31-12-2025")])
def test_uk_air_with_lines_above_and_hours_by_their_end(tmp_path: Path, head: str, date: str) -> None:
    text = (
        "Data supplied by UK-AIR on 2/1/2026\nAll Data GMT hour ending\nStatus: R = Ratified / P = Provisional\n\n"
        ",,Anytown Roadside,,,,,\n"
        f"{head},Nitrogen dioxide,status,unit,PM<sub>10</sub> particulate matter (Hourly measured),status,unit\n"
        f"{date},01:00,27.1,R,ugm-3,14.4,R,ugm-3\n{date},23:00,No data,,,15,R,ugm-3\n{date},24:00,22.0,R,ugm-3,,,\n"
    )
    found, devices, bad = read(tmp_path / "ANY1_2025.csv", text, "uk-air")
    assert found == [
        ("ANY1", "2025-12-31T00:00:00", {"no2": 27.1, "pm10": 14.4}),
        ("ANY1", "2025-12-31T22:00:00", {"pm10": 15.0}),
        ("ANY1", "2025-12-31T23:00:00", {"no2": 22.0}),
    ]
    assert [device.attributes["interval"] for device in devices] == ["PT1H"]
    assert bad == []


def test_london_air_is_long_with_its_unit_in_the_row(tmp_path: Path) -> None:
    text = (
        "Site,Species,ReadingDateTime,Value,Units,Provisional or Ratified\n"
        "BX1,NO2,25/10/2026 01:00,31.4,ug m-3,P\nBX1,NO2,25/10/2026 02:00,,ug m-3,P\n"
        "BX1,CO,25/10/2026 01:00,0.4,mg m-3,P\nBX1,CO2,25/10/2026 01:00,400,ppm,P\n"
    )
    found, devices, bad = read(tmp_path / "LaqnData.csv", text, "london-air")
    assert found == [
        ("laqn-BX1", "2026-10-25T01:00:00", {"no2": 31.4}), ("laqn-BX1", "2026-10-25T01:00:00", {"co": 0.4}),
    ]  # fmt: skip
    assert [device.id for device in devices] == ["laqn-BX1"]
    assert bad == []


def test_sensor_community_archive_of_two_kinds_of_sensor(tmp_path: Path) -> None:
    dust = (
        "sensor_id;sensor_type;location;lat;lon;timestamp;P1;durP1;ratioP1;P2;durP2;ratioP2\n"
        "771;SDS011;310;51.5;-0.12;2026-01-02T00:01:17;12.40;;;7.20;;\n"
        "771;SDS011;310;51.5;-0.12;2026-01-02T00:03:44.125000;unavailable;;;7.00;;\n"
    )
    found, (device,), bad = read(tmp_path / "2026-01-02_sds011_sensor_771.csv", dust, "sensor-community-archive")
    assert found == [
        ("sensor-771", "2026-01-02T00:01:17", {"pm10": 12.4, "pm2_5": 7.2}),
        ("sensor-771", "2026-01-02T00:03:44", {"pm2_5": 7.0}),
    ]
    assert (device.lat, device.lon, dict(device.attributes)) == (51.5, -0.12, {"sensor_type": "SDS011"})
    weather = (
        "sensor_id;sensor_type;location;lat;lon;timestamp;pressure;altitude;pressure_sealevel;temperature;humidity\n"
        "772;BME280;310;51.5;-0.12;2026-01-02T00:01:17;101325.00;;;-1.5;80.1\n"
    )
    found, _, _ = read(tmp_path / "2026-01-02_bme280_sensor_772.csv.gz", weather, "sensor-community-archive")
    assert found == [
        ("sensor-772", "2026-01-02T00:01:17", {"pressure": 1013.25, "temperature": -1.5, "humidity": 80.1})
    ]
    assert bad == []


def nem12(*days: str) -> str:
    return "\n".join(["100,NEM12,202601020000,MDP1,Ret1", *days, "900", ""])


def stream(suffix: str, unit: str, minutes: int, nmi: str = "6001000000") -> str:
    return f"200,{nmi},E1B1,1,{suffix},N1,100001,{unit},{minutes},20260301"


def day(values: list[str], quality: str = "A,,,20260102000000,") -> str:
    return f"300,20260101,{','.join(values)},{quality}"


def test_nem12_of_all_lengths_with_qualities_by_interval(tmp_path: Path) -> None:
    text = nem12(
        stream("E1", "KWH", 30), day(["0.5"] * 48),
        stream("B1", "KWH", 30), day(["9"] * 48),
        stream("E2", "WH", 5), day(["1"] * 287 + [""]),
        stream("E1", "kWh", 15, "6002000000"), day([f"{n}" for n in range(1, 97)], "V,,,20260102000000,"),
        "400,1,2,F14,76,", "400,3,94,A,,", "400,95,96,N,,",
    )  # fmt: skip
    found, devices, bad = read(tmp_path / "x_NEM12_y.csv", text, "nem12")
    counts = {name: [values["import_interval"] for device, _, values in found if device == name]
              for name in ("nmi-6001000000-E1", "nmi-6001000000-E2", "nmi-6002000000-E1")}  # fmt: skip
    assert list(map(len, counts.values())) == [48, 287, 94]
    assert sum(map(len, counts.values())) == len(found)
    assert (counts["nmi-6001000000-E1"][0], counts["nmi-6001000000-E2"][0]) == (0.5, 0.001)
    assert counts["nmi-6002000000-E1"] == [float(number) for number in range(1, 95)]
    # market time is ten hours before UTC
    assert (found[0][1], found[-1][1]) == ("2025-12-31T14:00:00", "2026-01-01T13:50:00")
    assert {device.id: device.attributes["interval"] for device in devices} == {
        "nmi-6001000000-E1": "PT30M", "nmi-6001000000-E2": "PT5M", "nmi-6002000000-E1": "PT15M",
    }  # fmt: skip
    assert bad == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (nem12(day(["1"] * 48)), "line 2: a record 300 stands before the first 200"),
        (nem12(stream("E1", "kWh", 20)), "line 2: the interval length of a record 200"),
        (nem12(stream("E1", "kWh", 30), day(["1"] * 40)), "line 3: a record 300 has"),
        (
            nem12(stream("E1", "kWh", 30), day(["1"] * 48).replace("20260101", "2026")),
            "line 3: the date of a record 300",
        ),
        (nem12(stream("E1", "kWh", 30), day(["1"] * 48), "400,0,9,A,,"), "line 4: the intervals of a record 400"),
        (nem12(stream("E1", "kWh", 30), day(["1"] * 48), "400,1,x,A,,"), "line 4: a record 400 needs two numbers"),
        (nem12("400,1,2,A,,"), "line 2: a record 400 stands behind no 300"),
        (nem12(stream("E1", "kWh", 30), day(["1"] * 48)).replace("900", ""), "has no record 900"),
        ("100,NEM13,202601020000,MDP1,Ret1\n900\n", "line 1: is the head of another format"),
        ("Jane Doe,1\n", "line 1: begins with none of the records"),
        ("200,1,2\n900\n", "line 1: a record 200 has 3 cells; 9 are needed"),
    ],
)
def test_nem12_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path / "NEM12.csv", text, "nem12")
    assert said in str(error.value)
    assert "Jane Doe" not in str(error.value)


def test_muenster_car_parks_by_column(tmp_path: Path) -> None:
    text = (
        "Datum und Uhrzeit,PH Theater,PP Hörsterplatz\n25.10.2026 01:45,100,geschlossen\n25.10.2026 02:45,90,20\n"
        "25.10.2026 02:00,80,\n25.10.2026 03:00,70,10\n"
    )
    found, devices, bad = read(tmp_path / "muenster_2026.csv", text, "muenster-carparks")
    assert [(device, time, values["free_spaces"]) for device, time, values in found] == [
        ("muenster-PH-Theater", "2026-10-24T23:45:00", 100.0),
        ("muenster-PH-Theater", "2026-10-25T00:45:00", 90.0),
        ("muenster-PP-H-rsterplatz", "2026-10-25T00:45:00", 20.0),
        ("muenster-PH-Theater", "2026-10-25T01:00:00", 80.0),
        ("muenster-PH-Theater", "2026-10-25T02:00:00", 70.0),
        ("muenster-PP-H-rsterplatz", "2026-10-25T02:00:00", 10.0),
    ]
    assert [device.id for device in devices] == ["muenster-PH-Theater", "muenster-PP-H-rsterplatz"]
    assert bad == []


def test_occupied_car_parks_against_the_file_of_capacities(tmp_path: Path) -> None:
    (tmp_path / "capacities.csv").write_text("id,capacity\nDom,120\nMarkt,\n")
    text = "Zeitpunkt;Dom;Markt\n01.07.2026 12:00;100;5\n01.07.2026 12:05;125;-\n"
    found, devices, bad = read(tmp_path / "belegung_juli.csv", text, "occupied-carparks")
    assert [(device, time, values["free_spaces"]) for device, time, values in found] == [
        ("Dom", "2026-07-01T10:00:00", 20.0), ("Dom", "2026-07-01T10:05:00", -5.0),
    ]  # fmt: skip
    assert [(device.id, dict(device.attributes)) for device in devices] == [("Dom", {"capacity": "120"}), ("Markt", {})]
    told = "occupied spaces without a capacity that is a number (attribute 'capacity')"
    assert bad == [f"belegung_juli.csv, line 2: free_spaces: {told}"]


def test_melbourne_bay_events_are_stays(tmp_path: Path) -> None:
    text = (
        "DeviceId,ArrivalTime,DepartureTime,DurationMinutes,StreetMarker,AreaName,BayId,InViolation,VehiclePresent\n"
        "17,07/01/2019 09:00:00 AM,07/01/2019 09:20:00 AM,20,C1,Docklands,5,false,true\n"
        "17,07/01/2019 09:20:00 AM,07/01/2019 12:30:00 PM,190,C1,Docklands,5,false,false\n"
        "17,07/01/2019 12:30:00 PM,07/01/2019 12:40:00 PM,10,C1,Docklands,5,true,true\n"
    )
    found, (device,), bad = read(
        tmp_path / "On-street_Car_Parking_Sensor_Data_-_2019.csv", text, "melbourne-bay-events"
    )
    assert [(device, time, values["occupied"]) for device, time, values in found] == [
        ("melbourne-17", "2019-06-30T23:00:00", 1), ("melbourne-17", "2019-06-30T23:20:00", 0),
        ("melbourne-17", "2019-07-01T02:30:00", 1), ("melbourne-17", "2019-07-01T02:40:00", 0),
    ]  # fmt: skip
    assert dict(device.attributes) == {"area": "Docklands"}
    assert bad == []


def test_devices_of_what_comes_at_intervals_have_them() -> None:
    """Without it ``borough complete`` cannot know; those that speak when something changes have none."""
    without = {
        name
        for name, text in packaged().items()
        if "interval" not in {**(rule := read_table_mapping(text, name).device).attributes, **rule.attribute_columns}
    }
    assert without == {
        "german-carparks", "melbourne-bay-events", "melbourne-bays", "muenster-carparks", "occupied-carparks",
        "sensor-community-archive",
    }  # fmt: skip
    for name, text in packaged().items():
        said = read_table_mapping(text, name).device.attributes.get("interval", "PT1H")
        assert duration(said) is not None
