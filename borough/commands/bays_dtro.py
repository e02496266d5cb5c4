"""The order that ``borough bays export --format d-tro`` writes: what its options and the settings say of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer

from borough.errors import UsageError
from borough.settings.settings import Settings, variable
from devices.bays import Register
from devices.dtro.writing import Order, write_dtro
from devices.registry import RegistryError

FORMAT = "d-tro"

Authority = Annotated[
    str, typer.Option(help="With d-tro: number of the traffic regulation authority, else the setting's.")
]
Reference = Annotated[str, typer.Option(help="With d-tro: reference of the order, else by authority and day.")]
Name = Annotated[str, typer.Option(help="With d-tro: title of the order, else by the council's name.")]
Made = Annotated[str, typer.Option(help="With d-tro: day on which it was made, such as 2026-03-01, else today.")]
InForce = Annotated[str, typer.Option(help="With d-tro: day on which it comes into force, else as made.")]


def refuse_without_dtro(form: str, given: Sequence[str]) -> None:
    """Raises UsageError where options of an order are given for another format."""
    if form != FORMAT and any(given):
        raise UsageError(f"--authority, --reference, --name, --made and --in-force belong to --format {FORMAT}")


def dtro(register: Register, settings: Settings, today: date, given: tuple[str, str, str, str, str]) -> str:
    """The register as a D-TRO; ``given``: authority, reference, name, made, in force, each perhaps empty.

    Raises UsageError.
    """
    authority, reference, name, made_text, in_force = given
    number = settings.dtro_authority
    if authority:
        number = int(authority) if authority.isascii() and authority.isdigit() and len(authority) < 10 else 0
    if number is None:
        raise UsageError(f"say the authority's number with --authority, or set {variable('dtro_authority')}")
    made = _day("--made", made_text) or today
    try:
        order = Order(
            number,
            reference or f"{number}-bays-{made}",
            name or f"{settings.council_name}: parking places",
            made,
            _day("--in-force", in_force) or made,
        )
    except ValueError as error:
        raise UsageError(f"{error}; --authority is the number that the Department for Transport gave") from None
    try:
        return write_dtro(register.bays, register.suspensions, order).decode()
    except RegistryError as error:
        raise UsageError("nothing was written:", [str(problem) for problem in error.problems]) from None


def _day(option: str, text: str) -> date | None:
    if not text:
        return None
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass  # said below, as for any other text
    raise UsageError(f"{option} {text!r} is no day such as 2026-03-01")
