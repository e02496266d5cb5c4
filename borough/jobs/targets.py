"""Whom a job may speak for. Never for a real home's device, whatever the installation is called.

- A simulation speaks for devices that nobody registered or that are simulated, and for no others.
- A replay speaks for no device that is registered as personal and real, unless a job registered it from a recording:
  such devices carry the attribute `MARK`. Open real devices (a street's air monitor) are what recordings are of.

What a message says of a device that nobody registered is rejected by the collector like any stranger's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Self

from borough.database import database
from borough.errors import Failure
from borough.replay.messages import Outgoing
from devices.counts import counted
from devices.device import Device
from store import registry

#: The attribute of a device that a job registered from a recording, and its value.
MARK, OURS = "registered_by", "job"


class Targets:
    """The devices that are registered as real when the job starts, and which of them are homes'."""

    def __init__(self, real: Iterable[str], homes: Iterable[str]) -> None:
        self._real, self._homes = frozenset(real), frozenset(homes)

    @classmethod
    def of(cls, registered: Iterable[Device]) -> Self:
        """Those among these devices."""
        real = [device for device in registered if device.origin == "real"]
        return cls(
            (device.id for device in real),
            (device.id for device in real if device.personal and device.attributes.get(MARK) != OURS),
        )

    @classmethod
    def registered(cls) -> Self:
        """Those of the database of the settings. Raises Failure, psycopg.Error."""
        with database() as connection:
            return cls.of(registry.load(connection)[0])

    def check_fleet(self, devices: Sequence[Device]) -> None:
        """Raise Failure where a simulated device has the name of a real one."""
        own = sorted(device.id for device in devices if device.id in self._real)
        if own:
            named = next((name for name in own if name not in self._homes), None)
            verb = "is" if len(own) == 1 else "are"
            raise Failure(
                f"{counted(len(own), 'device')} of this fleet {verb} registered here as real"
                f"{'' if named is None else f', such as {named}'}; nothing was sent. A simulation never speaks for real"
                " devices: give the fleet another name, or run it elsewhere"
            )

    def check_recorded(self, devices: Sequence[Device]) -> None:
        """Raise Failure where a recorded device is registered as a real home's."""
        count = sum(device.id in self._homes for device in devices)
        if count:
            raise Failure(
                f"{counted(count, 'device')} of these files {'is' if count == 1 else 'are'} registered here as real"
                " homes'; nothing was sent. A job never speaks for a real home's device: run it at an installation that"
                " has none"
            )

    def guarded(self, messages: Iterable[Outgoing]) -> Iterator[Outgoing]:
        """The messages, up to one of a real home's device: there it raises Failure, and that one is not sent."""
        for number, message in enumerate(messages):
            if any(reading.device in self._homes for reading in message.readings):
                raise Failure(
                    f"message {number:,} of the recording is of a device that is registered here as a real home's; it"
                    " was not sent, nor what follows. A job never speaks for a real home's device: run it at an"
                    " installation that has none"
                )
            yield message


def marked(devices: Iterable[Device]) -> list[Device]:
    """Devices as a job registers them: recorded ones say by whom."""
    return [
        device if device.origin == "simulated" else replace(device, attributes={**device.attributes, MARK: OURS})
        for device in devices
    ]
