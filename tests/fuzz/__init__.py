"""Seeded hostile input through every way in: ``make fuzz``. Each subject is a module with ``run``."""
