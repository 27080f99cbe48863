"""Images and labels to the device, a batch at a time.

Images that fit the budget move to an accelerator whole, once; on CPU they are read where they lie, as the
page cache holds them. Others are gathered from the memory map by background threads, a few batches ahead,
into pinned memory, from which the copy to the device runs beside the computation.
"""

import mmap
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from clrx.data.cache.files import Pixels

AHEAD = 3  # batches gathered before they are asked for: one being copied, one ready, one being filled
THREADS = 2  # that gather; reading from disk, not copying, is what they wait for
CHUNK_BYTES = 256 << 20  # of the map brought to the device at once
GROUP_BYTES = 256 << 10  # of a map that stays in memory, announced together

Take = Callable[[np.ndarray], tuple[Tensor, np.ndarray]]  # rows -> (their images, rows)


@dataclass
class Feed:
    """Batches of one array of images. `wait_seconds` is how long its streams have waited for data so far."""

    images: np.ndarray  # uint8 (N, C, H, W), or features float32 (N, D); in memory or mapped
    labels: Tensor  # (N,) or (N, K), on the device
    device: torch.device
    streamed: bool  # gathered in the background, not resident
    resident: Tensor | None = None  # the images on an accelerator
    wait_seconds: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._pixels = np.asarray(self.images)  # the same memory without what a map does at each access
        self._group = max(
            1, GROUP_BYTES * len(self.images) // max(1, self.images.nbytes)
        )  # rows announced together
        self._announced = np.zeros(len(self.images) // self._group + 1, dtype=bool)

    def stream(self, batches: Iterable[np.ndarray]) -> Generator[tuple[Tensor, Tensor], None, None]:
        """For each int64 array of rows: (images uint8 (B, C, H, W), labels), both on the device.

        Close the generator to stop early; no thread outlives it. An error while reading is raised here, and
        IndexError for a row that is not there.
        """
        taken = _ahead(self._take, batches) if self.streamed else (self._take(rows) for rows in batches)
        with closing(taken):
            while True:
                start = perf_counter()
                batch = next(taken, None)
                self.wait_seconds += perf_counter() - start
                if batch is None:
                    return
                images, rows = batch
                labels = self.labels.index_select(0, send(rows, self.device))
                yield images.to(self.device, non_blocking=True), labels

    def _take(self, rows: np.ndarray) -> tuple[Tensor, np.ndarray]:
        # the bits of a negative number are those of a large one: one look for both ends
        if rows.size and rows.view(np.uint64).max() >= len(self._pixels):
            raise IndexError(f"row {rows.min()} or {rows.max()} of {len(self._pixels)} images")
        if self.resident is not None:
            return self.resident.index_select(0, send(rows, self.device)), rows
        if isinstance(self.images, Pixels):
            self.images.require_whole()
        self._announce(rows)
        if self.device.type != "cuda":
            return torch.from_numpy(self._pixels.take(rows, axis=0)), rows
        batch = torch.empty((len(rows), *self._pixels.shape[1:]), dtype=_dtype(self._pixels), pin_memory=True)
        self._pixels.take(rows, axis=0, out=batch.numpy(), mode="clip")  # clip: the mode without a copy
        return batch, rows

    def _announce(self, rows: np.ndarray) -> None:
        """Tell the system which rows come next; of images that stay in memory once, and their neighbours with them."""
        if self.streamed:
            announce(self.images, rows)
            return
        groups = rows // self._group
        if not self._announced[groups].all():
            fresh = np.unique(groups[~self._announced[groups]])
            self._announced[fresh] = True
            announce(self.images, fresh * self._group, self._group)


def announce(images: np.ndarray, rows: np.ndarray, count: int = 1) -> None:
    """Tell the system which rows of a map come next, so that it reads them together and not page by page.

    `count` rows from each of `rows` on.
    An array that is no map of a file is left alone, and so is every array where the system takes no advice.
    """
    file = images.base
    if isinstance(images, np.memmap) and isinstance(file, mmap.mmap) and hasattr(mmap, "MADV_WILLNEED"):
        for start, length in pages_of(images, rows, count):
            file.madvise(mmap.MADV_WILLNEED, start, length)


def pages_of(images: np.memmap, rows: np.ndarray, count: int = 1) -> list[tuple[int, int]]:
    """(start, length) in bytes of `count` rows from each row on, within the map: from the start of a page."""
    size, first = images.strides[0], images.offset % mmap.ALLOCATIONGRANULARITY
    starts = (first + rows * size).tolist()
    pages = [start - start % mmap.PAGESIZE for start in starts]
    return [(page, start + count * size - page) for page, start in zip(pages, starts, strict=True)]


def _ahead(take: Take, batches: Iterable[np.ndarray]) -> Generator[tuple[Tensor, np.ndarray], None, None]:
    """`take` of each batch, in order, run by threads up to AHEAD batches early."""
    waiting: deque[Future[tuple[Tensor, np.ndarray]]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="clrx-feed") as threads:
        try:
            for rows in batches:
                waiting.append(threads.submit(take, rows))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def open_feed(
    images: np.ndarray, labels: np.ndarray, device: torch.device | str, budget_bytes: int | None = None
) -> Feed:
    """A feed of images uint8 (N, C, H, W), or features float32 (N, D), and their labels (N,) or (N, K).

    `budget_bytes` is what the images may take of the device's memory; None: half of what is free on an
    accelerator, half of the machine's on CPU.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    device = torch.device(device)
    budget = default_budget(device) if budget_bytes is None else budget_bytes
    fits = images.nbytes <= budget
    resident = _whole(images, device) if fits and device.type != "cpu" else None
    return Feed(images, torch.tensor(labels).to(device), device, not fits, resident)


def default_budget(device: torch.device) -> int:
    """Bytes of images that a device holds without crowding the network out."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _whole(images: np.ndarray, device: torch.device) -> Tensor:
    """The array on the device, brought over in pieces so that the host never holds a second copy."""
    whole = torch.empty(images.shape, dtype=_dtype(images), device=device)
    step = max(1, CHUNK_BYTES * len(images) // max(1, images.nbytes))
    for start in range(0, len(images), step):
        whole[start : start + step].copy_(torch.from_numpy(np.array(images[start : start + step])))
    return whole


def _dtype(array: np.ndarray) -> torch.dtype:
    return torch.from_numpy(np.empty(0, array.dtype)).dtype


def send(values: np.ndarray, device: torch.device) -> Tensor:
    """A small host array as a tensor on the device, without waiting for it; on CPU it shares the array's memory."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
