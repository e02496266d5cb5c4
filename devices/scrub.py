"""Household identifiers out of messages that are to be kept: meter point numbers, names, addresses, places.

One rule for whatever keeps a household's message, the archive and the rejected messages: `without_identifiers`. What
is left decodes to the same readings. Keys are compared by their letters and digits alone, at any depth.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import cbor2
import orjson

from devices import cbor

Scrub = Callable[[bytes], bytes]

#: Keys under which a household's identifiers stand, whatever the format. None of them carries a reading.
IDENTIFIERS: frozenset[str] = frozenset({
    "mpan", "mprn", "mpxn", "mpanid", "mprnid", "supplier", "uprn", "usrn", "account", "accountnumber", "accountid",
    "customer", "customerid", "customername", "tenant", "tenantid", "tenancy", "resident", "occupant", "owner",
    "firstname", "lastname", "surname", "fullname", "forename", "phone", "telephone", "mobile", "email", "address",
    "addressline", "street", "housenumber",
    "flatnumber", "postcode", "postalcode", "zip", "town", "location", "locations", "latitude", "longitude", "lat",
    "lon", "lng", "geo", "gps", "ssid", "bssid",
})  # fmt: skip

#: Words that make an identifier of any key they stand in (``meterMpan``, ``supplier_name``). A company is none.
_WORDS = re.compile(
    "(?<!co)mpan|mprn|mpxn|uprn|usrn|postcode|postalcode|supplier|customer|tenan[tc]|occupant|latitude|longitude|ssid"
    "|telephone|phonenumber|surname|firstname|lastname|fullname|email|streetname|accountn"
)

#: Members that name a value which stands beside them (``{"key": "mpan", "value": …}``), and those that are the value.
_NAMES = frozenset({"n", "name", "key", "field", "label", "property", "value_type"})
_VALUES = frozenset({"v", "vs", "vd", "vb", "s", "value", "values", "val", "text", "string", "content", "data"})

#: What a parsed value can be that holds no further keys.
_LEAVES = frozenset({int, float, bool, type(None)})
_DIGITS = re.compile(r"[0-9]+")
_LONG_NUMBER = re.compile(r"[0-9]{6}")


def without_identifiers(payload: bytes, scrub: Scrub) -> bytes | None:
    """What may be kept of a household's message: its bytes without identifiers.

    None where it cannot be looked through, since it is not what its format says: then nothing of it is kept.
    """
    try:
        return scrub(payload)
    except Exception:  # noqa: BLE001 - whatever ails it (broken, too deep, beyond a float), it was not looked through
        return None


def identifies(key: object) -> bool:
    """Whether an identifier of a household stands under this key, in any of its spellings (``MPAN``, ``mpan_1``)."""
    text = str(key)
    # a device may invent keys without end: what is remembered is bounded in number and length
    return _remembered(text) if len(text) <= 64 else _identifies(text)


def without_number(name: str) -> str:
    """A name, without its digits where it is an identifier's: ``mpan1200000000002`` holds the very number."""
    return _DIGITS.sub("", name) if identifies(name) else name


def plain_key(key: object) -> str:
    """A key as ``IDENTIFIERS`` has it."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", str(key)).casefold() if sign.isalnum())


def _identifies(text: str) -> bool:
    plain = plain_key(text)
    return plain in IDENTIFIERS or plain.rstrip("0123456789") in IDENTIFIERS or _WORDS.search(plain) is not None


_remembered = lru_cache(maxsize=4096)(_identifies)


def json_scrub(more: Iterable[str] = ()) -> Scrub:
    """The scrubber of a JSON format; ``more`` are further keys of that format, with everything below them.

    Raises ValueError for bytes that are no JSON: what cannot be looked through must not be kept.
    """
    keys = frozenset(plain_key(key) for key in more)

    def scrub(payload: bytes) -> bytes:
        # written anew even where nothing is removed: of a key that occurs twice only the value that was read is left
        return orjson.dumps(_without(orjson.loads(payload), keys))

    return scrub


def _without(value: Any, keys: frozenset[str]) -> Any:
    kind = value.__class__
    if kind is dict:
        left = {
            key: item
            if (leaf := item.__class__) in _LEAVES or (leaf is str and item[:1] not in "{[")
            else _without(item, keys)
            for key, item in value.items()
            if not (identifies(key) or (keys and plain_key(key) in keys))
        }
        for name in _NAMES & left.keys():
            if left[name].__class__ is str and identifies(left[name]):
                left[name] = without_number(left[name])
                left.update({key: _emptied(left[key]) for key in _VALUES & left.keys()})
        return left
    if kind is list:
        return [_without(item, keys) for item in value]
    if kind is str and value.startswith(("{", "[")):
        return _without_inside(value, keys)
    return value


def _without_inside(text: str, keys: frozenset[str]) -> str:
    """A text that may be JSON once more, as gateways wrap what a device said."""
    try:
        inner = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    clean = _without(inner, keys)
    return text if clean == inner else orjson.dumps(clean).decode()


def _emptied(value: Any) -> Any:
    """Nothing, of the same type: what is rejected alone stays rejected alone, for the same reason."""
    kind = value.__class__
    return kind() if kind in (int, float, str, bytes, list, dict) else None


def senml_json_scrub(payload: bytes) -> bytes:
    """A SenML pack in JSON without its texts, and without the values of records that are named like an identifier."""
    document = orjson.loads(payload)
    if document.__class__ is not list:
        return orjson.dumps(_without(document, frozenset()))
    return orjson.dumps([_record(record, _JSON_NUMBERS, _JSON_TEXTS, "n") for record in document])


def senml_cbor_scrub(payload: bytes) -> bytes:
    """The same for a pack in CBOR. Raises ValueError where it is none, or its parts refer to each other."""
    pack = cbor.loads(payload)
    if pack.__class__ is not list:
        raise ValueError("a SenML pack is a list of records")
    # what refers to one part many times would be written out as often
    room = 4 * len(payload)
    for record in pack:
        if record.__class__ is dict:
            room -= len(record) + sum(len(item) for item in record.values() if item.__class__ is str)
            if room < 0:
                raise ValueError("a pack that is larger than its bytes")
    return cbor2.dumps([_record(record, _CBOR_NUMBERS, _CBOR_TEXTS, 0) for record in pack])


#: The fields of a record (RFC 8428): those that are no text, and those that are.
_JSON_NUMBERS = frozenset({"bver", "bt", "bv", "bs", "v", "vs", "vb", "vd", "s", "t", "ut"})
_JSON_TEXTS = frozenset({"bn", "bu", "n", "u"})
_CBOR_NUMBERS = frozenset({-1, -3, -5, -6, 2, 3, 4, 8, 5, 6, 7})
_CBOR_TEXTS = frozenset({-2, -4, 0, 1})


def _record(
    record: Any, numbers: frozenset[str] | frozenset[int], texts: frozenset[str] | frozenset[int], name: str | int
) -> dict[Any, Any] | None:
    """Values are emptied and not removed, so that a record which is rejected alone stays rejected alone."""
    if record.__class__ is not dict:
        return None
    clean: dict[Any, Any] = {}
    for key, item in record.items():
        if key in texts and item.__class__ is str:
            clean[key] = item
        elif key in numbers or key in texts:
            clean[key] = item if item.__class__ in _LEAVES else _emptied(item)
        elif key.__class__ is str and key[-1:] == "_":
            clean["_"] = None  # a field that must be understood: the pack stays rejected for it
    named = clean.get(name)
    if named.__class__ is str and _names_identifier(named):
        clean[name] = _DIGITS.sub("", named)
        clean.update({key: _emptied(clean[key]) for key in (numbers & clean.keys()) - _TIMES})
    return clean


#: Not emptied with a record's value: version and times.
_TIMES = frozenset({"bver", "bt", "t", "ut", -1, -3, 6, 7})


def _names_identifier(name: str) -> bool:
    *before, last = re.split("[:/]", name)
    return identifies(last) or (_LONG_NUMBER.search(last) is not None and any(map(identifies, before)))


def any_scrub(payload: bytes) -> bytes:
    """The scrubber for a message of which no format is known. Raises ValueError where it is no JSON."""
    document = orjson.loads(payload)
    if document.__class__ is list and document and all(_is_record(item) for item in document):
        return senml_json_scrub(payload)
    return orjson.dumps(_without(document, frozenset()))


def _is_record(item: Any) -> bool:
    return item.__class__ is dict and not item.keys().isdisjoint(_JSON_NUMBERS | _JSON_TEXTS)
