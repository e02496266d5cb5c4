"""A job is asked for: what can be started here, and a form's fields made a job's options."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dashboard.engineer.shelf import ROOM, Shelf, Upload
from dashboard.replays import KIND_WORDS, Replays, Unfit
from dashboard.web.forms import Form
from devices.text import flaw
from store.jobs import Kind

#: Below the jobs' folder: what an operator has laid there to be replayed.
RECORDINGS = "recordings"
_ENDINGS = (".btr", ".csv", ".ndjson", ".jsonl", ".parquet", ".csv.gz", ".ndjson.gz", ".csv.zst", ".ndjson.zst")
_SPEED = re.compile(r"\d{1,6}(\.\d{1,3})?")
_SHIFT = re.compile(r"-?\d{1,6}(s|min|h|d)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?")
#: Words that the forms offer; what they mean stands in docs/reference/commands.md.
CONNECTIONS = {"one": "one for all", "gateway": "one a gateway", "device": "one a device"}
FLEET_FORMATS = {
    "": "as the fleet's file says",
    "native": "native JSON",
    "senml-json": "SenML (JSON)",
    "senml-cbor": "SenML (CBOR)",
    "vendor": "each family's vendor format",
}
TABLE_FORMATS = {"native": "native JSON", "senml": "SenML"}
RECORDING_FORMATS = {"recorded": "the very bytes that were recorded", "native": "their readings as native JSON"}
FAULT_CHOICES = {"file": "As the fleet's file says", "none": "None", "own": "These shares:"}
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be started. ``key`` names it in addresses, ``file`` in a job."""

    key: str
    kind: Kind
    what: Literal["fleet", "table", "recording"]
    title: str
    about: str
    file: str
    path: Path
    upload: Upload | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form asks for."""

    name: str
    options: dict[str, Any]
    files: list[str]


def choices(replays: Replays) -> list[Choice]:
    """All that can be started here: shipped fleets, uploads, and what stands in the folder of recordings."""
    return [*_shipped(replays), *_uploaded(replays), *_recorded(replays)]


def find(replays: Replays, key: str) -> Choice | None:
    """One of them; None where it is no more."""
    return next((one for one in choices(replays) if one.key == key), None)


def mappings(replays: Replays) -> dict[str, str]:
    """What a table can be read by: the key in the form, and its words."""
    uploaded = {
        f"upload-{one.id}": f"{one.name} (upload)" for one in _shelf(replays).all() if one.checked.kind == "mapping"
    }
    return {name: name for name in replays.mappings} | uploaded


def read(form: Form, choice: Choice, replays: Replays) -> Wanted:
    """The options of a form; what is wrong stands in ``form.errors``, and then they are not to be used."""
    name = form.line("name", _LONGEST_NAME, "The name", "Give the job a name")
    options: dict[str, Any] = {"register": form.text("register") == "yes"} if choice.what != "recording" else {}
    _speed(form, options, fastest="max" if choice.kind == "simulation" else "flat-out")
    if choice.kind == "simulation":
        _simulation(form, options, replays)
    else:
        _replay(form, options, choice, replays)
    wanted = Wanted(name, {key: value for key, value in options.items() if value not in (None, "")}, [choice.file])
    if not form.errors:
        _fits(form, wanted, choice, replays)
    return wanted


def _simulation(form: Form, options: dict[str, Any], replays: Replays) -> None:
    options["seed"] = form.whole("seed", 0, 999_999_999, "The seed")
    options["hours"] = form.number("hours", 0.001, 100_000, "The hours", "hours")
    options["start"] = start = _moment(form, "start", "the beginning")
    if start and datetime.fromisoformat(start) > datetime.now(UTC):
        form.errors["start"] = "Enter a beginning that is not after now (UTC): readings of the future are rejected"
    options["connections"] = form.choice("connections", tuple(CONNECTIONS), "Choose how many connections there are")
    options["format"] = form.maybe("format", tuple(word for word in FLEET_FORMATS if word), "Choose a format")
    faults = form.choice("faults", tuple(FAULT_CHOICES), "Choose which faults there are")
    if faults == "none":
        options["faults"] = {}
    elif faults == "own":
        shares = {one: form.number(f"fault-{one}", 0, 1, f"The share of {_said(one)}", "") for one in replays.faults}
        options["faults"] = {one: share for one, share in shares.items() if share}
        if not options["faults"] and not form.errors:
            form.errors["faults"] = "Give at least one fault a share above 0, such as 0.02, or choose none"


def _replay(form: Form, options: dict[str, Any], choice: Choice, replays: Replays) -> None:
    options["from"] = _moment(form, "from", "the beginning")
    options["until"] = _moment(form, "until", "the end")
    if options["from"] and options["until"] and options["from"] >= options["until"]:
        form.errors["until"] = "The end must be after the beginning"
    options["shift"] = form.text("shift")
    if options["shift"] not in ("", "now") and not _SHIFT.fullmatch(options["shift"]):
        form.errors["shift"] = "Enter now, or a length of time such as 364d or -12h"
    formats = RECORDING_FORMATS if choice.what == "recording" else TABLE_FORMATS
    options["format"] = form.choice("format", tuple(formats), "Choose a format")
    if choice.what == "table":
        found = form.choice("mapping", tuple(mappings(replays)), "Choose the mapping by which the table is read")
        upload = _shelf(replays).find(found.removeprefix("upload-")) if found.startswith("upload-") else None
        options["mapping"] = found if upload is None else upload.file


def _fits(form: Form, wanted: Wanted, choice: Choice, replays: Replays) -> None:
    """Read the file as the job would read it; what cannot be is told with its place."""
    field_name = "mapping" if choice.what == "table" else "what"
    try:
        if choice.kind == "simulation":
            replays.reader.simulation(choice.path, choice.title, wanted.options)
            return
        if choice.what == "recording" and choice.upload is not None:
            return  # it was read when it came
        mapping = wanted.options.get("mapping", "")
        if mapping.startswith(f"{ROOM}/"):
            mapping = str(replays.folder / mapping)
        found = replays.reader.check(choice.path, choice.title, mapping)
        if found.kind != choice.what:
            what, is_one = KIND_WORDS[choice.what].lower(), KIND_WORDS[found.kind].lower()
            raise Unfit(f"By its name it is a {what}, by what stands in it a {is_one}.")
    except Unfit as error:
        form.errors[field_name] = " ".join((str(error), *error.problems))


def _speed(form: Form, options: dict[str, Any], fastest: str) -> None:
    """``speed`` is a word, or ``times`` beside it a number."""
    chosen = form.choice("speed", ("fastest", "real", "times"), "Choose how fast it is sent")
    if chosen != "times":
        options["speed"] = {"fastest": fastest, "real": "1" if fastest == "max" else "real"}.get(chosen)
        return
    times = form.text("times").replace(",", ".")
    if not _SPEED.fullmatch(times) or float(times) == 0:
        form.errors["times"] = "Enter how many times as fast, such as 60"
    options["speed"] = times


def _moment(form: Form, name: str, what: str) -> str | None:
    text = form.text(name)
    if not text:
        return None
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).replace(tzinfo=UTC).isoformat()
    except ValueError:
        form.errors[name] = f"Enter {what} as a date and time, such as 2026-01-05 00:00"
        return None


def _said(fault: str) -> str:
    return fault.replace("_", " ")


def _shipped(replays: Replays) -> Iterator[Choice]:
    for one in replays.fleets:
        yield Choice(
            f"fleet-{one.name}", "simulation", "fleet", one.name, one.about, f"shipped:{one.path.name}", one.path,
            facts=one.facts,
        )  # fmt: skip


def _uploaded(replays: Replays) -> Iterator[Choice]:
    shelf = _shelf(replays)
    for one in shelf.all():
        kind = one.checked.kind
        if kind == "mapping":
            continue
        about = f"{KIND_WORDS[kind]}, upload of {one.at:%Y-%m-%d}"
        yield Choice(
            f"upload-{one.id}", "simulation" if kind == "fleet" else "replay", kind, one.name, about, one.file,
            shelf.path(one), one, one.checked.facts,
        )  # fmt: skip


def _recorded(replays: Replays) -> Iterator[Choice]:
    try:
        found = sorted(path for path in (replays.folder / RECORDINGS).iterdir() if path.name.endswith(_ENDINGS))
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in found:
        # a name of other bytes than UTF-8 can stand in no row
        if path.is_file() and not path.is_symlink() and flaw(path.name) is None:
            what: Literal["recording", "table"] = "recording" if path.suffix == ".btr" else "table"
            key = hashlib.sha256(path.name.encode()).hexdigest()[:16]
            yield Choice(
                f"file-{key}", "replay", what, path.name, f"{KIND_WORDS[what]}, in the folder of recordings",
                f"{RECORDINGS}/{path.name}", path,
            )  # fmt: skip


def _shelf(replays: Replays) -> Shelf:
    return Shelf(replays.folder, replays.limits)
