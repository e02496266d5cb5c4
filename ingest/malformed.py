"""PUBLISH packets that the codec refuses: taken apart by hand, so that they can be rejected and acknowledged."""

from __future__ import annotations

_PUBLISH = 3


def is_panic(error: BaseException) -> bool:
    """Whether it is the codec's PanicException, which is no Exception and has no type to be named by."""
    return type(error).__name__ == "PanicException"


def lenient_publish(view: memoryview) -> tuple[str, bytes, int, int] | None:
    """Topic, payload, packet id and size of a PUBLISH whose topic or properties the codec refuses.

    None if it is hopeless, or another packet.

    Such a message must be rejected and acknowledged, or the broker would deliver it again for ever.
    """
    size = 0
    if view[0] >> 4 != _PUBLISH:
        return None
    for position in range(1, min(5, len(view))):
        size |= (view[position] & 0x7F) << 7 * (position - 1)
        if not view[position] & 0x80:
            break
    else:
        return None
    start, end = position + 1, position + 1 + size
    if size < 2 or end > len(view):
        return None
    body = bytes(view[start:end])
    topic_end = 2 + int.from_bytes(body[:2])
    rest = topic_end + (2 if view[0] & 0x06 else 0)
    if rest > size:
        return None
    packet_id = int.from_bytes(body[topic_end:rest])
    topic = body[2:topic_end].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    if rest < size and body[rest] < 0x80:  # the properties and their length, where it can be believed
        rest = min(rest + 1 + body[rest], size)
    return topic, body[rest:], packet_id, end
