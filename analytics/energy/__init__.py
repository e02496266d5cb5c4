"""A home's energy from its readings: use by local day and half-hour, prices and carbon."""
