"""Questions about sessions: what is kept, what comes again and how, what a restart and a crash cost."""

from __future__ import annotations

import time
from itertools import pairwise

import mqtt5

from tests.tools.brokers.asking import (
    QUIET,
    Answer,
    Kit,
    acknowledge,
    all_of,
    cut,
    numbered,
    numbers,
    past,
    publish,
    taken,
)
from tests.tools.publisher import Publishing
from tests.tools.publisher import publish as publish_at

COUNT = 100
QUEUED = 1_000


def session_kept(kit: Kit) -> Answer:
    """A client that left, and one that was cut off, get what came meanwhile."""
    seen = []
    for leaves in ("DISCONNECT", "a cut"):
        client, topic = kit.name("kept"), kit.name("kept/topic")
        session = kit.session(client)
        session.subscribe([topic])
        if leaves == "DISCONNECT":
            session.close()
        else:
            session.cut()
        publish(kit.port, numbered(topic, QUEUED))
        with kit.session(client) as session:
            seen.append((leaves, session.present, len(all_of(session))))
    good = all(present and count == QUEUED for _, present, count in seen)
    text = "; ".join(f"after {name} {count:,} of {QUEUED:,}" for name, _, count in seen)
    return Answer("yes" if good else "partly" if any(count for *_, count in seen) else "no", text)


def comes_again_after_a_reconnect(kit: Kit) -> Answer:
    """What was delivered and not acknowledged comes again on the next connection, with its packet id and DUP."""
    client, left = _half_acknowledged(kit)
    return _compared(left, client, kit)


def comes_again_after_a_restart(kit: Kit) -> Answer:
    """The same when the broker was stopped cleanly and started between."""
    client, left = _half_acknowledged(kit)
    kit.broker.restart()
    return _compared(left, client, kit)


def _half_acknowledged(kit: Kit) -> tuple[str, list[mqtt5.PublishPacket]]:
    """A client that was cut off, and what it had not acknowledged: who numbers anew gives that other packet ids."""
    client, topic = kit.name("again"), kit.name("again/topic")
    session = kit.session(client)
    with cut(session):
        session.subscribe([topic])
        publish(kit.port, numbered(topic, 2 * COUNT))
        came = taken(session, 2 * COUNT)
        acknowledge(session, came[:COUNT])
    return client, came[COUNT:]


def _compared(first: list[mqtt5.PublishPacket], client: str, kit: Kit) -> Answer:
    with kit.session(client) as session:
        present = session.present
        second = all_of(session)
    ids = {int(bytes(packet.payload)): packet.packet_id for packet in first}
    again = ids.keys() & set(numbers(second))
    same = sum(ids.get(int(bytes(packet.payload))) == packet.packet_id for packet in second)
    duplicate = sum(packet.duplicate for packet in second)
    text = f"{len(again)} of {len(first)} again, {same} with their packet id, {duplicate} with DUP"
    if not present:
        return Answer("no", f"the session is gone; {text}")
    if len(again) < len(first):
        return Answer("no", text)
    return Answer("yes" if same == duplicate == len(first) else "partly", text)


def reconnects_while_messages_come(kit: Kit) -> Answer:
    """A client that is cut off again and again while messages come, and acknowledges none, gets every one at last."""
    client, topic = kit.name("flapping"), kit.name("flapping/topic")
    kit.subscribed(client, topic)
    publishing = Publishing(kit.port, numbered(topic, 5 * QUEUED), rate=2_000)
    cuts = early = 0
    while publishing.is_alive():
        session = kit.session(client)
        taken(session, 10 * QUEUED, 0.2)
        session.cut()
        cuts, early = cuts + 1, early + session.early
    publishing.join()
    with kit.session(client) as session:
        lost = 5 * QUEUED - len(set(numbers(all_of(session))))
    before = f", {early} came before CONNACK" if early else ""
    return Answer("no" if lost else "yes", f"{lost} of {5 * QUEUED:,} lost in {cuts} reconnects{before}")


def acknowledged_stays_away(kit: Kit) -> Answer:
    """Of what was delivered, exactly what was not acknowledged comes again."""
    client, topic = kit.name("half"), kit.name("half/topic")
    session = kit.session(client)
    with cut(session):
        session.subscribe([topic])
        publish(kit.port, numbered(topic, COUNT))
        first = taken(session, COUNT)
        acknowledge(session, first[::2])
    with kit.session(client) as session:
        second = numbers(all_of(session))
    expected = numbers(first[1::2])
    lost, twice = set(expected) - set(second), len([number for number in second if number not in expected])
    text = f"{COUNT - len(expected)} of {COUNT} acknowledged: {len(second)} again"
    return Answer("yes" if not lost and not twice else "no", f"{text}, {len(lost)} lost, {twice} needless")


def acknowledged_on_the_next_connection(kit: Kit) -> Answer:
    """A PUBACK for a delivery of the connection before is taken, as paho sends it."""
    client, topic = kit.name("late"), kit.name("late/topic")
    session = kit.session(client)
    with cut(session):
        session.subscribe([topic])
        publish(kit.port, numbered(topic, COUNT))
        first = taken(session, COUNT)
    with kit.session(client) as session:
        taken(session, len(first))
        acknowledge(session, first)
    with kit.session(client) as session:
        left = len(all_of(session))
    return Answer("yes" if not left else "no", f"{len(first)} acknowledged so, {left} came once more")


def order_of_a_topic(kit: Kit) -> Answer:
    """One publisher's messages of one topic come in its order: live, queued, and again after a reconnect."""
    seen = []
    for way in ("live", "queued", "again"):
        client, topic = kit.name("order"), kit.name("order/topic")
        session = kit.session(client)
        session.subscribe([topic])
        if way == "queued":
            session.close()
        publish(kit.port, numbered(topic, QUEUED))
        if way == "again":
            taken(session, QUEUED // 2)
            session.cut()
        if way != "live":
            session = kit.session(client)
        came = numbers(all_of(session))
        session.close()
        seen.append(
            (
                way,
                came == sorted(came) and len(set(came)) == QUEUED,
                sum(a > b for a, b in pairwise(came)),
            )
        )
    good = [way for way, right, _ in seen if right]
    text = "; ".join(f"{way}: " + ("in order" if right else f"{swaps} steps back") for way, right, swaps in seen)
    return Answer("yes" if len(good) == 3 else "partly" if good else "no", text)


def queue_over_a_restart(kit: Kit) -> Answer:
    """What waits for a session is kept over a clean stop and start."""
    client, topic = kit.name("stop"), kit.name("stop/topic")
    kit.subscribed(client, topic)
    publish(kit.port, numbered(topic, QUEUED))
    kit.broker.restart()
    return _left(kit, client)


def clean_start_over_a_restart(kit: Kit) -> Answer:
    """The same where the session began with clean_start: it is as durable as another."""
    client, topic = kit.name("clean"), kit.name("clean/topic")
    kit.subscribed(client, topic, clean_start=True)
    publish(kit.port, numbered(topic, QUEUED))
    kit.broker.restart()
    return _left(kit, client)


def queue_over_a_kill(kit: Kit) -> Answer:
    """The same over SIGKILL of the broker, directly after the last message was acknowledged to its publisher."""
    client, topic = kit.name("kill"), kit.name("kill/topic")
    kit.subscribed(client, topic)
    publish(kit.port, numbered(topic, QUEUED))
    kit.broker.kill9()
    kit.broker.start()
    return _left(kit, client)


def queue_over_a_late_kill(kit: Kit) -> Answer:
    """The same over SIGKILL 10 s later: whether what is acknowledged reaches the disk before the broker is stopped."""
    client, topic = kit.name("kill"), kit.name("kill/topic")
    kit.subscribed(client, topic)
    publish(kit.port, numbered(topic, QUEUED))
    past(time.monotonic() + 10)
    kit.broker.kill9()
    kit.broker.start()
    return _left(kit, client)


def loss_window(kit: Kit) -> Answer:
    """SIGKILL directly after 13 s of 200 messages a second to a session that is away loses none of them."""
    client, topic, rate = kit.name("window"), kit.name("window/topic"), 200
    kit.subscribed(client, topic)
    count = 13 * rate
    publish_at(kit.port, numbered(topic, count), rate=rate)
    kit.broker.kill9()
    kit.broker.start()
    with kit.session(client) as session:
        lost = count - len(set(numbers(all_of(session))))
    everything = " (everything)" if lost == count else ""
    text = f"the last {lost / rate:.1f} s of 13 s are lost{everything}: {lost:,} of {count:,}"
    return Answer("no" if lost == count else "partly" if lost else "yes", text)


def _left(kit: Kit, client: str) -> Answer:
    with kit.session(client) as session:
        present = session.present
        came = len(set(numbers(all_of(session))))
    text = f"session {'kept' if present else 'gone'}, {came:,} of {QUEUED:,} messages"
    return Answer("yes" if present and came == QUEUED else "partly" if came else "no", text)


def session_expires(kit: Kit) -> Answer:
    """A session of 2 s is there at once and gone after 4 s; one of 0 s has ended with its connection."""
    seen = {}
    for what, expiry, wait in (("2 s, at once", 2, 0.0), ("2 s, after 4 s", 2, 4.0), ("0 s, after 2 s", 0, 2.0)):
        client = kit.name("expires")
        kit.subscribed(client, kit.name("expires/topic"), expiry=expiry)
        past(time.monotonic() + wait)
        with kit.session(client, expiry=0) as session:
            seen[what] = session.present
    good = list(seen.values()) == [True, False, False]
    text = "; ".join(f"{what}: {'there' if present else 'gone'}" for what, present in seen.items())
    return Answer("yes" if good else "no", text)


def week_long_session(kit: Kit) -> Answer:
    """A session expiry of a week is granted as asked."""
    with kit.session(kit.name("week")) as session:
        granted = session.connack.session_expiry_interval
    return Answer(
        "yes" if granted in (None, 604_800) else "no", f"CONNACK: {'as asked' if granted is None else f'{granted:,} s'}"
    )


def taken_over(kit: Kit) -> Answer:
    """A second connection with the same client id gets the session, and the first is told why it was closed."""
    client, topic = kit.name("twice"), kit.name("twice/topic")
    first = kit.session(client)
    first.subscribe([topic])
    with kit.session(client) as second:
        present = second.present
        told = first.next(5)
        publish(kit.port, numbered(topic, COUNT))
        came = len(all_of(second))
    first.cut()
    reason = (
        f"DISCONNECT 0x{int(told.reason_code):02X}" if isinstance(told, mqtt5.DisconnectPacket) else "no DISCONNECT"
    )
    right = isinstance(told, mqtt5.DisconnectPacket) and int(told.reason_code) == 0x8E
    good = present and came == COUNT
    return Answer(
        "yes" if right and good else "partly" if good else "no", f"{reason}; the second got {came} of {COUNT}"
    )


def silent_client_is_dropped(kit: Kit) -> Answer:
    """A client that says nothing for 1.5 times its keep-alive of 2 s is disconnected, by a clock of whole seconds."""
    session = kit.session(kit.name("silent"), keep_alive=2)
    start = time.monotonic()
    told = session.next(10)
    took = time.monotonic() - start
    session.cut()
    name = f"DISCONNECT 0x{int(told.reason_code):02X}" if isinstance(told, mqtt5.DisconnectPacket) else "closed"
    if took >= 10 - QUIET / 10:
        return Answer("no", "still open after 10 s")
    return Answer("yes" if 2 <= took <= 4.5 else "partly", f"{name} after {took:.1f} s")
