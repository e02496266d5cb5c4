"""Plays messages to a broker at a pace: simulated time runs faster until it has caught up with the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiomqtt

from simulators.signals import Message

#: Messages sent and not yet acknowledged: aiomqtt warns above ten, amqtt loses some when thousands wait.
_WINDOW = 10
_TICK = 0.1


@dataclass(slots=True)
class Played:
    """What the broker has acknowledged: messages, and the readings in them."""

    messages: int = 0
    readings: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """Simulated seconds for each real one, from ``start``; never ahead of the clock, which would be rejected."""

    start: datetime
    speed: float

    def at(self, elapsed: float, now: datetime) -> datetime:
        """The simulated instant after ``elapsed`` real seconds."""
        return min(self.start + timedelta(seconds=elapsed * self.speed), now)


async def play(
    client: aiomqtt.Client, messages: Iterable[Message], pace: Pace, played: Played, stop: asyncio.Event
) -> None:
    """Publish with QoS 1 until ``stop`` is set or the messages end; ``played`` counts along.

    ``client`` is connected. Every message that is counted was acknowledged. Raises aiomqtt.MqttError when the broker
    goes away.
    """
    loop = asyncio.get_running_loop()
    begin = loop.time()
    waiting: list[Message] = []
    for message in messages:
        while message.sent > pace.at(loop.time() - begin, datetime.now(UTC)):
            await _send(client, waiting, played)
            if await _stopped(stop, _TICK):
                return
        waiting.append(message)
        if len(waiting) >= _WINDOW:
            await _send(client, waiting, played)
            if stop.is_set():
                return
    await _send(client, waiting, played)


async def _send(client: aiomqtt.Client, waiting: list[Message], played: Played) -> None:
    await asyncio.gather(*(client.publish(message.topic, message.payload, qos=1) for message in waiting))
    played.messages += len(waiting)
    played.readings += sum(message.readings for message in waiting)
    waiting.clear()


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
