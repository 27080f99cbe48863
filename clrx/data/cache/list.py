"""The caches on the disk, decoded images and unpacked archives: listed and removed."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clrx.core.files import read_json
from clrx.core.lock import locked
from clrx.core.paths import cache_denied, cache_dir
from clrx.data.cache.build import remove_folder
from clrx.data.cache.files import FORMAT
from clrx.data.cache.listing import is_folder_name, transform_version

State = Literal["finished", "unfinished", "other version", "damaged"]


@dataclass(frozen=True)
class Entry:
    """One cache on the disk."""

    path: Path
    kind: Literal["images", "archive"]
    state: State  # "other version": made by other code than this, so never used again by it
    name: str  # dataset, or archive
    root: str  # folder or archive that its content came from
    size: int  # pixels; 0 for an archive
    channels: int
    images: int  # listed; files for an archive
    bytes: int  # on the disk


def list_caches() -> list[Entry]:
    """Every cache in the cache folder, by name and size; only its small lists are opened."""
    images = [_images_entry(path) for path in _folders(cache_dir() / "images") if is_folder_name(path.name)]
    archives = [_archive_entry(path) for path in _folders(cache_dir() / "unpacked") if _is_unpacked(path)]
    return sorted(images + archives, key=lambda one: (one.kind, one.name, one.size, one.path.name))


def clear_caches(only: Literal["all", "unused"] = "all") -> tuple[list[Entry], list[Entry]]:
    """Remove all caches, or those that this version cannot use. Returns (removed, left: being built now).

    Nothing else is removed: what clrx has not made stays, and no link is followed. A run that has a cache open keeps
    its pixels until it ends. UserError where this user may not remove one.
    """
    removed: list[Entry] = []
    left: list[Entry] = []
    for entry in list_caches():
        if only == "all" or entry.state in ("other version", "damaged"):
            (removed if _remove(entry.path) else left).append(entry)
    return removed, left


def _remove(path: Path) -> bool:
    with locked(path.with_name(path.name.partition(".")[0] + ".lock"), wait=False) as lock:
        if lock is None:
            return False
        if path.exists():
            try:
                remove_folder(path)
            except PermissionError as error:
                raise cache_denied(path, error) from None
        return True


def _is_unpacked(path: Path) -> bool:
    """Whether clrx has unpacked an archive into a folder: by its name, and what it wrote into one that is whole."""
    if not re.fullmatch(r"[A-Za-z0-9-]+-[0-9a-f]{16}(\.partial)?(\.gone)*", path.name):
        return False
    return path.suffix in (".partial", ".gone") or "archive" in _facts(path / ".clrx.json")


def _images_entry(path: Path) -> Entry:
    facts, state = _facts(path / "listing.json"), _state(path)
    if state == "finished" and (facts.get("code"), facts.get("format")) != (transform_version(), FORMAT):
        state = "other version"
    name, root = facts.get("dataset", "?"), facts.get("root", "?")
    size, channels, images = (facts.get(key, 0) for key in ("size", "channels", "images"))
    return Entry(path, "images", state, name, root, size, channels, images, _bytes(path))


def _archive_entry(path: Path) -> Entry:
    facts = _facts(path / ".clrx.json")
    return Entry(
        path,
        "archive",
        "unfinished" if path.suffix in (".partial", ".gone") else "finished",
        Path(facts.get("archive", path.name)).name,
        facts.get("archive", "?"),
        0,
        0,
        facts.get("files", 0),
        _bytes(path),
    )


def _state(path: Path) -> State:
    if path.suffix in (".partial", ".gone"):
        return "unfinished"
    return "finished" if (path / "complete.json").exists() and _facts(path / "listing.json") else "damaged"


def _facts(path: Path) -> dict:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _folders(base: Path) -> list[Path]:
    if not base.is_dir():
        return []
    return sorted(path for path in base.iterdir() if path.is_dir() and not path.is_symlink())


def _bytes(path: Path) -> int:
    return sum(one.lstat().st_blocks * 512 for one in path.rglob("*"))
