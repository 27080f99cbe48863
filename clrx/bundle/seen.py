"""Which patients and images a network has seen in training, as hashes: found again in another set, and left out.

A hash hides no name that can be guessed: it keeps names out of sight, and is no anonymisation.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from clrx.core.errors import UserError

LENGTH = 16  # hex digits kept of a hash: 64 bits


@dataclass(frozen=True)
class Seen:
    """Hashes of what a run was trained on or chose by: patients by name, images by their decoded pixels."""

    dataset: str  # whose patients they are
    patients: frozenset[str]
    images: frozenset[str]


def patient_hash(name: str) -> str:
    """The hash of a patient's name."""
    return hashlib.sha256(b"clrx patient\0" + str(name).encode()).hexdigest()[:LENGTH]


def image_hashes(digests: np.ndarray) -> list[str]:
    """The hashes of images from the digests of their rows in a cache (N, 16) uint8."""
    return [bytes(row).hex()[:LENGTH] for row in np.asarray(digests)]


def seen_text(dataset: str, patients: Iterable[str], digests: np.ndarray) -> str:
    """seen.json of a run: of the names of its training and validation patients, and of those images' digests."""
    found = {
        "dataset": dataset,
        "patients": sorted({patient_hash(name) for name in patients}),
        "images": sorted(set(image_hashes(digests))),
    }
    return json.dumps(found, separators=(",", ":")) + "\n"


def read_seen(text: bytes | str, where: str) -> Seen:
    """The content of a seen.json; UserError where it is damaged."""
    try:
        found = json.loads(text)
        return Seen(str(found["dataset"]), frozenset(found["patients"]), frozenset(found["images"]))
    except (ValueError, KeyError, TypeError):
        raise UserError("seen.json cannot be read: it is damaged", where=where) from None
