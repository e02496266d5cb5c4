"""Logs on standard error: one JSON object a line, plain lines on a terminal.

What is logged are events of the service. No line holds a meter reading, an address of a household or a token: modules
log counts, reasons and the names of settings.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import UTC, datetime

_LEVELS = {"WARNING": "warning", "CRITICAL": "error"}


class JsonLines(logging.Formatter):
    """``{"time", "level", "logger", "message"}``, with ``error`` (type and place, no values) for an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": _LEVELS.get(record.levelname, record.levelname.lower()),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            places = []
            while trace is not None:
                code = trace.tb_frame.f_code
                places.append(f"{code.co_qualname if sys.version_info >= (3, 11) else code.co_name}:{trace.tb_lineno}")
                trace = trace.tb_next
            # an exception's text may quote a payload; where it happened may not
            line["at"] = places
        return json.dumps(line, ensure_ascii=False)


def set_up(level: str) -> None:
    """Send all logs from ``level`` (debug, info, warning, error) on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")
    handler.setFormatter(plain if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # libraries at debug level print packets, and with them readings
    for name in ("paho", "mqtt", "asyncio", "psycopg", "alembic", "amqtt", "urllib3", "authlib", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.captureWarnings(capture=True)
    warnings.simplefilter("default")
