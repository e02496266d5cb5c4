"""RabbitMQ of Debian 13 from its unpacked packages: nothing installed, no service, everything below one folder.

Erlang's programs are pointed at the C library that lies beside them, as ``scripts.parts`` does with PostgreSQL. The
name server of Erlang's nodes (epmd), which RabbitMQ would leave running behind it, is a child of its own here and
listens on 127.0.0.1 like all else.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from borough.postgres_server import free_port, locked, private_folder
from scripts import parts
from tests.tools.brokers.running import Broker, Limits, Running

PACKAGE = "rabbitmq-server"
RECIPE = 1


def prepare() -> Path:
    """Folder of the unpacked packages; the first time they are fetched. Raises PartsError."""
    folder = private_folder()
    tree = folder / f"{PACKAGE}-{parts.SUITE}-{platform.machine()}-{RECIPE}"
    with locked(folder / f"{tree.name}.lock"):
        if not tree.exists():
            for name in ("apt-get", "dpkg-deb"):
                if shutil.which(name) is None:
                    raise parts.PartsError(f"no {name} to fetch Debian's {PACKAGE} with")
            parts.unpack(tree, [PACKAGE], _repoint)
    return tree


def _repoint(making: Path, tree: Path) -> None:
    (loader,) = making.glob("usr/lib*/ld-linux*")
    libraries = [path.relative_to(making) for path in making.glob("usr/lib/*-linux-gnu") if path.is_dir()]
    for program in sorted(making.glob("usr/lib/erlang/**/bin/*")):
        if not program.is_symlink() and os.access(program, os.X_OK) and program.read_bytes()[:4] == b"\x7fELF":
            parts._run(
                [
                    *("patchelf", "--set-interpreter", str(tree / loader.relative_to(making)), "--force-rpath"),
                    *("--set-rpath", ":".join(str(tree / folder) for folder in libraries), str(program)),
                ]
            )


class RabbitMqKind:
    """RabbitMQ with its MQTT plugin alone."""

    name = "RabbitMQ"

    def __init__(self, tree: Path) -> None:
        (self._home,) = tree.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*")
        self._erlang = tree / "usr/lib/erlang"
        (self._programs,) = self._erlang.glob("erts-*/bin")
        self.version = self._home.name.rpartition("-")[2]

    def make(self, folder: Path, limits: Limits) -> Broker:
        """One that does not run yet."""
        folder.mkdir(parents=True)
        return _RabbitMq(self._home, self._erlang, self._programs, folder, limits)


class _RabbitMq(Running):
    def __init__(self, home: Path, erlang: Path, programs: Path, folder: Path, limits: Limits) -> None:
        port, nodes, names = free_port(), free_port(), free_port()
        self._names_command = [str(programs / "epmd"), "-port", str(names)]
        self._names: subprocess.Popen[bytes] | None = None
        for name, text in _files(folder, port, limits).items():
            (folder / name).write_text(text)
        plugins = home / "plugins"
        (itself,) = plugins.glob("rabbit-[0-9]*")
        environment = {
            "ROOTDIR": str(erlang),
            "BINDIR": str(programs),
            "EMU": "beam",
            "PROGNAME": "erl",
            "HOME": str(folder),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "ERL_LIBS": str(plugins),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_HOME": str(home),
            "RABBITMQ_PLUGINS_DIR": str(plugins),
            "RABBITMQ_NODENAME": f"rabbit{port}@localhost",
            "RABBITMQ_DIST_PORT": str(nodes),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        }
        command = [
            str(programs / "erlexec"),
            *("-noinput", "-noshell", "-boot", "start_sasl", "-s", "rabbit", "boot"),
            *("-pa", str(itself / "ebin"), "+W", "w", "+sbwt", "none"),
            *("-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"),
            *("-kernel", "inet_dist_use_interface", "{127,0,0,1}"),
        ]
        super().__init__(command, folder, port, environment)

    def start(self, timeout: float = 60.0) -> None:
        """Start, the nodes' name server first."""
        if self._names is None:
            self._names = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._names_command],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self._environment,
            )  # fmt: skip
        super().start(timeout)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._names is not None:
            self._names.kill()
            self._names.wait()
            self._names = None


def _files(folder: Path, port: int, limits: Limits) -> Mapping[str, str]:
    settings = {
        "listeners.tcp": "none",
        "mqtt.listeners.tcp.1": f"127.0.0.1:{port}",
        "mqtt.allow_anonymous": "true",
        "anonymous_login_user": "guest",
        "anonymous_login_pass": "guest",
        "log.console": "true",
        "log.console.level": "warning",
        "log.file": "false",
        "vm_memory_high_watermark.absolute": "2GB",
        "disk_free_limit.absolute": "50MB",
        # as a borough that collects from it would: a week's session, all that the collector may hold in flight
        "mqtt.max_session_expiry_interval_seconds": "604800",
        "mqtt.prefetch": "65535",
    }
    if limits.packet is not None:
        settings["mqtt.max_packet_size_authenticated"] = str(limits.packet)
    files = {"enabled_plugins": "[rabbitmq_mqtt].\n"}
    if limits.queue is not None:
        settings["load_definitions"] = str(folder / "definitions.json")
        bound = {"pattern": "^mqtt-subscription-", "apply-to": "queues", "priority": 1, "vhost": "/", "name": "bound"}
        user = {"name": "guest", "password": "guest", "tags": "administrator"}
        rights = {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "vhosts": [{"name": "/"}],
            "users": [user],
            "permissions": [rights],
            "policies": [{**bound, "definition": {"max-length": limits.queue}}],
        }
        files["definitions.json"] = json.dumps(definitions)
    return {**files, "rabbitmq.conf": "".join(f"{name} = {value}\n" for name, value in settings.items())}
