"""What the settings mean for the collector: broker, formats, subscriptions, tombstones, retention."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from borough.errors import SettingsError
from borough.settings.addresses import mqtt_address
from borough.settings.settings import Settings, need_database_url, secret_file, variable
from devices.decoders import FORMATS
from devices.decoders.mapped import json_format
from devices.decoding import Format
from devices.files import WRITTEN, read_bytes, read_text
from devices.mapping import MappingError
from devices.mapping_reader import read_mapping
from ingest.options import BrokerOptions, CollectorOptions
from ingest.subscriptions import Subscription, load, native
from store.tombstones import KEY_BYTES


def broker_options(settings: Settings) -> BrokerOptions:
    """Where the broker is. Raises SettingsError."""
    address = mqtt_address(settings.mqtt_url, variable("mqtt_url"))
    if address.transport == "websockets" and settings.mqtt_source != "paho":
        raise SettingsError(
            f"{variable('mqtt_url')}: only the other source speaks websockets: set {variable('mqtt_source')}=paho"
        )
    password = settings.mqtt_password
    if settings.mqtt_password_file is not None:
        if password is not None:
            raise SettingsError(
                f"{variable('mqtt_password')} and {variable('mqtt_password_file')} are both set; keep one"
            )
        password = secret_file(settings.mqtt_password_file, variable("mqtt_password_file"))
    if password is None:
        password = address.password
    username = settings.mqtt_username or address.username
    if password is not None and username is None:
        raise SettingsError(f"{variable('mqtt_password')} is set without {variable('mqtt_username')}")
    files: dict[str, str | None] = {}
    for name in ("ca_file", "cert_file", "key_file"):
        path: Path | None = getattr(settings, f"mqtt_{name}")
        files[name] = None if path is None else str(path)
        if path is None:
            continue
        if not address.tls:
            url = variable("mqtt_url")
            raise SettingsError(f"{variable(f'mqtt_{name}')} is set, but {url} is not mqtts:// or wss://")
        if not os.access(path, os.R_OK):
            raise SettingsError(f"{variable(f'mqtt_{name}')}: {path} cannot be read")
    if files["key_file"] is not None and files["cert_file"] is None:
        raise SettingsError(f"{variable('mqtt_key_file')} is set without {variable('mqtt_cert_file')}")
    return BrokerOptions(
        host=address.host,
        port=address.port,
        tls=address.tls,
        transport=address.transport,
        path=address.path,
        username=username,
        password=password,
        ca_file=files["ca_file"],
        cert_file=files["cert_file"],
        key_file=files["key_file"],
        client_id=settings.mqtt_client_id,
        shared_group=settings.mqtt_shared_group,
        session_expiry=settings.mqtt_session_expiry,
        keep_alive=settings.mqtt_keep_alive,
        receive_maximum=settings.mqtt_receive_maximum,
        read_interval=settings.mqtt_read_interval,
        source=settings.mqtt_source,
    )


def formats(settings: Settings) -> Mapping[str, Format]:
    """Our formats and those of the folder of mapping files. Raises SettingsError naming the file."""
    if settings.mappings is None:
        return FORMATS
    found = dict(FORMATS)
    name = variable("mappings")
    try:
        paths = sorted(path for path in settings.mappings.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise SettingsError(f"{name}: {error.filename}: {error.strerror}") from None
    for path in paths:
        try:
            added = json_format(read_mapping(read_text(path), str(path)))
        except OSError as error:
            raise SettingsError(f"{name}: {error.filename}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{name}: {path} is not UTF-8 text") from None
        except MappingError as error:
            raise SettingsError(f"{name}: {error}") from None
        if added.name in found:
            raise SettingsError(f"{name}: {path}: a format {added.name!r} is there already; give it another name")
        found[added.name] = added._replace(file=str(path))
    return found


def subscriptions(settings: Settings) -> list[Subscription]:
    """The subscriptions file, or all native topics without one. Raises SettingsError."""
    return native(FORMATS) if settings.subscriptions is None else load(settings.subscriptions, formats(settings))


def registry_known(settings: Settings) -> float:
    """So long after devices were registered a running collector knows them [s]: it looks at the registry as often as
    ``registry_refresh`` says, and tells nobody."""
    return 2 * settings.registry_refresh + 0.5


def collector_options(settings: Settings) -> CollectorOptions:
    """Everything that the collector needs. Raises SettingsError."""
    return CollectorOptions(
        database_url=need_database_url(settings),
        broker=broker_options(settings),
        subscriptions=subscriptions(settings),
        batch_readings=settings.batch_readings,
        batch_age=settings.batch_age,
        held_bytes=settings.held_bytes,
        payload_maximum=settings.payload_maximum,
        earliest=round(settings.earliest.timestamp()) * 1_000_000,
        ahead=settings.ahead,
        auto_register=settings.auto_register,
        auto_register_origin=settings.auto_register_origin,
        rejected_per_device_hour=settings.rejected_per_device_hour,
        write_timeout=settings.write_timeout,
        registry_refresh=settings.registry_refresh,
        metrics_host=settings.metrics_host,
        metrics_port=settings.metrics_port,
        keep=settings.keep,
        formats=formats(settings),
        archive=settings.archive,
        tombstone_key=None if settings.tombstone_key_file is None else tombstone_key(settings),
    )


def tombstone_key(settings: Settings) -> bytes:
    """The key of the tombstones. Raises SettingsError where it is not set, cannot be read or is too short."""
    name = variable("tombstone_key_file")
    if settings.tombstone_key_file is None:
        raise SettingsError(f"{name} is not set; give a file of at least 32 random bytes, outside the database")
    try:
        key = read_bytes(settings.tombstone_key_file, WRITTEN)
    except OSError as error:
        raise SettingsError(f"{name}: {settings.tombstone_key_file}: {error.strerror}") from None
    if key.isascii():
        key = key.strip()  # text ends with a line's end, raw bytes may hold anything
    if len(key) < KEY_BYTES:
        raise SettingsError(
            f"{name}: {settings.tombstone_key_file} has {len(key)} bytes, at least {KEY_BYTES} are needed"
        )
    return key


def retention_days(settings: Settings) -> dict[str, int]:
    """Days that readings are kept, by family; a family that keeps its readings for ever is left out."""
    return _days_by_family(settings, "retention_")


def archive_retention_days(settings: Settings) -> dict[str, int]:
    """Days that the archive keeps messages, by family: never longer than their readings are kept."""
    days = _days_by_family(settings, "archive_retention_")
    for family, limit in retention_days(settings).items():
        days[family] = min(limit, days.get(family, limit))
    return days


def _days_by_family(settings: Settings, prefix: str) -> dict[str, int]:
    days = {}
    for name in ("parking_bay", "smart_meter", "air_monitor", "movement_sensor", "car_park"):
        if (kept := getattr(settings, prefix + name)) is not None:
            days[name.replace("_", "-")] = kept
    return days
