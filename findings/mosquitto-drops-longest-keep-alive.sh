#!/bin/sh
# With a keep-alive of 65535 s, the longest that MQTT has, Mosquitto drops a client that has just spoken.
#
# Field: a client that hardly ever speaks asks for the longest keep-alive; a probe asks for it to hear the broker's limit.
# Versions: mosquitto 2.0.21 of Debian 13, spoken to by the packets of mqtt5 0.8.0. (2.0.11 of Debian 12 does not do it.)
# Seen: a client that pings without a pause is closed within two turns of the broker's second, some thousand pings
# after its CONNECT; with a keep-alive of 32767 s it is not. No max_keepalive is set (with one, clients at that limit
# are dropped likewise, which is known: #3226).
# What we do: the doctor asks for 32767 s, and no setting goes beyond it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p state/lists/partial cache/archives/partial
: > status
apt="-qq -o Dir::State=$folder/state -o Dir::State::status=$folder/status -o Dir::Cache=$folder/cache
    -o APT::Sandbox::User= -o APT::Install-Recommends=false -o Debug::NoLocking=1"
apt-get $apt update
mirror=$(apt-get $apt indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /-/ { print $3; exit }')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > sources.list
apt="$apt -o Dir::Etc::sourcelist=$folder/sources.list -o Dir::Etc::sourceparts=-"
apt-get $apt update
apt-get $apt --yes --download-only install mosquitto
for package in cache/archives/*.deb; do dpkg-deb -x "$package" tree; done
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mqtt5==0.8.0
venv/bin/python - <<'PYTHON'
import socket
import subprocess
import time
from pathlib import Path

import mqtt5

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
Path("mosquitto.conf").write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
loader = next(Path("tree/usr/lib").rglob("ld-linux-*.so.*"))
libraries = ":".join(str(path) for path in Path("tree/usr/lib").glob("*-linux-gnu*"))
program = [str(loader), "--library-path", libraries, "tree/usr/sbin/mosquitto"]
version = subprocess.run([*program, "-h"], capture_output=True, text=True).stdout.splitlines()[0]
broker = subprocess.Popen([*program, "-c", "mosquitto.conf"], stderr=subprocess.DEVNULL)


def connected() -> socket.socket:
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            assert broker.poll() is None, "Mosquitto does not start"
            time.sleep(0.1)
    raise AssertionError("Mosquitto does not listen")


def pings(keep_alive: int) -> tuple[int, bool]:
    """How many pings were answered within four seconds, and whether the client is still let speak."""
    with connected() as line:
        line.sendall(mqtt5.ConnectPacket("speaks", clean_start=True, keep_alive=keep_alive).write())
        assert line.recv(1000)[0] == 0x20
        answered, end = 0, time.monotonic() + 4
        while time.monotonic() < end:
            try:
                line.sendall(mqtt5.PingReqPacket().write())
                answer = line.recv(1000)
            except ConnectionError:
                return answered, False
            if answer[:1] != b"\xd0":
                return answered, False
            answered += 1
        return answered, True


try:
    longest, half = pings(65_535), pings(32_767)
finally:
    broker.terminate()
    broker.wait()
print(version)
print(f"keep-alive 65535: {longest[0]} pings answered, {'still connected' if longest[1] else 'dropped'}")
print(f"keep-alive 32767: {half[0]} pings answered, {'still connected' if half[1] else 'dropped'}")
assert half[1]
assert not longest[1], "it has changed: say so here"
PYTHON
