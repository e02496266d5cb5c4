"""Rows of the hour that the clocks repeat: the order of a device's rows tells which of its two passes each is of.

Such rows are held back until it is known what follows them. Going on in time, a device's rows of that hour are one run
or two; where one repeats a time or goes back, the second pass begins. Newest first it is the other way round. Rows that
are shuffled, or sorted by their local time, tell nothing: each of them is said to be unreadable.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Mapping, Sequence

from borough.errors import UsageError
from borough.replay.row_times import Twofold

#: Rows that are held back at most, packed: of files in order, which are held for an hour, and of others, for good.
_HELD, _HELD_FOR_GOOD = 1_000_000, 250_000
#: No two hours are repeated within one of these, and none lies on the edge of two [us].
_YEAR = 31_556_952_000_000
UNTOLD = (
    "stands in the hour that the clocks repeat, and the order of the rows does not tell which of the two it is; sort"
    " the rows of each device by the time at which they were measured, or give times with an offset"
)

#: (instant [us], device, values, whether it ends a stay, line)
Told = tuple[int, int, dict[str, float], bool, int]
#: Takes the lines of rows that nobody can place.
Tell = Callable[[Sequence[int]], None]


class _Run:
    """What one device, or a whole file that is in order, says of one repeated hour before it says anything else."""

    __slots__ = ("after", "before", "downs", "falls_at", "rises_at", "rows", "seen", "time", "ups")

    def __init__(self, before: int | None) -> None:
        self.before = before
        self.after: int | None = None
        self.rows: list[bytes] = []
        self.time = 0
        #: what was said at ``time``
        self.seen: set[tuple[int, str, bool]] = set()
        # how often it does not go on, read upwards and downwards, and the row where it first does not
        self.ups = self.downs = self.rises_at = self.falls_at = 0

    def add(self, line: int, device: int, time: Twofold, values: Mapping[str, float], *, ends: bool) -> None:
        said = {(device, name, ends) for name in values}
        repeats = bool(self.rows) and time.first == self.time and not self.seen.isdisjoint(said)
        if self.rows:
            if repeats or time.first < self.time:
                self.ups += 1
                self.rises_at = self.rises_at or len(self.rows)
            if repeats or time.first > self.time:
                self.downs += 1
                self.falls_at = self.falls_at or len(self.rows)
        self.seen = self.seen | said if time.first == self.time and not repeats else said
        self.time = time.first
        self.rows.append(marshal.dumps((line, device, *time, dict(values), ends)))

    @property
    def lines(self) -> list[int]:
        return [marshal.loads(row)[0] for row in self.rows]  # noqa: S302 packed by `add`

    def names(self) -> set[tuple[int, str]]:
        """What it says, by time and property."""
        rows = map(marshal.loads, self.rows)
        return {(first, name) for _, _, first, _, values, _ in rows for name in values}

    def breaks(self) -> int:
        """How many second passes would have to begin in it; 2 and more make no sense."""
        up = self._goes_up()
        return 2 if up is None else self.ups if up else self.downs

    def told(self) -> Iterator[Told]:
        """The rows, each at its instant; `breaks` is 0 or 1."""
        up = bool(self._goes_up())
        at = self.rises_at if up else self.falls_at
        for number, row in enumerate(self.rows):
            line, device, first, later, values, ends = marshal.loads(row)  # noqa: S302 packed by `add`
            is_later = at > 0 and (number >= at) is up
            yield later if is_later else first, device, values, ends, line

    def _goes_up(self) -> bool | None:
        """Whether the rows go on in time, by those around them; None where these say both."""
        up_before = None if self.before is None else self.before <= self.time
        up_after = None if self.after is None else self.after >= self.time
        if up_before is None or up_after is None or up_before == up_after:
            known = up_after if up_before is None else up_before
            return True if known is None else known
        return None


class RepeatedHour:
    """The rows of one file that are held back. ``in_order``: all rows of the file are in the order of time."""

    def __init__(self, place: str, tell: Tell, *, in_order: bool) -> None:
        self._place = place
        self._tell = tell
        self._in_order = in_order
        self._open: dict[int, _Run] = {}
        self._closed: dict[tuple[int, int], list[_Run]] = {}
        self._count = 0

    @property
    def waiting(self) -> Mapping[int, object]:
        """Not empty while a row of another hour would tell something; always the same object."""
        return self._open

    def add(
        self,
        line: int,
        device: int,
        time: Twofold,
        values: Mapping[str, float],
        before: int | None,
        *,
        ends: bool = False,
    ) -> Iterator[Told]:
        """Hold one back. ``before``: the device's time before it [us]. Gives out what an earlier year's hour held."""
        key = -1 if self._in_order else device
        run = self._open.get(key)
        if run is not None and time.first // _YEAR != run.time // _YEAR:
            before = run.time
            yield from self._close(key, time.first)
            run = None
        if run is None:
            run = self._open[key] = _Run(None if self._in_order else before)
        self._count += 1
        most = _HELD if self._in_order else _HELD_FOR_GOOD
        if self._count > most:
            raise UsageError(
                f"{self._place}, line {line}: more than {most} rows stand in hours that the clocks repeat; split the"
                ' file, or say order = "time" if all its rows are in order'
            )
        run.add(line, device, time, values, ends=ends)

    def before(self, device: int, time: int) -> Iterator[Told]:
        """What can be told once a device's row of another hour [us] comes."""
        key = -1 if self._in_order else device
        if key in self._open:
            yield from self._close(key, time)

    def rest(self) -> Iterator[Told]:
        """All that is left at the end of the file."""
        for key in list(self._open):
            yield from self._close(key, None)
        for runs in self._closed.values():
            yield from self._judged(runs)

    def _close(self, key: int, after: int | None) -> Iterator[Told]:
        run = self._open.pop(key)
        if self._in_order:
            self._count -= len(run.rows)
            yield from self._judged([run])
        else:
            # the same hour of a device that comes again tells that the rows are shuffled
            run.after = after
            run.seen = set()
            self._closed.setdefault((key, run.time // _YEAR), []).append(run)

    def _judged(self, runs: Sequence[_Run]) -> Iterator[Told]:
        """The runs of one device and hour: each by itself, if no two say the same with one pass each."""
        breaks = [run.breaks() for run in runs]
        names = [run.names() for run in runs] if len(runs) > 1 else []
        apart = sum(map(len, names)) == len(set().union(*names))
        if max(breaks) > 1 or not (apart or set(breaks) == {1}):
            self._tell(sorted(line for run in runs for line in run.lines))
            return
        for run in runs:
            yield from run.told()
