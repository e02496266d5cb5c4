"""SensorThings clients that others wrote, each in an interpreter of its own: programs here, run from beside them."""
