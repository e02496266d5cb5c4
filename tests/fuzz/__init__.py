"""Seeded, bounded runs of hostile and unusual input against the real thing."""
