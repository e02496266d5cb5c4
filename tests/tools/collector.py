"""``borough collect`` in a process of its own: started, asked, stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from borough.postgres_server import free_port
from store.batch import COUNT_NAMES, Counts
from tests.tools import forked
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import PATIENCE, wait_for

CLIENT_ID = "borough-collector"


class Collector:
    """One collector. ``settings`` are by the names of the environment without their prefix: ``batch_age=0.05``.

    Where its memory is looked at it is a fresh process (``alone``), and no fork of one that has imported everything;
    ``around`` is more of such a process's environment.
    """

    def __init__(
        self,
        folder: Path,
        database: str,
        broker: str,
        *,
        alone: bool = False,
        around: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        self.metrics_port = free_port()
        self.log = folder / f"collector-{self.metrics_port}.log"
        self._settings = {
            "BOROUGH_DATABASE_URL": database,
            "BOROUGH_MQTT_URL": broker,
            "BOROUGH_METRICS_PORT": str(self.metrics_port),
            **{f"BOROUGH_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._alone = alone or around is not None
        self._around = around or {}
        self._process: subprocess.Popen[bytes] | forked.Forked | None = None

    # -- its life ----------------------------------------------------------------------------------------------------

    def launch(self) -> Self:
        """Start, and wait for nothing."""
        assert self._process is None or self._process.poll() is not None, "the collector runs already"
        with self.log.open("ab") as log:
            if self._alone:
                self._process = subprocess.Popen(
                    [*WITH_US, *BOROUGH, "collect"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**environment(self._settings), **self._around},
                    start_new_session=True,
                )  # fmt: skip
            else:
                self._process = forked.start(["collect"], self._settings, log.fileno())
        return self

    def start(self, timeout: float = 30.0) -> Self:
        """Start and wait until it is ready."""
        self.launch()
        self.wait_ready(timeout)
        return self

    @property
    def pid(self) -> int:
        """Process id (``setpriv`` becomes the program, so it is the collector's own)."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def kill9(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)

    def hears(self) -> bool:
        """Whether it has said what SIGTERM shall do; before that Python itself is only starting."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        caught = next(line for line in lines if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    def terminate(self) -> None:
        """Send SIGTERM and wait for nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float = 30.0) -> int:
        """Its exit status."""
        assert self._process is not None
        return self._process.wait(max(timeout, PATIENCE))

    def stop(self, timeout: float = 30.0) -> int:
        """SIGTERM; its exit status."""
        self.terminate()
        return self.wait(timeout)

    def freeze(self) -> None:
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.alive:
            self.kill9()
        if error is not None and self.log.exists():
            print(f"--- {self.log.name}\n{self.said()[-6000:]}")

    # -- what it says ------------------------------------------------------------------------------------------------

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def messages(self) -> list[str]:
        """The log's messages; what is no log line (a traceback) counts whole."""
        found = []
        for line in self.said().splitlines():
            try:
                found.append(str(json.loads(line)["message"]))
            except (ValueError, KeyError, TypeError):
                found.append(line)
        return found

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of one of its pages; status 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=PATIENCE) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return int(error.code), error.read().decode()
        except OSError:
            return 0, ""

    def ready(self) -> bool:
        """Whether /health/ready says so."""
        return self.get("/health/ready")[0] == 200

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Wait until it is ready; fail with its log where it ends or never is."""
        wait_for(lambda: not self.alive or self.ready(), timeout)
        assert self.alive, f"the collector ended with {self._process and self._process.returncode}: {self.said()}"
        assert self.ready(), f"not ready: {self.get('/health/ready')[1]} {self.said()[-3000:]}"

    def metrics(self) -> dict[str, dict[str, float]]:
        """Metric name -> label's value ('' without a label) -> number."""
        status, text = self.get("/metrics")
        assert status == 200, f"/metrics: {status}"
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, {})[next(iter(sample.labels.values()), "")] = sample.value
        return found

    def metric(self, name: str, label: str = "") -> float:
        """One number of /metrics; 0 where it is not there."""
        return self.metrics().get(name, {}).get(label, 0.0)

    def account(self) -> dict[str, Counts]:
        """The accounting of this process since its start, by family; checked to add up with what is in flight."""
        metrics = self.metrics()
        families = sorted({label for name in COUNT_NAMES for label in metrics.get(f"borough_{name}_total", {})})
        accounts = {}
        for family in families:
            counts = Counts(*(int(metrics[f"borough_{name}_total"].get(family, 0)) for name in COUNT_NAMES))
            in_flight = int(metrics["borough_messages_in_flight"].get(family, 0))
            assert counts.adds_up(in_flight), f"/metrics, {family}: {counts}, in flight {in_flight}"
            accounts[family] = counts
        return accounts

    def account_at_rest(self) -> dict[str, Counts]:
        """Its account once nothing is in flight: the database knows of a commit before the process has counted it."""
        # one that has only just begun tells of no family yet, and nothing is in flight
        wait_for(lambda: sum(self.metrics().get("borough_messages_in_flight", {}).values()) == 0, 30)
        return self.account()
