"""What a collector takes by default, and what one of its batches holds, whatever is sent at once."""

from __future__ import annotations

from pathlib import Path

from borough.settings.settings import Settings
from ingest.metrics import Metrics
from ingest.options import BrokerOptions, CollectorOptions
from ingest.pending_batch import NAMED
from ingest.pipeline import Pipeline
from ingest.source import Chunk
from tests.tools.ingest import NOW, QOS0

CASES = Path(__file__).parents[2] / "cases"
MEBIBYTE = 1024 * 1024


async def test_a_batch_is_bounded_in_bytes_however_few_its_messages_are() -> None:
    """64 MiB in 512 messages: far fewer than a batch may have, and far more bytes than one transaction shall write."""
    broker = BrokerOptions(host="127.0.0.1", port=1, client_id="bounds")
    options = CollectorOptions(
        database_url="postgresql://nobody@127.0.0.1:1/none", broker=broker, subscriptions=[], held_bytes=1024 * MEBIBYTE
    )
    assert options.batch_readings > 512
    pipeline = Pipeline(options, broker, Metrics())
    size, count = options.payload_maximum, 512
    chunk = Chunk(1, NOW, size * count, ["a"] * count, [bytes(size)] * count, [0] * count, [QOS0] * count)
    pipeline._receive(chunk)
    gathered = sum(pipeline.in_flight().values())
    assert 8 * MEBIBYTE < gathered * size <= 13 * MEBIBYTE
    assert not pipeline.idle(0.0), "the others wait, and nothing more is read"
    assert pipeline.source.paused  # type: ignore[attr-defined]  # both sources have it


def test_the_limit_of_a_message_is_a_few_times_what_the_largest_device_sends() -> None:
    """One by default, in the settings and in the collector itself."""
    limit = Settings.model_fields["payload_maximum"].default
    assert limit == CollectorOptions.__dataclass_fields__["payload_maximum"].default
    sizes = [path.stat().st_size for path in CASES.glob("*/*/message.*") if "bomb" not in path.parent.name]
    assert 8 * max(sizes) <= limit <= 128 * 1024


def test_so_many_rejections_of_one_message_have_rows_as_documented() -> None:
    assert NAMED == 50
    page = (CASES.parents[1] / "docs/reference/database.md").read_text()
    assert f"first {NAMED} such readings" in " ".join(page.split())


def test_a_silent_broker_is_left_as_soon_as_documented() -> None:
    limit = BrokerOptions.__dataclass_fields__["connect_timeout"].default
    assert f"have to be answered within {limit:g} s" in (CASES.parents[1] / "docs/reference/collector.md").read_text()
