"""A dataset as schema.org has it: JSON-LD that stands in its page, for search engines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from dashboard.open_data.dcat import Publisher, dataset_id
from dashboard.open_data.entries import Entry
from devices.families import FAMILIES
from store.snapshots import Box


def dataset(entry: Entry, publisher: Publisher) -> dict[str, Any]:
    """One dataset with its exports and the files of its newest snapshot."""
    one, at = entry.dataset, dataset_id(publisher, entry)
    files = [
        {
            "@type": "DataDownload",
            "name": f"{form.title} ({form.words})",
            "encodingFormat": form.media_type,
            "contentUrl": f"{publisher.url}{form.address}",
        }
        for form in entry.forms
    ]
    for snapshot in entry.current[:1]:
        files += [
            {
                "@type": "DataDownload",
                "name": file.name,
                "encodingFormat": file.media_type,
                "contentUrl": f"{publisher.url}{snapshot.path}/{file.name}",
                "contentSize": f"{file.bytes} B",
                "sha256": file.sha256,
                "datePublished": snapshot.manifest.made_at.date().isoformat(),
            }
            for file in snapshot.manifest.files
        ]
    document: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": at,
        "url": at,
        "identifier": one.id,
        "name": one.title,
        "description": one.about,
        "keywords": list(one.keywords),
        "license": publisher.licence,
        "isAccessibleForFree": True,
        "inLanguage": "en",
        "dateModified": entry.modified.date().isoformat(),
        "creator": _organisation(publisher),
        "publisher": _organisation(publisher),
        "includedInDataCatalog": {"@type": "DataCatalog", "name": f"Open data of {publisher.name}",
                                  "url": f"{publisher.url}/open-data"},
        "distribution": files,
    }  # fmt: skip
    if entry.issued is not None:
        document["datePublished"] = entry.issued.date().isoformat()
    if entry.begin is not None:
        end = ".." if entry.end is None else entry.end.date().isoformat()
        document["temporalCoverage"] = f"{entry.begin.date().isoformat()}/{end}"
    if (place := _place(entry.box)) is not None:
        document["spatialCoverage"] = place
    if one.family is not None:
        document["variableMeasured"] = [
            {"@type": "PropertyValue", "name": measured.name, "unitText": measured.unit}
            for measured in FAMILIES[one.family].properties.values()
        ]
    return document


def catalogue(entries: Sequence[Entry], publisher: Publisher) -> dict[str, Any]:
    """All datasets by their names and pages; each page says more of its own."""
    at = f"{publisher.url}/open-data"
    return {
        "@context": "https://schema.org/",
        "@type": "DataCatalog",
        "@id": at,
        "url": at,
        "name": f"Open data of {publisher.name}",
        "description": f"What {publisher.name} publishes of its sensors, for anybody to use.",
        "license": publisher.licence,
        "publisher": _organisation(publisher),
        "dataset": [
            {
                "@type": "Dataset",
                "@id": dataset_id(publisher, one),
                "url": dataset_id(publisher, one),
                "name": one.dataset.title,
                "description": one.dataset.about,
                "license": publisher.licence,
                "creator": _organisation(publisher),
            }
            for one in entries
        ],
    }


def script(document: dict[str, Any]) -> Markup:
    """A document as the contents of a script element: nothing in it can end the element."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704  # made of JSON, and without a sign that HTML knows


def _organisation(publisher: Publisher) -> dict[str, Any]:
    contact = {} if publisher.contact is None else {
        "contactPoint": {"@type": "ContactPoint", "contactType": "open data", "email": publisher.contact}
    }  # fmt: skip
    return {"@type": "GovernmentOrganization", "name": publisher.name, "url": publisher.url, **contact}


def _place(box: Box | None) -> dict[str, Any] | None:
    """A rectangle as schema.org has it: latitude first."""
    if box is None or box.west is None:
        return None
    corners = f"{box.south} {box.west} {box.north} {box.east}"
    return {"@type": "Place", "geo": {"@type": "GeoShape", "box": corners}}
