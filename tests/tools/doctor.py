"""`borough doctor` as the tests ask it: settings in, faults out."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from borough.cli import run
from borough.doctor.database import database
from borough.settings.settings import read_settings


class Told(NamedTuple):
    """What a run said of one fault."""

    name: str
    state: str
    found: str
    todo: str


class Doctor:
    """The command with settings; what it says is wrong."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capsys = patch, capsys

    def set(self, **settings: object) -> None:
        """Settings by their names without the prefix, from now on."""
        for name, value in settings.items():
            self._patch.setenv(f"BOROUGH_{name.upper()}", str(value))

    def faults(self, *arguments: object) -> dict[str, list[Told]]:
        """What is wrong, and what may come to be, by code."""
        self._capsys.readouterr()
        status = run(["doctor", "--json", *map(str, arguments)])
        checks = json.loads(self._capsys.readouterr().out)
        assert all((check["state"] == "ok") == (check["code"] is None) == (check["todo"] is None) for check in checks)
        assert all(check["ok"] == (check["state"] != "wrong") for check in checks)
        assert status == any(not check["ok"] for check in checks)
        found: dict[str, list[Told]] = {}
        for check in checks:
            if check["code"] is not None:
                told = Told(check["name"], check["state"], check["found"], check["todo"])
                found.setdefault(check["code"], []).append(told)
        return found

    def one(self, code: str, *arguments: object) -> Told:
        """What is said of a fault that must be found, once."""
        found = self.faults(*arguments)
        assert code in found, found
        (told,) = found[code]
        return told

    def of_database(self) -> dict[str, list[Told]]:
        """What the look at the database finds, by code: the same without the seconds that fonts and brokers take."""
        found: dict[str, list[Told]] = {}
        for item in database(read_settings()):
            if item.code is not None and item.todo is not None:
                found.setdefault(item.code, []).append(Told(item.name, item.state, item.found, item.todo))
        return found

    def one_of_database(self, code: str) -> Told:
        """What the look at the database says of a fault that it must find, once."""
        (told,) = self.of_database()[code]
        return told

    def wrong(self) -> dict[str, str]:
        """What is wrong, by the name of the check."""
        return {
            told.name: told.found for of_code in self.faults().values() for told in of_code if told.state == "wrong"
        }
