"""Run by the Python of a system that has QGIS 3.40: opens layers and counts their features. Says so as JSON.

python3 with_qgis.py KIND ADDRESS     # KIND: sensorthings, or ogr for a GeoJSON address
"""

import json
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")

from qgis.core import Qgis, QgsApplication, QgsVectorLayer  # type: ignore[import-not-found]

#: Entities that QGIS makes layers of; those with a place are asked for as points.
PLACED = ("Location", "FeatureOfInterest")
ENTITIES = ("Thing", "Location", "HistoricalLocation", "Datastream", "Sensor", "ObservedProperty", "Observation",
            "FeatureOfInterest")  # fmt: skip


def look(layer: QgsVectorLayer) -> dict[str, object]:
    """How many features there are, the places of the first ones, and the names of all."""
    if not layer.isValid():
        return {"problem": layer.error().message() or "no valid layer"}
    features = list(layer.getFeatures())
    shapes = [feature.geometry() for feature in features if feature.hasGeometry() and not feature.geometry().isNull()]
    # of a line, a point on it
    points = [(one if one.type() == Qgis.GeometryType.Point else one.pointOnSurface()).asPoint() for one in shapes]
    places = [[point.x(), point.y()] for point in points]
    ids = [str(feature["id"]) for feature in features] if "id" in [field.name() for field in layer.fields()] else []
    return {"features": len(features), "places": places, "ids": ids, "crs": layer.crs().authid()}


application = QgsApplication([], False)
application.initQgis()
kind, address = sys.argv[1:]
answer: dict[str, object] = {"version": Qgis.QGIS_VERSION}
if kind == "sensorthings":
    for entity in ENTITIES:
        shape = "type=PointZ " if entity in PLACED else ""
        uri = f"crs='EPSG:4326' {shape}entity='{entity}' pageSize='100' url='{address}'"
        answer[entity] = look(QgsVectorLayer(uri, entity, "sensorthings"))
else:
    answer["layer"] = look(QgsVectorLayer(address, "layer", kind))
print(json.dumps(answer))
application.exitQgis()
