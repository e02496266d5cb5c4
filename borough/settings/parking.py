"""The parking account of the settings."""

from __future__ import annotations

from borough.errors import SettingsError
from borough.settings.settings import Settings, variable
from devices.files import read_text
from devices.parking_account import Account, AccountError, read_accounts


def parking_accounts(settings: Settings) -> list[Account]:
    """The accounts of ``BOROUGH_PARKING_ACCOUNT``, none where it is not set. Raises SettingsError."""
    path, name = settings.parking_account, variable("parking_account")
    if path is None:
        return []
    try:
        return read_accounts(read_text(path))
    except OSError as error:
        raise SettingsError(f"{name}: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{name}: {path} is not UTF-8 text") from None
    except AccountError as error:
        raise SettingsError(f"{name}: {path}: {error}") from None
