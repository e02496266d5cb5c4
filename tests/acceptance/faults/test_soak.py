"""Every fault in random order, for as long as one likes, with everything that must count once in the stream.

``BOROUGH_SOAK_SECONDS`` says for how long (60 by default), ``BOROUGH_TEST_SEED`` repeats a run.
"""

from __future__ import annotations

import os
import random
import time

import pytest

from borough.postgres_server import PostgresServer
from devices.device import Device
from simulators.publisher import Message
from tests.acceptance.faults.conftest import Collect
from tests.tools import chaos
from tests.tools.account import table_account, total
from tests.tools.load import ask, count, device, message, now, register, rfc3339, stored
from tests.tools.mqtt_session import left_in_session
from tests.tools.proxy import Proxy
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

SECONDS = float(os.environ.get("BOROUGH_SOAK_SECONDS") or 60)


class _Stream:
    """Messages with a time, without one, and bad ones; every one can be told from every other."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.timed = [device(f"air{index}", "air-monitor") for index in range(50)]
        self.untimed = [device(f"pir{index}", "movement-sensor") for index in range(50)]
        self.expected: dict[tuple[str, str, int], float] = {}
        self.values: list[tuple[str, float]] = []
        self.bad: list[bytes] = []
        self.sent = 0
        self._start = now() - 20 * 86_400_000_000

    @property
    def devices(self) -> list[Device]:
        return self.timed + self.untimed

    def next(self) -> Message:
        self.sent += 1
        kind = self.chance.random()
        if kind < 0.6:
            sender = self.chance.choice(self.timed)
            at = self._start + self.sent * 1_000_000
            self.expected[sender.id, "pm2_5", at] = self.sent % 1000 / 10
            return message(sender, {"time": rfc3339(at), "pm2_5": self.sent % 1000 / 10})
        sender = self.chance.choice(self.untimed)
        if kind < 0.9:
            value = self.sent % 200_000
            self.values.append((sender.id, float(value)))
            return message(sender, {"illuminance": value})
        payload = b'["garbage number %d"]' % self.sent
        self.bad.append(payload)
        return message(sender, payload)


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_everything_at_random(
    source: str,
    server: PostgresServer,
    fragile: str,
    mosquitto: Mosquitto,
    collect: Collect,
    chance: random.Random,
) -> None:
    stream = _Stream(chance)
    register(fragile, stream.devices)
    with Proxy(mosquitto.port) as broker, Proxy(server.port) as line:
        database = fragile.replace(f":{server.port}/", f":{line.port}/")
        collector = collect(
            database,
            f"mqtt://127.0.0.1:{broker.port}",
            mqtt_source=source,
            mqtt_keep_alive=5,
            write_timeout=2,
            batch_readings=500,
            rejected_per_device_hour=1_000_000,
        ).start()
        faults = chaos.faults(server, mosquitto, broker, line, collector, chance)
        until = time.monotonic() + SECONDS
        happened: list[str] = []
        while time.monotonic() < until:
            publish(mosquitto.port, [stream.next() for _ in range(chance.randrange(50, 3_000))])
            name = chance.choice(sorted(faults))
            happened.append(name)
            print(f"{time.monotonic() - until + SECONDS:6.1f} s: {name}")
            faults[name]()
            time.sleep(chance.uniform(0, 0.4))
            assert collector.alive
        print(f"{stream.sent} messages, {len(happened)} faults")
        # what is rejected and what has no time can come twice; what is complete is told by what must be there
        whole = len(stream.expected) + len(stream.values)
        assert wait_for(lambda: count(fragile, "public.reading") >= whole, 60, 0.2), _missing(fragile, stream)
        assert wait_for(lambda: count(fragile, "public.rejected") >= len(stream.bad), 60, 0.2)
        collector.wait_ready(30)
        collector.account()
        assert collector.stop() == 0
    assert left_in_session(mosquitto.port) == []
    assert "Traceback" not in collector.said()
    found = stored(fragile)
    timed = {key: value for key, value in found.items() if key[1] == "pm2_5"}
    assert timed == stream.expected
    values = sorted((key[0], value) for key, value in found.items() if key[1] == "illuminance")
    assert values == sorted(stream.values), "a message without a time counts once"
    rows = ask(fragile, "select bytes from personal.rejected_bytes")
    assert sorted(bytes(row[0]) for row in rows) == sorted(stream.bad), "a rejection is one row"  # type: ignore[call-overload]
    sums = total(table_account(fragile))
    assert sums.readings_stored == whole
    print(f"{sums.readings_duplicates} duplicates, all of them told")


def _missing(database: str, stream: _Stream) -> str:
    return f"{count(database, 'public.reading')} of {len(stream.expected) + len(stream.values)} readings"
