"""What the settings say of open data."""

from __future__ import annotations

from borough.settings.settings import Settings
from dashboard.options import OpenData
from devices.device import Origin


def open_data(settings: Settings) -> OpenData:
    """As the site and the snapshots need it."""
    return OpenData(
        settings.open_data_licence,
        settings.open_data_contact,
        settings.open_data_organisation,
        settings.open_data_folder,
        origin(settings),
    )


def origin(settings: Settings) -> Origin:
    """Whose data are open: those of real devices, in an installation for tests or a demo the simulated ones."""
    return "real" if settings.installation == "production" else "simulated"
