"""The commands that docker-compose.yml runs. ``tests/acceptance/test_compose.py`` runs every one as a real process.

A command that is not in this list may not stand in docker-compose.yml
(``tests/unit/repository/test_repository_compose.py``).
"""

from __future__ import annotations

MIGRATE = ("migrate",)
ACCOUNTS = ("devices", "credentials", "/accounts")
COLLECT = ("collect",)
ANALYSE = ("analyse", "--watch", "60")
DELIVER = ("deliver", "--every", "60", "--alive", "/tmp/alive")
WATCH = ("watch", "--every", "30")
SERVE = ("serve",)
MAINTAIN = ("maintain",)
PUBLISH = ("publish",)
DOCTOR = ("doctor", "--broker-config", "/broker/mosquitto.conf")
LIST = ("devices", "list")
FLEET = ("simulate", "/fleet.toml", "--register", "--gateway", "borough-simulator", "--hours", "1", "--dry-run")
SIMULATE = ("simulate", "/fleet.toml", "--format", "senml-json", "--pack", "200")
WORK = ("work",)

COMPOSE_COMMANDS = (
    MIGRATE, ACCOUNTS, COLLECT, ANALYSE, WATCH, DELIVER, SERVE, MAINTAIN, PUBLISH, DOCTOR, LIST, FLEET, SIMULATE, WORK,
)  # fmt: skip
