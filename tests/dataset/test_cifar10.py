"""CIFAR-10: torchvision's download with its checksums from a server here, and images by class."""

import hashlib
import pickle
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from clrx.core.errors import UserError
from clrx.data.split import make_split
from clrx.dataset import cifar10
from clrx.dataset.cifar10 import CLASSES

BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


@pytest.fixture(autouse=True)
def in_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))


def refusal(*args, **keys) -> str:
    with pytest.raises(UserError) as error:
        cifar10.load(*args, **keys)
    return str(error.value)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A server with an archive as CIFAR-10's: 20 images a batch, pixel (0, 0) of image i is i in all colours."""
    folder = tmp_path / "www" / CIFAR10.base_folder
    folder.mkdir(parents=True)
    for batch in BATCHES:
        data = np.zeros((20, 3, 32, 32), np.uint8)
        data[:, :, 0, 0] = np.arange(20)[:, None]
        content = {"data": data.reshape(20, 3072), "labels": [i % 10 for i in range(20)]}
        (folder / batch).write_bytes(pickle.dumps(content))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(CLASSES)}))
    archive = tmp_path / "www" / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, CIFAR10.base_folder)

    def md5(path):
        return hashlib.md5(path.read_bytes()).hexdigest()

    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive))
    monkeypatch.setattr(CIFAR10, "train_list", [[name, md5(folder / name)] for name in BATCHES[:5]])
    monkeypatch.setattr(CIFAR10, "test_list", [[BATCHES[5], md5(folder / BATCHES[5])]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(folder / "batches.meta")})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/{CIFAR10.filename}")
    yield archive
    server.shutdown()
    server.server_close()


def check(source):
    assert (source.classes, source.task, source.channels) == (CLASSES, "multiclass", 3)
    assert source.array.shape == (120, 32, 32, 3)
    assert source.array[:, 0, 0].tolist() == [[i % 20] * 3 for i in range(120)]
    assert source.labels.tolist() == [i % 10 for i in range(120)]
    assert source.table["split"].tolist() == ["train"] * 100 + ["test"] * 20
    assert source.table["image"].is_unique
    assert (source.mean, source.std) == (
        (0.4914, 0.4822, 0.4465),
        (0.2023, 0.1994, 0.2010),
    )  # Mishra 2019, 2.1


def test_download_by_name(served, tmp_path):
    check(cifar10.load(download=True))
    assert (tmp_path / "cache/clrx/cifar10/cifar-10-batches-py/data_batch_1").is_file()
    served.unlink()
    check(cifar10.load(download=True))  # what is there is not fetched again
    check(cifar10.load(str(tmp_path / "cache/clrx/cifar10")))


def test_a_fetched_archive_as_root(served):
    check(cifar10.load(str(served)))


def test_a_root_of_ones_own(served, tmp_path):
    check(cifar10.load(str(tmp_path / "mine"), download=True))
    assert (tmp_path / "mine/cifar-10-batches-py/test_batch").is_file()


def test_other_bytes_than_the_checksum_are_refused(served, tmp_path, monkeypatch):
    monkeypatch.setattr(CIFAR10, "tgz_md5", "0" * 32)
    assert "could not be downloaded" in refusal(str(tmp_path / "mine"), download=True)
    batch = tmp_path / "www/cifar-10-batches-py/data_batch_3"
    batch.write_bytes(batch.read_bytes()[:-1] + b"x")
    assert "could not be read" in refusal(str(tmp_path / "www"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.tar.gz", "http://no-such-host.invalid/x.tar.gz"])
def test_a_server_that_is_not_there(tmp_path, monkeypatch, url):
    monkeypatch.setattr(CIFAR10, "url", url)
    said = refusal(str(tmp_path / "mine"), download=True)
    assert "CIFAR-10 could not be downloaded" in said
    assert f"fetch {url} another way" in said


@pytest.fixture
def by_class(tmp_path):
    """6 training images and 1 test image a class."""
    for part, count in (("train", 6), ("test", 1)):
        for label in CLASSES:
            folder = tmp_path / "images" / part / label
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (32, 32)).save(folder / f"{number:04d}.png")
    return tmp_path / "images"


def test_images_by_class(by_class):
    source = cifar10.load(str(by_class))
    assert np.bincount(source.labels).tolist() == [7] * 10
    assert source.notes == ()
    split = make_split(source, "official", validation=1 / 6)  # of the 60: 5 to 1
    assert [len(rows) for rows in (split.train, split.validation, split.test)] == [50, 10, 10]
    (by_class / "train/cat/0000.png").rename(by_class / "train/cat/0000.jpg")
    lossy = cifar10.load(str(by_class))
    assert "encoded again" in lossy.notes[0]
    assert "encoded again" in dict(lossy.facts)["not as published"]


def test_roots_that_are_none(by_class, tmp_path):
    assert "dataset.download=true" in refusal(None)
    (by_class / "test/cat/0000.png").unlink()
    for label in CLASSES:
        (by_class / "test" / label / "0000.png").unlink(missing_ok=True)
    assert "this is not CIFAR-10" in refusal(str(by_class))
    (tmp_path / "file.txt").touch()
    assert "is a file" in refusal(str(tmp_path / "file.txt"))


@pytest.mark.slow
def test_the_real_archive_is_read(shared_data):
    source = cifar10.load(str(shared_data / "cifar10" / "cifar10_jpeg.tar.xz"))
    split = make_split(source, "official", validation=1 / 6)
    assert np.bincount(source.labels).tolist() == [6000] * 10
    assert np.bincount(source.labels[split.test]).tolist() == [1000] * 10
    assert [len(rows) for rows in (split.train, split.validation)] == pytest.approx([41667, 8333], abs=10)
