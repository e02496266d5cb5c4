"""Settings that belong together, files and folders that they name, and what is made from them here."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path

from borough.doctor.attempt import attempt
from borough.doctor.finding import Finding, ill
from borough.errors import Failure
from borough.settings.collector import collector_options
from borough.settings.energy import read_energy
from borough.settings.jobs import half_set
from borough.settings.settings import Settings, unknown_variables, variable
from borough.site import site_options
from devices.bank_holidays import known_years
from devices.counts import counted
from store.times import local_day


def of_collector(settings: Settings) -> list[Finding]:
    """What a collector starts with, and variables that are no setting."""
    return [
        attempt("settings", "settings", lambda: _collecting(settings)),
        *(ill("settings-unknown", text) for text in unknown_variables()),
    ]


def of_pages(settings: Settings) -> list[Finding]:
    """Prices and factors; what the pages need, sign-in and erasure included."""
    return [
        attempt("energy", "energy", lambda: _energy(settings)),
        attempt("site", "site", lambda: _site(settings)),
    ]


def of_letters(settings: Settings) -> list[Finding]:
    """Fonts for everybody's name, and the bank holidays that bays' hours need."""
    today = local_day(datetime.now(UTC), settings.time_zone)
    return [
        attempt("letters", "letters", lambda: _letters(settings)),
        attempt("bank holidays", "bank-holidays", lambda: bank_holidays(today)),
    ]


def files(settings: Settings) -> list[Finding]:
    """A finding for each folder or file of the settings that is not there or cannot be used as it has to be; and
    whether what jobs need is all set."""
    found = []
    for field, folders in (("personal_folders", settings.personal_folders), ("letter_fonts", settings.letter_fonts)):
        if field in settings.model_fields_set:
            found += [f"{variable(field)}: {folder} is no folder" for folder in folders if not folder.is_dir()]
    if settings.accounts_folder is not None and not settings.accounts_folder.is_dir():
        found.append(f"{variable('accounts_folder')}: {settings.accounts_folder} is no folder")
    # the collector and the first erasure make what is not there yet, if they can
    for field, path in (("archive", settings.archive), ("tombstone_log", settings.tombstone_log)):
        if path is not None and (text := _unusable(path, folder=field == "archive")):
            found.append(f"{variable(field)}: {text}")
    half = half_set(settings)
    return [*(ill("files", text) for text in found), *([] if half is None else [ill("jobs", half)])]


def _collecting(settings: Settings) -> str:
    options = collector_options(settings)
    return f"{counted(len(options.subscriptions), 'subscription')}, source {options.broker.source}"


def _energy(settings: Settings) -> str:
    read_energy(settings)
    return "our own prices and factors" if settings.energy_file is None else str(settings.energy_file)


def _site(settings: Settings) -> str:
    options = site_options(settings)
    signs_in = (
        f"nobody can sign in: {variable('oidc_issuer')} is not set"
        if options.sign_in is None
        else f"sign-in at {options.sign_in.issuer}"
    )
    erases = "" if options.erase is not None else f"; nobody can be erased: {variable('tombstone_log')} is not set"
    return signs_in + erases


def bank_holidays(today: date) -> str:
    """Whether this year's are known: bays' hours that do not hold on them would be taken for holding."""
    years = known_years()
    if today.year not in years:
        raise Failure(f"bank holidays are known from {years[0]} to {years[-1]} and not of {today.year}; update borough")
    return f"of England and Wales, {years[0]} to {years[-1]}"


def _letters(settings: Settings) -> str:
    """Whether the names of all can be printed; without Typst no letters are made here, which is as it may be."""
    if find_spec("typst") is None:
        return "none are made here: Typst is not installed"
    from borough.delivery.letters.renderer import Renderer

    missing, packages = Renderer(datetime.now(UTC), settings.letter_fonts).scripts()
    if missing:
        raise Failure(
            f"no font for names in {', '.join(missing)}, so those letters are left to be written by hand: install"
            f" Debian's {' and '.join(packages)}, or name folders in {variable('letter_fonts')}"
        )
    return "there are fonts for names in every script"


def _unusable(path: Path, *, folder: bool) -> str | None:
    """Why nothing can be written at a path; None where it can be, or be made."""
    if path.exists():
        if path.is_dir() != folder:
            return f"{path} is {'no' if folder else 'a'} folder"
        return None if os.access(path, os.W_OK) else f"{path} cannot be written"
    above = path.parent
    while folder and not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        return f"{above} is no folder"
    return None if os.access(above, os.W_OK) else f"{path} cannot be made in {above}"
