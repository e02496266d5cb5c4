"""What may give cause for a message: one visible list (`borough.delivery.triggers` says what a trigger is)."""

from __future__ import annotations

from collections.abc import Sequence

from borough.delivery import air_alerts, care, care_telling, nudges
from borough.delivery.triggers import Trigger

TRIGGERS: Sequence[Trigger] = (
    Trigger("air alerts", air_alerts.look),
    Trigger(care_telling.NAME, care.look),
    Trigger(nudges.NAME, nudges.look),
)
