"""What a published CSV file means, as CSV on the Web says it: columns, keys, licence, publisher."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

#: The licence of public data in the United Kingdom, version 3.
OPEN_GOVERNMENT_LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"


class Column(NamedTuple):
    """A column of a published table; ``datatype`` as CSVW has it, ``about`` a sentence. ``key``: of its primary key;
    ``required``: no cell of it is empty."""

    name: str
    datatype: str | Mapping[str, Any]
    about: str
    key: bool = False
    required: bool = True


def described(
    name: str,
    title: str,
    about: str,
    columns: Sequence[Column],
    *,
    publisher: str,
    licence: str,
    modified: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """The metadata of the CSV file ``name`` (an address relative to its own), a JSON document.

    ``licence`` is an address; ``modified`` a day such as 2026-03-31; ``more``: further annotations of the table.
    """
    document = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": name,
        "dc:title": title,
        "dc:description": about,
        "dc:publisher": publisher,
        "dc:license": {"@id": licence},
        **({} if modified is None else {"dc:modified": {"@value": modified, "@type": "xsd:date"}}),
        **(more or {}),
        "tableSchema": {
            "columns": [
                {
                    "name": column.name,
                    "titles": column.name,
                    "dc:description": column.about,
                    "datatype": column.datatype,
                    "required": column.required,
                }
                for column in columns
            ],
            "primaryKey": [column.name for column in columns if column.key],
        },
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def metadata_name(name: str) -> str:
    """Where the metadata of a CSV file stands."""
    return f"{name}-metadata.json"


def words(*allowed: str) -> dict[str, Any]:
    """The datatype of a column that holds one of some words, which hold no signs of regular expressions."""
    return {"base": "string", "format": "|".join(allowed)}
