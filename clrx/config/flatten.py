"""A nested configuration as dotted keys and their values."""

from collections.abc import Iterator
from typing import Any


def leaves(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of all in a plain configuration; an empty mapping and a list without mappings are values."""
    if isinstance(config, dict) and config:
        for key, value in config.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(config, list) and any(isinstance(value, dict) for value in config):
        for index, value in enumerate(config):
            yield from leaves(value, f"{prefix}.{index}")
    else:
        yield prefix, config
