"""An archive given as a dataset's root: unpacked once into the cache folder, safely, then used as a folder.

Only regular files are written, each under its own name below the new folder. A link inside the archive
becomes a copy of what it names there; a name that leads out of the folder, a link to outside, a device, and an archive
that unpacks to far more than its size are refused, and nothing of such an archive stays. The folder appears by one
rename when it is whole.
"""

import errno
import hashlib
import json
import logging
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from clrx.core.errors import FULL, RunError, UserError
from clrx.core.inflate import check_inflation
from clrx.core.lock import locked
from clrx.core.paths import cache_dir
from clrx.data.tar_stream import check_end, unpacked_stream

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".zip")
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    ValueError,
    OverflowError,
    RecursionError,
    struct.error,
    NotImplementedError,
)
RECORD = ".clrx.json"  # what the folder was unpacked from
LATEST = 2**33  # seconds; times beyond, and none at all, are taken as 0

log = logging.getLogger("clrx")

Member = tuple[str, int, int, IO[bytes]]  # name, bytes, modification time (s), content


def resolve_root(root: str) -> Path:
    """The folder of a dataset, unpacked first if `root` is an archive, or the file that `root` names.

    Raises UserError for a missing root and for a broken or unsafe archive, RunError where the disk is too
    small.
    """
    path = Path(root).expanduser().absolute()
    if not path.exists():
        raise UserError(
            "there is no such file or folder", where=str(path), fix="dataset.root=FOLDER or ARCHIVE"
        )
    if path.is_dir() or not path.name.lower().endswith(ENDINGS):
        return path
    folder = cache_dir() / "unpacked" / _folder_name(path)
    if not folder.exists():
        with locked(folder.with_name(folder.name + ".lock")):
            if not folder.exists():
                _unpack(path, folder)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a build that was killed
    partial.mkdir()
    log.info("unpacking %s, once", archive)
    try:
        files = _write_members(archive, partial)
    except BROKEN as error:
        what = f"the archive is broken: {error or type(error).__name__}"
        raise UserError(what, where=str(archive), fix="download or copy it again") from None
    except OSError as error:
        raise _disk_error(error, archive) from None
    else:
        facts = {"archive": str(archive), "files": files}
        (partial / RECORD).write_text(json.dumps(facts) + "\n")
        os.sync()  # else a power cut after the rename could leave a whole folder of empty files
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_members(archive: Path, partial: Path) -> int:
    zipped = archive.name.lower().endswith(".zip")
    members = _zip_members(archive) if zipped else _tar_members(archive, partial)
    count, total, made = 0, 0, set()
    for name, size, when, content in members:
        with content:
            target = partial / _safe(name, archive)
            total += size
            check_inflation(total, archive)
            if size > shutil.disk_usage(partial).free:
                raise OSError(errno.ENOSPC, f"{size:,} bytes are needed for {name} alone")
            if target.parent not in made:
                target.parent.mkdir(parents=True, exist_ok=True)
                made.add(target.parent)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
        os.utime(target, (when, when))  # caches of the images are keyed by it
        count += 1
    return count


def _tar_members(archive: Path, folder: Path) -> Iterator[Member]:
    """The files of a tar in its order, then its links, each as what it leads to; `folder`: where they are written."""
    with unpacked_stream(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
        last, targets = dict[str, tarfile.TarInfo](), dict[tarfile.TarInfo, tarfile.TarInfo | str]()
        for member in tar:
            if member.isdir():
                _safe(member.name, archive)
                continue
            if not (member.isreg() or member.issym() or member.islnk()):
                raise _refused(archive, member.name, "is a device or a pipe")
            if member.isreg():
                yield member.name, member.size, _seconds(member.mtime), _content(tar, member)
            else:
                targets[member] = _named(member, last)
            last[os.path.normpath(member.name)] = member
        check_end(stream, tar.offset, archive)
        for link, end in _link_ends(targets, last, archive):
            if last[os.path.normpath(link.name)] is link:
                kept = (
                    last[os.path.normpath(end.name)] is end
                )  # a copy of the file, or of one that was overwritten
                content = (folder / _safe(end.name, archive)).open("rb") if kept else _content(tar, end)
                yield link.name, end.size, _seconds(link.mtime), content


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    assert content is not None
    return content


def _named(link: tarfile.TarInfo, before: dict[str, tarfile.TarInfo]) -> tarfile.TarInfo | str:
    """What a link names: of a hard link the member before it, of a symbolic one the name of a member."""
    if link.islnk():
        return before.get(os.path.normpath(link.linkname), link.linkname)
    return os.path.normpath(PurePosixPath(link.name).parent / link.linkname)


def _link_ends(
    targets: dict[tarfile.TarInfo, tarfile.TarInfo | str], members: dict[str, tarfile.TarInfo], archive: Path
) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarInfo]]:
    """Each link with the file at the end of its chain; no link is looked at twice, so a long chain costs no more."""
    ends: dict[tarfile.TarInfo, tarfile.TarInfo] = {}
    for link in targets:
        chain, at = dict[tarfile.TarInfo, None](), link
        while not at.isreg() and at not in ends:
            named = targets[at]
            found = members.get(named) if isinstance(named, str) else named
            if found is None or found in chain or found is at:
                raise _refused(archive, link.name, f"links to {at.linkname}, which is not in it")
            chain[at], at = None, found
        ends.update(dict.fromkeys(chain, ends.get(at, at)))
        yield link, ends[link]


def _seconds(mtime: float) -> int:
    return int(mtime) if 0 <= mtime < LATEST else 0


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as zipped:
        names: dict[str, str] = {}
        for member in zipped.infolist():
            name = member.filename.replace("\\", "/")  # as some tools on Windows part folders
            if names.setdefault(name, member.filename) != member.filename:
                raise _refused(archive, member.filename, f"would overwrite {names[name]!r}")
            if name.endswith("/"):
                _safe(name, archive)
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise _refused(archive, member.filename, "is a link, a device or a pipe")
            if member.flag_bits & 1:
                raise _refused(archive, member.filename, "is encrypted")
            when = int(time.mktime((*member.date_time, 0, 0, -1)))
            yield name, member.file_size, when, zipped.open(member)


def _safe(name: str, archive: Path) -> PurePosixPath:
    """The member's path below the folder. Refused: absolute names, `..`, drive letters, NUL."""
    path = PurePosixPath(name)
    if path.is_absolute() or re.match(r"[A-Za-z]:", name) or "\0" in name or ".." in re.split(r"[/\\]", name):
        raise _refused(archive, name, "leads out of the folder it is unpacked to")
    if path.parts[:1] == (RECORD,):
        raise _refused(archive, name, "has the name of clrx's own record of what was unpacked")
    return path


def _refused(archive: Path, name: str, why: str) -> UserError:
    fix = "unpack it yourself where that is safe, and name the folder"
    return UserError(f"the archive is not unpacked: its member {name!r} {why}", where=str(archive), fix=fix)


def _disk_error(error: OSError, archive: Path) -> Exception:
    if error.errno in FULL:
        fix = "free space there, or set CLRX_CACHE to a folder on a larger disk"
        return RunError(
            f"the disk is too small to unpack {archive}: {error}", where=str(cache_dir()), fix=fix
        )
    return UserError(f"the archive cannot be unpacked: {error}", where=str(archive))


def _folder_name(archive: Path) -> str:
    """A name for people that differs for another path, length or time of the archive."""
    facts = archive.stat()
    text = f"{archive}\0{facts.st_size}\0{facts.st_mtime_ns}"
    stem = re.sub(r"[^A-Za-z0-9]+", "-", archive.name.partition(".")[0]).strip("-")
    return f"{stem or 'archive'}-{hashlib.sha256(os.fsencode(text)).hexdigest()[:16]}"
