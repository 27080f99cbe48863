"""Figures that are built and not drawn: an empty picture each, which spares a test half a second for each of them."""

from typing import Any

import pytest
from matplotlib.figure import Figure


def leave_pictures_blank(patch: pytest.MonkeyPatch) -> None:
    """Have every picture of this process be an empty file; pixels that the program itself reads are drawn."""
    draw = Figure.savefig

    def blank(figure: Figure, file: Any, **options: Any) -> None:
        if options.get("format") == "raw":
            draw(figure, file, **options)

    patch.setattr(Figure, "savefig", blank)
    patch.setattr(Figure, "draw_without_rendering", lambda figure: None)
