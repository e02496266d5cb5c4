"""From settings to the site: what is wrong is one line before anything starts."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from borough import cli
from borough.errors import SettingsError
from borough.settings.settings import read_settings
from borough.site import site_options
from dashboard.options import SignIn, SiteOptions

ISSUER = {
    "BOROUGH_OIDC_ISSUER": "https://id.example.gov.uk/realm",
    "BOROUGH_OIDC_CLIENT_ID": "borough",
    "BOROUGH_WEB_URL": "https://energy.example.gov.uk",
    "BOROUGH_WEB_SECRET_FILE": "web_secret",
}


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("BOROUGH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", "postgresql://borough@127.0.0.1:1/borough")
    monkeypatch.chdir(tmp_path)
    Path("web_secret").write_text("0123456789abcdef" * 4 + "\n")
    Path("client_secret").write_text("hidden-word\n")
    Path("short").write_text("short-secret")


def made(monkeypatch: pytest.MonkeyPatch, **settings: str) -> SiteOptions:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return site_options(read_settings())


def test_on_this_machine_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(monkeypatch)
    assert found.sign_in is None
    assert not found.demo
    assert not found.secure
    assert found.session_cookie == "borough"
    assert set(found.hosts) == {"127.0.0.1", "localhost", "[::1]"}
    assert len(found.secret) == 64
    assert found.secret != made(monkeypatch).secret


def test_pages_call_a_month_whole_by_the_sites_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch).coverage == 0.9
    assert made(monkeypatch, BOROUGH_COVERAGE="0.75").coverage == 0.75


def test_a_site_with_an_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(
        monkeypatch, **ISSUER, BOROUGH_OIDC_CLIENT_SECRET_FILE="client_secret", BOROUGH_SESSION_IDLE="600",
        BOROUGH_COUNCIL_ADDRESS="Town Hall, High Street,TE5 7ST", BOROUGH_OIDC_ROLES_CLAIM="groups",
    )  # fmt: skip
    assert found.sign_in == SignIn(
        "https://id.example.gov.uk/realm", "borough", "hidden-word", "borough_tenancy", "groups"
    )
    assert found.hosts[0] == "energy.example.gov.uk"
    assert found.secure
    assert found.session_cookie == "__Host-borough"
    assert found.secret == "0123456789abcdef" * 4
    assert found.session_idle == timedelta(minutes=10)
    assert found.council_address == ("Town Hall", "High Street", "TE5 7ST")
    assert "hidden-word" not in repr(found)
    assert found.secret not in repr(found)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({**ISSUER, "BOROUGH_WEB_SECRET_FILE": ""}, "BOROUGH_OIDC_ISSUER is set without BOROUGH_WEB_SECRET_FILE"),
        ({**ISSUER, "BOROUGH_OIDC_CLIENT_ID": ""}, "BOROUGH_OIDC_ISSUER is set without BOROUGH_OIDC_CLIENT_ID"),
        ({**ISSUER, "BOROUGH_WEB_URL": ""}, "BOROUGH_OIDC_ISSUER is set without BOROUGH_WEB_URL"),
        ({**ISSUER, "BOROUGH_WEB_URL": "https://:80"}, "BOROUGH_WEB_URL: 'https://:80' names no host"),
        ({**ISSUER, "BOROUGH_WEB_SECRET_FILE": "short"}, "short holds fewer than 32 bytes"),
        ({**ISSUER, "BOROUGH_WEB_SECRET_FILE": "nowhere"}, "BOROUGH_WEB_SECRET_FILE: nowhere: No such file"),
        ({**ISSUER, "BOROUGH_OIDC_CLIENT_SECRET_FILE": "gone"}, "BOROUGH_OIDC_CLIENT_SECRET_FILE: gone: No such file"),
        ({**ISSUER, "BOROUGH_OIDC_ISSUER": "http://id.example"}, "must be https, or on this machine"),
        ({"BOROUGH_OIDC_CLIENT_ID": "x"}, "BOROUGH_OIDC_CLIENT_ID is set without BOROUGH_OIDC_ISSUER"),
        ({"BOROUGH_OIDC_ISSUER": "id.example"}, "BOROUGH_OIDC_ISSUER: 'id.example' holds a sign"),
        ({"BOROUGH_WEB_PORT": "99999"}, "BOROUGH_WEB_PORT"),
    ],
)
def test_what_is_wrong_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str], expected: str
) -> None:
    with pytest.raises(SettingsError) as error:
        made(monkeypatch, **settings)
    assert expected in str(error.value)
    assert cli.run(["serve"]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.count("\n") == 1
    assert expected in errors
    assert "short-secret" not in errors
