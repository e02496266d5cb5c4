"""Who gets what: homes drawn for the arms of a trial, in blocks within strata, by SHA-256 alone.

No generator of NumPy or Python has a part in it, so the same seed gives the same arms on every version of both, and
anybody can make the draw again with nothing but SHA-256. Texts are UTF-8, numbers are written in decimal:

1. The homes of a stratum stand in rising order of SHA-256("home SEED TRIAL TENANCY").
2. They are cut into blocks of as many homes as the shares have parts; the last block of a stratum may be shorter.
3. The places of a block hold the arms, the control first, each as often as its share says. They are shuffled (Fisher
   and Yates; Durstenfeld 1964) from the last place down: place i changes with place n mod (i + 1), then n becomes
   n // (i + 1), where n begins as SHA-256("block SEED TRIAL STRATUM BLOCK"), read as one big-endian number.
4. The homes of the block get the arms in that order; a shorter block takes as many as it has homes.

So in each whole block the shares are exact, in a shorter one every home still has the chances that the shares say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: The stratum of those whose own is too small for two blocks.
REST: Final = -1
#: Of a block: up to here 256 bits shuffle it with a bias below 2 to the power of -128.
LONGEST: Final = 34

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Int8 = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Draw:
    """``(homes,)`` each, in the order of the list that was drawn from. ``arm``: place in the shares, the control 0.
    ``block``: from 0 in each stratum. ``stratum``: as given, or `REST`."""

    arm: Int8
    block: Int32
    stratum: Int32


def draw(seed: str, trial: int | str, tenancy: Int64, stratum: NDArray[np.integer], shares: Sequence[int]) -> Draw:
    """The arms of ``tenancy`` ``(homes,)``, in whatever order they stand, by their ``stratum`` ``(homes,)``, from 0.

    ``seed``, ``trial``: words without a space; a trial's number or name. ``shares``: homes of each arm in a block, the
    control first; (2, 2) is the same as (1, 1). A stratum of less than two blocks joins the `REST`.

    Raises ValueError, in words, on what cannot be drawn from.
    """
    parts = parts_of(shares)
    _check(seed, trial, tenancy, stratum)
    deck = [arm for arm, part in enumerate(parts) for _ in range(part)]
    joined = join(stratum, len(deck))
    salt = f"{seed} {trial}"
    digest = [sha256(f"home {salt} {number}".encode()).digest() for number in tenancy.tolist()]
    strata = joined.tolist()
    # who has the same stratum and digest is the same home
    order = sorted(range(len(digest)), key=lambda home: (strata[home], digest[home]))
    arm = np.zeros(len(tenancy), np.int8)
    block = np.zeros(len(tenancy), np.int32)
    start = 0
    while start < len(order):
        of = strata[order[start]]
        end = start
        while end < len(order) and strata[order[end]] == of:
            end += 1
        for number, first in enumerate(range(start, end, len(deck))):
            homes = order[first : min(first + len(deck), end)]
            arm[homes] = _shuffled(deck, sha256(f"block {salt} {of} {number}".encode()).digest())[: len(homes)]
            block[homes] = number
        start = end
    return Draw(arm, block, joined)


def parts_of(shares: Sequence[int]) -> tuple[int, ...]:
    """Shares in lowest terms, the control first. Raises ValueError on shares that make no trial."""
    if len(shares) < 2 or any(share < 1 for share in shares):
        raise ValueError("a trial needs the control and an arm beside it, each with a share of 1 or more")
    common = gcd(*shares)
    parts = tuple(int(share) // common for share in shares)
    if sum(parts) > LONGEST:
        raise ValueError(
            f"shares of {' : '.join(map(str, parts))} make blocks of {sum(parts)}, and a "
            f"block holds {LONGEST} at most: choose shares with smaller numbers"
        )
    return parts


def join(stratum: NDArray[np.integer], size: int) -> Int32:
    """Strata ``(homes,)`` as they are drawn in: those of less than two blocks of ``size`` homes are the `REST`."""
    _, place, count = np.unique(stratum, return_inverse=True, return_counts=True)
    return np.where(count[place] < 2 * size, REST, stratum).astype(np.int32)


def digest(tenancy: Int64, stratum: NDArray[np.integer]) -> str:
    """SHA-256 of the list that is drawn from, in hexadecimal, whatever its order: a line ``TENANCY STRATUM`` each,
    rising."""
    order = np.argsort(tenancy, kind="stable")
    lines = zip(tenancy[order].tolist(), stratum[order].tolist(), strict=True)
    return sha256("".join(f"{number} {of}\n" for number, of in lines).encode()).hexdigest()


def check(recorded: str, tenancy: Int64, stratum: NDArray[np.integer]) -> None:
    """Nothing, if this is the list whose `digest` was ``recorded``. Raises ValueError, in words, if it is not."""
    found = digest(tenancy, stratum)
    if found != recorded:
        raise ValueError(
            "the list of eligible homes is not the one that was drawn from: its SHA-256 begins "
            f"{found[:12]}, recorded is {recorded[:12]}. Arms drawn from it would not be those of the trial"
        )


def _check(seed: str, trial: int | str, tenancy: Int64, stratum: NDArray[np.integer]) -> None:
    for name, word in (("seed", seed), ("trial", str(trial))):
        if not word.isprintable() or not word or any(letter.isspace() for letter in word):
            raise ValueError(f"the {name} of a draw is a printable word without spaces, not {word!r}")
    if tenancy.ndim != 1 or tenancy.shape != stratum.shape:
        raise ValueError(f"tenancies {tenancy.shape} and strata {stratum.shape} do not belong together")
    if not np.issubdtype(tenancy.dtype, np.integer) or not np.issubdtype(stratum.dtype, np.integer):
        raise ValueError("tenancies and strata are whole numbers")
    if len(np.unique(tenancy)) < len(tenancy):
        raise ValueError("a home stands twice in the list")
    if len(stratum) and stratum.min() < 0:
        raise ValueError("strata are numbers from 0 on")


def _shuffled(deck: Sequence[int], of: bytes) -> list[int]:
    """The deck in the order that 32 bytes say (rule 3 above)."""
    cards = list(deck)
    number = int.from_bytes(of, "big")
    for place in range(len(cards) - 1, 0, -1):
        number, other = divmod(number, place + 1)
        cards[place], cards[other] = cards[other], cards[place]
    return cards
