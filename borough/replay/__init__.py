"""Recordings and tables through the production path: record, read, pace, publish, resume, and a ledger for the score."""
