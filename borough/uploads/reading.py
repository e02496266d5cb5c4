"""What the replay reads at the beginning of an upload.

``python -m borough.uploads.reading FILE SHOWN MAPPING SECONDS MEMORY``: one JSON object goes to standard output, a
`dashboard.replays.Checked`, or ``unfit`` with ``problems``. It runs in a process of its own
(`borough.uploads.apart`), for what a file makes of memory and time shall be nobody else's.
"""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from borough.errors import UsageError
from borough.output import show_json
from borough.replay.mapping_file import find_mapping, read_table_mapping
from borough.replay.observations import TableSource
from borough.replay.packed import PackedError, RowBytes
from borough.replay.recording import SUFFIX, RecordingError, RecordingReader
from borough.replay.table_mapping import TableMapping
from borough.replay.tables import Table
from borough.uploads.fleets import fleet_facts, moment
from borough.uploads.kinds import suffix_of
from dashboard.replays import Checked, Unfit
from devices.counts import counted
from devices.files import read_text
from devices.mapping import MappingError
from devices.toml import TomlError, parse
from simulators.fault_options import FaultError, read_options
from simulators.fleet_file import FleetError
from simulators.fleet_file import parse as parse_fleet

#: Problems that are told, and messages or rows that are looked at.
_TOLD, _ROWS = 50, 100_000
#: What packed text may become [bytes]; so much of an upload's size is on no disk, but a replay reads all of it.
UNPACKED = 64 << 30
#: Devices of a fleet from outside.
DEVICES = 200_000
_KEY = re.compile(r"(?:unknown key )?\[?([\w.-]+)\]?(?: ([\w-]+):| =| is missing|;)")


class _Enough(Exception):
    """So much was looked at that the rest is left to the replay."""


def check(path: Path, shown: str, mapping: str, seconds: float) -> Checked:
    """What the beginning of a file holds, in about ``seconds``. Raises Unfit, OSError."""
    suffix = suffix_of(path)
    if suffix == SUFFIX:
        return _recording(path, seconds)
    if suffix == ".toml":
        return _toml(path, shown)
    if suffix.endswith((".gz", ".zst")):
        _unpacks(path, shown, seconds)
    return _table(path, shown, suffix, mapping, seconds)


# -- recordings --------------------------------------------------------------------------------------------------------


def _recording(path: Path, seconds: float) -> Checked:
    until = time.monotonic() + seconds
    topics: set[str] = set()
    count = retained = 0
    first = last = 0
    whole = True
    try:
        for message in RecordingReader(path):
            count += 1
            first, last = first or message.arrival, message.arrival
            retained += message.retained
            if len(topics) < _ROWS:
                topics.add(message.topic)
            if count >= _ROWS or (count % 1_000 == 0 and time.monotonic() > until):
                whole = False
                break
    except RecordingError as error:
        raise Unfit(f"The recording cannot be replayed: it {_reason(str(error), path)}.") from None
    if not count:
        raise Unfit("The recording holds no whole block: there is nothing in it to replay.")
    facts = {
        "Messages": _so_far(count, whole),
        "Topics": _so_far(len(topics), whole),
        "First message": moment(first),
        "Last message" if whole else "Looked at until": moment(last),
    }
    problems = [f"{counted(retained, 'retained message')}: old when recorded, left out"] if retained else []
    return Checked("recording", SUFFIX, facts, problems, whole)


def _so_far(count: int, whole: bool) -> str:
    return f"{count:,}" if whole else f"{count:,} in the beginning that was looked at"


# -- tables ------------------------------------------------------------------------------------------------------------


def _unpacks(path: Path, shown: str, seconds: float) -> None:
    """Unpack it piece by piece, as far as the time goes. Raises Unfit where that is beyond all bounds or broken."""
    until = time.monotonic() + seconds
    given = 0
    try:
        with RowBytes(path, bounded=False) as plain:
            piece = bytearray(1 << 16)
            while (size := plain.readinto(piece)) and time.monotonic() < until:
                given += size
                if given > UNPACKED:
                    raise PackedError(f"becomes more than {UNPACKED >> 30} GB when it is unpacked")
    except PackedError as error:
        raise Unfit(f"The file cannot be replayed: {shown} {error}.") from None


def _table(path: Path, shown: str, suffix: str, mapping: str, seconds: float) -> Checked:
    chosen: TableMapping | None = None
    try:
        chosen = find_mapping(mapping, path)
    except MappingError as error:
        if mapping:
            raise Unfit(f"The mapping cannot be used: {_said(str(error), path, shown, mapping)}") from None
    if chosen is None:
        return _unmapped(path, shown, suffix)
    name = Path(mapping or chosen.where).name.removesuffix("" if mapping else ".toml")
    try:
        source = TableSource(chosen, [path])
        facts, problems, whole = _rows(source, seconds)
    except UsageError as error:
        details = [_said(text, path, shown, mapping) for text in error.details]
        reason = _said(str(error), path, shown, mapping)
        raise Unfit(f"It cannot be replayed by the mapping {name}: {reason}", details) from None
    except MappingError as error:
        raise Unfit(f"It does not fit the mapping {name}: {_said(str(error), path, shown, mapping)}") from None
    return Checked("table", suffix, facts, problems, whole, name)


def _unmapped(path: Path, shown: str, suffix: str) -> Checked:
    """A table that no packaged mapping is made for: whoever starts a replay says how it reads."""
    try:
        table = Table(path)
        columns = list(table.columns)
    except UsageError as error:
        if suffix == ".parquet":
            raise Unfit(f"It cannot be replayed: {_said(str(error), path, shown)}") from None
        # where the headings are, and what stands between cells, is for the mapping to say
        return Checked("table", suffix, {"Columns": "told by no line: choose a mapping"}, (), whole=False)
    told = ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "")
    return Checked("table", suffix, {"Columns": f"{len(columns)}: {told}"[:500]}, (), whole=False)


def _rows(source: TableSource, seconds: float) -> tuple[dict[str, str], list[str], bool]:
    until = time.monotonic() + seconds
    problems: list[str] = []
    unreadable = readings = looked = 0
    first: int | None = None
    last = 0

    def look() -> None:
        nonlocal looked
        looked += 1
        if looked >= _ROWS or (looked % 500 == 0 and time.monotonic() > until):
            raise _Enough

    def tell(_: Path, line: int, reason: str) -> None:
        nonlocal unreadable
        unreadable += 1
        if len(problems) < _TOLD:
            problems.append(f"line {line}: {reason}")
        look()

    whole = True
    try:
        for _, _, observation in source.by_line(tell):
            readings += len(observation.values)
            first = observation.time if first is None else min(first, observation.time)
            last = max(last, observation.time)
            look()
    except _Enough:
        whole = False
    if first is None:
        raise UsageError("nothing in it can be read: no row has a time, a device and a value", problems)
    facts = {
        "Readings": _so_far(readings, whole),
        "Devices": _so_far(len(source.devices), whole),
        "Earliest": moment(first),
        "Latest": moment(last),
        "Cannot be read": f"{counted(unreadable, 'cell or row', 'cells or rows')}, left out"
        if unreadable
        else "nothing",
    }
    return facts, problems, whole


# -- fleets and mappings -----------------------------------------------------------------------------------------------


def _toml(path: Path, shown: str) -> Checked:
    try:
        text = read_text(path)
        document = parse(text)
    except UnicodeDecodeError:
        raise Unfit("The file is not UTF-8 text.") from None
    except OSError as error:
        raise Unfit(f"The file {error.strerror}.") from None
    except TomlError as error:
        raise Unfit("The file is no TOML as fleets and mappings are written.", [str(error)]) from None
    if {"family", "device", "reading", "time"} & document.keys():
        try:
            mapping = read_table_mapping(text, shown)
        except MappingError as error:
            raise Unfit("The mapping cannot be used.", [str(error)]) from None
        return Checked("mapping", ".toml", {"Name": mapping.name, "Family": mapping.family})
    try:
        fleet = parse_fleet(text, shown)
        faults = read_options(fleet.faults)
    except (FleetError, FaultError) as error:
        reason = str(error).removeprefix(f"fleet file {shown}: ")
        found = _KEY.match(reason)
        line = _line_of(text, ".".join(part for part in found.groups() if part)) if found else None
        raise Unfit("The fleet cannot be simulated.", [f"line {line}: {reason}" if line else reason]) from None
    devices = sum(plan.count for plan in fleet.plans.values())
    if devices > DEVICES:
        raise Unfit(f"The fleet has {counted(devices, 'device')}; {DEVICES:,} are simulated at most.")
    return Checked("fleet", ".toml", fleet_facts(fleet, faults))


def _line_of(text: str, key: str) -> int | None:
    """The line on which a key of a fleet file stands, such as ``parking-bay.count``; else that of its table."""
    table, _, name = key.rpartition(".")
    inside, head = "", None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if found := re.match(r"\[([\w.-]+)\]", stripped):
            inside = found[1]
            head = number if inside in (table, key) else head
        elif re.match(rf"{re.escape(name if inside == table else key)}\s*[=.]", stripped) and inside in (table, ""):
            return number
    return head


def _reason(text: str, path: Path) -> str:
    return text.removeprefix(f"{path}: ").rstrip(".")


def _said(text: str, path: Path, shown: str, mapping: str = "") -> str:
    """An error's text as its reader knows the files."""
    if mapping:
        text = text.replace(mapping, Path(mapping).name)
    return text.replace(str(path), shown).replace(path.name, shown)


def _document(made: Callable[[], Checked]) -> dict[str, Any]:
    try:
        found = made()
    except Unfit as error:
        return {"unfit": str(error), "problems": list(error.problems)[:_TOLD]}
    return {
        "kind": found.kind,
        "suffix": found.suffix,
        "facts": dict(found.facts),
        "problems": list(found.problems),
        "whole": found.whole,
        "mapping": found.mapping,
    }


def _bound(seconds: float, memory: int) -> None:
    """What a file may cost, whatever is in it."""
    most = round(4 * seconds) + 10
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _path, _shown, _mapping, _seconds, _memory = sys.argv[1:]
    _bound(float(_seconds), int(_memory))
    show_json(_document(lambda: check(Path(_path), _shown, _mapping, float(_seconds))))
