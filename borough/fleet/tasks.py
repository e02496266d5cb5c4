"""What may be sent to boroughs: commands that can be done again after a kill and then have done it once."""

from __future__ import annotations

from collections.abc import Sequence

from borough.errors import UsageError

#: The words that a task begins with, and options that it may not have, with the reason.
TASKS: dict[tuple[str, ...], dict[str, str]] = {
    ("analyse",): {
        "--watch": "a service runs beside its own borough",
        "--change-zone": "it is done once, where no other analysis runs",
    },
    ("publish",): {"--withdraw": "a snapshot is withdrawn in its own borough", "--reason": "it is said of --withdraw"},
    ("trial", "status"): {},
    ("complete",): {},
    ("maintain",): {},
    ("doctor",): {},
}


def as_json(words: Sequence[str]) -> tuple[str, ...]:
    """A task (`task`) whose answer is for programs; the option stands before arguments that may begin with --."""
    found = next(one for one in TASKS if tuple(words[: len(one)]) == one)
    return (*found, "--json", *words[len(found) :])


def task(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a task as they are sent. Raises UsageError where it is none that boroughs are sent."""
    given = tuple(words)
    known = ", ".join(" ".join(one) for one in TASKS)
    if not given:
        raise UsageError(f"say behind -- what each borough shall do: one of {known}")
    found = next((one for one in TASKS if given[: len(one)] == one), None)
    if found is None:
        raise UsageError(
            f"{' '.join(given[:2])!r} is sent to no borough; one of {known}: what can be done again after a kill"
            " without doing it twice"
        )
    rest = given[len(found) :]
    if found == ("analyse",) and rest and not rest[0].startswith("-"):
        raise UsageError(f"'analyse {rest[0]}' is sent to no borough; one of {known}")
    for word in rest:
        option = word.partition("=")[0]
        if option == "--json":
            raise UsageError("say --json before --, and the answers of all boroughs come as one document")
        if option in TASKS[found]:
            raise UsageError(f"{' '.join(found)} {option} is sent to no borough: {TASKS[found][option]}")
    return given
