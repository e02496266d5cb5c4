"""Telegraf as the peer of the collector: built from its Go module, and set up to be as quick as it can be.

Its table has our types and chunks: a number for each topic in place of its text (``tags_as_foreign_keys``),
``timestamptz`` and ``double precision``; with our kind of primary key, or without any key or index.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from store.connect import connect
from tests.judges import sources

VERSION = "1.37.2"
#: Nothing is built in that is not used.
_PARTS = "custom,inputs.mqtt_consumer,outputs.postgresql,parsers.json"
#: Metrics a transaction, and messages that may wait to be written: more of either brought nothing.
BATCH, UNDELIVERED = 10_000, 50_000

_TABLES = """
create table public.reading_tag (tag_id bigint primary key, topic text);
create table public.reading (time timestamptz not null, tag_id bigint not null, import_interval double precision{key});
select create_hypertable('public.reading', by_range('time', interval '7 days'), create_default_indexes => false);
"""
_SETTINGS = """
[agent]
  interval = "10s"
  round_interval = false
  metric_batch_size = {batch}
  metric_buffer_limit = {buffer}
  flush_interval = "1s"
  omit_hostname = true
  skip_processors_after_aggregators = true

[[inputs.mqtt_consumer]]
  servers = ["tcp://{host}:{port}"]
  topics = [{topics}]
  qos = 1
  client_id = "{session}"
  persistent_session = true
  max_undelivered_messages = {undelivered}
  topic_tag = "topic"
  name_override = "reading"
  data_format = "json"
  json_strict = true
  json_time_key = "time"
  json_time_format = "2006-01-02T15:04:05Z07:00"

[[outputs.postgresql]]
  connection = "{database}"
  tags_as_foreign_keys = true
"""


def program() -> Path:
    """The program, built once. Raises sources.NotHad."""
    need = sources.golang(f"github.com/influxdata/telegraf/cmd/telegraf@v{VERSION}", name="telegraf", tags=_PARTS)
    return need.find(sources.cache())


def make_tables(url: str, *, unique: bool) -> None:
    """The tables as Telegraf would make them, but for what is said above."""
    with connect(url, autocommit=True) as connection:
        connection.execute("create extension if not exists timescaledb")
        connection.execute(_TABLES.format(key=", primary key (tag_id, time)" if unique else "").encode())


def settings(file: Path, url: str, host: str, port: int, session: str, topics: Sequence[str]) -> list[str]:
    """Write its settings for a session that is there already; its arguments."""
    text = _SETTINGS.format(
        batch=BATCH, buffer=10 * BATCH, undelivered=UNDELIVERED, host=host, port=port, session=session, database=url,
        topics=", ".join(f'"{topic}"' for topic in topics),
    )  # fmt: skip
    file.write_text(text)
    return ["--config", str(file), "--quiet"]
