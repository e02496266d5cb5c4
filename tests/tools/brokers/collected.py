"""Questions that our own collector asks of a broker: what becomes of readings through restarts, kills and lost answers.

Where a broker loses or doubles, the answer says how many; where the collector would, that is a fault of ours.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devices.device import Device
from simulators.publisher import Message
from tests.tools.account import table_account, total
from tests.tools.brokers.asking import Answer, Kit
from tests.tools.brokers.running import Broker, Limits
from tests.tools.collector import CLIENT_ID, Collector
from tests.tools.gate import Gate
from tests.tools.load import Load, ask, count, device, grows, message, native_load, now, register, rfc3339, stored
from tests.tools.mqtt_session import Session, publish_retained
from tests.tools.proxy import Proxy
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import within


@dataclass
class Borough:
    """A fresh database, a broker that has no session of ours, and how to make a collector between the two."""

    kit: Kit
    database: str
    collect: Callable[..., Collector]
    source: str
    seed: int

    def collector(self, port: int, **settings: object) -> Collector:
        """A collector that does not run yet."""
        return self.collect(self.database, f"mqtt://127.0.0.1:{port}", mqtt_source=self.source, **settings)

    def load(self, messages: int) -> Load:
        """Messages with a time, their devices registered."""
        load = native_load(self.seed, messages)
        register(self.database, load.devices)
        return load


def _compared(borough: Borough, load: Load, more: str = "") -> Answer:
    """What stands in the table, held against what was published."""
    found = stored(borough.database)
    lost = len(load.expected.keys() - found.keys())
    strange = len(found.keys() - load.expected.keys())
    wrong = sum(found[key] != load.expected[key] for key in found.keys() & load.expected.keys())
    sums = total(table_account(borough.database))
    text = f"{len(found):,} of {len(load.expected):,} stored, {sums.readings_duplicates:,} came twice{more}"
    if strange or wrong:
        return Answer("no", f"{text}, {strange} that nobody sent, {wrong} wrong")
    return Answer("no" if lost else "yes", text)


def _settled(collector: Collector, database: str, least: int, timeout: float = 60.0) -> None:
    """Wait until so many readings are stored, or until nothing more comes."""
    state = [-1, time.monotonic()]

    def still() -> bool:
        rows = count(database, "public.reading")
        if rows != state[0]:
            state[:] = [rows, time.monotonic()]
        return rows >= least or time.monotonic() - state[1] > 8

    within(still, timeout, 0.1)
    assert collector.alive, collector.said()[-2000:]


def killed_and_cut(borough: Borough, broker: Broker) -> Answer:
    """The collector is killed twice in the middle and its connection is reset: each reading stands once."""
    load = borough.load(8_000)
    chance = random.Random(borough.seed)
    with Proxy(broker.port) as proxy:
        collector = borough.collector(proxy.port, batch_readings=500).start()
        publishing = Publishing(broker.port, load.messages, rate=1_500)
        with Gate(borough.database, "public.accounting", "public.reading", 7_000):
            for low, high in ((0.05, 0.3), (0.4, 0.7)):
                grows(borough.database, "public.reading", round(chance.uniform(low, high) * len(load.messages)), 60)
                collector.kill9()
                collector.launch()
        proxy.reset()
        _ready_again(collector)
        publishing.join()
        _settled(collector, borough.database, len(load.expected))
        collector.account()
        assert collector.stop() == 0
    return _compared(borough, load)


class Stuck(Exception):
    """The collector does not get through on this broker. The text says what it said last."""


def _ready_again(collector: Collector) -> None:
    if not within(collector.ready, 60):
        raise Stuck(
            f"the collector is not ready again after 60 s: {' '.join(collector.get('/health/ready')[1].split())}"
        )


def _settled_connection(collector: Collector) -> None:
    """Wait until it is ready and stays so: it may not know yet that its connection is gone."""
    since: list[float] = []

    def stays() -> bool:
        if not collector.ready():
            since.clear()
        elif not since:
            since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] > 2

    if not within(stays, 60, 0.05):
        _ready_again(collector)


def broker_restarted(borough: Borough, broker: Broker) -> Answer:
    """The broker is stopped cleanly and started while its publisher goes on and a queue stands."""
    load = borough.load(6_000)
    collector = borough.collector(broker.port, batch_readings=500, mqtt_receive_maximum=200).start()
    publish(broker.port, load.messages[:2_000])
    publishing = Publishing(broker.port, load.messages[2_000:], rate=2_000)
    grows(borough.database, "public.reading", 3_000, 60)
    broker.restart()
    publishing.join()
    _ready_again(collector)
    _settled(collector, borough.database, len(load.expected))
    lost = int(collector.metric("borough_sessions_lost_total"))
    assert collector.stop() == 0
    return _compared(borough, load, ", session lost" if lost else "")


def broker_killed(borough: Borough, broker: Broker) -> Answer:
    """SIGKILL of the broker while the collector holds a hundred of a thousand that were acknowledged: none is lost."""
    senders = [device(f"air{index}", "air-monitor") for index in range(10)]
    register(borough.database, senders)
    load = _numbered(senders, 300)
    collector = borough.collector(broker.port, mqtt_receive_maximum=100).start()
    publish(broker.port, load.messages[:1_000])
    grows(borough.database, "public.reading", 1_000)
    collector.freeze()
    publish(broker.port, load.messages[1_000:2_000])
    broker.kill9()
    broker.start()
    collector.thaw()
    _settled_connection(collector)
    publish(broker.port, load.messages[2_000:])
    _settled(collector, borough.database, len(load.expected))
    told = collector.metric("borough_sessions_lost_total")
    assert collector.stop() == 0
    found = stored(borough.database)
    lost = len(load.expected) - len(found)
    gaps = len(ask(borough.database, "select from public.sequence")) - len(senders)
    text = f"{lost:,} of 1,000 lost; {'an alarm' if told else 'no alarm'}, {gaps} gaps in the devices' numbers"
    return Answer("yes" if not lost else "partly" if told or gaps >= 1 else "no", text)


def _numbered(senders: Sequence[Device], count: int) -> Load:
    load, start = Load(list(senders)), now() - 86_400_000_000
    for seq in range(1, count + 1):
        for sender in senders:
            at = start + seq * 60_000_000
            load.expected[sender.id, "pm2_5", at] = seq / 10
            load.messages.append(message(sender, {"time": rfc3339(at), "pm2_5": seq / 10, "seq": seq}))
    return load


def without_a_time(borough: Borough, broker: Broker) -> Answer:
    """Messages without a time and unreadable ones whose acknowledgements were lost count once when they come again."""
    sensors = _sensors(borough)
    seen: list[tuple[str, int, int]] = []
    with Proxy(broker.port) as proxy:
        collector = _after_others(borough, proxy, sensors)
        for value, fault in enumerate(("a reset", "a kill"), 1):
            rows, bad = count(borough.database, "public.reading"), count(borough.database, "public.rejected")
            before = total(table_account(borough.database)).messages_received
            messages: list[Message] = [message(sensor, {"illuminance": value}) for sensor in sensors]
            messages += [message(sensor, b"{broken %d" % value) for sensor in sensors]
            proxy.deaf = True
            publish(broker.port, messages)
            assert grows(borough.database, "public.reading", rows + 100)
            assert grows(borough.database, "public.rejected", bad + 100)
            if fault == "a kill":
                collector.kill9()
                proxy.deaf = False
                _ready_again(collector.launch())
            else:
                proxy.deaf = False
                proxy.reset()
            twice = before + 2 * len(messages)
            assert within(lambda n=twice: total(table_account(borough.database)).messages_received >= n, 30)  # type: ignore[misc]
            more = count(borough.database, "public.reading") - rows, count(borough.database, "public.rejected") - bad
            seen.append((fault, *more))
        assert collector.stop() == 0
    text = "; ".join(
        f"after {fault} {readings} readings of 100, {bad} rejections of 100" for fault, readings, bad in seen
    )
    good = all((readings, rejected) == (100, 100) for _, readings, rejected in seen)
    return Answer("yes" if good else "no", text)


def _sensors(borough: Borough) -> list[Device]:
    sensors = [device(f"pir{number:03}", "movement-sensor") for number in range(100)]
    register(borough.database, sensors)
    return sensors


def _after_others(borough: Borough, proxy: Proxy, sensors: Sequence[Device]) -> Collector:
    """A collector that has acknowledged some already: a broker that begins to number anew gives other packet ids."""
    collector = borough.collector(proxy.port, mqtt_keep_alive=5).start()
    publish(proxy.target, [message(sensor, {"illuminance": 500}) for sensor in sensors[:50]])
    assert grows(borough.database, "public.reading", 50)
    collector.account_at_rest()
    return collector


def without_a_time_over_a_restart(borough: Borough, broker: Broker) -> Answer:
    """The same where the broker itself was stopped cleanly and started before it delivered again."""
    sensors = _sensors(borough)
    with Proxy(broker.port) as proxy:
        collector = _after_others(borough, proxy, sensors)
        proxy.deaf = True
        publish(broker.port, [message(sensor, {"illuminance": 1}) for sensor in sensors])
        assert grows(borough.database, "public.reading", 150)
        broker.restart()
        proxy.deaf = False
        _ready_again(collector)
        within(lambda: total(table_account(borough.database)).messages_received >= 250, 10)
        came = total(table_account(borough.database)).messages_received - 150
        assert collector.stop() == 0
    rows = count(borough.database, "public.reading") - 50
    return Answer("yes" if rows == 100 else "no", f"{came} came again, {rows} readings of 100")


def retained_without_a_time(borough: Borough, broker: Broker) -> Answer:
    """A retained message without a time that comes with a new session is ignored and counted; a live one is stored."""
    sensor, other = device("pir1", "movement-sensor"), device("pir2", "movement-sensor")
    register(borough.database, [sensor, other])
    for sender in (sensor, other):
        publish_retained(broker.port, *message(sender, {"motion": 1}))
    collector = borough.collector(broker.port).start()
    publish_retained(broker.port, *message(sensor, {"motion": 0}))
    assert grows(borough.database, "public.reading", 1)
    ignored = within(lambda: total(table_account(borough.database)).messages_ignored >= 2, 5)
    assert collector.stop() == 0
    rows = count(borough.database, "public.reading")
    sums = total(table_account(borough.database))
    text = f"{sums.messages_ignored} of 2 old ones ignored, {rows} of 1 live one stored"
    return Answer("yes" if ignored and rows == 1 else "partly" if rows == 1 else "no", text)


def stranger_with_our_id(borough: Borough, broker: Broker) -> Answer:
    """Another client takes our id for a moment: the collector comes back to its session and nothing is lost."""
    load = borough.load(2_000)
    collector = borough.collector(broker.port).start()
    publish(broker.port, load.messages[:1_000])
    grows(borough.database, "public.reading", 1_000)
    with Session(broker.port, CLIENT_ID):
        publish(broker.port, load.messages[1_000:])
    start = time.monotonic()
    _settled(collector, borough.database, 2_000)
    took = time.monotonic() - start
    told = int(collector.metric("borough_taken_over_total"))
    assert collector.stop() == 0
    return _compared(borough, load, f", whole after {took:.1f} s, taken over {told}")


def broker_frozen(borough: Borough, broker: Broker) -> Answer:
    """The broker stands still for longer than the keep-alive of 5 s: the collector says so and loses nothing."""
    load = borough.load(2_000)
    collector = borough.collector(broker.port, mqtt_keep_alive=5).start()
    publish(broker.port, load.messages[:1_000])
    grows(borough.database, "public.reading", 1_000)
    broker.freeze()
    noticed = within(lambda: not collector.ready(), 15)
    broker.thaw()
    _ready_again(collector)
    publish(broker.port, load.messages[1_000:])
    _settled(collector, borough.database, 2_000)
    assert collector.stop() == 0
    answer = _compared(borough, load, ", noticed" if noticed else ", not noticed")
    return answer if noticed else Answer("partly", answer.seen)


def queue_overflows(borough: Borough, broker: Broker) -> Answer:
    """A queue of 100 overflows while the collector stands still: what the broker throws away is an alarm."""
    sender = device("air", "air-monitor")
    register(borough.database, [sender])
    with borough.kit.own(Limits(queue=100)) as small:
        collector = borough.collector(small.port, mqtt_receive_maximum=10).start()
        within(lambda: "borough_broker_dropped_total" in collector.metrics(), 5)
        start = now() - 3_600_000_000
        messages = [message(sender, {"time": rfc3339(start + index * 1_000_000), "pm2_5": 1}) for index in range(1_000)]
        collector.freeze()
        publish(small.port, messages, window=500)
        collector.thaw()
        _ready_again(collector)
        _settled(collector, borough.database, 1_000)
        lost = 1_000 - count(borough.database, "public.reading")
        told = within(lambda: collector.metric("borough_broker_dropped_total") > 0, 5 if lost else 0.1)
        dropped = int(collector.metric("borough_broker_dropped_total"))
        assert collector.stop() == 0
    text = f"{lost} of 1,000 lost, {dropped} told by borough_broker_dropped_total"
    return Answer("yes" if told and dropped >= lost else "no" if lost else "partly", text)


def topic_that_is_no_text(borough: Borough, broker: Broker) -> Answer:
    """A message whose topic is no UTF-8, where the broker passes it on: the collector goes on, other readings stand."""
    load = borough.load(1_000)
    collector = borough.collector(broker.port).start()
    publish(broker.port, load.messages[:500])
    with Session(broker.port, "", clean_start=True, expiry=0) as sender:
        topic = b"borough/parking-bay/\xff\xfe/reading"
        body = len(topic).to_bytes(2, "big") + topic + b"\x00\x01\x00x"
        sender.send(bytes([0x32, len(body)]) + body)
        sender.next(3)
    publish(broker.port, load.messages[500:])
    _settled(collector, borough.database, 1_000)
    ready = within(collector.ready, 10)
    assert collector.stop() == 0
    answer = _compared(borough, load, "" if ready else ", not ready")
    rejected = count(borough.database, "public.rejected")
    return Answer(answer.holds if ready else "no", f"{answer.seen}, {rejected} rejected")


def replicas_scaled_down(borough: Borough, broker: Broker) -> Answer:
    """Three collectors of a shared subscription, of which two go for good: all is stored once in the end."""
    load = borough.load(6_000)
    replicas = [borough.collector(broker.port, mqtt_shared_group="borough").launch() for _ in range(3)]
    if not all(within(lambda r=replica: not r.alive or r.ready(), 20) and replica.ready() for replica in replicas):  # type: ignore[misc]
        said = next(
            (text for text in replicas[0].messages() if "shared" in text.lower()), replicas[0].get("/health/ready")[1]
        )
        for replica in replicas:
            if replica.alive:
                replica.stop()
        return Answer("no", f"not ready: {' '.join(said.split())}")
    publish(broker.port, load.messages[:2_000])
    grows(borough.database, "public.reading", 2_000, 60)
    replicas[1].kill9()
    assert replicas[2].stop() == 0
    publish(broker.port, load.messages[2_000:])
    within(lambda: count(borough.database, "public.collector") == 1, 60)
    _settled(replicas[0], borough.database, 6_000)
    assert replicas[0].stop() == 0
    return _compared(borough, load)
