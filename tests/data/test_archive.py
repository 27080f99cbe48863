"""Archives as roots: unpacked once, whole or not at all, and never a file outside their folder."""

import gzip
import io
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from clrx.core.errors import RunError, UserError
from clrx.data import archive as archive_of_clrx
from clrx.data.archive import _named as named
from clrx.data.archive import resolve_root

FILES = {"images/a.png": b"one", "images/deep/b c.png": b"two", "röntgen.csv": b"three"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "clrx"))
    return tmp_path / "clrx"


def tar_of(path: Path, files: dict[str, bytes], *extra: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:" + {".tar": ""}.get(path.suffix, path.suffix[1:])) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1_500_000_000
            tar.addfile(member, io.BytesIO(content))
        for member in extra:
            tar.addfile(member)
    return path


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, (2017, 7, 14, 2, 40, 0))
            zipped.writestr(member, content, zipfile.ZIP_DEFLATED)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def make(path: Path, files: dict[str, bytes]) -> Path:
    return zip_of(path, files) if path.suffix == ".zip" else tar_of(path, files)


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    found = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    found.pop(".clrx.json", None)
    return found


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.xz", "x.tar.bz2", "x y.v2.zip", "X.TAR"])
def test_an_archive_becomes_its_folder_once(tmp_path, name):
    path = tmp_path / name
    made = make(path if path.suffix != ".TAR" else tmp_path / "x.tar", FILES)
    made.rename(path)
    folder = resolve_root(str(path))
    assert content(folder) == FILES
    before = folder.stat()
    assert resolve_root(str(path)) == folder
    assert folder.stat() == before  # nothing was written again


def test_times_are_kept_so_that_caches_of_the_images_hold(tmp_path):
    folder = resolve_root(str(tar_of(tmp_path / "x.tar", FILES)))
    assert (folder / "images/a.png").stat().st_mtime == 1_500_000_000


def test_a_changed_archive_is_unpacked_anew(tmp_path):
    first = resolve_root(str(tar_of(tmp_path / "x.tar", FILES)))
    second = resolve_root(str(tar_of(tmp_path / "x.tar", {"other.png": b"more than there was" * 1000})))
    assert first != second
    assert list(content(second)) == ["other.png"]


def test_folders_and_other_files_are_named_as_they_are(tmp_path, monkeypatch):
    (tmp_path / "x.npz").touch()
    assert resolve_root(str(tmp_path)) == tmp_path
    monkeypatch.chdir(tmp_path)
    assert resolve_root("x.npz") == tmp_path / "x.npz"
    with pytest.raises(UserError, match="no such file"):
        resolve_root("missing.zip")


EVIL = ["../evil", "a/../../evil", "/tmp/clrx-evil", "..\\evil", "C:\\evil", "C:evil", "a/.."]


@pytest.mark.parametrize("form", ["x.tar", "x.zip"])
@pytest.mark.parametrize("name", EVIL)
def test_names_that_lead_out_are_refused(tmp_path, cache, form, name):
    path = make(tmp_path / form, {"fine.png": b"fine", name: b"evil"})
    with pytest.raises(UserError, match="leads out of the folder"):
        resolve_root(str(path))
    assert not list(tmp_path.rglob("*evil*"))
    assert not Path("/tmp/clrx-evil").exists()
    assert not content(cache)


LINKS = [
    (special("a", tarfile.SYMTYPE, "/etc/passwd"), "which is not in it"),
    (special("a", tarfile.SYMTYPE, "../../secret"), "which is not in it"),
    (special("a", tarfile.LNKTYPE, "../secret"), "which is not in it"),
    (special("a", tarfile.LNKTYPE, "/etc/passwd"), "which is not in it"),
    (special("a", tarfile.SYMTYPE, "a"), "which is not in it"),  # to itself
    (special("a", tarfile.FIFOTYPE), "device or a pipe"),
    (special("a", tarfile.CHRTYPE), "device or a pipe"),
]


@pytest.mark.parametrize(("member", "reason"), LINKS)
def test_links_out_of_the_archive_and_devices_are_refused(tmp_path, cache, member, reason):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(UserError, match=reason):
        resolve_root(str(tar_of(tmp_path / "x.tar", {"fine.png": b"fine"}, member)))
    assert not content(cache)


def test_a_file_written_through_a_link_is_refused(tmp_path, cache):
    member = special("door", tarfile.SYMTYPE, str(tmp_path))
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.addfile(member)
        tar.addfile(tarfile.TarInfo("door/evil"))
    with pytest.raises(UserError, match="which is not in it"):
        resolve_root(str(tmp_path / "x.tar"))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_inside_become_copies(tmp_path, kind):
    target = "a.png" if kind == tarfile.SYMTYPE else "images/a.png"
    path = tar_of(tmp_path / "x.tar", FILES, special("images/copy.png", kind, target))
    copy = resolve_root(str(path)) / "images/copy.png"
    assert copy.read_bytes() == b"one"
    assert not copy.is_symlink()


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("a")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as zipped:
        zipped.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="is a link"):
        resolve_root(str(tmp_path / "x.zip"))


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.xz", "x.tar.bz2", "x.zip"])
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_broken_archive_is_refused_and_leaves_nothing(tmp_path, cache, name, damage):
    noise = b"".join(bytes([i * i % 251, i % 7]) for i in range(40_000))
    path = make(tmp_path / name, {"a.png": noise, "b.png": noise})
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "text": b"hello" * 99, "empty": b""}[damage])
    with pytest.raises(UserError, match="broken"):
        resolve_root(str(path))
    assert not content(cache)


def test_a_flipped_byte_in_a_zip_is_noticed(tmp_path):
    path = zip_of(tmp_path / "x.zip", {"a.png": bytes(range(256)) * 100})
    data = bytearray(path.read_bytes())
    data[60] ^= 255
    path.write_bytes(data)
    with pytest.raises(UserError, match="broken"):
        resolve_root(str(path))


def test_what_a_killed_unpacking_left_is_not_used(tmp_path, cache):
    path = tar_of(tmp_path / "x.tar", FILES)
    folder = resolve_root(str(path))
    partial = folder.with_name(folder.name + ".partial")
    folder.rename(partial)  # as if killed just before the end, with a file half-written and one too many
    (partial / "images/a.png").write_bytes(b"o")
    (partial / "more.png").touch()
    assert content(resolve_root(str(path))) == FILES
    assert not partial.exists()


def test_a_full_disk_leaves_nothing(tmp_path, cache, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 4}))
    with pytest.raises(RunError, match="5 bytes are needed"):
        resolve_root(str(tar_of(tmp_path / "x.tar", {"a": b"1234", "b": b"12345"})))
    assert not content(cache)


def test_many_at_once_unpack_once(tmp_path):
    path = tar_of(tmp_path / "x.tar.gz", FILES | {f"{i}.png": bytes(999) for i in range(200)})
    found = []
    threads = [threading.Thread(target=lambda: found.append(resolve_root(str(path)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(content(found[0])) == 203
    assert sorted(one.name for one in found[0].parent.iterdir() if one.is_dir()) == [found[0].name]


def test_the_real_x_rays_unpack(shared_data):
    folder = resolve_root(str(shared_data / "nih" / "images_64.tar.xz"))
    assert len(list(folder.rglob("*.png"))) == 1000


def test_a_zip_with_backslashes_has_folders(tmp_path):
    """As Compress-Archive of PowerShell 5 writes it."""
    names = {"train\\cat\\1.png": b"one", "train\\dog\\2.png": b"two", "train\\empty\\": b""}
    folder = resolve_root(str(zip_of(tmp_path / "x.zip", names)))
    assert content(folder) == {"train/cat/1.png": b"one", "train/dog/2.png": b"two"}


@pytest.mark.parametrize("name", ["..\\out.png", "a\\..\\..\\out.png", "\\out.png", "C:\\out.png"])
def test_backslashes_lead_nowhere_else(tmp_path, name):
    with pytest.raises(UserError, match="leads out of the folder"):
        resolve_root(str(zip_of(tmp_path / "x.zip", {name: b"one"})))
    assert not list(tmp_path.rglob("out.png"))


def test_two_members_that_would_be_one_file_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"would overwrite 'a/1.png'"):
        resolve_root(str(zip_of(tmp_path / "x.zip", {"a/1.png": b"one", "a\\1.png": b"two"})))


def members_of(path: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return tar.getmembers()


@pytest.mark.parametrize("form", ["x.tar", "x.tar.gz"])
@pytest.mark.parametrize(
    "damage", ["a bad header", "cut at a header", "one zero block", "bytes after the end"]
)
def test_a_tar_that_ends_before_its_end_is_refused(tmp_path, cache, form, damage):
    """tarfile itself ends in silence at a header that it cannot read, and at a file cut between members."""
    names = {f"{i}.png": bytes([i]) * 700 for i in range(6)}
    path = tar_of(tmp_path / "x.tar", names)
    third, content_of = members_of(path)[3].offset, bytearray(path.read_bytes())
    last = members_of(path)[-1].offset_data + 1024
    spoilt = {
        "a bad header": content_of[: third + 150] + b"\xff" + content_of[third + 151 :],
        "cut at a header": content_of[:third],
        "one zero block": content_of[: last + 512],
        "bytes after the end": content_of + bytes(3000) + b"x",
    }[damage]
    (tmp_path / form).write_bytes(gzip.compress(spoilt) if form.endswith("gz") else spoilt)
    with pytest.raises(UserError, match=r"the archive is broken: (what follows byte|it is cut at byte)"):
        resolve_root(str(tmp_path / form))
    assert not content(cache)


def test_a_chain_of_links_is_followed_once(tmp_path, monkeypatch):
    """900 took 41 s: each link of a chain was looked for among all members again."""
    links = [special(f"{i}.png", tarfile.SYMTYPE, f"{i + 1}.png") for i in range(900)]
    whole = tarfile.TarInfo("900.png")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for link in links:
            tar.addfile(link)
        whole.size = 3
        tar.addfile(whole, io.BytesIO(b"end"))
        for i in range(900):
            tar.addfile(special(f"hard {i}.png", tarfile.LNKTYPE, f"hard {i - 1}.png" if i else "5.png"))
    looked = []
    monkeypatch.setattr(archive_of_clrx, "_named", lambda *found: looked.append(found) or named(*found))
    found = content(resolve_root(str(tmp_path / "x.tar")))
    assert len(found) == 1801
    assert set(found.values()) == {b"end"}
    assert len(looked) == 1800


def test_a_hard_link_to_a_file_that_was_overwritten_keeps_what_it_named(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for name, text in (("a", b"one"), ("link", None), ("a", b"two")):
            member = tarfile.TarInfo(name) if text else special(name, tarfile.LNKTYPE, "a")
            member.size = len(text or b"")
            tar.addfile(member, io.BytesIO(text or b""))
    assert content(resolve_root(str(tmp_path / "x.tar"))) == {"a": b"two", "link": b"one"}


@pytest.mark.parametrize("mtime", ["inf", "nan", "1e300", "-5"])
def test_a_time_that_is_none_is_taken_as_0(tmp_path, mtime):
    member = tarfile.TarInfo("a.png")
    member.pax_headers = {"mtime": mtime}
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member)
    assert (resolve_root(str(tmp_path / "x.tar")) / "a.png").stat().st_mtime == 0


@pytest.mark.parametrize("form", ["x.tar", "x.zip"])
@pytest.mark.parametrize("name", [".clrx.json", ".clrx.json/x", "./.clrx.json/x"])
def test_a_member_with_the_name_of_clrxs_record_is_refused(tmp_path, cache, form, name):
    with pytest.raises(UserError, match="clrx's own record"):
        resolve_root(str(make(tmp_path / form, {"fine.png": b"fine", name: b"x"})))
    assert not content(cache)


@pytest.mark.parametrize("form", ["x.zip", "x.tar.gz", "x.tar.xz", "x.tar.bz2"])
def test_an_archive_that_unpacks_to_a_thousandfold_is_refused(tmp_path, cache, form, monkeypatch):
    monkeypatch.setattr("clrx.core.inflate.ALWAYS", 1 << 20)
    path = make(tmp_path / form, {f"{i}.png": bytes(1 << 20) for i in range(3)})
    with pytest.raises(UserError, match="neither images nor weights do"):
        resolve_root(str(path))
    assert not content(cache)


def test_links_to_one_large_file_count_as_often_as_they_are_copied(tmp_path, monkeypatch):
    monkeypatch.setattr("clrx.core.inflate.ALWAYS", 1 << 16)
    monkeypatch.setattr("clrx.core.inflate.MOST_TIMES", 2)
    links = [special(f"{i}", tarfile.LNKTYPE, "big") for i in range(400)]
    path = tar_of(tmp_path / "x.tar", {"big": bytes(9999)}, *links)
    with pytest.raises(UserError, match="neither images nor weights do"):
        resolve_root(str(path))
