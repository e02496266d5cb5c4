"""Which regulations of a D-TRO are bays, of which kind, and what the others are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devices.dtro.conditions import Fact
from devices.dtro.looking import Object

VERSION = "4.0.0"

_LOADING = (
    "kerbsideLoadingBay", "kerbsideLoadingBayPassengerSetDownPermitted", "kerbsideLoadingBayPassengerSetDownProhibited",
    "kerbsideLoadingPlace", "kerbsideLoadingPlacePassengerSetDownPermitted",
    "kerbsideLoadingPlacePassengerSetDownProhibited",
)  # fmt: skip
#: Types of regulations that are bays -> our kind; a ``kerbsideParkingPlace`` may be one of `SHARED` too.
KIND_OF: Mapping[str, str] = {
    "kerbsidePermitParkingPlace": "resident-permit",
    "kerbsidePaymentParkingPlace": "pay",
    "kerbsideLimitedWaiting": "limited-waiting",
    "kerbsideDisabledBadgeHoldersOnly": "disabled",
    **dict.fromkeys(_LOADING, "loading"),
    "kerbsideTaxiRank": "taxi",
    "kerbsideMotorcycleParkingPlace": "motorcycle",
    "kerbsideParkingPlace": "unrestricted",
    "miscTemporaryParkingBay": "unrestricted",
}
#: Kinds that D-TRO has no type for: a parking place with a condition.
SHARED = ("electric", "car-club")
#: Our kind -> the type that is written.
TYPE_OF: Mapping[str, str] = {
    "resident-permit": "kerbsidePermitParkingPlace",
    "pay": "kerbsidePaymentParkingPlace",
    "limited-waiting": "kerbsideLimitedWaiting",
    "disabled": "kerbsideDisabledBadgeHoldersOnly",
    "loading": "kerbsideLoadingBay",
    "taxi": "kerbsideTaxiRank",
    "motorcycle": "kerbsideMotorcycleParkingPlace",
    **dict.fromkeys((*SHARED, "unrestricted"), "kerbsideParkingPlace"),
}
SUSPENSION = "miscBaySuspension"
#: What begins a tariff's words at the end of a provision's description.
TARIFF = " Tariff: "

#: Types about kerbs that are no bays, with what they are.
_ZONES = ("kerbsideControlledParkingZone", "kerbsideRestrictedParkingZone", "kerbsidePermitParkingArea")
_OTHERS: Mapping[str, str] = {
    **dict.fromkeys(_ZONES, "a zone without marked bays"),
    "kerbsideFootwayParking": "parking on the footway, without marked bays",
    "miscSuspensionOfParkingRestriction": "a suspension of rules, not of bays",
    "miscTemporaryParkingRestriction": "a temporary prohibition, no bay",
    "miscCycleHireParking": "parking of cycles",
    "miscCycleParking": "parking of cycles",
    "nonOrderKerbsideBusStop": "a bus stop, no bay",
    "nonOrderKerbsidePedestrianCrossing": "a crossing, no bay",
}

#: Provisions at these points of a procedure are no rule that holds.
NOT_IN_FORCE: Mapping[str, str] = {
    "permanentNoticeOfProposal": "is proposed, not made",
    "ttroTtmoNoticeOfIntention": "is intended, not made",
    "permanentRevocation": "is revoked",
    "experimentalRevocation": "is revoked",
    "ttroTtmoRevocation": "is revoked",
}

#: What a condition says of a kind, beyond its type: this one need not be told.
_ELECTRIC = {"battery", "electric"}
_CAR_CLUB = ("carclub", "carsharing")
#: What a scheme of permits is called: it becomes the bay's zone.
_PERMIT_NAMES = ("schemeIdentifier", "permitIdentifier", "locationRelatedPermit")


def what_else(regulation: str) -> str:
    """What a regulation is that is no bay and no suspension of bays."""
    if regulation in _OTHERS:
        return _OTHERS[regulation]
    return "a prohibition, no bay" if regulation.startswith("kerbside") else "not about bays"


def is_prohibition(regulation: object) -> bool:
    """Whether a regulation forbids to wait, so that bays at its very place are exemptions from it and not marked."""
    if not isinstance(regulation, str) or regulation in KIND_OF or regulation in _OTHERS:
        return False
    return regulation.startswith("kerbside")


def is_electric(fact: Fact) -> bool:
    """Whether a condition means electric vehicles."""
    says = fact.says
    if fact.about != "vehicleCharacteristics" or fact.negated or not fact.alone:
        return False
    fuels = says.get("fuelType")
    if set(says) == {"fuelType"} and isinstance(fuels, list):
        return bool(fuels) and all(isinstance(fuel, str) and fuel in _ELECTRIC for fuel in fuels)
    return set(says) == {"electricChargingCharacteristic"}


def is_car_club(fact: Fact) -> bool:
    """Whether a condition means vehicles of a car club."""
    extension = fact.says.get("vehicleUsageTypeExtension")
    if fact.about != "vehicleCharacteristics" or fact.negated or not fact.alone or not isinstance(extension, dict):
        return False
    value = str(extension.get("value", "")).lower().replace("-", "").replace(" ", "").replace("_", "")
    return value in _CAR_CLUB and set(fact.says) == {"vehicleUsage", "vehicleUsageTypeExtension"}


def kind_of(regulation: str, facts: Sequence[Fact]) -> tuple[str, list[Fact]]:
    """Our kind of a bay, and the conditions that it does not say by itself."""
    kind = KIND_OF[regulation]
    if kind == "unrestricted":
        kind = next(
            (found for found, means in zip(SHARED, (is_electric, is_car_club), strict=True) if any(map(means, facts))),
            kind,
        )
    return kind, [fact for fact in facts if not _said(kind, fact)]


def _said(kind: str, fact: Fact) -> bool:
    """Whether a kind says what a condition says."""
    if fact.negated or not fact.alone:
        return False
    match kind:
        case "electric":
            return is_electric(fact)
        case "car-club":
            return is_car_club(fact)
        case "disabled":
            return (fact.about, dict(fact.says)) in (
                ("occupantCondition", {"disabledWithPermit": True}),
                ("driverCondition", {"driverCharacteristics": "disabledWithPermit"}),
            )
        case "resident-permit":
            says = {name: said for name, said in fact.says.items() if name not in _PERMIT_NAMES}
            return fact.about == "permitCondition" and says == {"type": "resident"}
        case "taxi" | "motorcycle":
            return fact.about == "vehicleCharacteristics" and dict(fact.says) == {"vehicleType": kind}
    return False


def condition_of(kind: str, zone: str) -> Object | None:
    """The condition that a written bay has beside its times; None where its type says it."""
    match kind:
        case "resident-permit":
            return {"permitCondition": {"type": "resident", "schemeIdentifier": zone}}
        case "disabled":
            return {"occupantCondition": {"disabledWithPermit": True}}
        case "electric":
            return {"vehicleCharacteristics": {"fuelType": ["electric"]}}
        case "car-club":
            extension = {
                "definition": "vehicle of a car club",
                "enumeratedList": "vehicleUsageType",
                "value": "carClub",
            }
            return {"vehicleCharacteristics": {"vehicleUsage": "other", "vehicleUsageTypeExtension": extension}}
    return None
