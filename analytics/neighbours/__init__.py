"""Homes compared with similar homes nearby: cells, exact figures, what of them may be shown, and when."""
