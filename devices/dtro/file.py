"""A D-TRO as a file of bays, such as ``borough bays import`` takes."""

from __future__ import annotations

from devices.bays_file import Among, BaysFile, Given
from devices.dtro.reading import read_dtro


def read_dtro_file(data: bytes) -> BaysFile:
    """Read a D-TRO; each bay is told by its provision. Raises RegistryError."""
    found = read_dtro(data)
    of = {bay.id: f"provision {bay.attributes.get('dtro_provision', bay.id)}" for bay in found.bays}
    here = [Given(f"suspension {one.reason!r}", one) for one in found.suspensions]
    there = [
        Given(f"suspension {one.reason!r}", one, among=Among(provision=reference)) for reference, one in found.elsewhere
    ]
    return BaysFile(
        bays=[Given(of[bay.id], bay) for bay in found.bays],
        suspensions=[*here, *there],
        left_out=found.left_out,
    )
