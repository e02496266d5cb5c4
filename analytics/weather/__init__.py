"""What the weather does to use: degree days, models of a home's use by CalTRACK, change apart from the weather."""
