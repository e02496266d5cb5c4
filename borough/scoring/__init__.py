"""Ledgers against the store: what a fleet should have left behind, what it did, and the page that says so."""
