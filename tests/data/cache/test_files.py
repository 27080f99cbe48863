"""The files of a finished cache: damage to any of them is noticed."""

import shutil

import pytest
from noise_images import cut, damage, source_of

from clrx.data.cache.files import Damaged, open_complete
from clrx.data.cache.listing import list_images

DAMAGE = [
    ("pixels.npy", cut, 2000),
    ("pixels.npy", damage, 128 + 7),  # a row that is looked at
    ("pixels.npy", damage, 70),  # the header
    ("digests.npy", damage, 200),
    ("complete.json", damage, 20),
    ("complete.json", cut, 50),
    ("complete.json", cut, 0),
    ("listing.json", damage, 20),
    ("unreadable.csv", lambda path, place: (path.chmod(0o644), path.write_text("1,x,y\n")), 0),
    ("digests.npy", lambda path, place: path.unlink(), 0),
]


@pytest.mark.parametrize(("name", "harm", "place"), DAMAGE)
def test_a_damaged_cache_is_noticed(images, built, tmp_path, name, harm, place):
    shutil.copytree(built.path, tmp_path / "copy")
    listing = list_images(source_of(images), 12, 1)
    open_complete(tmp_path / "copy", listing)
    harm(tmp_path / "copy" / name, place)
    with pytest.raises((Damaged, FileNotFoundError)):
        open_complete(tmp_path / "copy", listing)
