"""The README as a package index shows it, where pictures and files of the repository are not at hand."""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

LOCAL = r"\((?![a-z]+:|#)([^)\s]+)\)"  # the target of a Markdown link to a file beside the README


def for_index(text: str) -> str:
    """Markdown without pictures, and with the paths of files in place of links to them."""
    text = re.sub(rf"!\[[^\]]*\]{LOCAL}\n*", "", text)
    return re.sub(rf"\[[^\]]*\]{LOCAL}", r"`\1`", text)


class Readme(MetadataHookInterface):
    """Gives the package that README as its description."""

    def update(self, metadata: dict) -> None:
        text = for_index((Path(self.root) / "README.md").read_text(encoding="utf-8"))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
