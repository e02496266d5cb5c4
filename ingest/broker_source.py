"""The source of messages that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.mqtt5_source import Mqtt5Source
from ingest.options import BrokerOptions, CollectorOptions
from ingest.paho_source import PahoSource
from ingest.source import Chunk, Source
from ingest.subscriptions import filters_of


def make_source(
    broker: BrokerOptions,
    options: CollectorOptions,
    receive: Callable[[Chunk], None],
    connected: Callable[[bool], None],
    *,
    leftover: Sequence[str] = (),
    drain: bool = False,
    further: Sequence[tuple[str, int]] = (),
) -> Source:
    """The source that the settings ask for, with the subscriptions' filters and ``further`` ones."""
    filters = filters_of(options.subscriptions, broker.shared_group, further)
    kind = PahoSource if broker.source == "paho" else Mqtt5Source
    return kind(broker, filters, receive, connected, leftover=leftover, drain=drain)
