"""The feed: the same batches however they come, errors where they are read, and no thread left behind."""

import gc
import mmap
import threading
from itertools import count

import numpy as np
import pytest
import torch

from clrx.data import feed as feed_module
from clrx.data.feed import AHEAD, Feed, open_feed, pages_of

CPU = torch.device("cpu")
ROWS = [np.array([5, 2, 2]), np.array([0]), np.array([19, 1, 7, 3]), np.array([], dtype=np.int64)]


@pytest.fixture
def mapped(tmp_path):
    """20 images (20, 3, 6, 5) in a read-only map, image i filled with i and its column added."""
    path = tmp_path / "images.bin"
    values = np.arange(20, dtype=np.uint8)[:, None, None, None] + np.zeros((3, 6, 5), np.uint8)
    (values + np.arange(5, dtype=np.uint8)).tofile(path)
    return np.memmap(path, dtype=np.uint8, mode="r", shape=(20, 3, 6, 5))


def feeds(images, labels):
    """Each way of reading: in place, in the background, and from a copy on the device."""
    whole = Feed(images, torch.tensor(labels), CPU, False, feed_module._whole(images, CPU))
    return [open_feed(images, labels, "cpu", 10**6), open_feed(images, labels, "cpu", 0), whole]


def feed_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("clrx-feed")]


@pytest.mark.parametrize("labels", [np.arange(20) * 10, np.eye(20, dtype=np.uint8)], ids=["one", "many"])
def test_every_way_gives_the_same_batches(mapped, labels):
    for feed in feeds(mapped, labels):
        batches = list(feed.stream(ROWS))
        assert len(batches) == len(ROWS)
        for (images, targets), rows in zip(batches, ROWS, strict=True):
            assert images.dtype == torch.uint8
            np.testing.assert_array_equal(images.numpy(), np.asarray(mapped)[rows])
            np.testing.assert_array_equal(targets.numpy(), labels[rows])


def test_features_are_fed_as_they_are():
    features = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)
    for feed in feeds(features, np.arange(20)):
        for (batch, _), rows in zip(feed.stream(ROWS), ROWS, strict=True):
            assert batch.dtype == torch.float32
            np.testing.assert_array_equal(batch.numpy(), features[rows])


@pytest.mark.parametrize("rows", [[0, 49, 7], []])
def test_announced_pages_hold_the_rows(tmp_path, rows):
    """Of a .npy map, whose rows start behind a header of 128 bytes and end within pages."""
    images = np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (50, 3, 40, 41))
    for row, (start, length) in zip(rows, pages_of(images, np.array(rows, dtype=np.int64)), strict=True):
        begin = 128 + row * 3 * 40 * 41
        assert start % mmap.PAGESIZE == 0
        assert begin - mmap.PAGESIZE < start <= begin
        assert start + length == begin + 3 * 40 * 41
    images[49] = 9
    assert [
        int(batch.min()) for batch, _ in open_feed(images, np.zeros(50), "cpu", 0).stream([np.array([49])])
    ] == [9]


def test_budget_decides(mapped):
    assert mapped.nbytes == 20 * 90
    assert not open_feed(mapped, np.zeros(20), "cpu", 1800).streamed
    assert open_feed(mapped, np.zeros(20), "cpu", 1799).streamed
    assert not open_feed(mapped, np.zeros(20), "cpu").streamed


def test_pieces_of_the_upload_make_the_whole(mapped, monkeypatch):
    monkeypatch.setattr(feed_module, "CHUNK_BYTES", 90 * 7)  # 7 of 20 images a piece
    np.testing.assert_array_equal(feed_module._whole(mapped, CPU).numpy(), np.asarray(mapped))


def test_many_batches_come_in_order(mapped):
    """Even when each second one has been read before the one ahead of it."""
    feed = open_feed(mapped, np.arange(20), "cpu", 0)
    take, done = feed._take, [threading.Event() for _ in range(20)]

    def late(rows):
        (row,) = rows
        assert row % 2 or done[row + 1].wait(60)
        done[row].set()
        return take(rows)

    feed._take = late
    assert [int(targets) for _, targets in feed.stream(np.array([i]) for i in range(20))] == list(range(20))
    assert not feed_threads()


def test_reading_runs_ahead_and_no_further(mapped):
    asked = []
    stream = open_feed(mapped, np.arange(20), "cpu", 0).stream(
        asked.append(i) or np.array([i]) for i in range(20)
    )
    next(stream)
    assert asked == list(range(AHEAD + 1))
    stream.close()


@pytest.mark.parametrize("ending", ["close", "break", "interrupt"])
@pytest.mark.parametrize("budget", [0, 10**6])
def test_stopping_early_leaves_no_thread(mapped, ending, budget):
    feed = open_feed(mapped, np.arange(20), "cpu", budget)
    stream = feed.stream(np.array([i % 20]) for i in count())  # without end
    if ending == "close":
        next(stream)
        stream.close()
    elif ending == "break":
        for _ in stream:
            break
        del stream
    else:
        with pytest.raises(KeyboardInterrupt):
            _interrupted(stream)
        del stream
    gc.collect()
    assert not feed_threads()


def _interrupted(stream):
    for number, _ in enumerate(stream):
        if number == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("budget", [0, 10**6])
def test_an_error_while_reading_is_raised_at_its_batch(mapped, budget):
    """A row that is not there, and a disk that fails: the batches before it arrive, then the error."""
    stream = open_feed(mapped, np.arange(20), "cpu", budget).stream(
        [np.array([1]), np.array([20]), np.array([2])]
    )
    assert int(next(stream)[1]) == 1
    with pytest.raises(IndexError, match="20 images"):
        next(stream)
    feed = open_feed(mapped, np.arange(20), "cpu", budget)
    feed._take = _failing_disk
    with pytest.raises(OSError, match="input/output error"):
        list(feed.stream(ROWS))
    assert not feed_threads()


def _failing_disk(rows):
    raise OSError("input/output error")


def test_an_error_in_the_order_of_batches_is_raised(mapped):
    def batches():
        yield np.array([0])
        raise RuntimeError("no more orders")

    for budget in (0, 10**6):
        with pytest.raises(RuntimeError, match="no more orders"):
            list(open_feed(mapped, np.arange(20), "cpu", budget).stream(batches()))
    assert not feed_threads()


def test_negative_rows_are_refused(mapped):
    with pytest.raises(IndexError):
        list(open_feed(mapped, np.arange(20), "cpu").stream([np.array([-1])]))


def test_waiting_is_measured(mapped, monkeypatch):
    """By a clock that moves by 1 with each read in this thread: in place all are waited for, in the background none."""
    clock = [0.0]
    monkeypatch.setattr(feed_module, "perf_counter", lambda: clock[0])
    for budget, expected in ((10**6, 10), (0, 0)):
        feed = open_feed(mapped, np.arange(20), "cpu", budget)

        def read(rows, take=feed._take):
            clock[0] += threading.current_thread() is threading.main_thread()
            return take(rows)

        feed._take = read
        for times in (1, 2):  # it adds up over streams
            assert len(list(feed.stream(np.array([i]) for i in range(10)))) == 10
            assert feed.wait_seconds == times * expected


def test_labels_of_another_number_are_refused(mapped):
    with pytest.raises(ValueError, match="20 images, but 19 labels"):
        open_feed(mapped, np.zeros(19), "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_a_gpu_both_ways_give_the_same_batches(mapped):
    labels = np.arange(20)
    for budget in (0, 10**9):
        feed = open_feed(mapped, labels, "cuda", budget)
        assert (feed.resident is None) == (budget == 0)
        for (images, targets), rows in zip(feed.stream(ROWS), ROWS, strict=True):
            assert images.is_cuda
            np.testing.assert_array_equal(images.cpu().numpy(), np.asarray(mapped)[rows])
            np.testing.assert_array_equal(targets.cpu().numpy(), labels[rows])
