"""Questions about messages: retained, shared, expired, too many, too large, for two filters at once, and $SYS."""

from __future__ import annotations

import time
from collections.abc import Mapping

import mqtt5

from tests.tools.brokers.asking import (
    QUIET,
    Answer,
    Kit,
    acknowledge,
    all_of,
    numbered,
    numbers,
    past,
    publish,
    taken,
    try_publish,
)
from tests.tools.brokers.running import Limits
from tests.tools.mqtt_session import Session, publish_retained

COUNT = 100
DROPPED = "$SYS/broker/publish/messages/dropped"


def retained(kit: Kit) -> Answer:
    """A retained message comes to who subscribes later, by its name and by wildcards, marked as retained."""
    seen = {}
    for way, of in (("by name", "{}/room/reading"), ("by +", "{}/+/reading"), ("by #", "{}/#")):
        top = kit.name("retained")
        publish_retained(kit.port, f"{top}/room/reading", b"1")
        with kit.session(kit.name("later"), expiry=0) as session:
            session.subscribe([of.format(top)])
            came = all_of(session)
        seen[way] = [bool(packet.retain) for packet in came]
    good = [way for way, marks in seen.items() if marks == [True]]
    text = "; ".join(
        f"{way}: " + ("comes" if marks == [True] else f"{len(marks)} come, marked {sum(marks)}")
        for way, marks in seen.items()
    )
    return Answer("yes" if len(good) == 3 else "partly" if good else "no", text)


def retained_live(kit: Kit) -> Answer:
    """A message that is to be retained comes unmarked to who is subscribed already (retain as published: false)."""
    topic = kit.name("live/topic")
    with kit.session(kit.name("live"), expiry=0) as session:
        session.subscribe([topic])
        publish_retained(kit.port, topic, b"1")
        came = all_of(session)
    marks = [bool(packet.retain) for packet in came]
    return Answer("yes" if marks == [False] else "no", f"{len(came)} came, {sum(marks)} marked as retained")


def retained_once(kit: Kit) -> Answer:
    """A session that comes back gets no retained message again that it has acknowledged."""
    client, topic = kit.name("once"), kit.name("once/topic")
    publish_retained(kit.port, topic, b"1")
    with kit.session(client) as session:
        session.subscribe([topic])
        first = len(all_of(session))
    with kit.session(client) as session:
        second = len(all_of(session))
    return Answer("yes" if (first, second) == (1, 0) else "no", f"{first} at the subscription, {second} at the return")


def retained_over_a_restart(kit: Kit) -> Answer:
    """A retained message is kept over a clean stop and start."""
    topic = kit.name("lasting/topic")
    publish_retained(kit.port, topic, b"1")
    kit.broker.restart()
    with kit.session(kit.name("lasting"), expiry=0) as session:
        session.subscribe([topic])
        came = len(all_of(session))
    return Answer("yes" if came == 1 else "no", f"{came} of 1")


def shared(kit: Kit) -> Answer:
    """Two members of a shared subscription get every message once between them."""
    group = _Group(kit)
    if (refused := group.refused) is not None:
        return Answer("no", refused)
    publish(kit.port, numbered(group.topic, 10 * COUNT))
    shares = [numbers(all_of(member)) for member in group.members]
    group.close()
    twice = len(set(shares[0]) & set(shares[1]))
    whole = len(set(shares[0]) | set(shares[1])) == 10 * COUNT
    return Answer(
        "yes" if whole and not twice else "no",
        f"{len(shares[0])} and {len(shares[1])} of {10 * COUNT:,}, {twice} twice",
    )


def shared_with_one_away(kit: Kit) -> Answer:
    """What is published while one member is away goes to the other: nothing waits for who may never return."""
    group = _Group(kit)
    if (refused := group.refused) is not None:
        return Answer("-", refused)
    group.members[1].close()
    publish(kit.port, numbered(group.topic, 10 * COUNT))
    here = len(set(numbers(all_of(group.members[0]))))
    with kit.session(group.clients[1]) as back:
        later = len(set(numbers(all_of(back))))
    group.members[0].close()
    text = f"{here} of {10 * COUNT:,} to who is there, {later} wait for the other"
    lost = 10 * COUNT - here - later
    return Answer("no" if lost else "yes" if not later else "partly", text + (f", {lost} lost" if lost else ""))


class _Group:
    """Two members of a new shared subscription. ``refused`` says how the broker does not want it."""

    def __init__(self, kit: Kit) -> None:
        self.topic = kit.name("shared/topic")
        self.clients = [kit.name("member"), kit.name("member")]
        self.members: list[Session] = []
        self.refused: str | None = None
        for client in self.clients:
            session = kit.session(client)
            self.members.append(session)
            if not session.connack.shared_subscription_available:
                self.refused = "CONNACK says that it has none"
                break
            wanted = mqtt5.TopicFilter(f"$share/group/{self.topic}", max_qos=mqtt5.QoS.AT_LEAST_ONCE)
            session.send(mqtt5.SubscribePacket(1, [wanted]).write())
            answer = session.next(10)
            if not isinstance(answer, mqtt5.SubAckPacket) or int(answer.reason_codes[0]) >= 0x80:
                self.refused = f"SUBSCRIBE is answered by {answer}"
                break
        if self.refused is not None:
            self.close()

    def close(self) -> None:
        """All members leave."""
        for member in self.members:
            member.close()


def message_expires(kit: Kit) -> Answer:
    """A message of 2 s is not delivered from a queue after 4 s, one of 600 s is, with what is left of its time."""
    client, topic = kit.name("short"), kit.name("short/topic")
    kit.subscribed(client, topic)
    with kit.session("", clean_start=True, expiry=0) as sender:
        for number, seconds in ((1, 2), (2, 600)):
            packet = mqtt5.PublishPacket(
                topic, b"%d" % number, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number, message_expiry_interval=seconds
            )
            sender.send(packet.write())
            assert isinstance(sender.next(10), mqtt5.PubAckPacket)
    past(time.monotonic() + 4)
    with kit.session(client) as session:
        came = {int(bytes(packet.payload)): packet.message_expiry_interval for packet in all_of(session)}
    left = came.get(2)
    counts = left is not None and 590 <= left <= 597
    text = f"that of 2 s {'comes' if 1 in came else 'does not come'}, that of 600 s comes with {left} s"
    if 2 not in came:
        text = f"{text.partition(',')[0]}, nor does that of 600 s"
    return Answer("yes" if 1 not in came and counts else "no" if 1 in came else "partly", text)


def queue_is_bounded(kit: Kit) -> Answer:
    """A queue limit of 100 holds; what does not fit is refused to its publisher, or at least counted in $SYS."""
    with kit.own(Limits(queue=COUNT)) as broker:
        client, topic = kit.name("full"), kit.name("full/topic")
        kit.subscribed(client, topic, port=broker.port)
        with kit.session(kit.name("watch"), port=broker.port, expiry=0) as watch:
            watch.subscribe([DROPPED], qos=0)
            good, refused = publish(broker.port, numbered(topic, 10 * COUNT))
            told = _last(watch, {DROPPED: b""}, 4.0).get(DROPPED)
        with kit.session(client, port=broker.port) as session:
            came = numbers(all_of(session))
    which = "the oldest" if came[:1] == [0] else "the newest" if came[-1:] == [10 * COUNT - 1] else "some"
    lost = 10 * COUNT - len(set(came))
    kept = f"{which} {len(came)} kept"
    counted = "nothing" if told is None else str(int(told))
    text = f"{good:,} acknowledged, {refused} refused; {kept}; $SYS tells {counted} of {lost} lost"
    if refused >= lost:
        return Answer("yes", text)
    return Answer("partly" if told is not None and int(told) >= lost - refused else "no", text)


def receive_maximum(kit: Kit) -> Answer:
    """No more than the receive maximum comes unacknowledged: 20, 1,000 and 60,000, exactly."""
    seen = {}
    for most in (20, 1_000, 60_000):
        client, topic = kit.name("window"), kit.name("window/topic")
        kit.subscribed(client, topic)
        publish(kit.port, numbered(topic, most + 500))
        with kit.session(client, receive_max=most) as session:
            first = taken(session, most + 500)
            acknowledge(session, first[:1])
            more = len(taken(session, 10, 2 * QUIET))
            seen[most] = (len(first), more)
        with kit.session(client, expiry=0) as session:
            all_of(session, seconds=QUIET / 2)
    exact = [most for most, (count, _) in seen.items() if count == most]
    over = [most for most, (count, _) in seen.items() if count > most]
    text = "; ".join(f"{most:,}: {count:,}" for most, (count, _) in seen.items())
    return Answer("no" if over else "yes" if len(exact) == 3 else "partly", text)


def overlapping_filters(kit: Kit) -> Answer:
    """A message that two filters of one session take comes once."""
    top = kit.name("overlap")
    with kit.session(kit.name("both"), expiry=0) as session:
        session.subscribe([f"{top}/+", f"{top}/#"])
        publish(kit.port, [(f"{top}/a", b"1")])
        came = len(all_of(session))
    return Answer("yes" if came == 1 else "no", f"{came} copies")


def larger_than_the_client_takes(kit: Kit) -> Answer:
    """A packet above the client's own maximum is left out, and the messages after it come."""
    client, topic = kit.name("small"), kit.name("small/topic")
    kit.subscribed(client, topic)
    publish(kit.port, [(topic, b"1"), (topic, b"2" * 5_000), (topic, b"3")])
    with kit.session(client, max_packet_size=1_000) as session:
        came = [bytes(packet.payload)[:1].decode() for packet in all_of(session)]
    return Answer("yes" if came == ["1", "3"] else "no", f"of 1, 2 (large), 3 came {', '.join(came) or 'none'}")


def larger_than_the_broker_takes(kit: Kit) -> Answer:
    """A limit of 10,000 bytes is told in CONNACK, and who breaks it hears why."""
    with kit.own(Limits(packet=10_000)) as broker:
        with kit.session(kit.name("large"), port=broker.port, expiry=0) as session:
            said = session.connack.max_packet_size
            packet = mqtt5.PublishPacket("large", b"x" * 20_000, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1)
            session.send(packet.write())
            answer = session.next(5)
        small = try_publish(broker.port, [("large", b"x" * 5_000)])
    reason = getattr(answer, "reason_code", None)
    told = (
        "nothing"
        if answer is None
        else f"{type(answer).__name__.removesuffix('Packet').upper()} 0x{int(reason or 0):02X}"
    )
    text = f"CONNACK: {'nothing' if said is None else f'{said:,}'}; the publisher hears {told}"
    if small is not None:
        return Answer("no", f"{text}; one of 5,000 bytes is not taken: {small}")
    return Answer("yes" if said == 10_000 and int(reason or 0) == 0x95 else "partly", text)


def large_message(kit: Kit) -> Answer:
    """Without a limit of ours a message of 3 MB is taken and delivered."""
    client, topic = kit.name("huge"), kit.name("huge/topic")
    kit.subscribed(client, topic)
    problem = try_publish(kit.port, [(topic, b"x" * 3_000_000)])
    with kit.session(client) as session:
        said = session.connack.max_packet_size
        came = [len(packet.payload) for packet in all_of(session)]
    limit = "" if said is None else f"; CONNACK: {said:,}"
    return Answer("yes" if came == [3_000_000] else "no", ("comes" if came else problem or "does not come") + limit)


def counts_what_it_drops(kit: Kit) -> Answer:
    """$SYS has the topics that the collector watches: messages dropped, and the broker's version."""
    wanted = {DROPPED: b"", "$SYS/broker/version": b"", "$SYS/broker/messages/stored": b""}
    with kit.session(kit.name("sys"), expiry=0) as session:
        session.subscribe(["$SYS/#"], qos=0)
        seen = _last(session, wanted, 4.0)
        others = {str(packet.topic) for packet in all_of(session) if str(packet.topic).startswith("$SYS/")} | set(seen)
    text = f"{len(others)} topics; {DROPPED} {'is there' if DROPPED in seen else 'is not'}"
    return Answer("yes" if DROPPED in seen else "no", text)


def _last(session: Session, topics: Mapping[str, bytes], seconds: float) -> dict[str, bytes]:
    """The newest payload of each of these topics that comes within so long."""
    found: dict[str, bytes] = {}
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        packet = session.next(left)
        if packet is None:
            break
        if isinstance(packet, mqtt5.PublishPacket) and str(packet.topic) in topics:
            found[str(packet.topic)] = bytes(packet.payload)
    return found


def topic_that_is_no_text(kit: Kit) -> Answer:
    """A topic with bytes that are no UTF-8 is not passed on: its publisher is disconnected."""
    top = kit.name("text")
    with kit.session(kit.name("reader"), expiry=0) as reader:
        reader.subscribe([f"{top}/#"])
        with kit.session("", clean_start=True, expiry=0) as sender:
            topic = top.encode() + b"/\xff\xfe"
            body = len(topic).to_bytes(2, "big") + topic + b"\x00\x01\x00x"
            sender.send(bytes([0x32, len(body)]) + body)
            answer = sender.next(3)
        raw = reader.bytes_within(2 * QUIET)
    passed = b"\xff\xfe" in raw
    told = (
        "nothing"
        if answer is None
        else f"{type(answer).__name__.removesuffix('Packet').upper()} 0x{int(getattr(answer, 'reason_code', 0)):02X}"
    )
    return Answer(
        "no" if passed else "yes", f"{'passed on' if passed else 'not passed on'}; the publisher hears {told}"
    )
