"""Open data as files: blocks of (series, time, value) to CSV, Parquet and GeoJSON. Arrays in, bytes out."""
