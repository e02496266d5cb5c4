"""docker-compose.yml without a Docker engine: its commands, settings, secrets and rights are what we say they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from borough.settings.settings import PREFIX, Settings
from tests.tools.commands import COMPOSE_COMMANDS

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("borough-telemetry")}

each_service = pytest.mark.parametrize("name", list(SERVICES))
each_of_ours = pytest.mark.parametrize("name", list(OURS))


def test_it_is_a_compose_file() -> None:
    program = str(Path(sys.executable).with_name("check-jsonschema"))
    command = [program, "--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_is_one_that_the_tests_run() -> None:
    used = {tuple(service["command"]) for service in OURS.values()}
    assert used == set(COMPOSE_COMMANDS)


@each_of_ours
def test_every_variable_is_a_setting(name: str) -> None:
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    assert set(OURS[name]["environment"]) <= known


#: Settings that hold for a whole site: who set one and is not heard keeps data for longer than was promised.
WHOLE_SITE = re.compile(r"(archive_)?retention_\w+|columnstore_after|time_zone|keep")


@pytest.mark.parametrize("name", [name for name in OURS if "BOROUGH_DATABASE_URL" in OURS[name]["environment"]])
def test_what_holds_for_the_whole_site_is_taken_from_the_environment(name: str) -> None:
    wanted = {PREFIX + field.upper() for field in Settings.model_fields if WHOLE_SITE.fullmatch(field)}
    assert len(wanted) > 15
    environment = OURS[name]["environment"]
    assert {variable: environment.get(variable) for variable in wanted} == {
        variable: f"${{{variable}-}}" for variable in wanted
    }


#: A tag says to people what it is, the digest says to the engine which bytes.
PINNED = re.compile(r"[a-z/-]+:\d+\.\d+\.\d+(-[a-z0-9]+)*@sha256:[0-9a-f]{64}")


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - OURS.keys()))
def test_images_of_others_are_pinned_by_digest(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"])


def test_the_image_is_made_from_a_digest_and_installs_by_hash() -> None:
    text = (ROOT / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases
    assert len(set(bases)) == 1
    assert PINNED.fullmatch(bases[0])
    installs = re.findall(r"pip install (?:.*\\\n)*.*", text)
    assert len(installs) == 2
    assert all("--require-hashes" in line or "--no-index --" in line or "--no-index ." in line for line in installs)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all(name == "." or f"!{name.split('/')[0]}" in ignored for name in source.split()), source


def test_the_image_has_the_version_of_the_project() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert version is not None
    assert {service["image"] for service in OURS.values()} == {f"borough-telemetry:{version[1]}"}


@each_service
def test_nobody_is_root_and_nothing_is_writable_that_need_not_be(name: str) -> None:
    service = SERVICES[name]
    assert int(service["user"].split(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@each_service
def test_ports_are_open_on_the_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@each_service
def test_secrets_come_by_file(name: str) -> None:
    """No password stands in the environment, and each file that a variable names is mounted."""
    service = SERVICES[name]
    for variable, value in service.get("environment", {}).items():
        if "PASSWORD" in variable:
            assert variable.endswith("_FILE")
            # a relay that takes all comers has no password: its file is named where there is a user
            found = re.fullmatch(r"(?:\$\{\w+:\+)?/run/secrets/(\w+)\}?", str(value))
            assert found is not None
            assert found[1] in service["secrets"]
        assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), f"{variable} carries a password"


def test_every_secret_is_made_by_prepare() -> None:
    script = (ROOT / "deploy/prepare.sh").read_text()
    made = re.search(r"^for name in (.+); do$", script, re.MULTILINE)
    assert made is not None
    assert set(COMPOSE["secrets"]) == set(made[1].split())
    assert {entry["file"] for entry in COMPOSE["secrets"].values()} == {
        f"./deploy/private/{name}" for name in COMPOSE["secrets"]
    }


def test_prepare_can_be_run_again_once_the_list_of_accounts_is_the_broker_s(tmp_path: Path) -> None:
    """As an upgrade asks for, and by an operator who is not root: nobody but its owner reads the list then."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("private"))
    command = ["sh", str(tmp_path / "deploy/prepare.sh")]
    if os.geteuid() == 0:  # root reads what it may not, unless it gives that up
        command = ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override,-dac_read_search", *command]
    subprocess.run(command, check=True, capture_output=True)
    accounts = tmp_path / "deploy/private/accounts/secrets.csv"
    text = accounts.read_text()
    assert [line.partition(",")[0] for line in text.splitlines()] == [
        "device_id", "borough-collector", "borough-simulator",
    ]  # fmt: skip
    (tmp_path / "deploy/private/web_secret").unlink()  # what a release needs anew
    accounts.chmod(0)
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert again.stderr.startswith("deploy/private/accounts/secrets.csv belongs to the broker's user")
    assert (tmp_path / "deploy/private/web_secret").stat().st_size == 64
    accounts.chmod(0o600)
    assert accounts.read_text() == text


@each_service
def test_what_a_service_waits_for_exists_and_can_come_true(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        if wanted["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert wanted["condition"] == "service_completed_successfully"
            assert not str(SERVICES[other]["restart"]).startswith(("always", "unless"))


@pytest.mark.parametrize("name", ["database", "broker", "collector", "dashboard", "deliverer"])
def test_what_runs_for_ever_says_how_it_is(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_the_collector_can_be_scaled() -> None:
    """Nothing in it can exist only once, and replicas share the messages of one group."""
    collector = SERVICES["collector"]
    assert not {"ports", "container_name"} & set(collector)
    assert collector["environment"]["BOROUGH_MQTT_SHARED_GROUP"] == "${BOROUGH_MQTT_SHARED_GROUP-borough}"


def test_exports_are_made_on_a_disk_and_not_in_the_memory_of_the_site() -> None:
    """Eight that are open at once hold up to seven gigabytes between them: a tmpfs counts as the service's memory."""
    dashboard = SERVICES["dashboard"]
    assert dashboard["tmpfs"] == []
    assert [volume for volume in dashboard["volumes"] if volume.split(":")[1] == "/tmp"] == ["exports:/tmp"]


def test_snapshots_are_written_by_publish_alone_and_served_by_the_site() -> None:
    mounted = {
        name: volume
        for name, service in SERVICES.items()
        for volume in service.get("volumes", [])
        if volume.split(":")[1] == "/open-data"
    }
    folder = "./deploy/private/open-data:/open-data"
    assert mounted == {"publish": folder, "dashboard": f"{folder}:ro", "doctor": f"{folder}:ro"}
    assert all(SERVICES[name]["environment"]["BOROUGH_OPEN_DATA_FOLDER"] == "/open-data" for name in mounted)
    assert " private/open-data" in (ROOT / "deploy/prepare.sh").read_text()


def test_mounted_files_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and not source.startswith("./deploy/private"):
                assert (ROOT / source).exists(), source
            elif not source.startswith("./"):
                assert source in COMPOSE["volumes"]
