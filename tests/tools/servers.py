"""Real servers for the tests: Mosquitto, and databases cloned from a migrated template on real PostgreSQL servers.

Every server is a child of the test process, listens on 127.0.0.1 alone and ends with that process, however it ends.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from borough.postgres_server import PostgresServer, free_port, locked, private_folder
from tests.tools import kept
from tests.tools.certificates import Pair

#: For a server that only tests use. A kill -9 of its processes loses nothing that was written: only a crash of the
#: whole machine would, and then the test is gone too.
TEST_SETTINGS: Mapping[str, str | int] = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "synchronous_commit": "on",
    "max_connections": 100,
    "jit": "off",
    "bgwriter_delay": "10s",  # a dozen servers that wake five times a second for nothing are felt on two cores
    "wal_writer_delay": "10s",
}
TIMESCALE_SETTINGS: Mapping[str, str | int] = {
    **TEST_SETTINGS,
    "shared_preload_libraries": "timescaledb",
    "timescaledb.max_background_workers": 0,  # a worker in the template would forbid cloning it
    "timescaledb.telemetry_level": "off",
}

#: Of a server whose data stand in memory: little of it is to go to the log and to buffers.
_IN_MEMORY: Mapping[str, str | int] = {"max_wal_size": "256MB", "shared_buffers": "128MB"}
#: A file system in memory, and what must be free there and in the machine for all servers of a run [bytes].
_MEMORY, _ROOM = Path("/dev/shm"), 8 << 30

#: What is to happen has at least so long [s].
PATIENCE = 60.0
#: How seldom a condition is looked at at most, but where a test says so [s].
_SELDOM = 0.25

_CONNECT = bytes.fromhex("100c00044d5154540402000a00" + "00")  # MQTT 3.1.1, clean session, empty client id


class Mosquitto:
    """One Mosquitto with a folder of its own. The same ports after every start, so that clients find it again.

    ``authority`` (the CA's file) and ``certificate`` add a TLS listener on ``tls_port`` that asks for a client
    certificate and takes its common name as the user's name. With ``password_file`` nobody is anonymous.
    ``lines`` are further lines of configuration.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        *,
        authority: Path | None = None,
        certificate: Pair | None = None,
        password_file: Path | None = None,
        acl_file: Path | None = None,
        websockets: bool = False,
        lines: Sequence[str] = (),
    ) -> None:
        self.program = program
        self.folder = folder
        self.log = folder / "mosquitto.log"
        self.configuration = folder / "mosquitto.conf"
        self.port = free_port()
        self.tls_port = free_port() if certificate is not None else None
        self.websockets_port = free_port() if websockets else None
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        text = [
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1800",  # as it comes: only a clean stop saves, which is what a kill -9 must show
            "max_inflight_messages 65535",
            "max_queued_messages 1000000",
            "max_queued_bytes 0",
            "set_tcp_nodelay true",
            "sys_interval 1",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            f"allow_anonymous {'false' if password_file is not None else 'true'}",
            *([f"password_file {password_file}"] if password_file is not None else []),
            *([f"acl_file {acl_file}"] if acl_file is not None else []),
            # Started by root it would become `mosquitto`, who may not write here, and drop persistence with a log line.
            *(["user root"] if os.geteuid() == 0 else []),
            *lines,
            f"listener {self.port} 127.0.0.1",
        ]
        if self.tls_port is not None and certificate is not None and authority is not None:
            text += [
                f"listener {self.tls_port} 127.0.0.1",
                f"cafile {authority}",
                f"certfile {certificate.certificate}",
                f"keyfile {certificate.key}",
                "require_certificate true",
                "use_identity_as_username true",
            ]
        if self.websockets_port is not None:
            text += [f"listener {self.websockets_port} 127.0.0.1", "protocol websockets"]
        self.configuration.write_text("\n".join(text) + "\n")

    @property
    def url(self) -> str:
        """``mqtt://`` URL of the plain listener."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        assert self._process is not None, "the broker does not run"
        return self._process.pid

    def start(self, timeout: float = 15.0) -> None:
        """Start and wait until the broker answers a CONNECT on its plain listener."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", str(self.program), "-c", str(self.configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process = self._process
        if not wait_for(lambda: process.poll() is not None or self._answers(), timeout) or process.poll() is not None:
            self.kill9()
            raise RuntimeError(f"Mosquitto did not start: {self.log.read_text()[-2000:]}")

    def stop(self, timeout: float = 30.0) -> None:
        """Clean stop: sessions and queues are saved."""
        self._end(signal.SIGTERM, timeout)

    def kill9(self) -> None:
        """SIGKILL: what was not saved is gone."""
        self._end(signal.SIGKILL, 10.0)

    def restart(self) -> None:
        """Clean stop and start."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """Have the password and ACL files read again."""
        os.kill(self.pid, signal.SIGHUP)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, number: signal.Signals, timeout: float) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as probe:
                probe.sendall(_CONNECT)
                # A CONNACK (0x20), also one that refuses us: then a password is wanted, and the broker is up.
                return probe.recv(4)[:1] == b"\x20"
        except OSError:
            return False


class Cluster:
    """A PostgreSQL server on which databases are made for tests: ours (``server``) or one that we were given.

    ``tier`` is what ``store`` will find: ``community``, ``apache`` or ``plain``.
    """

    def __init__(self, tier: str, url: str, server: PostgresServer | None = None) -> None:
        self.tier = tier
        self.server = server
        self._url = url
        self._template: str | None = None
        self._line: psycopg.Connection | None = None

    def url(self, database: str | None = None) -> str:
        """libpq URL of a database; without a name, of the one for administration."""
        parts = urlsplit(self.server.url() if self.server is not None else self._url)
        return urlunsplit(parts if database is None else parts._replace(path=f"/{database}"))

    def create(self, *, migrated: bool = True) -> str:
        """Name of a fresh database: a clone of one that was migrated once, or (not ``migrated``) an empty one."""
        if migrated and self._template is None:
            self._template = self._migrated()
        return self._create(self._template if migrated else None)

    def copy(self, database: str) -> str:
        """Name of a copy of a database, once nobody is connected to that.

        On a busy machine another worker of TimescaleDB Community may come before the copy begins.
        """
        until = time.monotonic() + 60
        while True:
            self._rest(database)
            try:
                return self._create(database)
            except psycopg.errors.ObjectInUse:
                if time.monotonic() > until:
                    raise

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        kept.forget(database)
        self.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))

    def execute(self, statement: sql.Composed | str) -> None:
        """Run one statement of administration outside a transaction, on a connection that is kept.

        To connect costs a fifth of what a database does, and each test makes and drops one. A test may have stopped the
        server meanwhile: then it is said anew.
        """
        text = statement if isinstance(statement, sql.Composed) else statement.encode()
        if self._line is not None:
            try:
                self._line.execute(text)
            except psycopg.OperationalError:
                if not self._line.closed:
                    raise
            else:
                return
        if self._line is not None:
            self._line.close()
        self._line = psycopg.connect(self.url(), autocommit=True)
        self._line.execute(text)

    def close(self) -> None:
        """Remove the template; stop the server where it is ours."""
        kept.forget()
        if self.server is None and self._template is not None:
            self.drop(self._template)
        if self._line is not None:
            self._line.close()
            self._line = None
        if self.server is not None:
            self.server.reset()

    def _create(self, template: str | None) -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        source = sql.Identifier(template if template is not None else "template0")
        # files copied and not logged page by page: a clone takes half the time
        statement = "create database {} template {} strategy file_copy"
        self.execute(sql.SQL(statement).format(sql.Identifier(name), source))
        return name

    def _migrated(self) -> str:
        # By name, for a test of the servers alone must not need the store.
        migrations = importlib.import_module("store.migrations")
        name = self._create(None)
        migrations.upgrade(self.url(name))
        self._rest(name)
        # A clone is refused while anybody is connected to its source.
        self.execute(sql.SQL("alter database {} allow_connections false").format(sql.Identifier(name)))
        return name

    def _rest(self, name: str) -> None:
        """Wait until nobody is connected to a database; TimescaleDB Community's own workers are sent away first."""
        if self.tier == "community":
            with psycopg.connect(self.url(name), autocommit=True) as connection:
                connection.execute("select _timescaledb_functions.stop_background_workers()")
        within(lambda: self._sessions(name) == 0, 60.0)

    def _sessions(self, database: str) -> int:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            row = connection.execute("select count(*) from pg_stat_activity where datname = %s", [database]).fetchone()
        assert row is not None
        return int(row[0])


def own_cluster(tier: str, binaries: Path, settings: Mapping[str, str | int], *, in_memory: bool = False) -> Cluster:
    """Start a server of our own in a new folder that ``Cluster.close`` removes.

    ``in_memory``: where there is room its data stand in memory, in which a database of a thousand files is made and
    removed in a fifth of the time; for tests that ask nothing of the disk.
    """
    parent = private_folder()
    if in_memory and _room_in_memory():
        parent, settings = private_folder(_MEMORY), {**settings, **_IN_MEMORY}
    # One at a time: a folder that is made and not yet locked looks like a leftover to another run.
    with locked(private_folder() / "tests.lock"):
        _remove_leftovers()
        folder = parent / f"test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(mode=0o755)
        lock = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    # a password of random bits needs no stretching, which costs each connection more than all else of it
    server = PostgresServer(binaries, folder / "data", settings=settings, scram_iterations=1)
    server.start()
    return _OwnCluster(tier, server, folder, lock)


def _room_in_memory() -> bool:
    try:
        place = os.statvfs(_MEMORY)
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free = min(place.f_bavail * place.f_frsize, int(lines["MemAvailable"].split()[0]) * 1024)
    except (OSError, KeyError):
        return False
    return free >= _ROOM


class _OwnCluster(Cluster):
    def __init__(self, tier: str, server: PostgresServer, folder: Path, lock: IO[str]) -> None:
        super().__init__(tier, server.url(), server)
        self._folder = folder
        self._lock = lock

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._folder)
        self._lock.close()


def _remove_leftovers() -> None:
    """Folders of test runs that were killed: their servers ended with them, their data stayed.

    A run's lock says whether it lives, not its process id: that means nothing in another container.
    """
    folders = [private_folder(), *([private_folder(_MEMORY)] if _MEMORY.is_dir() else [])]
    for path in [path for folder in folders for path in folder.glob("test-*/lock")]:
        try:
            lock = path.open()
        except FileNotFoundError:
            continue  # its run ended just now, and removes it itself
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(path.parent, ignore_errors=True)


def wait_for(condition: Callable[[], bool], timeout: float, interval: float | None = None) -> bool:
    """Whether ``condition``, which is to come true, does within ``timeout`` seconds of a machine that is at rest.

    A busy one has at least a minute: what a test says of the program is not to depend on its neighbours.
    """
    return within(condition, max(timeout, PATIENCE), interval)


def within(condition: Callable[[], bool], seconds: float, interval: float | None = None) -> bool:
    """Whether ``condition`` came true within so many seconds, for what may well stay false.

    It is looked at every ``interval`` seconds, for what is true for a moment only. Without one what has taken long is
    looked at more seldom: a look is often a connection of its own, and takes the time of what is waited for.
    """
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        if waited > seconds:
            return False
        time.sleep(max(0.02, min(waited / 20, _SELDOM)) if interval is None else interval)
    return True
