"""``data.json``: the datasets by the UK Cross-Government Metadata Exchange Model.

The model's organisations are those of central government: a council has no word there, so it is named by the setting,
or by its own name in small letters. Everything else is as the model has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dashboard.open_data.datasets import CSV, Service
from dashboard.open_data.dcat import Publisher, dataset_id
from dashboard.open_data.entries import Entry
from devices.csvw import metadata_name

#: Signs of a summary.
_SUMMARY = 250


def organisation(name: str) -> str:
    """A council's name in the manner of the model's organisations: ``testborough-council``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "council"


def document(
    entries: Sequence[Entry], services: Sequence[Service], publisher: Publisher, named: str | None = None
) -> dict[str, Any]:
    """All datasets, their distributions and the services. ``named``: what the model calls the publisher, if it does."""
    who = named or organisation(publisher.name)
    return {
        "dataset": [_dataset(one, publisher, who) for one in entries],
        "distribution": [made for one in entries for made in _distributions(one, publisher)],
        "dataService": [_service(one, entries, publisher, who) for one in services],
    }


def _dataset(entry: Entry, publisher: Publisher, who: str) -> dict[str, Any]:
    one = entry.dataset
    return {
        "identifier": dataset_id(publisher, entry),
        "type": "dcat:Dataset",
        "title": one.title,
        "summary": one.summary[:_SUMMARY],
        "description": one.about,
        "keyword": list(one.keywords),
        **_common(publisher, who),
        "version": entry.modified.date().isoformat(),
        **({} if entry.issued is None else {"issued": entry.issued.date().isoformat()}),
        "modified": entry.modified.date().isoformat(),
        "updateFrequency": f"freq:{one.frequency}",
        "distribution": [made["identifier"] for made in _distributions(entry, publisher)],
    }


def _distributions(entry: Entry, publisher: Publisher) -> list[dict[str, Any]]:
    """The exports, and the files of the newest snapshot."""
    found: list[dict[str, Any]] = []
    for form in entry.forms:
        at = f"{publisher.url}{form.address}"
        found.append({
            "identifier": at,
            "type": "dcat:Distribution",
            "title": f"{entry.dataset.title}: {form.title} ({form.words})",
            "licence": publisher.licence,
            "accessRights": "OPEN",
            "downloadURL": at,
            "mediaType": form.media_type,
            "modified": entry.modified.date().isoformat(),
            **({"description": f"What its columns mean: {metadata_name(at)}"} if form.media_type == CSV else {}),
        })  # fmt: skip
    for snapshot in entry.current[:1]:
        made = snapshot.manifest.made_at.date().isoformat()
        for file in snapshot.manifest.files:
            at = f"{publisher.url}{snapshot.path}/{file.name}"
            found.append({
                "identifier": at,
                "type": "dcat:Distribution",
                "title": f"{entry.dataset.title}: {snapshot.manifest.month} ({file.name})",
                "licence": publisher.licence,
                "accessRights": "OPEN",
                "downloadURL": at,
                "mediaType": file.media_type,
                **({"byteSize": file.bytes} if file.bytes else {}),
                "issued": made,
                "modified": made,
            })  # fmt: skip
    return found


def _service(service: Service, entries: Sequence[Entry], publisher: Publisher, who: str) -> dict[str, Any]:
    served = [one for one in entries if one.dataset.id in service.datasets]
    modified = max(one.modified for one in served).date().isoformat()
    return {
        "identifier": f"{publisher.url}/open-data#{service.id}",
        "type": "dcat:DataService",
        "title": service.title,
        "description": service.about,
        **_common(publisher, who),
        "version": "v1.0",
        "modified": modified,
        "endpointURL": f"{publisher.url}{service.endpoint}",
        "endpointDescription": f"{publisher.url}{service.description}",
        "servesData": [dataset_id(publisher, one) for one in served],
        "serviceStatus": "LIVE",
        "serviceType": "REST",
    }


def _common(publisher: Publisher, who: str) -> dict[str, Any]:
    return {
        "licence": publisher.licence,
        "accessRights": "OPEN",
        "securityClassification": "OFFICIAL",
        "creator": [who],
        "publisher": who,
        **(
            {}
            if publisher.contact is None
            else {"contactPoint": {"contactName": publisher.name, "email": publisher.contact}}
        ),
    }
