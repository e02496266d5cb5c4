"""``borough work`` in a process of its own over a folder of jobs, and what it needs around it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from store import jobs
from store.connect import connect
from store.jobs import Job
from tests.tools import forked
from tests.tools.servers import wait_for


class Work:
    """Workers over one database, broker and folder. Each is a process of its own."""

    def __init__(self, folder: Path, database: str, broker: str, **settings: object) -> None:
        self.jobs, self.database, self.log = folder / "jobs", database, folder / "work.log"
        self.jobs.mkdir()
        self.settings = {
            "BOROUGH_DATABASE_URL": database,
            "BOROUGH_MQTT_URL": broker,
            "BOROUGH_INSTALLATION": "test",
            "BOROUGH_JOBS_FOLDER": str(self.jobs),
            "BOROUGH_REGISTRY_REFRESH": "0.05",
            **{f"BOROUGH_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._processes: list[forked.Forked] = []

    def start(self, *arguments: str) -> forked.Forked:
        """Begin a worker."""
        with self.log.open("ab") as log:
            process = forked.start(["work", *arguments], self.settings, log.fileno())
        self._processes.append(process)
        return process

    def kill(self) -> None:
        """SIGKILL whatever of it runs."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait(60)

    def command(self, *arguments: str, status: int = 0) -> str:
        """Run ``borough`` to its end; what it says."""
        done = forked.run(arguments, self.settings)
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout if status == 0 else done.stderr

    def ask(self, kind: Any, files: list[Path], options: Mapping[str, Any]) -> int:
        """Ask for a job over files that are copied into the folder."""
        names = []
        for number, path in enumerate(files):
            place = self.jobs / "uploads" / f"{len(list((self.jobs / 'uploads').glob('*')))}-{number}" / path.name
            place.parent.mkdir(parents=True)
            place.write_bytes(path.read_bytes())
            names.append(str(place.relative_to(self.jobs)))
        with connect(self.database, autocommit=True) as connection:
            return jobs.ask(connection, kind, files[0].name, options, None, names)

    def job(self, number: int) -> Job:
        """A job as it is."""
        with connect(self.database, autocommit=True) as connection:
            found = jobs.get(connection, number)
        assert found is not None
        return found

    def wish(self, number: int, wanted: Any) -> None:
        """Wish something of it."""
        with connect(self.database, autocommit=True) as connection:
            jobs.wish(connection, number, wanted)

    def resume(self, number: int) -> None:
        """Let it go on."""
        with connect(self.database, autocommit=True) as connection:
            jobs.resume(connection, number)

    def age(self, number: int) -> None:
        """Let its heartbeat be that of long ago, as if half a minute had gone by since its worker was killed."""
        with connect(self.database, autocommit=True) as connection:
            connection.execute("update public.job set beat_at = beat_at - interval '1 hour' where id = %s", (number,))

    def until(self, number: int, state: str, timeout: float = 120) -> Job:
        """Wait until it is in a state."""
        assert wait_for(lambda: self.job(number).state in (state, *jobs.ENDED), timeout, 0.05), (
            self.job(number), self.log.read_text()[-3000:],
        )  # fmt: skip
        found = self.job(number)
        assert found.state == state, (found, self.log.read_text()[-3000:])
        return found

    def sent(self, number: int, least: int, timeout: float = 60) -> Job:
        """Wait until so many messages are told as out, while it runs."""
        assert wait_for(lambda: self.job(number).progress.get("sent", 0) >= least, timeout, 0.02), (
            self.job(number), self.log.read_text()[-3000:],
        )  # fmt: skip
        return self.job(number)


def end(process: forked.Forked) -> int:
    """SIGTERM; its status."""
    process.send_signal(signal.SIGTERM)
    return process.wait(60)
