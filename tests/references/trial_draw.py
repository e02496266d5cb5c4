"""The draw of a trial by hand: digests as hexadecimal text, blocks as lists, no arrays."""

from __future__ import annotations

from hashlib import sha256


def arms(seed: str, trial: str, strata: dict[int, int], shares: list[int]) -> dict[int, tuple[int, int, int]]:
    """Of each tenancy in ``strata`` (tenancy: stratum), its arm, its block and the stratum that it was drawn in."""
    size = sum(shares)
    numbers = list(strata.values())
    drawn_in = {home: of if numbers.count(of) >= 2 * size else -1 for home, of in strata.items()}
    found = {}
    for stratum in set(drawn_in.values()):
        names = {sha256(f"home {seed} {trial} {home}".encode()).hexdigest(): home for home in strata
                 if drawn_in[home] == stratum}  # fmt: skip
        queue = [names[name] for name in sorted(names)]
        block = 0
        while queue:
            places = [arm for arm, share in enumerate(shares) for _ in range(share)]
            left = int(sha256(f"block {seed} {trial} {stratum} {block}".encode()).hexdigest(), 16)
            order = []
            for number in range(size, 1, -1):
                other = left % number
                left = left // number
                # what stands last goes to the place that was chosen, what stood there is dealt from the end
                order.append(places[other])
                places[other] = places[number - 1]
                places.pop()
            order += places
            for arm in reversed(order):
                if queue:
                    found[queue.pop(0)] = (arm, block, stratum)
            block += 1
    return found
