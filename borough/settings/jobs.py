"""The settings of jobs: whether this installation may run any, and where their files are."""

from __future__ import annotations

import os
from pathlib import Path

from borough.errors import SettingsError
from borough.settings.settings import Settings, variable


def no_jobs(settings: Settings) -> str | None:
    """Why no job may be asked for, taken or run here, for people; None where it may."""
    if settings.installation == "production":
        return (
            "This installation is production's: what a replay or a simulation sends would stand among what real devices"
            f" say. Where none do, set {variable('installation')}=test, or demo."
        )
    if settings.jobs_folder is None:
        return f"{variable('jobs_folder')} is not set: it is the folder for uploads, checkpoints, ledgers and reports."
    return None


def half_set(settings: Settings) -> str | None:
    """What of the settings of jobs is without the other, or cannot be used; None where nothing is."""
    if settings.installation == "production":
        if settings.jobs_folder is None:
            return None
        return f"{variable('jobs_folder')} is set, but {variable('installation')} is production: no job can run"
    try:
        jobs_folder(settings)
    except SettingsError as error:
        return str(error)
    return None


def jobs_folder(settings: Settings) -> Path:
    """The folder of jobs. Raises SettingsError where this installation runs none, or the folder cannot be used."""
    name = variable("jobs_folder")
    if settings.installation == "production":
        raise SettingsError(
            f"{variable('installation')} is production: replays and simulations run at a test or demo installation only"
        )
    path = settings.jobs_folder
    if path is None:
        raise SettingsError(f"{name} is not set; give a folder for uploads, checkpoints, ledgers and reports")
    if not path.is_dir():
        raise SettingsError(f"{name}: {path} is no folder; make it, for the worker and the site to write")
    if not os.access(path, os.W_OK | os.X_OK):
        raise SettingsError(f"{name}: {path} cannot be written to")
    return path.resolve()
