#!/bin/sh
# Makes .venv with everything in it. Called by `make setup`; works without pip, venv and root on Debian.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

command -v "$python" >/dev/null || { echo "make setup: no $python here; install Python 3.11 or newer" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "make setup: $("$python" --version) is too old, 3.11 is needed; run: make setup PYTHON=python3.12" >&2
    exit 1
}

# Debian's Python comes without pip: fetch the wheel that Debian keeps for this, by an apt that touches nothing of the
# system and needs no right. Prints the wheel's path.
debian_pip() {
    mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial"
    (
        cd "$1"
        # An empty sandbox user: as root, apt's own could not write here.
        apt_get() {
            apt-get -qq -o Dir::State="$1/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$1/cache" \
                -o APT::Sandbox::User= -o Debug::NoLocking=1 -o Acquire::Languages=none -o Acquire::Retries=3 "$2" $3
        }
        apt_get "$1" update '' >&2
        apt_get "$1" download python3-pip-whl >&2
        dpkg-deb -x python3-pip-whl_*.deb .
    )
    ls "$1"/usr/share/python-wheels/pip-*.whl
}

wheel=
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "Making .venv ..."
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv .venv
    elif command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && "$python" -c 'import venv' 2>/dev/null; then
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        wheel=$(debian_pip "$work")
        "$python" -m venv --without-pip .venv
    else
        echo "make setup: this Python has no ensurepip; install it (Fedora: dnf install python3-pip, Alpine: apk add" \
            "py3-pip), then run: $python -m venv .venv && make setup" >&2
        exit 1
    fi
fi

echo "Installing into .venv ..."
# Only files whose hashes are written down, pip itself among them, whatever index they come from. Then the project, made
# with the tools that were just installed: nothing is fetched for it.
PYTHONPATH=$wheel .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: -r requirements/service.txt -r requirements/build.txt -r requirements/develop.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
    --editable .
