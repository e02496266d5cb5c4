"""Settings: environment variables with the prefix ``BOROUGH_``, checked before anything starts.

What is wrong is told in one line that names the variable and never shows a password.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError, create_model
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from borough.errors import SettingsError
from borough.settings.addresses import database_url, is_host
from devices.bays import GRACE, SILENCE
from devices.csvw import OPEN_GOVERNMENT_LICENCE
from devices.files import read_text

PREFIX = "BOROUGH_"
#: Read by the tests and the demo, not by the service.
OTHER_PREFIXES = ("BOROUGH_TEST_", "BOROUGH_DEMO_")

_SECRET = {"database_url", "mqtt_url", "mqtt_password", "alarm_webhook_url", "smtp_url"}


def _instant(value: Any) -> Any:
    """A date or an instant; without an offset it is UTC, since a server's own zone is an accident."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return value


def _days(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() in ("", "off", "never") else value


def _zone(value: Any) -> Any:
    if isinstance(value, str):
        name = value.strip()
        try:
            # PostgreSQL's ``at time zone 'CET'`` is an abbreviation without summer time, Python's CET has it
            if "/" in name or name == "UTC":
                return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
        raise PydanticCustomError("time_zone", "is no time zone by its place such as Europe/London, nor UTC")
    return value


def _host(value: Any) -> Any:
    if isinstance(value, str) and not is_host(value):
        raise PydanticCustomError("host", "is no host name or address")
    return value


def _paths(value: Any) -> Any:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def _brokers(value: Any) -> Any:
    """Addresses of brokers for anybody to see: no name and no password in them."""
    found = _lines(value)
    for address in found:
        try:
            parts = urlsplit(address)
            wrong = parts.scheme not in ("mqtt", "mqtts", "ws", "wss") or not parts.hostname or parts.port == 0
        except ValueError:
            wrong = True
        if wrong or "@" in address:
            raise PydanticCustomError(
                "broker", "is no list of addresses such as mqtts://mqtt.council.example:8883, without a user's name"
            )
    return found


def _lines(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Days = Annotated[Annotated[int, Field(ge=1, le=36_500)] | None, BeforeValidator(_days)]
Host = Annotated[str, BeforeValidator(_host)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
File = Path | None


class _Base(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", env_ignore_empty=True, frozen=True, defer_build=True
    )


class Settings(_Base):
    """Every setting with its default; ``docs/reference/settings.md`` says what each is for.

    Read it through ``read_settings``, which turns pydantic's errors into one line.
    """

    database_url: str | None = Field(default=None, repr=False)
    database_url_file: File = None
    database_password_file: File = None

    mqtt_url: str = Field(default="mqtt://127.0.0.1:1883", repr=False)
    mqtt_username: str | None = None
    mqtt_password: str | None = Field(default=None, repr=False)
    mqtt_password_file: File = None
    mqtt_source: Literal["mqtt5", "paho"] = "mqtt5"
    mqtt_client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,100}$")] = "borough-collector"
    mqtt_shared_group: Annotated[str, Field(pattern=r"^[^/+#\s]{1,100}$")] | None = None
    mqtt_ca_file: File = None
    mqtt_cert_file: File = None
    mqtt_key_file: File = None
    # 0 would make the broker forget the queue at every lost connection; 4294967295 means for ever
    mqtt_session_expiry: Annotated[int, Field(ge=1, le=0xFFFF_FFFF)] = 7 * 86_400
    # close to 65535 Mosquitto 2.0 drops clients at the turn of a second: borough/doctor/probe.py
    mqtt_keep_alive: Annotated[int, Field(ge=5, le=32_767)] = 30
    # at 65535 the codec leaves the property out and Mosquitto then takes 20
    mqtt_receive_maximum: Annotated[int, Field(ge=1, le=65_534)] = 50_000
    mqtt_read_interval: Annotated[float, Field(ge=0.001, le=1)] = 0.010

    mappings: File = None
    subscriptions: File = None
    batch_readings: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    batch_age: Annotated[float, Field(gt=0, le=60)] = 0.2
    held_bytes: Annotated[int, Field(ge=1024 * 1024)] = 64 * 1024 * 1024
    payload_maximum: Annotated[int, Field(ge=16, le=256 * 1024 * 1024)] = 128 * 1024
    earliest: Annotated[datetime, BeforeValidator(_instant)] = datetime(2000, 1, 1, tzinfo=UTC)
    ahead: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 300.0
    auto_register: bool = False
    auto_register_origin: Literal["real", "simulated"] = "real"
    rejected_per_device_hour: Annotated[int, Field(ge=0)] = 1_000
    write_timeout: Seconds = 30.0
    registry_refresh: Seconds = 1.0
    keep: dict[str, dict[str, Annotated[float, Field(ge=0)]]] = Field(default_factory=dict)

    metrics_host: Host = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    alarm_webhook_url: str | None = Field(default=None, repr=False)
    alarm_webhook_url_file: File = None
    alarm_webhook_secret_file: File = None
    alarm_lag: Seconds = 600.0
    alarm_rejected: Annotated[float, Field(gt=0, le=1)] = 0.05
    alarm_disk: Annotated[float, Field(gt=0, lt=1)] = 0.10
    alarm_folders: Annotated[list[Path], NoDecode, BeforeValidator(_paths)] = Field(default_factory=list)

    smtp_url: str | None = Field(default=None, repr=False)
    smtp_url_file: File = None
    smtp_username: str | None = None
    smtp_password_file: File = None
    smtp_ca_file: File = None
    smtp_timeout: Annotated[float, Field(ge=0.1, le=600)] = 60.0
    mail_sender: str | None = None
    mail_sender_name: str | None = None
    mail_reply_to: str | None = None
    mail_quiet_hours: Annotated[str, Field(pattern=r"^[0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d$|^never$")] = "21:00-08:00"
    mail_caps: dict[str, Annotated[int, Field(ge=0, le=1_000)]] = Field(default_factory=dict)

    retention_parking_bay: Days = None
    retention_smart_meter: Days = None
    retention_air_monitor: Days = None
    retention_movement_sensor: Days = 90
    retention_car_park: Days = None
    retention_rejected_bytes: Annotated[int, Field(ge=1, le=36_500)] = 7
    retention_messages: Annotated[int, Field(ge=30, le=36_500)] = 400
    retention_care_alerts: Annotated[int, Field(ge=1, le=36_500)] = 366
    retention_access: Annotated[int, Field(ge=366, le=36_500)] = 1_096
    retention_complaints: Annotated[int, Field(ge=28, le=36_500)] = 730
    archive: File = None
    archive_retention_parking_bay: Days = 400
    archive_retention_smart_meter: Days = 90
    archive_retention_air_monitor: Days = 400
    archive_retention_movement_sensor: Days = 30
    archive_retention_car_park: Days = 400
    columnstore_after: Annotated[int, Field(ge=1, le=36_500)] = 30
    backup_folder: File = None
    backup_hours: Annotated[int, Field(ge=1, le=24 * 366)] = 26

    time_zone: Annotated[ZoneInfo, BeforeValidator(_zone)] = ZoneInfo("Europe/London")
    energy_file: File = None
    vacant_watt_hours: Annotated[int, Field(ge=0)] = 1_000
    coverage: Annotated[float, Field(gt=0, le=1)] = 0.9
    parking_grace: Annotated[int, Field(ge=0, le=1_440)] = GRACE // timedelta(minutes=1)
    parking_silence: Annotated[int, Field(ge=1, le=672)] = SILENCE // timedelta(hours=1)
    care_answer: Annotated[int, Field(ge=1, le=1_440)] = 30
    care_office_from: Annotated[int, Field(ge=0, le=23)] = 9
    care_office_to: Annotated[int, Field(ge=1, le=24)] = 17
    tombstone_key_file: File = None
    tombstone_log: File = None
    accounts_folder: File = None
    personal_folders: Annotated[list[Path], NoDecode, BeforeValidator(_paths)] = Field(default_factory=list)

    installation: Literal["production", "test", "demo"] = "production"
    jobs_folder: File = None
    upload_bytes: Annotated[int, Field(ge=1024)] = 2 << 30
    upload_files: Annotated[int, Field(ge=1, le=10_000)] = 100
    upload_total: Annotated[int, Field(ge=1024)] = 10 << 30
    upload_free: Annotated[int, Field(ge=0)] = 1 << 30
    upload_days: Annotated[int, Field(ge=1, le=3_650)] = 30

    web_host: Host = "127.0.0.1"
    web_port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    web_url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]+$")] | None = None
    web_secret_file: File = None
    # whoever may say from where a request came (X-Forwarded-For), or anybody could
    web_proxies: Annotated[list[str], NoDecode, BeforeValidator(_lines)] = Field(
        default_factory=lambda: ["127.0.0.1", "::1"]
    )
    observation_endpoints: Annotated[list[str], NoDecode, BeforeValidator(_brokers)] = Field(default_factory=list)
    web_workers: Annotated[int, Field(ge=1, le=16)] = 1
    web_stall: Annotated[float, Field(ge=0.1, le=600)] = 20.0
    web_live_clients: Annotated[int, Field(ge=1, le=10_000)] = 600
    oidc_issuer: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    oidc_client_id: str | None = None
    oidc_client_secret_file: File = None
    oidc_tenancy_claim: str = "borough_tenancy"
    oidc_roles_claim: str = "borough_roles"
    session_idle: Annotated[int, Field(ge=60, le=86_400)] = 1_800
    council_name: str = "Your council"
    council_address: Annotated[list[str], NoDecode, BeforeValidator(_lines)] = Field(default_factory=list)
    help_line: str | None = None
    dtro_authority: Annotated[int, Field(ge=1, le=999_999_999)] | None = None
    parking_account: File = None
    open_data_folder: File = None
    open_data_after: Annotated[int, Field(ge=1, le=60)] = 7
    open_data_licence: Annotated[str, Field(pattern=r"^https?://\S+$")] = OPEN_GOVERNMENT_LICENCE
    open_data_contact: Annotated[str, Field(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+$")] | None = None
    open_data_organisation: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,100}$")] | None = None
    fleet_scheduler: str | None = None
    fleet_ca_file: File = None
    fleet_cert_file: File = None
    fleet_key_file: File = None
    letter_fonts: Annotated[list[Path], NoDecode, BeforeValidator(_paths)] = Field(
        default_factory=lambda: [Path("/usr/share/fonts"), Path("/usr/share/fonts-droid-fallback")]
    )


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def read_settings() -> Settings:
    """Read the environment. Raises SettingsError: one line with the variable, what is wrong and what would be right."""
    try:
        # checks are built for what is set alone: for all settings that takes a tenth of a collector's start
        given = _of(frozenset(name.upper() for name, value in os.environ.items() if value))()
        return Settings.model_construct(given.model_fields_set, **dict(given))
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    except ValueError as error:
        # a mapping that is no JSON never reaches the model
        field = next((name for name in ("mail_caps",) if name in str(error)), "keep")
        raise SettingsError(f"{variable(field)}: is no JSON object ({error.__cause__ or error})") from None


@cache
def _of(variables: frozenset[str]) -> type[BaseSettings]:
    """The settings that have a variable, as settings of their own."""
    chosen: dict[str, Any] = {
        name: (field.annotation, field) for name, field in Settings.model_fields.items() if variable(name) in variables
    }
    return create_model("Settings", __base__=_Base, **chosen)


#: Our words for pydantic's errors; the rest is said in pydantic's own.
_WORDS = {
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "finite_number": "is not a number",
    "bool_parsing": "is neither true nor false",
    "literal_error": "is not one of {expected}",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "greater_than": "is not more than {gt}",
    "string_pattern_mismatch": "holds a sign that is not allowed there, or is too long (allowed: {pattern})",
    "dict_type": "is no JSON object",
    "value_error": "is no date or time such as 2000-01-01 or 2000-01-01T00:00:00Z",
}


def _one_line(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    first = problems[0]
    field = str(first["loc"][0])
    given = "" if field in _SECRET or isinstance(first["input"], dict) else f" {str(first['input'])!r}"
    words = _WORDS.get(first["type"], first["msg"].removeprefix("Input ")).format(**first.get("ctx", {}))
    inner = " ".join(str(part) for part in first["loc"][1:])
    more = f" ({len(problems) - 1} more after this one)" if len(problems) > 1 else ""
    return f"{variable(field)}: {f'{inner}:' if inner else ''}{given} {words}{more}".replace(":  ", ": ")


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """One sentence for each variable with our prefix that no setting has, with the name that may have been meant."""
    fields = [name.upper() for name in Settings.model_fields]
    warnings = []
    for name in sorted(environment):
        own = name.upper().removeprefix(PREFIX)
        if own != name.upper() and own not in fields and not name.startswith(OTHER_PREFIXES):
            # without the prefix, which would make every two names alike
            near = difflib.get_close_matches(own, fields, n=1)
            hint = f"; {PREFIX}{near[0]} is one" if near else ""
            warnings.append(f"{name} is no setting and is ignored{hint}")
    return warnings


def need_database_url(settings: Settings) -> str:
    """The database's libpq URL with its password in place. Raises SettingsError."""
    text = settings.database_url
    name = variable("database_url")
    if settings.database_url_file is not None:
        if text is not None:
            raise SettingsError(f"{name} and {name}_FILE are both set; keep one")
        name += "_FILE"
        text = secret_file(settings.database_url_file, name)
    if text is None:
        raise SettingsError(f"{name} is not set; give the database as postgresql://user@host:5432/name")
    password = None
    if settings.database_password_file is not None:
        password = secret_file(settings.database_password_file, variable("database_password_file"))
    return database_url(text, password, name)


def secret_file(path: Path, name: str) -> str:
    """The contents of a secret's file without the line end. Raises SettingsError naming the variable and the file."""
    try:
        text = read_text(path).strip("\r\n")
    except OSError as error:
        raise SettingsError(f"{name}: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{name}: {path} is not UTF-8 text") from None
    if not text:
        raise SettingsError(f"{name}: {path} is empty")
    return text
