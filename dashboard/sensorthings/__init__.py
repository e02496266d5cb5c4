"""The OGC SensorThings API, read side: 1.1 and 2.0 from one store."""
