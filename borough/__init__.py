"""Composition root: settings, the borough command, the embedded demo."""
