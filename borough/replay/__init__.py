"""Recordings and tables through the production path: record, read, pace, publish, resume, with a ledger to score."""
