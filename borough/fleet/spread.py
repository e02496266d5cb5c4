"""One borough's comparisons, spread over workers by groups of cells. Workers compute; who called writes, alone.

What is sent is uses of homes of one period by place, to workers directly: the scheduler holds none of it. Those workers
are the borough's own, like its database: where a scheduler has others too, a resource names them.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from analytics.neighbours.cell_groups import CellGroup, compare_group, groups_of, put_together
from analytics.neighbours.cells import Bools, Cells, Int64
from analytics.neighbours.comparison import Compared
from analytics.neighbours.joining import Joined
from borough.database import one_line
from borough.errors import Failure
from borough.fleet.cluster import library, workers_of

#: So often a group is sent again whose worker went away with what it had been given.
_TRIES = 5


class SpreadComparison:
    """`analytics.neighbours.comparison.compare` over the workers of a client: the same arguments, the same result."""

    def __init__(self, client: Any, groups: int, resource: str | None = None) -> None:
        """``client``: a `distributed.Client`; ``groups``: in so many parts a period is compared.

        ``resource``: only workers that were started with it are given anything; None: all are the borough's own.
        """
        self._client, self._groups, self._resource = client, groups, resource

    def __call__(self, cells: Cells, joined: Joined, use: Int64, counts: Bools) -> Compared:
        """Raises Failure where no worker is left; then nothing of the period was written."""
        parts = list(groups_of(cells, joined, use, counts, self._groups)) if len(cells.size) else []
        found: dict[int, tuple[Int64, ...]] = {}
        for _ in range(_TRIES):
            missing = [number for number in range(len(parts)) if number not in found]
            if not missing:
                break
            found |= self._compare(missing, [parts[number][1] for number in missing])
        else:
            if len(found) < len(parts):
                raise Failure(
                    f"workers, or the scheduler, went away {_TRIES} times while they compared; the next run goes on"
                )
        return put_together(cells, counts, [(place, found[number]) for number, (place, _) in enumerate(parts)])

    def _compare(self, numbers: Sequence[int], groups: Sequence[CellGroup]) -> dict[int, tuple[Int64, ...]]:
        """Figures of those groups whose worker stayed, by number. Raises Failure."""
        distributed, run = library(), uuid.uuid4().hex[:12]
        workers, needs = self._workers(), {} if self._resource is None else {self._resource: 1}
        futures: list[Any] = []
        try:
            sent = self._client.scatter(list(groups), workers=workers, direct=True, hash=False)
            for number, group in zip(numbers, sent, strict=True):
                futures.append(
                    self._client.submit(
                        compare_group, group, key=f"cells-{number}-{run}", resources=needs, retries=0, pure=False
                    )
                )
            distributed.wait(futures)
        except TimeoutError as error:
            raise Failure(f"the scheduler has no worker: {one_line(error)}") from None
        except (OSError, KeyError, distributed.CancelledError):
            # a worker went away, perhaps before the scheduler knew what it had been given (that is the KeyError); of
            # the others the results are there
            pass
        found = {}
        for number, future in zip(numbers, futures, strict=False):  # not all may have been sent
            try:
                found[number] = self._client.gather(future, direct=True)
            except (OSError, distributed.CancelledError, distributed.KilledWorker):
                continue  # it went with its worker: sent again
        return found

    def _workers(self) -> list[str] | None:
        """Addresses of the workers that are given anything; None: any. Raises Failure where none has the resource."""
        if self._resource is None:
            return None
        try:
            known = workers_of(self._client)
        except OSError as error:
            raise Failure(f"the scheduler went away: {one_line(error)}") from None
        found = [address for address, resources in known.items() if self._resource in resources]
        if not found:
            raise Failure(f"the scheduler has no worker that was started with --resources {self._resource}=1")
        return found
