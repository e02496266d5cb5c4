"""What the collector hands to the writer, and what it gets back: one batch, one transaction.

Times are int64 microseconds since the Unix epoch, UTC. Rows are sorted by (series, time) and unique by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.scrub import Scrub, any_scrub

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
UInt8 = NDArray[np.uint8]


@dataclass(slots=True)
class Counts:
    """The accounting of one family; the words are the contract (docs/reference/metrics.md).

    In messages: received = decoded + ignored + rejected + in flight. In readings: decoded = stored + restated +
    duplicates + thinned + rejected + refused. A batch holds no message in flight.
    """

    messages_received: int = 0
    messages_decoded: int = 0
    messages_ignored: int = 0
    messages_rejected: int = 0
    readings_decoded: int = 0
    readings_stored: int = 0
    readings_duplicates: int = 0
    readings_thinned: int = 0
    readings_rejected: int = 0
    readings_refused: int = 0
    readings_restated: int = 0

    def add(self, other: Counts) -> None:
        """Add another account to this one, word by word."""
        for name in COUNT_NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def adds_up(self, in_flight: int = 0) -> bool:
        """Whether both sums of the contract hold."""
        return (
            self.messages_received == self.messages_decoded + self.messages_ignored + self.messages_rejected + in_flight
            and self.readings_decoded
            == self.readings_stored
            + self.readings_restated
            + self.readings_duplicates
            + self.readings_thinned
            + self.readings_rejected
            + self.readings_refused
        )


COUNT_NAMES: tuple[str, ...] = tuple(item.name for item in fields(Counts))


class Rejected(NamedTuple):
    """One rejected message, or one rejected reading of a message whose others are stored (``property`` says which).

    ``device`` is the id that the topic gives (also of an unknown device) or None. ``personal``: the bytes may be a
    household's, keep them in the personal schema. ``packet_id`` is set where a redelivery must not make a second row.
    """

    arrival: int
    topic: str
    family: str
    device: str | None
    property: str | None
    reason: str
    detail: str
    payload: bytes
    personal: bool
    packet_id: int | None
    #: the message's place in its batch: rejections with the same one share its bytes; None: it has one
    message: int | None = None
    #: so many readings of the message with this reason that are not named one by one; None: this is one rejection
    more: int | None = None
    #: length of the message [bytes] where ``payload`` is only its beginning, else None
    size: int | None = None
    #: takes a household's identifiers out of the payload where that is personal and kept
    scrub: Scrub = any_scrub


class Remembered(NamedTuple):
    """A message whose redelivery could not be told from a new message by its content: no own time, or rejected.

    Kept until the broker is known to have its acknowledgement; the same (packet_id, digest) delivered again with DUP
    takes this arrival and, where it is ``rejected``, makes no second row. Of two with one packet id the later counts.
    """

    packet_id: int
    digest: bytes
    arrival: int
    rejected: bool


class Late(NamedTuple):
    """Readings of a family whose time is an arrival after an absence, and the messages that they came in.

    ``lost_at`` (None: not known) and ``back_at`` [us since the Unix epoch]: between them nobody read the session.
    """

    lost_at: int | None
    back_at: int
    family: str
    messages: int
    readings: int


class TouchedDay(NamedTuple):
    """A day (UTC) of a family that a batch writes to; ``series``: whose readings, each once; None: anybody's."""

    family: str
    day: date
    series: tuple[int, ...] | None = None


class SequenceSpan(NamedTuple):
    """Message numbers of one device in this batch: an unbroken run ``first..last`` and their reading times."""

    device: str
    first: int
    last: int
    first_time: int
    last_time: int


class SeriesState(NamedTuple):
    """A series' id and its newest reading (``time`` is None where there is none)."""

    series: int
    time: int | None
    value: float


class Right(IntEnum):
    """Whether a reading may take the place of a stored one with another value.

    ``NONE``: it is a conflict. ``RESTATES``: it may. ``COPY``: a message that was taken before came again, so nothing
    that was restated since is turned back: a duplicate. ``RETAINED``: the broker's copy of an old message, whose place
    in the order is not known: a duplicate if its value was superseded, else it may. ``AGED``: tried again long after it
    arrived: it may where nothing newer restated its key, else a conflict.
    """

    NONE = 0
    RESTATES = 1
    COPY = 2
    RETAINED = 3
    AGED = 4


@dataclass(slots=True)
class Restating:
    """Which rows of a batch may restate, and the readings that came after a row of their key in the same batch.

    The latter have columns of their own, ``(later,)``, sorted by (series, time), those of one key in the order of their
    arrival, which the store goes through one by one; ``keep`` [us] is their series' keep rule, 0 where it keeps all. A
    reading of a keep rule also stands here where the rule alone would have left it out: it may be the one that is kept.
    ``right`` (see ``Right``), ``arrival`` [us] and ``source`` (an index of ``sources``) are those of the batch's rows
    and then of the later ones, ``(rows + later,)``.
    """

    series: Int32
    time: Int64
    value: Float64
    family: UInt8
    keep: Int64
    message: Int32
    right: UInt8
    arrival: Int64
    source: Int32
    sources: Sequence[str]


@dataclass(slots=True)
class Batch:
    """One transaction's worth of work.

    ``number`` is random and names the batch: a retry after an unknown outcome finds it already committed. Shapes:
    ``series, time, value, family, thin, message`` are ``(rows,)``; ``family`` indexes ``families``; ``thin`` [us] is 0
    for an ordinary row, else the keep rule's period: the row is older than the last kept one, so the store must
    look whether its period already has a reading (then: exact repeat = duplicate, else thinned). ``latest_*`` are
    ``(changed series,)``, unique by series, newest of the batch.
    """

    number: int
    collector: str
    minute: int
    families: Sequence[str]
    series: Int32
    time: Int64
    value: Float64
    family: UInt8
    thin: Int64
    message: Int32
    latest_series: Int32
    latest_time: Int64
    latest_value: Float64
    touched: Sequence[TouchedDay]
    counts: dict[str, Counts]
    rejected: list[Rejected]
    sequences: Sequence[SequenceSpan]
    remember: list[Remembered]
    forget: Sequence[int]
    #: Makes the rejections of rows (indices into the rows, and behind them into ``restating``'s later ones) that the
    #: store found to be conflicts, without those that were written before; may add to ``remember``, which the writer
    #: therefore reads after the last call.
    conflicts: Callable[[Sequence[int]], list[Rejected]] = field(repr=False)
    #: Whether a rejection names a household's device that is not its own: then its texts are personal like its bytes.
    names_household: Callable[[Rejected], bool] = field(repr=False, default=lambda _: False)
    #: The newest tombstone that the batch was judged by: with a newer one it is not written (store.tombstones.Stale).
    tombstones: int = 0
    #: what came after an absence without a time of its own
    late: Sequence[Late] = ()
    #: None where nothing in the batch comes from a source that may restate.
    restating: Restating | None = None
    #: What ``counts`` has of rejected messages and readings, by (family, reason).
    rejections: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What became of a batch, after its commit.

    ``counts`` by family are complete (they equal the accounting rows written). ``conflicts`` are the row indices
    whose key was already stored with another value, those of later rows (``Restating``) behind the batch's own.
    """

    counts: dict[str, Counts]
    conflicts: Sequence[int] = ()
    staged: bool = False
    repeated: bool = False
    seconds: float = 0.0
