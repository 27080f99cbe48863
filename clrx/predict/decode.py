"""Images decoded a chunk at a time by processes, the next chunk while the caller works on the present one.

The pixels are those that a run is trained on: the same code decodes them (clrx.data.decode). Memory is that of two
chunks, however many images there are.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from clrx.data.decode.pool import Job, cores, decode_all
from clrx.data.decode.worker import DISK, DONE, identity
from clrx.predict.images import Image, chunks

CHUNK_BYTES, MOST = 32 << 20, 4096  # of the pixels of a chunk; images of a chunk

Shape = tuple[int, int]  # size, channels


@dataclass(frozen=True)
class Chunk:
    """Some images in the order in which they were named."""

    images: list[Image]
    pixels: dict[Shape, np.ndarray]  # each uint8 (n, channels, size, size): of the readable ones
    readable: np.ndarray  # (n,) int64 positions in `images`
    failed: list[tuple[int, str]]  # position and reason of each that is not


def decoded(
    images: Iterator[Image], shapes: Sequence[Shape], workers: int | None = None, batch: int = 1
) -> Iterator[Chunk]:
    """Chunks of the images, decoded to each of the shapes; a chunk is a whole number of batches of `batch` images."""
    largest = max(size * size * channels for size, channels in shapes) * len(shapes)
    count = max(1, min(MOST, CHUNK_BYTES // largest) // batch) * batch
    parts = chunks(images, count)
    with ThreadPoolExecutor(1, thread_name_prefix="clrx-decode") as thread:
        first = next(parts, None)
        waiting = thread.submit(_decode, first, shapes, workers) if first else None
        while waiting is not None:
            present = waiting.result()
            following = next(parts, None)
            waiting = thread.submit(_decode, following, shapes, workers) if following else None
            yield present


def _decode(images: list[Image], shapes: Sequence[Shape], workers: int | None) -> Chunk:
    reasons: dict[int, str] = {}
    pixels: dict[Shape, np.ndarray] = {}
    for shape in dict.fromkeys(shapes):
        pixels[shape], failed = _pixels(images, shape, workers)
        reasons |= failed
    readable = np.array([number for number in range(len(images)) if number not in reasons], dtype=np.int64)
    if reasons:
        pixels = {shape: array[readable] for shape, array in pixels.items()}
    return Chunk(images, pixels, readable, sorted(reasons.items()))


def _pixels(images: list[Image], shape: Shape, workers: int | None) -> tuple[np.ndarray, dict[int, str]]:
    """Pixels (n, channels, size, size) of some images, and the reason of each that cannot be read."""
    size, channels = shape
    jobs = [Job(row, image.file, *identity(image.file)) for row, image in enumerate(images)]
    failed: dict[int, str] = {}
    wanted = min(workers or cores(), len(jobs))
    with tempfile.TemporaryFile() as file:
        file.truncate(len(jobs) * channels * size * size)
        settings = [file.fileno(), 0, size, channels, "/"]
        with closing(decode_all(jobs, len(jobs), settings, wanted, (file.fileno(),))) as answers:
            for answer in (one for batch in answers for one in batch):
                if answer.kind == DISK:
                    raise OSError(int(answer.text), os.strerror(int(answer.text)), tempfile.gettempdir())
                if answer.kind != DONE:
                    failed[answer.row] = answer.text
        file.seek(0)
        flat = np.frombuffer(bytearray(file.read()), np.uint8)
    return flat.reshape(len(jobs), channels, size, size), failed
