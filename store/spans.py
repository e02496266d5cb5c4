"""Message numbers of devices, merged into unbroken runs: what lies between two runs of a device never came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from store.batch import SequenceSpan
from store.connect import Connection
from store.copy import Instants, Int4s, Int8s
from store.queries import queries

_SQL = queries("writer")
_HIGHEST = 2**63 - 2


def write_spans(connection: Connection, spans: Sequence[SequenceSpan]) -> None:
    """Merge spans into the table ``sequence`` inside the running transaction, as its last shared lock.

    A number beyond 63 bits is no counter of any device and is left out: it must not hold up the batch. Raises
    psycopg.Error.
    """
    spans = [span for span in spans if -_HIGHEST <= span.first <= span.last <= _HIGHEST]
    if not spans:
        return
    connection.execute(_SQL["lock_sequence"])
    each = Counter(span.device for span in spans)
    single = [span for span in spans if each[span.device] == 1]
    settled: set[int] = set()
    if single:
        rows = connection.execute(
            _SQL["extend_sequence"],
            (
                Int4s(range(len(single))),
                [span.device for span in single],
                Int8s([span.first for span in single]),
                Int8s([span.last for span in single]),
                Instants([span.last_time for span in single]),
            ),
        ).fetchall()
        settled = {row[0] for row in rows}
    rest = [span for row, span in enumerate(single) if row not in settled]
    rest += [span for span in spans if each[span.device] > 1]
    if rest:
        connection.execute(
            _SQL["merge_sequence"],
            (
                [span.device for span in rest],
                Int8s([span.first for span in rest]),
                Int8s([span.last for span in rest]),
                Instants([span.first_time for span in rest]),
                Instants([span.last_time for span in rest]),
            ),
        )
