"""The demo: everything on one machine, simulated, gone again when it ends. Not for real data."""
