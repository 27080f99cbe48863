"""Randomness as a pure function of (seed, place): nothing random streams, so nothing of it is ever saved."""

from hashlib import blake2b

import numpy as np


def random_key(seed: int, *place: int | str) -> int:
    """A 63-bit integer that depends on the seed and the place alone, the same on every machine."""
    text = "\x1f".join([str(seed), *(str(part) for part in place)])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def random_generator(seed: int, *place: int | str) -> np.random.Generator:
    """A fresh counter-based (Philox) generator for one place, e.g. `("order", epoch)`."""
    return np.random.Generator(np.random.Philox(key=random_key(seed, *place)))
