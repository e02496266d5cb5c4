"""The broker as a client meets it: whether it lets us in, what it bounds, and what it tells of itself."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from borough.broker_accounts import DROPPED, RETAINED, STORED
from borough.doctor import probe
from borough.doctor.finding import Finding, ill, well
from borough.doctor.probe import Broker, Refused, Unanswered
from borough.errors import Failure
from borough.settings.collector import broker_options
from borough.settings.settings import Settings
from devices.counts import counted
from ingest.options import BrokerOptions
from ingest.source import SPEAKS_MQTT5
from ingest.tls import tls_context
from simulators.publisher import Publisher, PublishError

#: Fewer messages in flight than a batch has make every batch wait for the way there and back.
_LEAST_IN_FLIGHT = 1_000
#: What a topic and the properties of a message may add to its payload [bytes].
HEAD = 1_024
#: Messages in the broker's store from which on the collector is behind.
_LONG_QUEUE = 10_000
#: How old what is retained below $SYS may be [s].
_SYS_INTERVAL = 60.0
#: Mosquitto's release that drops clients where max_keepalive is set.
FAULTY_KEEP_ALIVE = "2.0.21"


def broker(settings: Settings) -> tuple[list[Finding], Broker | None]:
    """Findings about the broker, and what it said by MQTT 5 where it speaks that. Raises OptionsError."""
    options = broker_options(settings)
    place = f"{options.host}:{options.port}"
    try:
        socket.create_connection((options.host, options.port), timeout=probe.ANSWER_SECONDS).close()
    except OSError as error:
        raise Failure(f"the broker at {place} cannot be reached: {error.strerror or error}") from None
    if options.source == "mqtt5":
        seen = _by_mqtt5(options, place)
        found = [well("broker", f"{place} lets us in, MQTT 5")]
    elif options.transport == "websockets":
        _by_websockets(options, place)
        return [
            well("broker", f"{place} lets us in by websockets, MQTT 3.1.1"),
            well("broker limits", "not asked for by websockets"),
        ], None
    else:
        _by_mqtt3(options, place)
        found = [well("broker", f"{place} lets us in, MQTT 3.1.1")]
        try:
            seen = probe.look(options)
        except (OSError, Refused, Unanswered):
            return [*found, well("broker limits", "MQTT 3.1.1 does not tell them")], None
    faults = [*limits(seen, settings), *_open(options), *on_the_way(options), *queue(seen), *clock(seen)]
    bounds = f"{counted(seen.receive_maximum, 'message')} in flight, packets of {seen.packet or 'any'} bytes"
    if not any(item.name == "broker limits" for item in faults):
        faults.insert(0, well("broker limits", bounds))
    return [*found, *faults], seen


def limits(seen: Broker, settings: Settings) -> Iterator[Finding]:
    """What a broker bounds, held against what the settings need."""
    if seen.qos < 1:
        yield ill("broker-qos", f"the broker allows QoS {seen.qos} only")
    if not seen.wildcards:
        yield ill("broker-wildcard", "the broker allows no wildcards in subscriptions")
    if settings.mqtt_shared_group is not None and not seen.shared:
        yield ill("broker-shared", "BOROUGH_MQTT_SHARED_GROUP is set, and the broker knows no shared subscriptions")
    if seen.receive_maximum < _LEAST_IN_FLIGHT:
        yield ill("broker-inflight", f"the broker has {counted(seen.receive_maximum, 'message')} in flight at most")
    least = settings.payload_maximum + HEAD
    if seen.packet is None:
        yield ill(
            "broker-packet-none",
            "the broker takes packets of any size, and a collector reads them whole",
            twice=2 * least,
        )
    elif seen.packet < least:
        yield ill(
            "broker-packet",
            f"the broker takes packets of {seen.packet} bytes, BOROUGH_PAYLOAD_MAXIMUM is {settings.payload_maximum}",
            least=least,
        )
    if seen.expiry is not None and seen.expiry < settings.mqtt_session_expiry:
        yield ill(
            "broker-expiry",
            f"the broker keeps sessions for {seen.expiry} s, and BOROUGH_MQTT_SESSION_EXPIRY is"
            f" {settings.mqtt_session_expiry}",
            seconds=settings.mqtt_session_expiry,
        )
    if seen.keep_alive is not None and seen.version == FAULTY_KEEP_ALIVE:
        yield ill(
            "broker-keep-alive",
            f"max_keepalive is {seen.keep_alive} on Mosquitto {FAULTY_KEEP_ALIVE}, which drops clients then (#3226)",
        )


def queue(seen: Broker) -> Iterator[Finding]:
    """What the broker has thrown away, and what waits in it."""
    if dropped := seen.number(DROPPED):
        yield ill("queue-dropped", f"the broker has thrown away {counted(dropped, 'message')} since its start")
    if (here := waiting(seen) or 0) > _LONG_QUEUE:
        yield ill("queue-long", f"{counted(here, 'message')} wait at the broker")


def waiting(seen: Broker) -> int | None:
    """Messages that the broker holds and that are no retained ones; None where it does not tell."""
    stored = seen.number(STORED)
    return None if stored is None else max(0, stored - (seen.number(RETAINED) or 0))


def clock(seen: Broker) -> Iterator[Finding]:
    """The broker's clock, where it tells one. What is retained may be a minute old, so behind says little."""
    if (said := seen.number(probe.TIME)) is not None:
        off = said - seen.at
        if off > 2.0 or off < -_SYS_INTERVAL - 2.0:
            yield ill("clock-broker", f"the broker's clock is {off:+.0f} s beside this machine's")


def _open(options: BrokerOptions) -> Iterator[Finding]:
    """Whether anybody comes in."""
    if options.username is None and options.cert_file is None:
        yield ill("broker-anonymous", "the broker lets us in without a name")
    elif options.cert_file is None:
        try:
            if probe.lets_anybody_in(options):
                yield ill("broker-anonymous", "the broker lets anybody in without a name and a password")
        except (OSError, Unanswered):
            pass  # hung up on: nobody comes in


def on_the_way(options: BrokerOptions) -> Iterator[Finding]:
    """Whether anybody between here and the broker can listen."""
    if not options.tls and _is_far(options.host):
        yield ill("broker-clear", f"{options.host} is a public address, and what goes there can be read on the way")


def _is_far(host: str) -> bool:
    try:
        addresses = {str(row[4][0]) for row in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return any(ipaddress.ip_address(address.partition("%")[0]).is_global for address in addresses)


def _by_mqtt5(options: BrokerOptions, place: str) -> Broker:
    try:
        return probe.look(options)
    except TimeoutError:
        raise Failure(f"the broker at {place} does not answer when we sign in; {SPEAKS_MQTT5}") from None
    except Unanswered as error:
        raise Failure(f"{error} ({place}); {SPEAKS_MQTT5}") from None
    except Refused as error:
        raise Failure(f"{error} ({place})") from None
    except OSError as error:
        raise Failure(f"the broker at {place}: {error.strerror or error}") from None


def _by_mqtt3(options: BrokerOptions, place: str) -> None:
    """Signs in, under a name of its own: the collector's would take the session from the collector."""
    try:
        Publisher(
            options.host,
            options.port,
            client_id=f"{options.client_id}-doctor",
            username=options.username,
            password=options.password,
            tls=tls_context(options) if options.tls else None,
            protocol=4,
            timeout=probe.ANSWER_SECONDS,
            keep_alive=options.keep_alive,
        ).close()
    except TimeoutError:
        raise Failure(f"the broker at {place} does not answer when we sign in") from None
    except PublishError as error:
        raise Failure(f"{error} ({place})") from None
    except OSError as error:
        raise Failure(f"the broker at {place}: {error.strerror or error}") from None


def _by_websockets(options: BrokerOptions, place: str) -> None:
    """Sign in as the collector's source does that speaks websockets. Raises Failure."""
    answers: list[ReasonCode] = []
    client = paho.Client(
        CallbackAPIVersion.VERSION2, f"{options.client_id}-doctor", transport="websockets", reconnect_on_failure=False
    )
    client.ws_set_options(options.path)
    client.connect_timeout = probe.ANSWER_SECONDS
    client.on_connect = lambda _client, _data, _flags, code, _properties: answers.append(code)
    if options.username is not None:
        client.username_pw_set(options.username, options.password)
    try:
        if options.tls:
            client.tls_set_context(tls_context(options))
        client.connect(options.host, options.port)
        until = time.monotonic() + probe.ANSWER_SECONDS
        while not answers and (left := until - time.monotonic()) > 0:
            if client.loop(left) != paho.MQTT_ERR_SUCCESS:
                break
    except TimeoutError:
        raise Failure(f"the broker at {place} does not answer when we sign in") from None
    except (OSError, ValueError) as error:
        raise Failure(f"the broker at {place}: {error}") from None
    finally:
        client.disconnect()
    if not answers:
        raise Failure(f"the broker at {place} does not answer when we sign in")
    if answers[0].is_failure:
        raise Failure(f"the broker refuses the connection: {answers[0]} ({place})")
