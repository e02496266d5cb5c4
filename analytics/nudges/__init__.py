"""Nudges: what a household is told of a month in a few short sentences, and why just that."""
