"""``borough decode``: show what a format reads in one message."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from borough.errors import UsageError
from borough.output import Json, say, show_json, show_table, tell
from borough.settings.collector import formats
from borough.settings.settings import Settings, read_settings
from devices.decoding import PACK, STATUS, Binding, Decoded, Flaw, Format, Reason, Rejection, Relative
from devices.families import FAMILIES, plausible, properties_of
from devices.topics import Endings, name_with, pattern
from ingest.instants import BAD, both, parse, why_bad

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def decode(
    format: Annotated[
        str, typer.Argument(metavar="FORMAT", help="Name of the format, such as native, senml-json, glow, tts.")
    ],
    device: Annotated[
        str, typer.Option(help="Device id that the topic would say; without it ids are not compared.")
    ] = "",
    family: Annotated[str, typer.Option(help="The device's family; without it the format's own, or any.")] = "",
    model: Annotated[str, typer.Option(help="The device's model, which names the codec of raw bytes.")] = "native",
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An attribute of the device; repeatable.")
    ] = None,
    topic: Annotated[
        str, typer.Option(help="The message's topic, where it says what the one value is: zigbee2mqtt/plug-1/energy.")
    ] = "",
    json_output: Json = False,
) -> int:
    """Read one message from standard input and show its readings, or why it is rejected.

    Nothing is stored. What the message has and nobody reads is named on standard error. Ends with 1 if the message or
    any of its readings is rejected.

    Example: borough decode glow --json < message.json
    """
    settings = read_settings()
    known = formats(settings)
    binding = _binding(known, format, device, family, model, attribute or ())
    if topic:
        binding = _placed(binding, known[format], topic)
    if sys.stdin.isatty():
        raise UsageError(f"no message; give it on standard input: borough decode {format} < message")
    payload = sys.stdin.buffer.read()
    find = known[format].unread
    unread = list(find(binding, payload)) if find is not None else []
    more = {"not_read": unread} if unread else {}
    if unread and not json_output:
        tell(f"not read: {', '.join(unread)}")
    try:
        decoded = known[format].bind(binding)(payload)
    except Rejection as rejection:
        if json_output:
            show_json({"rejection": {"reason": rejection.reason, "detail": rejection.detail}, **more})
        else:
            say("rejected", rejection.reason, rejection.detail)
        return 1
    if decoded is STATUS:
        if json_output:
            show_json({"status": True, "readings": [], "rejected": [], **more})
        else:
            say("a status message: it holds no reading and is no error")
        return 0
    properties, taken = properties_of(binding.family), _Taken(settings, datetime.now(UTC))
    readings = [
        _judge(name, time, value, properties, taken, binding.attributes) for name, time, value in _rows(decoded)
    ]
    bad = [reading for reading in readings if "reason" in reading]
    if json_output:
        good = [reading for reading in readings if "reason" not in reading]
        show_json({"sequence": decoded[2], "readings": good, "rejected": bad, **more})
    else:
        show_table(
            ("property", "time", "value", "unit", "rejected"),
            [
                (
                    reading["property"],
                    reading.get("time", ""),
                    reading.get("value", ""),
                    reading.get("unit", ""),
                    f"{reading['reason']}: {reading['detail']}" if "reason" in reading else "",
                )
                for reading in readings
            ],
        )
    return 1 if bad else 0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("decode")(decode)


def _binding(
    known: Mapping[str, Format], name: str, device: str, family: str, model: str, attributes: Sequence[str]
) -> Binding:
    if name not in known:
        raise UsageError(f"unknown format {name!r}; one of {', '.join(known)}")
    if family and family not in FAMILIES:
        raise UsageError(f"unknown family {family!r}; one of {', '.join(FAMILIES)}")
    pairs = {}
    for attribute in attributes:
        key, equals, value = attribute.partition("=")
        if not key or not equals:
            raise UsageError(f"--attribute {attribute!r} is not NAME=VALUE, such as zone=Europe/London")
        pairs[key] = value
    return Binding(device, family or known[name].family or "", model, pairs)


def _placed(binding: Binding, format_: Format, topic: str) -> Binding:
    """What a topic says by the first of the format's templates that takes it."""
    for template in format_.topics:
        match = pattern(template).fullmatch(topic)
        if match is not None:
            channel, ending = Endings(format_.topics).split(topic[match.end("device") + 1 :])
            return binding._replace(
                device_id=binding.device_id or name_with(match["device"], channel),
                ending=ending,
                by_property="property" in match.groupdict(),
            )
    raise UsageError(f"--topic {topic!r} is none of the format's topics: {', '.join(format_.topics)}")


def _rows(decoded: Decoded) -> Iterator[tuple[str, Any, Any]]:
    time, values, _ = decoded
    if time is PACK:
        yield from values
    else:
        yield from ((name, time, value) for name, value in values.items())


class _Taken:
    """Which times the collector would take of a message that came now."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        self._now = now
        self._earliest = settings.earliest
        self._ahead = timedelta(seconds=settings.ahead)

    def refuses(self, microseconds: int) -> str | None:
        """Why an instant [us since the Unix epoch] is refused; None where it is taken."""
        if microseconds < (self._earliest - _EPOCH) / _MICROSECOND:
            return f"before the earliest time that is taken, {self._earliest.isoformat()}"
        if microseconds > (self._now + self._ahead - _EPOCH) / _MICROSECOND:
            return f"more than {self._ahead.total_seconds():g} s ahead of the clock"
        return None

    def refuses_after(self, seconds: float) -> str | None:
        """The same of a time that is given as seconds after arrival."""
        return self.refuses(int((self._now - _EPOCH) / _MICROSECOND + seconds * 1_000_000))


def _judge(
    name: str,
    time: Any,
    value: Any,
    properties: Mapping[str, Any],
    taken: _Taken,
    attributes: Mapping[str, str],
) -> dict[str, Any]:
    """One reading as it would be stored, or the reason why it would not: the collector's checks, for one value."""
    prop = properties.get(name)
    if isinstance(value, Flaw):
        return _rejected(name, value.reason, value.detail)
    if prop is None:
        return _rejected(name, Reason.UNKNOWN_PROPERTY, "the family has no such property")
    if type(value) not in (bool, int, float):
        return _rejected(name, Reason.BAD_VALUE, f"{'null' if value is None else type(value).__name__}, not a number")
    if time is None:
        shown = "arrival"
    elif isinstance(time, Relative):
        if refused := taken.refuses_after(float(time)):
            return _rejected(name, Reason.TIME_OUT_OF_RANGE, refused)
        shown = f"arrival {float(time):+g} s"
    elif (instant := int(parse([time])[0])) == BAD:
        return _rejected(name, Reason.BAD_TIME, why_bad(time))
    elif refused := taken.refuses(instant):
        return _rejected(name, Reason.TIME_OUT_OF_RANGE, refused)
    else:
        shown = " or ".join(_shown(moment) for moment in dict.fromkeys(both(time)))
    low, high = plausible(prop, attributes)
    if not low <= value <= high:
        return _rejected(name, Reason.OUT_OF_RANGE, f"outside {low:g} to {high:g} {prop.unit}")
    number = float(value)
    return {
        "property": name,
        "time": shown,
        "value": int(number) if number.is_integer() and math.fabs(number) < 1e15 else number,
        "unit": prop.unit,
    }


def _shown(instant: int) -> str:
    return (_EPOCH + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")


def _rejected(name: str, reason: Reason, detail: str) -> dict[str, Any]:
    return {"property": name, "reason": reason, "detail": detail}
