"""A look that may fail: its failure is a finding, and the looks after it go on."""

from __future__ import annotations

from collections.abc import Callable

from borough.doctor.finding import Finding, ill, well
from borough.errors import Failure
from ingest.errors import OptionsError


def attempt(name: str, code: str, look: Callable[[], str]) -> Finding:
    """What ``look`` found; where it raises Failure or OptionsError (or SettingsError), that, as the fault ``code``."""
    try:
        return well(name, look())
    except (Failure, OptionsError) as error:
        return ill(code, str(error))
