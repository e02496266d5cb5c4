"""Homes, households and readings that fill a borough for a test."""
