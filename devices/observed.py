"""What is observed, in the words that open interfaces need: names of properties and units, and what defines them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_AIR = "http://dd.eionet.europa.eu/vocabulary/aq/pollutant/"
_QUANTITY = "http://qudt.org/vocab/quantitykind/"


class Observed(NamedTuple):
    """A property in words; ``definition``: the address of what others define by it, None where nobody is known to."""

    label: str
    description: str
    definition: str | None = None


class UnitWords(NamedTuple):
    """A unit's name and the sign that people write."""

    name: str
    symbol: str


#: Property -> its words. Every property of `devices.families` is here.
OBSERVED: Mapping[str, Observed] = {
    "occupied": Observed("Occupied", "Whether a vehicle stands in the bay: 1 yes, 0 no"),
    "battery": Observed("Battery", "Charge that is left in the device's battery"),
    "temperature": Observed("Temperature", "Temperature of the air at the device", f"{_QUANTITY}Temperature"),
    "import_register": Observed("Import register", "Electric energy taken from the grid so far", f"{_QUANTITY}Energy"),
    "export_register": Observed("Export register", "Electric energy given to the grid so far", f"{_QUANTITY}Energy"),
    "heat_register": Observed("Heat register", "Heat delivered so far", f"{_QUANTITY}Energy"),
    "import_interval": Observed(
        "Import in an interval", "Electric energy taken from the grid in an interval", f"{_QUANTITY}Energy"
    ),
    "power": Observed("Power", "Electric power taken from the grid", f"{_QUANTITY}ActivePower"),
    "gas_register": Observed("Gas register", "Energy of the gas delivered so far", f"{_QUANTITY}Energy"),
    "gas_volume_register": Observed("Gas volume register", "Volume of gas delivered so far", f"{_QUANTITY}Volume"),
    "water_volume_register": Observed(
        "Water volume register", "Volume of water delivered so far", f"{_QUANTITY}Volume"
    ),
    "pm1": Observed("PM1", "Mass of particles up to 1 micrometre in a volume of air"),
    "pm2_5": Observed("PM2.5", "Mass of particles up to 2.5 micrometres in a volume of air", f"{_AIR}6001"),
    "pm10": Observed("PM10", "Mass of particles up to 10 micrometres in a volume of air", f"{_AIR}5"),
    "no2": Observed("Nitrogen dioxide", "Mass of nitrogen dioxide (NO2) in a volume of air", f"{_AIR}8"),
    "o3": Observed("Ozone", "Mass of ozone (O3) in a volume of air", f"{_AIR}7"),
    "so2": Observed("Sulphur dioxide", "Mass of sulphur dioxide (SO2) in a volume of air", f"{_AIR}1"),
    "co": Observed("Carbon monoxide", "Mass of carbon monoxide (CO) in a volume of air", f"{_AIR}10"),
    "co2": Observed("Carbon dioxide", "Part of carbon dioxide (CO2) in air, by volume"),
    "humidity": Observed("Relative humidity", "Relative humidity of the air", f"{_QUANTITY}RelativeHumidity"),
    "pressure": Observed("Air pressure", "Pressure of the air at the device", f"{_QUANTITY}AtmosphericPressure"),
    "tvoc_index": Observed("VOC index", "Index of volatile organic compounds, as the sensor's maker computes it"),
    "nox_index": Observed("NOx index", "Index of nitrogen oxides, as the sensor's maker computes it"),
    "motion": Observed("Motion", "Whether something moves: 1 yes, 0 no"),
    "contact": Observed("Contact", "Whether a door or window is open: 1 yes, 0 no"),
    "illuminance": Observed("Illuminance", "Light that falls on the device", f"{_QUANTITY}Illuminance"),
    "free_spaces": Observed("Free spaces", "Spaces that are free in the car park"),
    "occupied_spaces": Observed("Occupied spaces", "Spaces that are taken in the car park"),
    "capacity": Observed("Capacity", "Spaces that the car park has"),
}

#: UCUM code -> its words. Every unit of `devices.families` is here.
UNITS: Mapping[str, UnitWords] = {
    "1": UnitWords("one", "1"),
    "%": UnitWords("percent", "%"),
    "Cel": UnitWords("degree Celsius", "°C"),
    "kW.h": UnitWords("kilowatt hour", "kWh"),
    "W": UnitWords("watt", "W"),
    "m3": UnitWords("cubic metre", "m³"),
    "ug/m3": UnitWords("microgram per cubic metre", "µg/m³"),
    "mg/m3": UnitWords("milligram per cubic metre", "mg/m³"),
    "[ppm]": UnitWords("parts per million", "ppm"),
    "hPa": UnitWords("hectopascal", "hPa"),
    "lx": UnitWords("lux", "lx"),
}

#: Family -> what one of its devices is.
FAMILY_WORDS: Mapping[str, str] = {
    "parking-bay": "Parking bay sensor",
    "smart-meter": "Smart meter",
    "air-monitor": "Air monitor",
    "movement-sensor": "Movement sensor",
    "car-park": "Car park",
}
