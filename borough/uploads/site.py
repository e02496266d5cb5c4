"""What the site needs to take uploads and start jobs, made once for it."""

from __future__ import annotations

from pathlib import Path

from borough.replay.mapping_file import packaged, read_table_mapping
from borough.settings.jobs import jobs_folder
from borough.settings.settings import Settings
from borough.uploads.apart import Apart
from borough.uploads.fleets import shipped
from dashboard.replays import Installation, Limits, Replays
from simulators.fault_options import DEVICE_FAULTS, FAULTS


def replays(settings: Settings, folder: Path) -> Replays:
    """What the settings say of it. Raises SettingsError where ``folder``, the setting's, cannot be used."""
    # in production nothing is started, and the page says so: no folder is looked for
    folder = folder if settings.installation == "production" else jobs_folder(settings)
    limits = Limits(
        size=settings.upload_bytes,
        files=settings.upload_files,
        total=settings.upload_total,
        free=settings.upload_free,
        days=settings.upload_days,
    )
    return replays_of(settings.installation, folder, limits)


def replays_of(installation: Installation, folder: Path, limits: Limits) -> Replays:
    """What can be started in an installation whose jobs' files stand in ``folder``."""
    return Replays(
        installation=installation,
        folder=folder,
        reader=Apart(),
        limits=limits,
        fleets=shipped(),
        mappings={name: read_table_mapping(text, f"{name}.toml").family for name, text in packaged().items()},
        faults={name: "devices" if name in DEVICE_FAULTS else "messages" for name in FAULTS},
    )
