"""The broker's own files: Mosquitto's configuration, and the collector's rights and password in what it names.

What a running broker does not tell: how many messages it keeps for a collector that is away, and whether on disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from borough import broker_accounts
from borough.doctor.broker import FAULTY_KEEP_ALIVE, HEAD
from borough.doctor.finding import Finding, ill, well
from borough.doctor.mosquitto import Configuration, Unreadable, read_acl, read_configuration, truth, unread
from borough.settings.collector import broker_options, subscriptions
from borough.settings.settings import Settings
from devices.counts import counted
from devices.credentials import matches, read_passwords, username
from devices.device import Device

#: Messages that a queue should hold: at 100 a second, which is a borough's, a million are under three hours.
_LEAST_QUEUED, _LEAST_BYTES = 100_000, 100 << 20
_LEAST_IN_FLIGHT = 1_000
#: Seconds of messages that a crash of the broker may take.
_SAVED = 300
#: Releases before it took 0 messages, which should be no limit, for a small one.
_ENDLESS_MENDED = (2, 0, 22)
#: Keys that name a plugin: for rights, or (2.1) for what is kept.
_PLUGINS = ("plugin", "global_plugin", "plugin_load", "auth_plugin")


def broker_file(path: Path, settings: Settings, version: str | None) -> Iterator[Finding]:
    """Findings about a configuration of Mosquitto; ``version`` is that of the broker, where it said so.

    Raises OptionsError for settings of a collector that are wrong.
    """
    try:
        configuration = read_configuration(path)
        faults = [
            *_queue(configuration, settings, version),
            *_kept(configuration, settings),
            *_clients(configuration, settings, version),
            *_password(configuration, settings),
        ]
    except Unreadable as error:
        yield ill("broker-file", str(error))
        return
    if not any(item.state == "wrong" for item in faults):
        yield well("broker file", str(path))
    yield from faults


def acl_files(path: Path) -> list[Path]:
    """The ACL files that a configuration names. Raises Unreadable."""
    return [Path(line.value) for line in read_configuration(path).lines("acl_file")]


def rights(path: Path, settings: Settings, devices: Sequence[Device]) -> Iterator[Finding]:
    """Whether the collector may read by an ACL file what it subscribes. Raises OptionsError."""
    broker = broker_options(settings)
    name = "a client without a name" if broker.username is None else broker.username
    try:
        given = read_acl(path)
    except Unreadable as error:
        yield ill("rights", str(error))
        return
    needed = broker_accounts.filters(settings, devices)
    lacking = unread(given, broker.username, broker.client_id, needed)
    if lacking:
        yield ill("rights-read", f"by {path} {name} may not read {', '.join(lacking)}")
    elif unread(given, broker.username, broker.client_id, [broker_accounts.DROPPED]):
        yield ill("rights-dropped", f"by {path} {name} may not read {broker_accounts.DROPPED}")
    else:
        yield well("broker rights", f"by {path} {name} may read all {counted(len(needed), 'filter')}")


def _queue(given: Configuration, settings: Settings, version: str | None) -> Iterator[Finding]:
    most = given.number("max_queued_messages", 1_000)
    if most == 0:
        if version is None or _number(version) < _ENDLESS_MENDED:
            yield ill(
                "broker-file-queue-endless",
                f"max_queued_messages is 0, which was no endless queue before 2.0.22; this is {version or 'not known'}",
            )
    elif most < _LEAST_QUEUED:
        yield ill(
            "broker-file-queue",
            f"max_queued_messages is {most}: of what comes while the collector is away the rest is thrown away,"
            " after its sender was told that it arrived",
        )
    held = given.number("max_queued_bytes", 0)
    if 0 < held < _LEAST_BYTES:
        yield ill("broker-file-queue-bytes", f"max_queued_bytes is {held}: the queue ends there")
    in_flight = given.number("max_inflight_messages", 20)
    if 0 < in_flight < _LEAST_IN_FLIGHT:
        yield ill("broker-file-inflight", f"max_inflight_messages is {in_flight}")
    if not given.truth("queue_qos0_messages", default=False):
        unkept = [item.topic for item in subscriptions(settings) if item.qos == 0]
        if unkept:
            yield ill(
                "broker-file-qos0", f"queue_qos0_messages is false, and QoS 0 is asked for of {', '.join(unkept)}"
            )


def _kept(given: Configuration, settings: Settings) -> Iterator[Finding]:
    if any("persist" in plugin for plugin in _plugins(given)):
        pass  # Mosquitto 2.1 keeps sessions by a plugin, message by message
    elif not given.truth("persistence", default=False):
        yield ill("broker-file-persistence", "persistence is false: a restart of the broker throws every queue away")
    else:
        for line in given.lines("persistence_location")[-1:]:
            folder = Path(line.value)
            # a container's folder is not seen from here
            if folder.parent.is_dir() and not folder.is_dir():
                yield ill("broker-file-location", f"{line.place}: persistence_location {folder} is no folder")
        seconds = given.number("autosave_interval", 1_800)
        if given.truth("autosave_on_changes", default=False):
            if seconds == 0:
                yield ill("broker-file-autosave", "autosave_interval is 0: a crash takes all since the broker's start")
        elif seconds == 0 or seconds > _SAVED:
            lost = "all since the broker's start" if seconds == 0 else f"the messages of {seconds} s"
            yield ill("broker-file-autosave", f"autosave_interval is {seconds}: a crash of the broker takes {lost}")
    expiry = given.span("persistent_client_expiration")
    if expiry is not None and expiry < settings.mqtt_session_expiry:
        yield ill(
            "broker-file-expiry",
            f"persistent_client_expiration is {expiry} s, BOROUGH_MQTT_SESSION_EXPIRY {settings.mqtt_session_expiry}",
            days=settings.mqtt_session_expiry // 86_400 + 1,
        )


def _clients(given: Configuration, settings: Settings, version: str | None) -> Iterator[Finding]:
    if given.has("max_keepalive") and (version is None or version == FAULTY_KEEP_ALIVE):
        yield ill(
            "broker-file-keep-alive",
            f"max_keepalive is set: Mosquitto {FAULTY_KEEP_ALIVE} drops clients then (#3226, #3286);"
            f" this is {version or 'not known'}",
        )
    least = settings.payload_maximum + HEAD
    for key in ("max_packet_size", "message_size_limit"):
        most = given.number(key, 0)
        if 0 < most < least:
            yield ill(
                "broker-file-packet",
                f"{key} is {most}, and BOROUGH_PAYLOAD_MAXIMUM is {settings.payload_maximum}",
                twice=2 * least,
            )
    if any(truth(line, "allow_anonymous") for line in given.lines("allow_anonymous")):
        yield ill("broker-file-anonymous", "allow_anonymous is true: anybody who gets there can say anything")
    if not given.has("acl_file") and not any("persist" not in plugin for plugin in _plugins(given)):
        yield ill("broker-file-no-rights", "no acl_file and no plugin: every device may speak for all others")


def _password(given: Configuration, settings: Settings) -> Iterator[Finding]:
    broker = broker_options(settings)
    if broker.username is None or broker.password is None:
        return
    for line in given.lines("password_file"):
        path = Path(line.value)
        if not path.parent.is_dir():
            continue  # a container's, which is not seen from here
        if not os.access(path, os.R_OK):
            yield ill("broker-file", f"{line.place}: password_file {path} is not there or cannot be read")
            continue
        try:
            hashes = read_passwords(path.read_text(encoding="utf-8"))
        except ValueError as error:
            yield ill("broker-file", f"{path}: {error}")
            continue
        hashed = hashes.get(username(broker.username))
        if hashed is None:
            yield ill("broker-password", f"{path} has no account {broker.username}")
        elif hashed.startswith("$7$") and not matches(broker.password, hashed):
            yield ill("broker-password", f"{path} has another password of {broker.username} than the settings")


def _plugins(given: Configuration) -> list[str]:
    """What the configuration says of plugins, a line each."""
    return [line.value for key in _PLUGINS for line in given.lines(key)]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
