"""The catalogue in DCAT-AP 3, as JSON-LD that needs no other document to be read.

A dataset of readings is there twice: as it is now, with the exports as its distributions, and as a series of datasets,
one for each month of which there is a snapshot, whose distributions are its files with their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.open_data.datasets import BY_ID, CSV, GEOJSON, JSON, PARQUET, Frequency, Service
from dashboard.open_data.entries import Entry
from dashboard.open_data.shelf import File, Snapshot
from devices.csvw import OPEN_GOVERNMENT_LICENCE, metadata_name
from store.snapshots import Box

_CONTEXT = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_AUTHORITY = "http://publications.europa.eu/resource/authority"
_FREQUENCIES: dict[Frequency, str] = {
    "continuous": "UPDATE_CONT",
    "daily": "DAILY",
    "monthly": "MONTHLY",
    "annual": "ANNUAL",
}
#: The EU's names of file types, and of themes with what people call them.
_FILE_TYPES = {CSV: "CSV", PARQUET: "PARQUET", GEOJSON: "GEOJSON", JSON: "JSON", "application/csvm+json": "JSON_LD"}
_THEMES = {
    "ENVI": "Environment",
    "TRAN": "Transport",
    "GOVE": "Government and public sector",
    "ENER": "Energy",
}


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: ``url`` of the site without a slash at its end, ``contact`` an e-mail address, None for none."""

    name: str
    url: str
    licence: str
    contact: str | None = None


def catalogue(
    entries: Sequence[Entry],
    members: Sequence[tuple[Entry, Snapshot]],
    services: Sequence[Service],
    publisher: Publisher,
    *,
    whole: bool = True,
    following: str | None = None,
) -> dict[str, Any]:
    """A page of the catalogue. ``members``: the snapshots that are on it, each with its dataset; ``whole``: the
    datasets themselves are on it too, as on the first page; ``following``: the address of the next page."""
    at = f"{publisher.url}/open-data"
    graph: list[dict[str, Any]] = [_agent(publisher)]
    described: list[str] = []
    if whole:
        for entry in entries:
            graph.append(_dataset(entry, publisher))
            described.append(dataset_id(publisher, entry))
            if entry.current:
                graph.append(_series(entry, publisher))
                described.append(series_id(publisher, entry))
        graph += [_service(one, publisher) for one in services]
    for entry, snapshot in members:
        graph.append(_member(entry, snapshot, publisher))
        described.append(publisher.url + snapshot.path)
    document: dict[str, Any] = {
        "@id": at,
        "@type": "dcat:Catalog",
        "dct:title": _english(f"Open data of {publisher.name}"),
        "dct:description": _english(f"What {publisher.name} publishes of its sensors, for anybody to use."),
        "dct:publisher": {"@id": _agent_id(publisher)},
        "dct:license": _licence(publisher),
        "dct:language": {"@id": f"{_AUTHORITY}/language/ENG", "@type": "dct:LinguisticSystem"},
        "dcat:themeTaxonomy": _themes(),
        "foaf:homepage": {"@id": at, "@type": "foaf:Document"},
        "dcat:dataset": [{"@id": one} for one in described],
    }
    if whole and services:
        document["dcat:service"] = [{"@id": _service_id(publisher, one)} for one in services]
    if entries:
        document["dct:modified"] = _instant(max(entry.modified for entry in entries))
    if following is not None:
        view = {"@type": "hydra:PartialCollectionView", "hydra:next": {"@id": following}}
        document["hydra:view"] = view
    return {"@context": _CONTEXT, "@graph": [document, *graph]}


def dataset_id(publisher: Publisher, entry: Entry) -> str:
    """What names a dataset: the address of its page."""
    return f"{publisher.url}/open-data/about/{entry.dataset.id}"


def series_id(publisher: Publisher, entry: Entry) -> str:
    """What names the series of a dataset's months."""
    return f"{dataset_id(publisher, entry)}#months"


def _dataset(entry: Entry, publisher: Publisher) -> dict[str, Any]:
    one = entry.dataset
    return {
        **_resource(entry, publisher),
        "@id": dataset_id(publisher, entry),
        "@type": "dcat:Dataset",
        "dct:title": _english(one.title),
        "dct:description": _english(one.about),
        "dct:identifier": one.id,
        "dct:accrualPeriodicity": _frequency(one.frequency),
        "dct:modified": _instant(entry.modified),
        **({} if entry.issued is None else {"dct:issued": _instant(entry.issued)}),
        **_time(entry.begin, entry.end),
        **_space(entry.box),
        "dcat:landingPage": {"@id": dataset_id(publisher, entry), "@type": "foaf:Document"},
        "dcat:distribution": [
            {
                "@id": f"{publisher.url}{form.address}",
                "@type": "dcat:Distribution",
                "dct:title": _english(f"{form.title} ({form.words})"),
                "dct:description": _english(f"{form.title} of {one.title}, as it is now."),
                "dcat:accessURL": _resource_at(f"{publisher.url}{form.address}"),
                "dcat:downloadURL": _resource_at(f"{publisher.url}{form.address}"),
                "dct:license": _licence(publisher),
                **_kind(form.media_type),
                **({"dct:conformsTo": _csvw(f"{publisher.url}{form.address}")} if form.media_type == CSV else {}),
            }
            for form in entry.forms
        ],
    }


def _series(entry: Entry, publisher: Publisher) -> dict[str, Any]:
    oldest, newest = entry.current[-1].manifest, entry.current[0].manifest
    return {
        **_resource(entry, publisher),
        "@id": series_id(publisher, entry),
        # a series is a dataset too; who does not infer that is told
        "@type": ["dcat:DatasetSeries", "dcat:Dataset"],
        "dct:title": _english(f"{entry.dataset.title}, month by month"),
        "dct:description": _english(
            f"{entry.dataset.about} Each month (UTC) as files that never change; what is corrected later is a new"
            " revision beside the old one."
        ),
        "dct:accrualPeriodicity": _frequency("monthly"),
        "dct:modified": _instant(max(one.manifest.made_at for one in entry.current)),
        **({} if entry.issued is None else {"dct:issued": _instant(entry.issued)}),
        **_time(oldest.begin, newest.end),
        **_space(entry.box),
    }


def _member(entry: Entry, snapshot: Snapshot, publisher: Publisher) -> dict[str, Any]:
    manifest, at = snapshot.manifest, publisher.url + snapshot.path
    return {
        **_resource(entry, publisher),
        "@id": at,
        "@type": "dcat:Dataset",
        "dct:title": _english(f"{manifest.title}, {manifest.month}"),
        "dct:description": _english(
            f"{entry.dataset.about} All of {manifest.month} (UTC), revision {manifest.revision}."
        ),
        "dct:identifier": f"{manifest.dataset}/{manifest.month}/{manifest.revision}",
        "dcat:version": str(manifest.revision),
        "dcat:inSeries": {"@id": series_id(publisher, entry)},
        "dct:issued": _instant(manifest.made_at),
        "dct:modified": _instant(manifest.made_at),
        **_time(manifest.begin, manifest.end),
        **_space(entry.box),
        "dcat:landingPage": {"@id": at, "@type": "foaf:Document"},
        "dcat:distribution": [_distribution(snapshot, file, publisher) for file in manifest.files],
    }


def _distribution(snapshot: Snapshot, file: File, publisher: Publisher) -> dict[str, Any]:
    at = f"{publisher.url}{snapshot.path}/{file.name}"
    return {
        "@id": at,
        "@type": "dcat:Distribution",
        "dct:title": _english(file.name),
        "dct:description": _english(f"A file of the snapshot of {snapshot.manifest.month}, which never changes."),
        "dcat:accessURL": _resource_at(f"{publisher.url}{snapshot.path}"),
        "dcat:downloadURL": _resource_at(at),
        "dct:license": _licence(publisher),
        "dct:issued": _instant(snapshot.manifest.made_at),
        "dcat:byteSize": {"@value": str(file.bytes), "@type": "xsd:nonNegativeInteger"},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256", "@type": "spdx:ChecksumAlgorithm"},
            "spdx:checksumValue": {"@value": file.sha256, "@type": "xsd:hexBinary"},
        },
        **_kind(file.media_type),
        **({"dct:conformsTo": _csvw(at)} if file.media_type == CSV else {}),
    }


def _service(service: Service, publisher: Publisher) -> dict[str, Any]:
    return {
        "@id": _service_id(publisher, service),
        "@type": "dcat:DataService",
        "dct:title": _english(service.title),
        "dct:description": _english(service.about),
        "dct:publisher": {"@id": _agent_id(publisher)},
        "dct:license": _licence(publisher),
        "dcat:endpointURL": _resource_at(f"{publisher.url}{service.endpoint}"),
        "dcat:endpointDescription": _resource_at(f"{publisher.url}{service.description}"),
        "dcat:servesDataset": [{"@id": f"{publisher.url}/open-data/about/{one}"} for one in service.datasets],
        "dcat:keyword": [_english(word) for one in service.datasets for word in BY_ID[one].keywords],
        "dcat:theme": [_theme(BY_ID[one].theme) for one in service.datasets],
        **_contact(publisher),
    }


def _resource(entry: Entry, publisher: Publisher) -> dict[str, Any]:
    """What is said of a dataset, of its months and of each of them alike."""
    return {
        "dct:publisher": {"@id": _agent_id(publisher)},
        "dct:language": {"@id": f"{_AUTHORITY}/language/ENG", "@type": "dct:LinguisticSystem"},
        "dct:accessRights": {"@id": f"{_AUTHORITY}/access-right/PUBLIC", "@type": "dct:RightsStatement"},
        "dcat:keyword": [_english(word) for word in entry.dataset.keywords],
        "dcat:theme": _theme(entry.dataset.theme),
        **_contact(publisher),
    }


def _agent_id(publisher: Publisher) -> str:
    return f"{publisher.url}/#publisher"


def _agent(publisher: Publisher) -> dict[str, Any]:
    return {
        "@id": _agent_id(publisher),
        "@type": ["foaf:Agent", "foaf:Organization"],
        "foaf:name": _english(publisher.name),
        "dct:type": _concept("http://purl.org/adms/publishertype/LocalAuthority", "Local authority"),
    }


def _contact(publisher: Publisher) -> dict[str, Any]:
    if publisher.contact is None:
        return {}
    return {
        "dcat:contactPoint": {
            "@id": f"{publisher.url}/#contact",
            "@type": ["vcard:Kind", "vcard:Organization"],
            "vcard:fn": publisher.name,
            "vcard:hasEmail": _resource_at(f"mailto:{publisher.contact}"),
        }
    }


def _service_id(publisher: Publisher, service: Service) -> str:
    return f"{publisher.url}/open-data#{service.id}"


def _licence(publisher: Publisher) -> dict[str, Any]:
    kind = _concept("http://purl.org/adms/licencetype/Attribution", "Attribution")
    return {
        "@id": publisher.licence,
        "@type": "dct:LicenseDocument",
        **({"dct:type": kind} if publisher.licence == OPEN_GOVERNMENT_LICENCE else {}),
    }


def _theme(theme: str) -> dict[str, Any]:
    return _concept(f"{_AUTHORITY}/data-theme/{theme}", _THEMES[theme])


def _themes() -> dict[str, Any]:
    return {
        "@id": f"{_AUTHORITY}/data-theme",
        "@type": "skos:ConceptScheme",
        "dct:title": _english("Data theme"),
        "skos:prefLabel": _english("Data theme"),
    }


def _concept(address: str, words: str) -> dict[str, Any]:
    return {"@id": address, "@type": "skos:Concept", "skos:prefLabel": _english(words)}


def _frequency(frequency: Frequency) -> dict[str, Any]:
    return {"@id": f"{_AUTHORITY}/frequency/{_FREQUENCIES[frequency]}", "@type": "dct:Frequency"}


def _kind(media_type: str) -> dict[str, Any]:
    """Which kind of file a distribution is, and that it is there to stay."""
    iana = f"https://www.iana.org/assignments/media-types/{media_type}"
    file_type = f"{_AUTHORITY}/file-type/{_FILE_TYPES[media_type]}"
    available = f"{_AUTHORITY}/planned-availability/STABLE"
    return {
        "dcat:mediaType": {"@id": iana, "@type": "dct:MediaType"},
        "dct:format": {"@id": file_type, "@type": "dct:MediaTypeOrExtent"},
        "dcatap:availability": _concept(available, "stable"),
    }


def _csvw(address: str) -> dict[str, Any]:
    """What says how a table is to be read."""
    return {"@id": metadata_name(address), "@type": "dct:Standard"}


def _resource_at(address: str) -> dict[str, Any]:
    return {"@id": address, "@type": "rdfs:Resource"}


def _time(begin: datetime | None, end: datetime | None) -> dict[str, Any]:
    if begin is None:
        return {}
    period: dict[str, Any] = {"@type": "dct:PeriodOfTime", "dcat:startDate": _instant(begin)}
    if end is not None:
        period["dcat:endDate"] = _instant(end)
    return {"dct:temporal": period}


def _space(box: Box | None) -> dict[str, Any]:
    """The rectangle and its middle; of one place alone that place."""
    if box is None or box.west is None or box.south is None or box.east is None or box.north is None:
        return {}
    west, south, east, north = map(_degrees, (box.west, box.south, box.east, box.north))
    middle = f"{_degrees((box.west + box.east) / 2)} {_degrees((box.south + box.north) / 2)}"
    location: dict[str, Any] = {"@type": "dct:Location", "dcat:centroid": _wkt(f"POINT({middle})")}
    if west != east and south != north:
        ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
        location["dcat:bbox"] = _wkt(f"POLYGON(({ring}))")
    return {"dct:spatial": location}


def _degrees(value: float) -> str:
    """An angle to 0.1 m, longitude first wherever two of them stand together."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _wkt(text: str) -> dict[str, str]:
    return {"@value": text, "@type": "geo:wktLiteral"}


def _english(text: str) -> dict[str, str]:
    return {"@value": text, "@language": "en"}


def _instant(at: datetime) -> dict[str, str]:
    return {"@value": at.isoformat(timespec="seconds").replace("+00:00", "Z"), "@type": "xsd:dateTime"}
