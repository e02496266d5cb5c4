"""Message numbers (``seq``, LoRaWAN frame counters) of a batch as unbroken runs by device."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.pending_batch import PendingBatch
from store.batch import SequenceSpan

#: Beyond this a counter is no counter (the column is a bigint).
_MAXIMUM = 2**62


def spans(
    pending: PendingBatch,
    message_state: NDArray[np.uint8],
    arrival: NDArray[np.int64],
    message_time: NDArray[np.int64],
) -> list[SequenceSpan]:
    """Runs of consecutive numbers of the decoded messages, by device, each with the times of its ends."""
    by_device: dict[str, dict[int, int]] = {}
    for message, number in pending.sequences:
        device = pending.routes[message].device_id
        if message_state[message] == 0 and device is not None and 0 <= number < _MAXIMUM:
            time = int(message_time[message]) or int(arrival[message])
            by_device.setdefault(device, {}).setdefault(number, time)
    result = []
    for device, numbers in sorted(by_device.items()):
        ordered = sorted(numbers)
        first = last = ordered[0]
        for number in ordered[1:]:
            if number != last + 1:
                result.append(SequenceSpan(device, first, last, numbers[first], numbers[last]))
                first = number
            last = number
        result.append(SequenceSpan(device, first, last, numbers[first], numbers[last]))
    return result
