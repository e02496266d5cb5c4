"""A client of Dask: of a scheduler that is there, or of one in this process, which nobody else can reach.

Dask is imported here and where a client is used, when it is: it takes half a second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from borough.database import one_line
from borough.errors import Failure, UsageError
from borough.settings.fleet import Scheduler

_HERE = "127.0.0.1"
#: By itself Dask serves its state by HTTP on every address of the machine, also where no dashboard is wanted. Here it
#: serves nothing, on loopback. Its log would put tracebacks on standard error: who asked tells what went wrong.
_CONFIGURATION = {
    "logging": dict.fromkeys(
        ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application"), "critical"
    ),
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
#: Waiting for a connection to the scheduler [s].
_CONNECT = 10


@contextmanager
def connected(
    scheduler: Scheduler | None, processes: int, *, compute: bool = False, resources: Sequence[str] = ()
) -> Iterator[Any]:
    """A `distributed.Client`. Raises UsageError where Dask is not installed, Failure where the scheduler is away.

    Without a ``scheduler`` one is made here, for ``processes`` tasks at once: in threads, where each task is a process
    of its own anyway, or in processes where it is to ``compute``. It has all ``resources``.
    """
    distributed = library()
    with ExitStack() as stack:
        if scheduler is None:
            security = distributed.Security.temporary() if compute else None
            cluster = distributed.LocalCluster(
                host=_HERE if compute else None,
                protocol="tls://" if compute else "inproc://",
                security=security,
                processes=compute,
                n_workers=processes if compute else 1,
                threads_per_worker=1 if compute else processes,
                dashboard_address=f"{_HERE}:0",
                worker_dashboard_address=f"{_HERE}:0",
                resources=dict.fromkeys(resources, processes),
            )
            stack.enter_context(cluster)
            yield stack.enter_context(distributed.Client(cluster))
            return
        try:
            client = distributed.Client(scheduler.address, security=_security(distributed, scheduler), timeout=_CONNECT)
        except (OSError, TimeoutError, ValueError) as error:  # ValueError: it does not speak TLS
            reason = one_line(error)
            raise Failure(f"the scheduler at {scheduler.address} cannot be reached: {reason}") from None
        yield stack.enter_context(client)


def workers_of(client: Any) -> dict[str, Mapping[str, float]]:
    """The resources of each worker, by its address. Raises OSError where the scheduler is away.

    Asked of the scheduler itself: `Client.scheduler_info` answers from a place that the client's own refreshing, every
    two seconds, empties of workers, at times between the answer and its reading (findings/dask-workers-not-there.sh).
    """
    identity = client.sync(client.scheduler.identity, n_workers=-1)
    return {address: worker["resources"] for address, worker in identity["workers"].items()}


def _security(distributed: Any, scheduler: Scheduler) -> Any:
    if scheduler.tls is None:
        return None
    authority, certificate, key = map(str, scheduler.tls)
    return distributed.Security(
        require_encryption=True, tls_ca_file=authority, tls_client_cert=certificate, tls_client_key=key
    )


def library() -> Any:
    """Dask's ``distributed``, quiet and closed to the outside. Raises UsageError where it is not installed."""
    if "distributed" not in sys.modules:
        try:
            import dask
        except ImportError:
            raise UsageError("borough fleet needs Dask: install borough-telemetry[fleet]") from None
        dask.config.set(_CONFIGURATION)
    import distributed

    return distributed
