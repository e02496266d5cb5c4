"""The table of figures: what is saved, and how it is printed."""

from __future__ import annotations


class Table:
    """Figures by name, in the order in which they came. ``rows`` is what ``bench.json`` holds."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, float | str]] = {}

    def add(self, name: str, value: float, unit: str) -> None:
        """Add one figure: rates per second, times in seconds, sizes in bytes, ratios as ``x``."""
        self.rows[name] = {"value": float(f"{value:.6g}"), "unit": unit}

    def ratio(self, name: str, part: str, whole: str) -> None:
        """Add part / whole where both were measured in this run."""
        if part in self.rows and whole in self.rows:
            self.add(name, self.value(part) / self.value(whole), "x")

    def value(self, name: str) -> float:
        """A figure that is in the table."""
        return float(self.rows[name]["value"])

    def text(self) -> str:
        """The table as lines."""
        width = max(map(len, self.rows), default=0)
        return "\n".join(f"{name:<{width}}  {row['value']:>16,.10g} {row['unit']}" for name, row in self.rows.items())
