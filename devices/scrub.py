"""Household identifiers out of messages that are to be kept: meter point numbers, names, addresses, places.

What is left decodes to the same readings. Keys are compared without case, ``_``, ``-`` and space, at any depth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import cbor2
import orjson

Scrub = Callable[[bytes], bytes]

#: Keys under which a household's identifiers stand, whatever the format. None of them carries a reading.
IDENTIFIERS: frozenset[str] = frozenset({
    "mpan", "mprn", "mpxn", "mpanid", "mprnid", "supplier", "uprn", "usrn", "account", "accountnumber", "accountid",
    "customer", "customerid", "customername", "tenant", "tenantid", "tenancy", "resident", "occupant", "owner",
    "firstname", "lastname", "surname", "fullname", "forename", "phone", "telephone", "mobile", "email", "address",
    "address1", "address2", "address3", "addressline1", "addressline2", "addressline3", "street", "housenumber",
    "flatnumber", "postcode", "postalcode", "zip", "town", "location", "locations", "latitude", "longitude", "lat",
    "lon", "lng", "geo", "gps", "ssid", "bssid",
})  # fmt: skip

#: What a parsed value can be that holds no further keys.
_LEAVES = frozenset({str, int, float, bool, type(None)})
_NOT_LETTERS = re.compile(r"[\s_\-]+")


def plain_key(key: object) -> str:
    """A key as ``IDENTIFIERS`` has it."""
    text = str(key)
    # a device may invent keys without end: what is remembered is bounded in number and length
    return _remembered(text) if len(text) <= 64 else _plain(text)


def _plain(text: str) -> str:
    return _NOT_LETTERS.sub("", text).casefold()


_remembered = lru_cache(maxsize=4096)(_plain)


def json_scrub(more: Iterable[str] = ()) -> Scrub:
    """The scrubber of a JSON format; ``more`` are further keys of that format, with everything below them.

    Raises ValueError for bytes that are no JSON: what cannot be looked through must not be kept.
    """
    keys = IDENTIFIERS | {plain_key(key) for key in more}

    def scrub(payload: bytes) -> bytes:
        document = orjson.loads(payload)
        # written anew even where nothing is removed: of a key that occurs twice only the value that was read is left
        return orjson.dumps(_without(document, keys))

    return scrub


def _without(value: Any, keys: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: item if item.__class__ in _LEAVES else _without(item, keys)
            for key, item in value.items()
            if plain_key(key) not in keys
        }
    if isinstance(value, list):
        return [_without(item, keys) for item in value]
    return value


def senml_json_scrub(payload: bytes) -> bytes:
    """A SenML pack in JSON without its texts, and without the values of records that are named like an identifier."""
    return orjson.dumps(_senml(orjson.loads(payload), "n", ("v", "s"), ("vs", "vd")))


def senml_cbor_scrub(payload: bytes) -> bytes:
    """The same for a pack in CBOR."""
    return cbor2.dumps(_senml(cbor2.loads(payload), 0, (2, 5), (3, 8)))


def _senml(pack: Any, name: str | int, numbers: tuple[str | int, ...], texts: tuple[str | int, ...]) -> Any:
    """Values are emptied and not removed, so that a record which is rejected alone stays rejected alone."""
    if not isinstance(pack, list):
        raise ValueError("a SenML pack is a list of records")
    return [_record(record, name, numbers, texts) if isinstance(record, dict) else record for record in pack]


def _record(
    record: dict[Any, Any], name: str | int, numbers: tuple[str | int, ...], texts: tuple[str | int, ...]
) -> dict[Any, Any]:
    named = plain_key(re.split(r"[:/]", str(record.get(name, "")))[-1]) in IDENTIFIERS
    kept = {key: item for key, item in record.items() if plain_key(key) not in IDENTIFIERS}
    for key in texts:
        if key in kept:
            kept[key] = b"" if isinstance(kept[key], bytes) else ""
    if named:
        for key in numbers:
            if key in kept:
                kept[key] = 0
    return kept
