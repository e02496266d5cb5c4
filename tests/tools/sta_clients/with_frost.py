"""Run by the interpreter of an environment that has frost-sta-client 1.1.53: pages through everything and counts.

python with_frost.py ROOT     # prints JSON
"""

import json
import sys

import frost_sta_client as fsc  # type: ignore[import-not-found]

service = fsc.SensorThingsService(sys.argv[1])
SETS = {
    "Things": service.things,
    "Locations": service.locations,
    "HistoricalLocations": service.historical_locations,
    "Datastreams": service.datastreams,
    "Sensors": service.sensors,
    "ObservedProperties": service.observed_properties,
    "Observations": service.observations,
    "FeaturesOfInterest": service.features_of_interest,
}
counted = {name: len(list(of().query().list())) for name, of in SETS.items()}
tops = {
    str(top): len(list(service.observations().query().top(top).list())) for top in (1, 7, 100, 101, 999, 1500, 9999)
}
told = service.observations().query().count().top(1).list().count
series = {}
for stream in service.datastreams().query().list():
    rows = list(stream.get_observations().query().orderby("phenomenonTime", "ASC").top(1000).list())
    series[str(stream.id)] = [[str(row.id), str(row.phenomenon_time), row.result] for row in rows]
found = service.things().find("air-001")
print(json.dumps({"counted": counted, "tops": tops, "told": told, "series": series, "name": found.name}))
