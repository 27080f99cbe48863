"""Random numbers as a pure function of a seed and a key: no stream of them is ever saved or restored.

What is random in a run depends on its seed and on the key alone, never on what was random before it. So a run can be
continued from any step, repeated, and compared with another of the same seed. The key names the random thing:

    "init", part        the initial weights of the body or the head
    "order", epoch      the order of the training images in an epoch
    "augment", step     the augmentation of the images of a step
    "mix", step         the partners and shares of mixup and cutmix
    "step", step        dropout
    "balanced", class   the images of a class that are kept of a balanced data set
    "range_test", n     the n-th pass of a range test
    "phantom", part     the patients, textures and findings of synthetic radiographs
    "split", group      the part of the data (training, validation, test) that a group falls into
    "bootstrap", n      the groups of the n-th resample of a test set

A new random thing takes a key that no other has.
"""

from hashlib import blake2b

import numpy as np


def random_key(seed: int, *key: int | str) -> int:
    """A 63-bit integer that depends on the seed and the key alone, the same on every machine.

    The parts of the key are joined by a character that no name has: ("a", 11) and ("a1", 1) differ.
    """
    text = "\x1f".join([str(seed), *(str(part) for part in key)])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def random_generator(seed: int, *key: int | str) -> np.random.Generator:
    """A new generator at the beginning of the stream of a seed and a key.

    Its numbers come from a counter (Philox; Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), so
    neighbouring keys give independent streams.
    """
    return np.random.Generator(np.random.Philox(key=random_key(seed, *key)))
