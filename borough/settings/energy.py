"""The energy file of the settings."""

from __future__ import annotations

from analytics.energy.prices import Energy, load
from analytics.energy.prices_file import EnergyError
from borough.errors import SettingsError
from borough.settings.settings import Settings, variable


def read_energy(settings: Settings) -> Energy:
    """Prices and factors: the file of ``BOROUGH_ENERGY_FILE``, or our own. Raises SettingsError."""
    try:
        return load(settings.energy_file)
    except EnergyError as error:
        raise SettingsError(f"{variable('energy_file')}: {error}") from None
