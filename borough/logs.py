"""Logs on standard error: one JSON object a line, plain lines on a terminal.

What is logged are events of the service. No line holds a meter reading, an address of a household or a token: modules
log counts, reasons and the names of settings. A record is one line, and what strangers put into it (a topic, a host) is
made visible.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import UTC, datetime

from devices.text import visible, visible_json

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
        if (fault := _fault(record)) is not None:
            line["error"], line["at"] = fault
        return visible_json(json.dumps(line, ensure_ascii=False))


class PlainLines(logging.Formatter):
    """Time, level, logger and message, and of an exception its type and place: for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        line = f"{datetime.fromtimestamp(record.created, UTC).astimezone():%H:%M:%S} {record.levelname} {record.name}: "
        fault = _fault(record)
        text = record.getMessage() if fault is None else f"{record.getMessage()} ({fault[0]} at {' > '.join(fault[1])})"
        return visible(line + text)


def _fault(record: logging.LogRecord) -> tuple[str, list[str]] | None:
    """Type and places of a record's exception. Its text may quote a payload; where it happened may not."""
    if not record.exc_info or record.exc_info[0] is None:
        return None
    trace = record.exc_info[2]
    places = []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return record.exc_info[0].__name__, places


def set_up(level: str) -> None:
    """Send all logs from ``level`` (debug, info, warning, error) on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # libraries at debug level print packets, and with them readings
    for name in ("paho", "mqtt", "asyncio", "psycopg", "alembic", "amqtt", "urllib3", "authlib", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.captureWarnings(capture=True)
    warnings.simplefilter("default")
