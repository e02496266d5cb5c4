"""Proof of the path itself: what arrived of what was sent, and what should have come."""
