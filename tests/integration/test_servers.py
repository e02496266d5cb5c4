"""The servers that all other tests stand on: they start, survive what tests do to them, and end with their parent."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from psycopg import errors

from borough.postgres_server import PostgresError, PostgresServer, private_folder
from scripts.parts import Parts
from store import migrations
from store.tier import tier
from tests.tools import kept, servers
from tests.tools.certificates import Authority
from tests.tools.servers import Cluster, Mosquitto, wait_for


def test_timescale_is_real(apache: Cluster) -> None:
    """Hypertables work, and the edition is the Apache one: compression is refused."""
    name = apache.create(migrated=False)
    with psycopg.connect(apache.url(name), autocommit=True) as connection:
        connection.execute("create extension timescaledb")
        connection.execute("create table r (time timestamptz not null, v float8)")
        connection.execute("select create_hypertable('r', by_range('time', interval '7 days'))")
        connection.execute(
            "insert into r select '2026-01-01'::timestamptz + n * interval '1 day', n from generate_series(0, 27) n"
        )
        chunks = connection.execute("select count(*) from timescaledb_information.chunks").fetchone()
        assert chunks is not None
        assert chunks[0] >= 4
        with pytest.raises(errors.FeatureNotSupported, match="apache"):
            connection.execute("alter table r set (timescaledb.compress)")
    apache.drop(name)


def test_plain_postgres_has_no_timescale(plain_postgres: Cluster) -> None:
    with psycopg.connect(plain_postgres.url()) as connection:
        assert connection.info.server_version >= 180_000
        found = connection.execute("select count(*) from pg_available_extensions where name = 'timescaledb'").fetchone()
        assert found == (0,)


def test_passwords_are_asked_for(cluster: Cluster) -> None:
    if cluster.server is None:
        pytest.skip("whom a server that we were given lets in is its owner's business")
    wrong = re.sub(r":[^:@/]+@", ":wrong@", cluster.url())
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)


def test_a_password_is_stretched_but_in_tests(plain_postgres: Cluster) -> None:
    """Some clients refuse a server that does it less often; here it costs each connection more than all else of it."""
    assert plain_postgres.server is not None
    question = "select split_part(split_part(rolpassword, '$', 2), ':', 1) from pg_authid where rolname = current_user"
    with psycopg.connect(plain_postgres.url()) as connection:
        assert connection.execute(question).fetchone() == ("1",)
    folder = plain_postgres.server.data.parent / "stretched"
    folder.mkdir()
    with PostgresServer(plain_postgres.server.binaries, folder / "data") as server:
        with psycopg.connect(server.url()) as connection:
            assert connection.execute(question).fetchone() == ("4096",)
            assert connection.execute("show scram_iterations").fetchone() == ("4096",)
        server.reset()


def test_a_kept_connection_is_replaced_when_it_dies_and_goes_with_its_database(plain_postgres: Cluster) -> None:
    name = plain_postgres.create(migrated=False)
    url = plain_postgres.url(name)
    ((first,),) = kept.rows(url, "select pg_backend_pid()")
    assert kept.rows(url, "select pg_backend_pid() where 1 = %s", 1) == [(first,)]
    with kept.transaction(url) as connection:
        assert connection.info.backend_pid == first
        connection.execute("create table seen ()")
    with psycopg.connect(url, autocommit=True) as other:
        assert other.execute("select to_regclass('seen') is not null").fetchone() == (True,)
        other.execute("select pg_terminate_backend(%s, 60000)", (first,))
    ((second,),) = kept.rows(url, "select pg_backend_pid()")
    assert second != first
    plain_postgres.drop(name)
    assert connection.closed
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        kept.rows(url, "select 1")


def test_clones_are_apart(each_empty_database: str, cluster: Cluster) -> None:
    other = cluster.create(migrated=False)
    with psycopg.connect(each_empty_database, autocommit=True) as connection:
        connection.execute("create table only_here ()")
    with psycopg.connect(cluster.url(other)) as connection:
        assert connection.execute("select to_regclass('only_here')").fetchone() == (None,)
    cluster.drop(other)


def test_server_survives_kill9_and_freeze(plain_postgres: Cluster) -> None:
    server = plain_postgres.server
    assert server is not None
    name = plain_postgres.create(migrated=False)
    url, port = plain_postgres.url(name), server.port
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table kept as select 42 as v")
    server.freeze()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    server.thaw()
    server.kill9()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    server.start()
    assert server.port == port
    with psycopg.connect(url) as connection:
        assert connection.execute("select v from kept").fetchone() == (42,)
    plain_postgres.drop(name)


def test_second_start_on_the_same_data_is_refused(plain_postgres: Cluster) -> None:
    server = plain_postgres.server
    assert server is not None
    second = PostgresServer(server.binaries, server.data, password=server.password)
    with pytest.raises(PostgresError, match=r"postmaster\.pid"):
        second.start()
    psycopg.connect(plain_postgres.url()).close()


def test_parent_killed_leaves_nothing(plain_postgres: Cluster, parts: Parts, tmp_path: Path) -> None:
    """SIGKILL to the process that started the servers: they end by themselves."""
    assert plain_postgres.server is not None
    folder = plain_postgres.server.data.parent / "orphan"
    folder.mkdir()
    program = f"""
import sys, time
from pathlib import Path
from borough.postgres_server import PostgresServer
from tests.tools.servers import Mosquitto
server = PostgresServer(Path({str(plain_postgres.server.binaries)!r}), Path({str(folder)!r}) / "data")
server.start()
broker = Mosquitto(Path({str(parts.mosquitto)!r}), Path({str(tmp_path)!r}) / "broker")
broker.start()
print(server.pid, broker.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.send_signal(signal.SIGKILL)
    assert wait_for(lambda: not any(_runs(pid) for pid in pids), 15.0)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_private_folder_is_ours_alone() -> None:
    seen = private_folder().stat()
    assert seen.st_uid == os.geteuid()
    assert seen.st_mode & 0o777 == 0o755


def test_leftovers_are_removed_while_other_runs_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose run removes it after it was listed is no fault, and those after it are looked at all the same."""
    folders = [tmp_path / name for name in ("test-1", "test-2", "test-3")]
    for folder in folders:
        folder.mkdir()
        (folder / "lock").touch()
    glob = Path.glob

    def listed(self: Path, pattern: str) -> list[Path]:
        found = sorted(glob(self, pattern))
        if found:
            shutil.rmtree(folders[0])
        return found

    monkeypatch.setattr(servers, "private_folder", lambda *_: tmp_path)
    monkeypatch.setattr(servers, "_MEMORY", tmp_path / "none")
    monkeypatch.setattr(Path, "glob", listed)
    with (folders[1] / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        servers._remove_leftovers()
        assert [folder.is_dir() for folder in folders] == [False, True, False]


def _client(name: str, *, clean: bool = False) -> paho.Client:
    return paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)


def _delivered(client: paho.Client, port: int, wanted: int) -> list[bytes]:
    """What a client with a kept session receives until ``wanted`` messages have come."""
    got: list[bytes] = []
    client.on_message = lambda _client, _data, message: got.append(bytes(message.payload))
    client.connect("127.0.0.1", port)
    client.loop_start()
    wait_for(lambda: len(got) >= wanted, 10.0)
    client.disconnect()
    client.loop_stop()
    return got


def test_mosquitto_keeps_a_queue_over_a_clean_restart(mosquitto: Mosquitto) -> None:
    listener = _client("listener")
    listener.connect("127.0.0.1", mosquitto.port)
    listener.loop_start()
    assert wait_for(listener.is_connected, 5.0)
    _code, mid = listener.subscribe("a/#", qos=1)
    acknowledged: list[int | None] = []
    listener.on_subscribe = lambda _client, _data, number, _codes, _properties: acknowledged.append(number)
    wait_for(lambda: mid in acknowledged, 1.0)
    listener.disconnect()
    listener.loop_stop()

    publisher = _client("publisher", clean=True)
    publisher.connect("127.0.0.1", mosquitto.port)
    publisher.loop_start()
    for number in range(2_000):
        publisher.publish("a/b", str(number), qos=1)
    publisher.publish("a/b", "last", qos=1).wait_for_publish(10.0)
    publisher.disconnect()
    publisher.loop_stop()

    mosquitto.restart()
    got = _delivered(_client("listener"), mosquitto.port, 2_001)
    assert got == [*(str(number).encode() for number in range(2_000)), b"last"]


def test_mosquitto_tls_takes_the_name_from_the_certificate(parts: Parts, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    acl = tmp_path / "acl"
    acl.write_text("pattern write borough/+/%u/#\nuser reader\ntopic read borough/#\n")
    acl.chmod(0o600)
    pairs = {name: authority.client(name) for name in ("reader", "m1", "m2")}
    with Mosquitto(
        parts.mosquitto, tmp_path / "m", authority=authority.ca, certificate=authority.server(), acl_file=acl
    ) as broker:
        assert broker.tls_port is not None

        def connected(name: str) -> paho.Client:
            client = _client(name, clean=True)
            client.tls_set(str(authority.ca), str(pairs[name].certificate), str(pairs[name].key))
            client.connect("127.0.0.1", broker.tls_port or 0)
            client.loop_start()
            assert wait_for(client.is_connected, 5.0)
            return client

        got: list[tuple[str, bytes]] = []
        reader = connected("reader")
        reader.on_message = lambda _client, _data, message: got.append((message.topic, bytes(message.payload)))
        subscribed: list[bool] = []
        reader.on_subscribe = lambda *_: subscribed.append(True)
        reader.subscribe("borough/#", qos=1)
        assert wait_for(lambda: bool(subscribed), 5.0)
        others = [connected("m2"), connected("m1")]
        for client, payload in zip(others, (b"forged", b"own"), strict=True):
            client.publish("borough/smart-meter/m1/reading", payload, qos=1).wait_for_publish(5.0)
        assert wait_for(lambda: bool(got), 5.0)
        assert got == [("borough/smart-meter/m1/reading", b"own")]
        for client in (reader, *others):
            client.disconnect()
            client.loop_stop()


@pytest.mark.parametrize("shows", ["nothing", "another authority's"])
def test_mosquitto_tls_refuses_a_stranger(parts: Parts, tmp_path: Path, shows: str) -> None:
    authority, foreign = Authority(tmp_path / "ca"), Authority(tmp_path / "foreign", "Foreign authority")
    context = ssl.create_default_context(cafile=str(authority.ca))
    if shows != "nothing":
        pair = foreign.client("m1")
        context.load_cert_chain(pair.certificate, pair.key)
    with Mosquitto(parts.mosquitto, tmp_path / "m", authority=authority.ca, certificate=authority.server()) as broker:
        plain = socket.create_connection(("127.0.0.1", broker.tls_port or 0), timeout=5.0)
        # In TLS 1.3 the client learns of the refusal at its first read only.
        with (
            plain,
            context.wrap_socket(plain, server_hostname="localhost") as stream,
            pytest.raises((ssl.SSLError, ConnectionResetError)),
        ):
            stream.recv(1)


def test_each_database_is_migrated_and_new(each_database: str, cluster: Cluster) -> None:
    """The store finds its schema and the tier that the server is meant to be."""
    with psycopg.connect(each_database) as connection:
        assert migrations.is_current(connection)
        assert tier(connection) == cluster.tier
        assert connection.execute("select count(*) from reading").fetchone() == (0,)


def test_database_is_a_clone_of_its_own(database: str, empty_database: str) -> None:
    with psycopg.connect(database) as connection:
        assert migrations.is_current(connection)
    with psycopg.connect(empty_database) as connection:
        assert not migrations.is_current(connection)
