"""Which text names a household's device: a stranger's message can hold the id of a meter, and is then personal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from devices.device import Device
from devices.families import FAMILIES
from store.batch import Rejected

#: Where an id can begin and end inside a longer text: ``mpan1200000000002x`` names 1200000000002.
_RUNS = re.compile(rb"[A-Za-z]+|[0-9]+")
#: So many beginnings are sought one by one: listing all runs of a message takes 30 us (measured, 10 kB now and then).
_FEW = 16


class Households:
    """The ids and names of registered personal devices, to be looked for in bytes.

    One thread updates, another asks; each step of either is one operation on a dictionary.
    """

    def __init__(self) -> None:
        # a run of letters or digits -> the names with it, by where in them it begins and by their length
        self._by_run: dict[bytes, dict[tuple[int, int], set[bytes]]] = {}
        self._signs: set[bytes] = set()
        self._topics: dict[str, bytes] = {}

    def update(self, device: Device) -> None:
        """Take over a new or changed device."""
        self.forget(device.id)
        if device.personal or FAMILIES[device.family].personal:
            self._change(device.id.encode(), add=True)
            if device.topic != device.id:
                name = self._topics[device.id] = device.topic.encode("utf-8", "replace")
                self._change(name, add=True)

    def forget(self, device_id: str) -> None:
        """Let go of a device that was erased."""
        self._change(device_id.encode(), add=False)
        name = self._topics.pop(device_id, None)
        if name is not None:
            self._change(name, add=False)

    def _change(self, name: bytes, *, add: bool) -> None:
        run = _RUNS.search(name)
        # an id begins with a letter or a digit; a name without any is sought by its first sign
        begin, start = (name[:1], 0) if run is None else (run[0], run.start())
        if add and run is None:
            self._signs.add(begin)
        if add:
            self._by_run.setdefault(begin, {}).setdefault((start, len(name)), set()).add(name)
        else:
            self._by_run.get(begin, {}).get((start, len(name)), set()).discard(name)

    def named_in(self, rejected: Rejected) -> bool:
        """Whether a rejection's topic, texts or bytes hold the id of a household's device other than its own.

        Of a device that is no household's itself its own id cannot be one; a household's finds its own by its column.
        """
        if not self._by_run:
            return False
        texts = (rejected.topic, rejected.property or "", rejected.detail)
        data = b"\0".join([*(text.encode("utf-8", "replace") for text in texts), rejected.payload])
        own = rejected.device.encode("utf-8", "replace") if rejected.device is not None else b""
        return any(name != own for name in self._found(data))

    def _found(self, data: bytes) -> Iterable[bytes]:
        # names of one fleet begin alike, and a few beginnings are sought faster than all runs are listed
        few = len(self._by_run) <= _FEW
        begins = [begin for begin in list(self._by_run) if begin in data] if few else self._listed(data)
        for begin in begins:
            found = data.find(begin)
            while found >= 0:
                for (offset, length), names in list(self._by_run.get(begin, {}).items()):
                    start = found - offset
                    name = data[start : start + length] if start >= 0 else b""
                    if name in names and _ends(data, start) and _ends(data, start + length):
                        yield name
                found = data.find(begin, found + len(begin))

    def _listed(self, data: bytes) -> Iterable[bytes]:
        listed = self._by_run.keys() & set(_RUNS.findall(data))
        return [*listed, *(sign for sign in list(self._signs) if sign in data)]


def _ends(data: bytes, end: int) -> bool:
    """Whether no run of letters or digits goes across ``end``."""
    before, after = data[end - 1 : end], data[end : end + 1]
    return not ((before.isdigit() and after.isdigit()) or (before.isalpha() and after.isalpha()))
