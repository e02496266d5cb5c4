"""From a topic to what its messages need: device, decoder, series indexes. Each topic is worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from devices.decoding import STATUS, Binding, Decode, Decoded, Format, Reason, Rejection
from devices.device import DEVICE_ID, Device
from devices.families import FAMILIES, UNKNOWN
from devices.scrub import Scrub, any_scrub
from ingest.device_names import Names, Place, Taker
from ingest.households import Households
from ingest.series_cache import FAMILY_NUMBER, NewSeries, keep_rule
from ingest.subscriptions import Subscription
from ingest.suppressions import Suppressions
from ingest.unread import UnreadNames
from store.tombstones import Tombstone

#: So many topics are remembered; a flood of invented ones empties the cache and no more.
_ROUTES_MAXIMUM = 400_000
#: So many topics whose messages are all rejected are remembered, and so many characters of them: a topic may be 64 kB.
_REFUSED_MAXIMUM = 10_000
_REFUSED_CHARACTERS = 4_000_000


class Route:
    """What all messages of one topic share.

    ``device_id`` is what the topic says, also where no such device is registered; ``device`` the registered one.
    ``slots`` (property to series index) is shared by all routes of a device. ``scrub`` takes a household's identifiers
    out of a message that is kept, read or rejected. ``instead``: the device is not to be taken (erased,
    retired); its messages are read all the same, since a reading of a refused period is counted so, and rejected
    otherwise.
    ``restates``: the subscription that gives the right to restate, in words for the record; empty where none does.
    ``refuses``: every message is rejected. ``unsure``: for one message of an unknown id, not to be remembered.
    """

    __slots__ = (
        "decode", "device", "device_id", "family", "instead", "personal", "properties", "refuses", "restates", "scrub",
        "slots", "unsure",
    )  # fmt: skip

    def __init__(
        self,
        decode: Decode,
        device_id: str | None,
        device: Device | None,
        slots: dict[str, int],
        scrub: Scrub = any_scrub,
        instead: tuple[Reason, str] | None = None,
    ) -> None:
        self.decode = decode
        self.scrub = scrub
        self.instead = instead
        self.device_id = device_id
        self.restates = ""
        self.refuses = False
        self.unsure = False
        self.device = device
        self.slots = slots
        self.family = FAMILY_NUMBER[device.family if device else UNKNOWN]
        self.properties = FAMILIES[device.family].properties if device else {}
        # an unregistered meter's message can carry its number
        self.personal = device is None or device.personal or FAMILIES[device.family].personal

    def take(self, other: Route) -> None:
        """Become another route of the same topic."""
        for name in Route.__slots__:
            if name != "restates":
                setattr(self, name, getattr(other, name))


class Routes:
    """The registry as the collector sees it, and the routes of every topic met so far."""

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        formats: Mapping[str, Format],
        *,
        keep: Mapping[str, Mapping[str, float]],
        auto_register: Literal["real", "simulated"] | None,
        suppressions: Suppressions | None = None,
        unread: UnreadNames | None = None,
    ) -> None:
        self._takers = [Taker(item, formats[item.format]) for item in subscriptions]
        #: whether any subscription gives the right to restate
        self.restates = any(item.restates for item in subscriptions)
        self._unread = unread
        self._keep = keep
        self._auto_register = auto_register
        self._devices: dict[str, Device] = {}
        self._names = Names()
        self._series_indexes: dict[str, dict[str, int]] = {}
        self._erased: dict[str, dict[str, int]] = {}
        self._suppressions = suppressions if suppressions is not None else Suppressions(None)
        self.by_topic: dict[str, Route] = {}
        #: whose names make a rejection personal
        self.households = Households()
        self._refused: list[str] = []
        self._refused_characters = 0
        self.series_count = 0
        #: devices and series that the store has not seen yet; the batch builder takes them over
        self.new_devices: list[Device] = []
        self.new_series: list[NewSeries] = []

    def update(self, devices: Iterable[Device]) -> None:
        """Take over changed devices. Their routes are worked out anew; series stay, unless their rules changed."""
        changed = False
        for device in devices:
            old = self._devices.get(device.id)
            if old == device:
                continue
            self._devices[device.id] = device
            self._names.update(device)
            self.households.update(device)
            if old is not None and _series_of(old) != _series_of(device):
                self._series_indexes.pop(device.id, None)
            changed = True
        if changed:
            self.by_topic.clear()

    def devices(self) -> Iterable[Device]:
        """All devices, retired ones too."""
        return self._devices.values()

    def forget(self, tombstones: Sequence[Tombstone]) -> None:
        """Tombstones were written or changed: let go of devices that were erased, and work all routes out anew.

        Their devices get new series in any case: one that was erased and registered again since we looked last looks
        like the old one, and its series is another.
        """
        if not tombstones:
            return
        gone = {row.mark: row.gone for row in tombstones if row.kind == "meter"}
        for device_id in [name for name in self._devices if self._suppressions.device_hash(name) in gone]:
            self._series_indexes.pop(device_id, None)
            if gone[self._suppressions.device_hash(device_id)]:
                del self._devices[device_id]
                self._names.forget(device_id)
                self.households.forget(device_id)
        self.by_topic.clear()

    def find(self, topic: str) -> Route:
        """The route of a topic: one that rejects every message where nothing else can be done."""
        if len(self.by_topic) >= _ROUTES_MAXIMUM:
            self.by_topic.clear()
        route = self._find(topic)
        if route.refuses:
            self._note_refused(topic)
        if not route.unsure:
            self.by_topic[topic] = route
        return route

    def _note_refused(self, topic: str) -> None:
        self._refused.append(topic)
        self._refused_characters += len(topic)
        if len(self._refused) > _REFUSED_MAXIMUM or self._refused_characters > _REFUSED_CHARACTERS:
            for old in self._refused:
                found = self.by_topic.get(old)
                if found is not None and found.refuses:
                    del self.by_topic[old]
            self._refused, self._refused_characters = [topic], len(topic)

    def _find(self, topic: str) -> Route:
        erased = (lambda name: self._suppressions.of(name) is not None) if self._suppressions else None
        place = self._names.place(self._takers, topic, erased)
        if place is None:
            return _refusing(Reason.UNKNOWN_TOPIC, "no subscription takes this topic", None, None)
        route = self._bind(place)
        route.restates = place.restates
        return route

    def _bind(self, place: Place) -> Route:
        device_id, format_ = place.device_id, place.format
        device = self._devices.get(device_id)
        if device is None:
            if device_id in format_.no_devices:
                return Route(_no_reading, None, None, {}, format_.scrub)
            erased_device = self._suppressions.erased_device(device_id)
            if erased_device is not None:
                instead = (Reason.UNKNOWN_DEVICE, f"device {device_id} is not registered")
                return self._route(place, erased_device, instead)
            if not DEVICE_ID.match(device_id):
                detail = "the topic's device id is not a valid one, and no device has it as its attribute topic"
                return _refusing(Reason.UNKNOWN_DEVICE, detail, None, None, format_.scrub)
            candidate = self._candidate(format_, device_id, place.family)
            if candidate is not None:
                return self._unsure(place, candidate)
        if device is None:
            return _refusing(
                Reason.UNKNOWN_DEVICE, f"device {device_id} is not registered", device_id, None, format_.scrub
            )
        if device.retired:
            detail = f"device {device_id} is retired"
            if self._suppressions.of(device_id) is not None:
                return self._route(place, device, (Reason.RETIRED_DEVICE, detail))
            return _refusing(Reason.RETIRED_DEVICE, detail, device_id, device, format_.scrub)
        return self._route(place, device, None)

    def _route(self, place: Place, device: Device, instead: tuple[Reason, str] | None) -> Route:
        device_id, format_, family = device.id, place.format, place.family
        if family is not None and family != device.family:
            detail = f"the topic says {family}, device {device_id} is registered as {device.family}"
            # its bytes may be of what the topic says as well as of what is registered
            route = _refusing(Reason.WRONG_FAMILY, detail, device_id, device, format_.scrub)
            route.personal |= family in FAMILIES and FAMILIES[family].personal
            return route
        binding = Binding(device_id, device.family, device.model, device.attributes, place.ending, place.by_property)
        try:
            decode = format_.bind(binding)
        except Rejection as error:
            return _refusing(error.reason, error.detail, device_id, device, format_.scrub)
        slots = (self._series_indexes if instead is None else self._erased).setdefault(device_id, {})
        route = Route(decode, device_id, device, slots, format_.scrub, instead)
        if self._unread is not None and instead is None:
            self._look_once(route, format_, binding)
        return route

    def _look_once(self, route: Route, format_: Format, binding: Binding) -> None:
        """Have the first message of a route looked through for what nobody reads in it; the others cost nothing."""
        decode, find, names = route.decode, format_.unread, self._unread
        if find is None or names is None:
            return

        def first(payload: bytes) -> Decoded:
            route.decode = decode
            names.note(binding, format_.name, find(binding, payload))
            return decode(payload)

        route.decode = first

    def look_again(self) -> None:
        """Work all routes out anew, so that the next message of each is looked through again."""
        self.by_topic.clear()

    def _candidate(self, format_: Format, device_id: str, family: str | None) -> Device | None:
        """The device as which an unknown id may be registered; None where it may not."""
        family = family or format_.family
        if self._auto_register is None or family is None or family not in FAMILIES:
            return None
        native = format_.name in ("native", "senml-json", "senml-cbor")
        return Device(
            device_id,
            family,
            "native" if native else format_.name,
            origin=self._auto_register,
            personal=FAMILIES[family].personal,
        )

    def _unsure(self, place: Place, device: Device) -> Route:
        """A route for one message of an unknown id: it is registered once a message of it is read, and not before."""
        found = self._route(place, device, None)
        detail = f"device {device.id} is not registered"
        route = _refusing(Reason.UNKNOWN_DEVICE, detail, device.id, None, place.format.scrub)
        if found.refuses:
            return route

        def decode(payload: bytes) -> Decoded:
            try:
                decoded = found.decode(payload)
            except Rejection as error:
                raise Rejection(Reason.UNKNOWN_DEVICE, f"{detail}, and no message of it was read: {error}") from None
            _, values, _ = decoded
            names = [name for name, *_ in values] if isinstance(values, list) else values
            if not any(name in found.properties for name in names):
                raise Rejection(Reason.UNKNOWN_DEVICE, f"{detail}, and this message holds no reading")
            if device.id not in self._devices:
                self._devices[device.id] = device
                self._names.update(device)
                self.households.update(device)
                self.new_devices.append(device)
            route.take(found)
            return decoded

        route.decode, route.refuses, route.unsure = decode, False, True
        return route

    def slot(self, route: Route, property_name: str) -> int | None:
        """The series index of a property of a device, given now if need be; None where the family has no such one."""
        if route.device is None or property_name not in route.properties:
            return None
        slot = route.slots[property_name] = self.series_count
        self.series_count += 1
        keep = keep_rule(route.device, property_name, self._keep)
        self.new_series.append(NewSeries(route.device, property_name, keep, erased_device=route.instead is not None))
        return slot


def _series_of(device: Device) -> tuple[str | None, ...]:
    """What a device's series are judged by: ranges follow family and capacity, keep rules the model."""
    return device.family, device.model, device.attributes.get("capacity")


def _no_reading(_payload: bytes) -> Decoded:
    return STATUS


def _refusing(
    reason: Reason, detail: str, device_id: str | None, device: Device | None, scrub: Scrub = any_scrub
) -> Route:
    def refuse(_payload: bytes) -> Decoded:
        raise Rejection(reason, detail)

    refuse_: Callable[[bytes], Decoded] = refuse
    route = Route(refuse_, device_id, device, {}, scrub)
    route.refuses = True
    return route
