"""Names of what messages had and nobody read, counted by device and kept small."""

from __future__ import annotations

from collections.abc import Sequence

from devices.decoding import Binding
from store.unread import Unread

#: So many names are kept, and so many devices of all names together; what comes after them is not told.
_NAMES, _DEVICES = 1_000, 100_000


class UnreadNames:
    """By family, format and name: how many devices sent it since this process began, or since it was cleared."""

    def __init__(self) -> None:
        self._devices: dict[tuple[str, str, str], set[int]] = {}
        self._news: set[tuple[str, str, str]] = set()
        self._room = _DEVICES

    def note(self, binding: Binding, format_name: str, names: Sequence[str]) -> None:
        """Take over what one message of a device had."""
        for name in names:
            key = binding.family, format_name, name
            devices = self._devices.get(key)
            if devices is None:
                if len(self._devices) >= _NAMES:
                    continue
                devices = self._devices[key] = set()
            number = hash(binding.device_id)
            if number not in devices and self._room:
                devices.add(number)
                self._room -= 1
                self._news.add(key)

    def news(self) -> list[Unread]:
        """What changed since it was noted last."""
        return [Unread(*key, len(self._devices[key])) for key in sorted(self._news)]

    def noted(self, rows: Sequence[Unread]) -> None:
        """These are in the store."""
        self._news.difference_update(
            (row.family, row.format, row.name)
            for row in rows
            if len(self._devices.get((row.family, row.format, row.name), ())) == row.devices
        )

    def clear(self) -> None:
        """Begin anew."""
        self.__init__()  # type: ignore[misc]
