"""What of a batch is refused: the judgement of one batch's columns by the tombstones.

A reading of a refused period is counted ``refused``. Nothing of its message is kept, neither in a rejection's bytes nor
in the archive, the message numbers or the memory of redeliveries. A message of such a device that cannot be read, or
has an impossible time, counts as one rejected message without a row where it arrived within a refused period.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devices.decoding import Reason
from ingest.columns import Columns
from ingest.refusals import Refusals
from ingest.slots import Slots
from store.batch import Int64

Bools = NDArray[np.bool_]
Rejections = list[tuple[int, str | None, str, str]]


def refuse(
    columns: Columns,
    slots: Slots,
    refusals: Refusals,
    state: NDArray[np.uint8],
    rows: tuple[Int64, Int64, Int64],
    moments: tuple[Int64, Int64],
    rejections: Rejections,
) -> tuple[Bools, Bools]:
    """Which readings are refused, ``(rows,)``, and of which messages nothing is kept, ``(messages,)``.

    ``rows``: message, slot and time [us] of every reading; ``moments``: arrival and own time [us] of every message.
    ``state`` (0 decoded, 1 ignored, 2 rejected) and ``rejections`` learn of messages of erased and retired devices that
    are in no refused period.
    """
    message, slot, time = rows
    arrival, own = moments
    refused = np.zeros(len(message), bool)
    silent = np.zeros(len(state), bool)
    if not refusals:
        return refused, silent
    inside = refusals.inside(slots, slot, time)
    if inside is not None:
        refused = inside & (state[message] == 0)
        silent[message[refused]] = True
    for number, _, _, _ in columns.rejected_readings:  # an unknown property has no slot, and a flaw no value
        silent[number] |= _covers(columns, refusals, number, arrival, own)
    instead = [(number, route.instead) for number, route in enumerate(columns.routes) if route.instead is not None]
    whole = np.zeros(len(state), bool)
    for number, (reason, detail) in instead:
        if state[number] == 0:
            whole[number] = silent[number]
            if not silent[number]:
                state[number] = 2
                rejections.append((number, None, reason, detail))
    refused |= whole[message]
    for number, _, why, _ in rejections:
        if state[number] == 2 and not silent[number]:
            moment = own if why == Reason.TIME_OUT_OF_RANGE else arrival
            silent[number] = _covers(columns, refusals, number, arrival, moment)
    return refused, silent


def _covers(columns: Columns, refusals: Refusals, number: int, arrival: Int64, own: Int64) -> bool:
    """Whether a message came within a refused period of its device, or says so of itself."""
    found = refusals.of(columns.routes[number].device_id)
    return found is not None and (found.covers(int(arrival[number])) or found.covers(int(own[number])))
