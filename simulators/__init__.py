"""Fleets, signals and faults; knows devices/, nothing else."""
