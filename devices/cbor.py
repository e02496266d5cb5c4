"""CBOR from outside: tags that cost more than they say are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import cbor2

#: What `loads` raises for bytes that are no CBOR, or more than is taken of it.
ERRORS: Final = (cbor2.CBORDecodeError, ValueError, ArithmeticError, TypeError, RecursionError, MemoryError)

#: Longer exponents and mantissas are no measurement's [bits].
_BITS_MAXIMUM: Final = 256


def _fraction(power: Callable[[int, int], float]) -> Callable[[Any, bool], float]:
    """What makes a float of a pair of exponent and mantissa (RFC 8428 section 6 allows such)."""

    def decode(pair: Any, _immutable: bool) -> float:
        if not (isinstance(pair, list | tuple) and len(pair) == 2 and all(type(part) is int for part in pair)):
            raise ValueError
        exponent, mantissa = pair
        # to decimal and back takes time by the square of the length: seconds for one of 100 kB
        if max(exponent.bit_length(), mantissa.bit_length()) > _BITS_MAXIMUM:
            raise ValueError
        return power(exponent, mantissa)

    return decode


def _refuse(_value: Any, _immutable: bool) -> Any:
    raise ValueError


#: By tag. Patterns (35) and mail (36) are nothing of SenML's, and their parsers are slow.
_TAGS: Final = {
    4: _fraction(lambda exponent, mantissa: float(Decimal(mantissa).scaleb(exponent))),
    5: _fraction(lambda exponent, mantissa: math.ldexp(mantissa, exponent)),
    35: _refuse,
    36: _refuse,
}


def loads(payload: bytes) -> Any:
    """The value of CBOR bytes. Raises one of ``ERRORS``."""
    return cbor2.loads(payload, semantic_decoders=_TAGS)
