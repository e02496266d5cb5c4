"""Reasons of rejections in words: what each means, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping

#: Reason -> what happened, and what to do.
REASON_WORDS: Mapping[str, tuple[str, str]] = {
    "unreadable": (
        "The bytes are not what the format says.",
        "Look at the place where the decoder stopped. If the format changed, mend the mapping and try it here.",
    ),
    "oversize": (
        "The message is longer than is taken.",
        "Raise BOROUGH_PAYLOAD_MAXIMUM if such messages are right; only the beginning of this one was kept.",
    ),
    "empty": ("The message was read and holds no reading.", "Mend the mapping if it should hold one."),
    "unknown_device": (
        "Nobody registered the device that the topic names.",
        "Register it with borough devices add, then take its messages.",
    ),
    "retired_device": (
        "The device was taken out of service.",
        "Register it again if it is in use; else ask who still sends.",
    ),
    "unknown_topic": (
        "No subscription takes this topic, so its bytes were not kept.",
        "Add a subscription if the messages are wanted. What came before it cannot be taken.",
    ),
    "wrong_family": (
        "The topic names another family than the device is registered as.",
        "Register the device as what it is, or have it publish on the right topic.",
    ),
    "device_mismatch": (
        "The message names another device than its topic.",
        "Give the device its name as the attribute topic, or correct the gateway.",
    ),
    "no_codec": (
        "The bytes are raw, and the device's model has no codec.",
        "Register the device as its model, or add the codec.",
    ),
    "bad_time": ("The time cannot be read, or is one that the clocks skip.", "Mend the mapping's words for the time."),
    "time_out_of_range": (
        "The time is before the earliest that is taken, or ahead of the clock.",
        "What was only ahead of the clock can be taken once its time has come; else correct the device's clock.",
    ),
    "unknown_property": (
        "The device's family has no such property.",
        "Map it to a property of the family, or register the device as another family.",
    ),
    "bad_unit": ("The unit is none that can be converted.", "Say the unit in the mapping."),
    "bad_value": ("The value is no finite number.", "Mend the mapping, or say which values mean not measured."),
    "out_of_range": (
        "The value is outside what is plausible for the property.",
        "Look at the sensor and at the unit; a wrong unit is mended in the mapping.",
    ),
    "conflict": (
        "Another value was stored for the same time before.",
        "Nothing, if the first is right. Where the source may restate, say so in its subscription.",
    ),
    "unstorable": (
        "The database refused the message, and took the others of its batch.",
        "This is a fault of the program: keep the message, and tell whoever maintains it.",
    ),
}

#: What a trial says of a reading.
FATE_WORDS: Mapping[str, str] = {
    "new": "would be stored",
    "there": "is stored already",
    "replaces": "would replace the stored value",
    "period": "would be stored unless its period has a reading",
}

#: What a trial says of a message.
OUTCOME_WORDS: Mapping[str, str] = {
    "taken": "would be taken",
    "in part": "would be taken in part",
    "rejected": "would be rejected again",
    "gone": "cannot be tried, for want of their bytes",
}
