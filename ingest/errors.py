"""What is wrong with how a collector was told to run."""

from __future__ import annotations


class OptionsError(ValueError):
    """An option is wrong. The text says which, where and what to do; the command line ends with status 2."""
