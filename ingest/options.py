"""What a collector can be told. The environment's names for these are in ``borough.settings.settings``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from devices.decoders import FORMATS
from devices.decoding import Format
from ingest.subscriptions import Subscription

#: 2000-01-01T00:00:00Z [us since the Unix epoch].
EARLIEST = 946_684_800_000_000


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """Where the broker is and how to speak to it. Times in seconds.

    ``receive_maximum`` bounds the messages that are delivered and not yet acknowledged; 65535 is not allowed, the
    codec leaves that value out and Mosquitto then takes 20.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    tls: bool = False
    transport: Literal["tcp", "websockets"] = "tcp"
    path: str = "/mqtt"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    client_id: str = "borough-collector"
    shared_group: str | None = None
    session_expiry: int = 7 * 86_400
    keep_alive: int = 30
    receive_maximum: int = 50_000
    read_interval: float = 0.010
    connect_timeout: float = 10.0
    backoff_maximum: float = 5.0
    source: Literal["mqtt5", "paho"] = "mqtt5"


@dataclass(frozen=True, slots=True)
class CollectorOptions:
    """Everything that ``ingest.collector`` needs. Times in seconds, sizes in bytes, instants in us since the epoch.

    ``formats`` are those that subscriptions may name; ``archive`` is the folder that keeps accepted messages, or None;
    ``tombstone_key`` is needed where somebody was erased (``store.tombstones``).
    """

    database_url: str = field(repr=False)
    broker: BrokerOptions
    subscriptions: Sequence[Subscription]
    batch_readings: int = 20_000
    batch_age: float = 0.2
    held_bytes: int = 64 * 1024 * 1024
    payload_maximum: int = 128 * 1024
    earliest: int = EARLIEST
    ahead: float = 300.0
    auto_register: bool = False
    auto_register_origin: Literal["real", "simulated"] = "real"
    rejected_per_device_hour: int = 1_000
    write_timeout: float = 30.0
    registry_refresh: float = 1.0
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    keep: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    formats: Mapping[str, Format] = field(default_factory=lambda: FORMATS, repr=False)
    archive: Path | None = None
    tombstone_key: bytes | None = field(default=None, repr=False)
